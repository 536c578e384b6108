"""Medicines: names with their class and RxNorm ingredient, and medicines as intervals.

RXCUIs were compared with the concept sets of the OHDSI PhenotypeLibrary; a medicine whose code was not is shipped
without one. A biosimilar has the ingredient's name and code.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from shared.errors import FieldError
from shared.events import DrugClass


class Route(StrEnum):
    ORAL = "oral"
    SUBCUTANEOUS = "subcutaneous"
    INTRAVENOUS = "intravenous"
    INTRAMUSCULAR = "intramuscular"
    RECTAL = "rectal"
    OTHER = "other"


class StopReason(StrEnum):
    """Why an interval ended. `DOSE_CHANGED`: the medicine goes on, as an interval of its own."""

    DOSE_CHANGED = "dose-changed"
    COURSE_COMPLETED = "course-completed"
    REMISSION = "remission"
    NO_RESPONSE = "no-response"
    LOSS_OF_RESPONSE = "loss-of-response"
    SIDE_EFFECTS = "side-effects"
    INFECTION = "infection"
    SURGERY = "surgery"
    PREGNANCY = "pregnancy"
    COST_OR_COVERAGE = "cost-or-coverage"
    PATIENT_CHOICE = "patient-choice"
    OTHER = "other"
    UNKNOWN = "unknown"


class Medicine(NamedTuple):
    """A medicine by its ingredient. `rxcui` is null where no verified code is known."""

    name: str
    drug_class: DrugClass
    rxcui: str | None = None


_MEMBERS: dict[DrugClass, dict[str, str | None]] = {
    DrugClass.AMINOSALICYLATE: {"mesalamine": None, "sulfasalazine": "9524", "balsalazide": None, "olsalazine": None},
    DrugClass.SYSTEMIC_STEROID: {
        "prednisone": "8640",
        "prednisolone": None,
        "methylprednisolone": "6902",
        "hydrocortisone": "5492",
    },
    DrugClass.LOCAL_STEROID: {"budesonide": None},
    DrugClass.IMMUNOMODULATOR: {
        "azathioprine": "1256",
        "mercaptopurine": None,
        "methotrexate": "6851",
        "cyclosporine": None,
        "tacrolimus": None,
    },
    DrugClass.ANTI_TNF: {
        "infliximab": "191831",
        "adalimumab": "327361",
        "certolizumab pegol": "709271",
        "golimumab": "819300",
    },
    DrugClass.ANTI_INTEGRIN: {"vedolizumab": None, "natalizumab": None},
    DrugClass.ANTI_IL_12_23: {"ustekinumab": "847083"},
    DrugClass.ANTI_IL_23: {"risankizumab": "2166040", "mirikizumab": None, "guselkumab": "1928588"},
    DrugClass.JAK_INHIBITOR: {"tofacitinib": "1357536", "upadacitinib": None},
    DrugClass.S1P_MODULATOR: {"ozanimod": None, "etrasimod": None},
    DrugClass.OPIOID: dict.fromkeys(
        ("codeine", "fentanyl", "hydrocodone", "hydromorphone", "morphine", "oxycodone", "tapentadol", "tramadol")
    ),
    # An opioid by its chemistry, but for the bowel only: the opioid measure must not count it.
    DrugClass.OTHER: {"loperamide": None},
}

MEDICINES: Mapping[str, Medicine] = MappingProxyType(
    {
        name: Medicine(name, drug_class, rxcui)
        for drug_class, members in _MEMBERS.items()
        for name, rxcui in members.items()
    }
)


def medicine_of(name: str, drug_class: DrugClass | None = None, route: Route | None = None) -> Medicine | FieldError:
    """The medicine with this name, however it is written; one that is not listed is `other` unless a class is given.

    A listed medicine has its own class, and a steroid given rectally acts locally. An error when another is given.
    """
    plain = " ".join(name.split()).casefold()
    known = MEDICINES.get(plain)
    if known is None:
        return Medicine(" ".join(name.split()), drug_class or DrugClass.OTHER)
    if known.drug_class is DrugClass.SYSTEMIC_STEROID and route is Route.RECTAL:
        known = known._replace(drug_class=DrugClass.LOCAL_STEROID)
    if drug_class not in (None, known.drug_class):
        return FieldError("drug_class", f"{known.drug_class} for this medicine and route, or nothing")
    return known


def interval_errors(started_on: date, stopped_on: date | None, stop_reason: StopReason | None) -> list[FieldError]:
    """What is wrong with an interval: it ends no earlier than it starts, and with a reason; open, it has none."""
    errors = []
    if stopped_on is not None and stopped_on < started_on:
        errors.append(FieldError("stopped_on", "not before started_on"))
    if stopped_on is not None and stop_reason is None:
        errors.append(FieldError("stop_reason", f"why it was stopped: one of {', '.join(StopReason)}"))
    if stopped_on is None and stop_reason is not None:
        errors.append(FieldError("stop_reason", "nothing while the medicine is taken; or give stopped_on"))
    return errors
