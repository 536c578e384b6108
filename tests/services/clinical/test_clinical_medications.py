"""Medicines: which class and code a name has, and which intervals can be."""

from datetime import date

import pytest

from services.clinical.domain import MEDICINES, Medicine, Route, StopReason, interval_errors, medicine_of
from shared.errors import FieldError
from shared.events import DrugClass

START = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("name", "drug_class", "rxcui"),
    [
        ("infliximab", DrugClass.ANTI_TNF, "191831"),
        ("adalimumab", DrugClass.ANTI_TNF, "327361"),
        ("certolizumab pegol", DrugClass.ANTI_TNF, "709271"),
        ("golimumab", DrugClass.ANTI_TNF, "819300"),
        ("ustekinumab", DrugClass.ANTI_IL_12_23, "847083"),
        ("risankizumab", DrugClass.ANTI_IL_23, "2166040"),
        ("guselkumab", DrugClass.ANTI_IL_23, "1928588"),
        ("tofacitinib", DrugClass.JAK_INHIBITOR, "1357536"),
        ("methotrexate", DrugClass.IMMUNOMODULATOR, "6851"),
        ("azathioprine", DrugClass.IMMUNOMODULATOR, "1256"),
        ("prednisone", DrugClass.SYSTEMIC_STEROID, "8640"),
        ("methylprednisolone", DrugClass.SYSTEMIC_STEROID, "6902"),
        ("hydrocortisone", DrugClass.SYSTEMIC_STEROID, "5492"),
        ("sulfasalazine", DrugClass.AMINOSALICYLATE, "9524"),
        ("mesalamine", DrugClass.AMINOSALICYLATE, None),
        ("budesonide", DrugClass.LOCAL_STEROID, None),
        ("vedolizumab", DrugClass.ANTI_INTEGRIN, None),
        ("etrasimod", DrugClass.S1P_MODULATOR, None),
        ("oxycodone", DrugClass.OPIOID, None),
        ("loperamide", DrugClass.OTHER, None),
    ],
)
def test_a_listed_medicine_has_its_class_and_its_code_where_that_was_verified(
    name: str, drug_class: DrugClass, rxcui: str | None
) -> None:
    assert medicine_of(name) == Medicine(name, drug_class, rxcui)


def test_no_two_medicines_share_a_code() -> None:
    codes = [medicine.rxcui for medicine in MEDICINES.values() if medicine.rxcui is not None]
    assert len(codes) == len(set(codes)) == 14


def test_a_name_is_found_however_it_is_written() -> None:
    assert medicine_of("  Certolizumab   PEGOL ") == MEDICINES["certolizumab pegol"]


@pytest.mark.parametrize("name", ["hydrocortisone", "prednisolone", "budesonide"])
def test_a_steroid_given_rectally_is_not_a_systemic_one(name: str) -> None:
    assert class_of(medicine_of(name, route=Route.RECTAL)) is DrugClass.LOCAL_STEROID


def test_the_route_changes_the_class_of_steroids_only() -> None:
    assert class_of(medicine_of("mesalamine", route=Route.RECTAL)) is DrugClass.AMINOSALICYLATE


def test_an_unlisted_medicine_is_kept_with_the_class_that_is_given_or_other() -> None:
    assert medicine_of(" Newmab  XR", DrugClass.ANTI_IL_23) == Medicine("Newmab XR", DrugClass.ANTI_IL_23)
    assert medicine_of("Newmab") == Medicine("Newmab", DrugClass.OTHER)


def test_a_listed_medicine_does_not_take_another_class() -> None:
    error = medicine_of("prednisone", DrugClass.LOCAL_STEROID, Route.ORAL)
    assert error == FieldError("drug_class", "steroid-systemic for this medicine and route, or nothing")


@pytest.mark.parametrize(
    ("stopped_on", "reason", "wrong"),
    [
        (None, None, []),
        (START, StopReason.SIDE_EFFECTS, []),
        (date(2026, 4, 1), StopReason.COURSE_COMPLETED, []),
        (date(2026, 2, 28), StopReason.SIDE_EFFECTS, ["stopped_on"]),
        (date(2026, 4, 1), None, ["stop_reason"]),
        (date(2026, 2, 28), None, ["stopped_on", "stop_reason"]),
        (None, StopReason.SURGERY, ["stop_reason"]),
    ],
)
def test_an_interval_ends_no_earlier_than_it_starts_and_for_a_reason(
    stopped_on: date | None, reason: StopReason | None, wrong: list[str]
) -> None:
    assert [error.field for error in interval_errors(START, stopped_on, reason)] == wrong


def class_of(medicine: Medicine | FieldError) -> DrugClass:
    assert isinstance(medicine, Medicine)
    return medicine.drug_class
