"""The words that events use where only some words are allowed."""

from enum import StrEnum


class SiteType(StrEnum):
    ACADEMIC = "academic"
    PRIVATE = "private"


class Diagnosis(StrEnum):
    CROHNS = "crohns-disease"
    ULCERATIVE_COLITIS = "ulcerative-colitis"
    IBD_UNCLASSIFIED = "ibd-unclassified"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Education(StrEnum):
    LESS_THAN_HIGH_SCHOOL = "less-than-high-school"
    HIGH_SCHOOL = "high-school"
    SOME_COLLEGE = "some-college"
    COLLEGE_DEGREE = "college-degree"
    NOT_SAID = "not-said"


class Language(StrEnum):
    ENGLISH = "en"
    SPANISH = "es"
    OTHER = "other"


class ConsentState(StrEnum):
    """Consent to *network* use. Care never depends on it."""

    INVITED = "invited"
    CONSENTED = "consented"
    DISSENTED = "dissented"
    WITHDRAWN = "withdrawn"


class ErasureReason(StrEnum):
    """Why a patient was erased. Codes only, as with consent."""

    PATIENT_REQUEST = "patient-request"
    ENROLLED_IN_ERROR = "enrolled-in-error"
    RETENTION_ENDED = "retention-ended"
    LEGAL_ORDER = "legal-order"


class VisitState(StrEnum):
    SCHEDULED = "scheduled"
    CHECKED_IN = "checked-in"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class YesNoUnsure(StrEnum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class SkipReason(StrEnum):
    """Why a question that was shown has no answer. A question that was not shown does not appear at all."""

    PREFER_NOT_TO_SAY = "prefer-not-to-say"
    DOES_NOT_APPLY = "does-not-apply"
    DO_NOT_KNOW = "do-not-know"


class EntryMode(StrEnum):
    """Who gave the answers, and how: on paper or by phone people answer otherwise than alone with a screen."""

    SELF = "self"
    PAPER = "paper"
    PHONE = "phone"
    PROXY = "proxy"


class RecordChange(StrEnum):
    """What a version of a record is to the one before it."""

    COMPLETED = "completed"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered-in-error"


class CorrectionReason(StrEnum):
    """Why a record has another version. Codes only, as with consent."""

    PATIENT_CORRECTED = "patient-corrected"
    ENTRY_MISTAKE = "entry-mistake"
    WRONG_PATIENT = "wrong-patient"
    WRONG_VISIT = "wrong-visit"
    TEST_ENTRY = "test-entry"
    OTHER = "other"


class ConcernTopic(StrEnum):
    SYMPTOMS = "symptoms"
    MEDICINE = "medicine"
    SIDE_EFFECTS = "side-effects"
    STEROIDS = "steroids"
    DIET = "diet"
    WORK_OR_SCHOOL = "work-or-school"
    FAMILY = "family"
    MOOD = "mood"
    COST = "cost"
    OTHER = "other"


class Activity(StrEnum):
    """Disease activity in four words, as the physician global assessment (PGA) and the index bands use them."""

    REMISSION = "remission"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class ViewerRole(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"


class ViewContext(StrEnum):
    BEFORE_VISIT = "before-visit"
    IN_VISIT = "in-visit"
    AFTER_VISIT = "after-visit"
    OUTSIDE = "outside"


class ViewEnd(StrEnum):
    """How it is known that a look is over: the page said so, nothing was heard of it for long, or a site's system
    reported it whole.
    """

    BEACON = "beacon"
    TIMEOUT = "timeout"
    REPORTED = "reported"


class DrugClass(StrEnum):
    """Class of a medicine. Rectal and gut-acting steroids are `steroid-local`: they do not count as systemic."""

    AMINOSALICYLATE = "5-asa"
    SYSTEMIC_STEROID = "steroid-systemic"
    LOCAL_STEROID = "steroid-local"
    IMMUNOMODULATOR = "immunomodulator"
    ANTI_TNF = "anti-tnf"
    ANTI_INTEGRIN = "anti-integrin"
    ANTI_IL_12_23 = "anti-il-12-23"
    ANTI_IL_23 = "anti-il-23"
    JAK_INHIBITOR = "jak-inhibitor"
    S1P_MODULATOR = "s1p-modulator"
    OPIOID = "opioid"
    OTHER = "other"
