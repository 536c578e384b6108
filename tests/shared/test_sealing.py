"""Sealed words open for their patient, in their place, and nowhere else."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing import NOT_READABLE_NOW, Patient, Place, WordKey, Words, WordsState, in_event, in_record

PATIENT = Patient("riverbend", uuid4())
EVENT, KEY = uuid4(), bytes(range(32))
HERE = in_event(EVENT, "concerns.1.words")


@given(st.text(max_size=500))
def test_what_was_sealed_opens_as_it_was_and_never_looks_the_same_twice(words: str) -> None:
    key = WordKey(PATIENT, KEY)
    sealed = key.seal(words, HERE)
    assert WordKey(PATIENT, KEY).open(sealed, HERE) == Words(WordsState.READABLE, words)
    assert key.seal(words, HERE) != sealed


@pytest.mark.parametrize(
    "place",
    [
        in_event(uuid4(), "concerns.1.words"),
        in_event(EVENT, "concerns.2.words"),
        in_event(EVENT, "matters_most"),
        in_record(EVENT, "concerns.1.words"),
    ],
    ids=["another event", "another concern", "another field", "a record"],
)
def test_a_text_that_was_moved_does_not_open(place: Place) -> None:
    key = WordKey(PATIENT, KEY)
    assert key.open(key.seal("words", HERE), place) == NOT_READABLE_NOW


@pytest.mark.parametrize(
    "patient", [Patient("lakeside", PATIENT.patient_id), Patient("riverbend", uuid4())], ids=["site", "patient"]
)
def test_a_text_of_another_does_not_open_even_under_the_same_key(patient: Patient) -> None:
    assert WordKey(patient, KEY).open(WordKey(PATIENT, KEY).seal("words", HERE), HERE) == NOT_READABLE_NOW


@given(st.text(max_size=80))
def test_a_text_that_nobody_sealed_is_not_readable_and_breaks_nothing(text: str) -> None:
    key = WordKey(PATIENT, KEY)
    for sealed in (text, f"1.{text}", f"2.{key.seal('words', HERE)[2:]}"):
        assert key.open(sealed, HERE) == NOT_READABLE_NOW
