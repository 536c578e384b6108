"""Clinical: what the clinic knows of a patient.

Owns global assessments, laboratory results, medicines as intervals and the steps of the shared plan. Results keep
the unit that the laboratory reported and travel in the canonical one; a plan's words are kept and travel sealed. What
should never have been recorded stays with a mark, and counts nowhere.
"""

from shared.events import CLINICIAN_DATA_UPDATED, ENROLLMENT_UPDATED, PATIENT_ERASED, Topic

CONSUMES: tuple[Topic, ...] = (ENROLLMENT_UPDATED, PATIENT_ERASED)
PUBLISHES: tuple[Topic, ...] = (CLINICIAN_DATA_UPDATED,)
# Tables made from events alone, which a rebuild makes anew, and those that it leaves as they are.
PROJECTIONS = ("patient",)
KEPT = ("assessment", "lab", "medication", "plan_step", "entered_in_error", "erasure")
