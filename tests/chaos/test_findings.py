"""The auditor's checks: nothing is found in a system that is sound, and each kind of damage by the check for it."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from deploy.chaos import writes
from deploy.chaos.evidence import Copy, Evidence, Fact, Letter, Reader
from deploy.chaos.findings import checks
from deploy.chaos.ledger import NEVER, Entry
from deploy.chaos.told import Figure, Item
from deploy.chaos.traffic import POISON
from shared.broker import Stream
from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    LINK_REVOKED,
    PATIENT_ERASED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
)
from tests.builders import SITE

ANN, BOB, CAT = "ann", "bob", "cat"
SURVEYS, VISITS, VIEWS = SURVEY_COMPLETED.name, VISIT_UPDATED.name, DASHBOARD_VIEWED.name
REVOKED, ERASED, CLINICAL = LINK_REVOKED.name, PATIENT_ERASED.name, CLINICIAN_DATA_UPDATED.name


def a_fact(event_id: str, topic: str, key: str, sequence: int, thing: str | None = None) -> Fact:
    return Fact(event_id, Stream(SITE, topic, key), sequence, event_id.encode(), thing)


def copies_of(*facts: Fact) -> list[Copy]:
    return [
        Copy(fact.event_id, fact.stream, fact.sequence, fact.digest, f"{fact.stream.topic}/0@{offset}")
        for offset, fact in enumerate(facts)
    ]


def an_entry(what: str, thing: str, receipt: str | None, **more: Any) -> Entry:
    return Entry(**{"what": what, "site_id": SITE, "status": 201, "thing": thing, "receipt": receipt, **more})


FACTS = [
    a_fact("e1", SURVEYS, ANN, 1),
    a_fact("e2", SURVEYS, ANN, 2),
    a_fact("e3", SURVEYS, BOB, 1),
    a_fact("e4", VISITS, ANN, 1, "v1"),
    a_fact("e5", VISITS, ANN, 2, "v1"),
    a_fact("e6", VIEWS, BOB, 1, "l1"),
    a_fact("e7", VIEWS, BOB, 2, "l1"),
    a_fact("a1", SURVEYS, ANN, 3),
    a_fact("m1", SURVEYS, BOB, 2),
    a_fact("r1", REVOKED, ANN, 1, "k1"),
    a_fact("d1", CLINICAL, ANN, 1),
    a_fact("d2", CLINICAL, ANN, 2),
    a_fact("d3", CLINICAL, ANN, 3),
    a_fact("d4", CLINICAL, ANN, 4),
    a_fact("d5", CLINICAL, ANN, 5),
    a_fact("c1", SURVEYS, CAT, 1),
    a_fact("c2", ERASED, CAT, 1, CAT),
]
LEDGER = [
    an_entry(writes.SURVEY, "s1", "e1", patient_id=ANN),
    an_entry(writes.SURVEY, "s2", "e2", patient_id=ANN),
    an_entry(writes.SURVEY, "s3", "e3", patient_id=BOB),
    an_entry(writes.VISIT, "v1", "e4", patient_id=ANN),
    an_entry(writes.CHANGE, "v1", None, patient_id=ANN, state="completed", status=200, lost=1),
    an_entry(writes.LOOK, "l1", None, patient_id=BOB, status=200),
    an_entry(writes.BEACON, "l1", None, patient_id=BOB, status=204, state="5000"),
    an_entry(writes.AMENDMENT, "s1", "a1", patient_id=ANN),
    an_entry(writes.MISTAKE, "s3", "m1", patient_id=BOB),
    an_entry(writes.LINK, "k1", None, patient_id=ANN),
    an_entry(writes.REVOKING, "k1", None, patient_id=ANN, status=204),
    an_entry(writes.LAB, "b1", "d1", patient_id=ANN),
    an_entry(writes.LAB, "b1", "d2", patient_id=ANN),
    an_entry(writes.MEDICATION, "i1", "d3", patient_id=ANN),
    an_entry(writes.LAB, "b2", "d4", patient_id=ANN),
    an_entry(writes.TAKEN_BACK[writes.LAB], "b2", "d5", patient_id=ANN),
    an_entry(writes.SURVEY, "s4", "c1", patient_id=CAT),
    an_entry(writes.ERASURE, CAT, None, patient_id=CAT),
    an_entry(writes.SURVEY, "", None, patient_id=CAT, status=410, problem="erased"),
    an_entry(writes.PATIENT, "p1", None, status=409, problem="already-enrolled", is_expected=True),
]
VISIT, LAB = Item(SITE, ANN, "visits", "v1"), Item(SITE, ANN, "labs", "b1")
MEDICINE, MISTAKE = Item(SITE, ANN, "medications", "i1"), LAB._replace(thing="b2")
POISONED = Copy(None, Stream("", SURVEYS, f"{POISON}1"), None, b"", f"{SURVEYS}/1@0", is_poison=True)
LIE = Copy("x1", Stream(SITE, VISITS, ANN), 99, b"", f"{VISITS}/0@9", is_poison=True)
DEAD = Letter(POISONED.stream, "dead", "ce_id is missing", POISONED.place, is_poison=True)
DROPPED = Letter(LIE.stream, "dropped", "ce_type is another; dropped", LIE.place, LIE.event_id, is_poison=True)
READER = Reader(
    topics=frozenset({SURVEYS, VISITS, VIEWS, REVOKED, ERASED, CLINICAL}),
    effects={fact.event_id: 1 for fact in FACTS},
    delivered=frozenset(fact.event_id for fact in FACTS),
    heads={
        Stream(SITE, SURVEYS, ANN): 3,
        Stream(SITE, SURVEYS, BOB): 2,
        Stream(SITE, SURVEYS, CAT): 1,
        Stream(SITE, VISITS, ANN): 2,
        Stream(SITE, VIEWS, BOB): 2,
        Stream(SITE, REVOKED, ANN): 1,
        Stream(SITE, ERASED, CAT): 1,
        Stream(SITE, CLINICAL, ANN): 5,
    },
    letters=[DEAD, DROPPED],
    parked=frozenset({"e5"}),
)
SOUND = Evidence(
    ledger=LEDGER,
    outbox=FACTS,
    kafka=[*copies_of(*FACTS), POISONED, LIE],
    readers={"dashboard": READER},
    happened=frozenset({"poisoned-patients"}),
    things={
        "survey": frozenset({"s1", "s2", "s3"}),
        "visit": frozenset({"v1"}),
        "view": frozenset({"l1"}),
        "visit_link": frozenset({"k1"}),
        "erasure": frozenset({CAT}),
        "lab": frozenset({"b1", "b2"}),
        "entered_in_error": frozenset({"b2"}),
        "medication": frozenset({"i1"}),
    },
    items={
        Item(SITE, ANN, "surveys", "s1"): "",
        Item(SITE, ANN, "surveys", "s2"): "",
        Item(SITE, BOB, "surveys", "s3"): "",
        VISIT: "completed",
        LAB: "2",
        MISTAKE: "in error",
        MEDICINE: "",
    },
    versions={"intake": {"s1": 2, "s2": 1, "s3": 0}, "feedback": {"s1": None, "s2": None}},
    left={"dashboard": frozenset({ANN, BOB})},
    revoked={"feedback": frozenset({"k1"})},
    figures={
        Figure("surveys", SITE, "counting"): 2,
        Figure("surveys", SITE, "in error"): 1,
        Figure("erased", SITE, ""): 1,
        Figure("visits", SITE, "completed"): 1,
        Figure("views", SITE, ""): 1,
        Figure("clinical facts", SITE, "lab"): 1,
        Figure("clinical facts", SITE, "in error"): 1,
        Figure("clinical facts", SITE, "medication"): 1,
    },
)


def found(evidence: Evidence) -> dict[str, list[str]]:
    """What each check that found something has found."""
    return {check.name: list(check.findings) for check in checks(evidence) if check.findings}


def test_nothing_is_found_where_nothing_is_wrong_and_every_check_looked_at_something() -> None:
    assert found(SOUND) == {}
    assert [check.name for check in checks(SOUND) if check.looked_at == 0] == []


def with_reader(**changes: Any) -> Evidence:
    return replace(SOUND, readers={"dashboard": replace(READER, **changes)})


def without(mapping: Mapping[Any, Any], *keys: object) -> dict[Any, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


ANSWERED, RECORDED = "every request answered as it must be", "every accepted write in its owner's tables"
EXPLAINED, IN_SEQUENCE = "one event in an outbox for each, and no other", "sequences 1 to n in the order of the log"
ON_KAFKA, IN_ORDER = "every event on Kafka, unchanged, and no other", "each patient's events in order on Kafka"
EFFECT, HEADS = "one effect of each event at dashboard", "heads at dashboard"
COUNTING = "one version of each survey counts at {}, the newest"
PAGES, GOES_ON = "each page has what the ledger has", "what was parked behind poison goes on"
LETTERS, FIGURES = "nothing set aside at dashboard but poison", "figures of analytics as the ledger has them"
DAMAGE: dict[str, tuple[Evidence, str, str]] = {
    "a request that nobody answered": (
        replace(SOUND, ledger=[*LEDGER, an_entry(writes.SURVEY, "s9", None, status=NEVER, problem="/v1/surveys")]),
        ANSWERED,
        "never answered",
    ),
    "an internal error": (
        replace(SOUND, ledger=[*LEDGER, an_entry(writes.SURVEY, "s9", None, status=500, problem="/v1/surveys")]),
        ANSWERED,
        "answered 500",
    ),
    "a good write that is refused": (
        replace(SOUND, ledger=[*LEDGER, an_entry(writes.SURVEY, "s9", None, status=422, problem="invalid")]),
        ANSWERED,
        "invalid",
    ),
    "a bad write that is taken": (
        replace(SOUND, ledger=[*LEDGER, an_entry(writes.SURVEY, "s1", "e1", problem="not refused as invalid")]),
        ANSWERED,
        "not refused",
    ),
    "an accepted write without a row": (
        replace(SOUND, things={**SOUND.things, "survey": frozenset({"s1", "s2"})}),
        RECORDED,
        "survey s3",
    ),
    "a receipt without an event": (
        replace(SOUND, ledger=[*LEDGER, an_entry(writes.SURVEY, "s1", "e9")]),
        EXPLAINED,
        "receipt e9: 0 events",
    ),
    "two events for one key": (
        replace(SOUND, outbox=[*FACTS, a_fact("e8", SURVEYS, BOB, 3)]),
        EXPLAINED,
        "event e8 of survey-completed: nobody was told of it",
    ),
    "a change of a visit that is told twice": (
        replace(SOUND, outbox=[*FACTS, a_fact("e8", VISITS, ANN, 3, "v1")]),
        EXPLAINED,
        "event e8",
    ),
    "a look that nobody published": (
        replace(SOUND, outbox=[fact for fact in FACTS if fact.event_id != "e7"]),
        EXPLAINED,
        "about l1 are not in the outbox",
    ),
    "a look that nobody had": (
        replace(SOUND, outbox=[*FACTS, a_fact("e8", VIEWS, BOB, 3, "l2")]),
        EXPLAINED,
        "event e8",
    ),
    "a gap in a sequence": (replace(SOUND, outbox=FACTS[1:]), IN_SEQUENCE, "2 follows 0"),
    "a sequence given twice": (
        replace(SOUND, outbox=[*FACTS, a_fact("e8", SURVEYS, BOB, 2)]),
        IN_SEQUENCE,
        "2 follows 2",
    ),
    "an event that the relay passed over": (
        replace(SOUND, kafka=[*copies_of(*FACTS[:2], *FACTS[3:]), POISONED, LIE]),
        ON_KAFKA,
        "event e3 of survey-completed is not on Kafka",
    ),
    "an event that was sent and rolled back": (
        replace(SOUND, kafka=[*SOUND.kafka, *copies_of(a_fact("e8", SURVEYS, BOB, 3))]),
        ON_KAFKA,
        "e8 is in no outbox",
    ),
    "an event that was changed on its way": (
        replace(SOUND, kafka=[SOUND.kafka[0]._replace(digest=b"other"), *SOUND.kafka[1:]]),
        ON_KAFKA,
        "is another one",
    ),
    "an inversion on Kafka": (
        replace(SOUND, kafka=[*copies_of(FACTS[1], FACTS[0], *FACTS[2:]), POISONED, LIE]),
        IN_ORDER,
        "2 of survey-completed ann",
    ),
    "an effect that was made twice": (with_reader(effects={**READER.effects, "e2": 2}), EFFECT, "2: 2 effects"),
    "an effect that was never made": (
        with_reader(effects=without(READER.effects, "e2"), delivered=READER.delivered - {"e2"}),
        EFFECT,
        "2: 0 effects",
    ),
    "an effect of nothing": (with_reader(delivered=READER.delivered | {"e9"}), EFFECT, "event e9 had an effect"),
    "a head that is behind": (with_reader(heads={**READER.heads, Stream(SITE, SURVEYS, ANN): 1}), HEADS, "1 of 3"),
    "a patient who is parked": (
        with_reader(letters=[*READER.letters, Letter(FACTS[0].stream, "parked", "an earlier one", "p")]),
        LETTERS,
        "is parked",
    ),
    "poison that vanished": (with_reader(letters=[DROPPED]), LETTERS, f"{POISONED.place} is poison"),
    "poison of a patient that vanished": (with_reader(letters=[DEAD]), LETTERS, f"{LIE.place} is poison"),
    "poison of a patient that nobody dropped": (
        with_reader(letters=[DEAD, DROPPED._replace(state="dead")]),
        LETTERS,
        f"{LIE.place} is dead",
    ),
    "an event that was dropped with the poison": (
        with_reader(letters=[DEAD, DROPPED, DROPPED._replace(event_id="e5", is_poison=False)]),
        LETTERS,
        "is dropped",
    ),
    "an event that was parked and never let on": (
        with_reader(effects=without(READER.effects, "e5")),
        GOES_ON,
        "event e5 was parked and had 0 effects at dashboard",
    ),
    "a medicine that a handler dropped": (
        replace(SOUND, items=without(SOUND.items, MEDICINE)),
        PAGES,
        "medications of ann of riverbend: i1 is missing, not there",
    ),
    "a corrected result of which the page has no earlier version": (
        replace(SOUND, items={**SOUND.items, LAB: "1"}),
        PAGES,
        "labs of ann of riverbend: b1 is 1, not 2",
    ),
    "a visit whose change the page lacks": (
        replace(SOUND, items={**SOUND.items, VISIT: "scheduled"}),
        PAGES,
        "v1 is scheduled, not completed",
    ),
    "a medicine on the page of another patient": (
        replace(SOUND, items={**without(SOUND.items, MEDICINE), MEDICINE._replace(patient_id=BOB): ""}),
        PAGES,
        "medications of bob of riverbend: i1 is there, not missing",
    ),
    "a thing on a page of which nobody was told": (
        replace(SOUND, items={**SOUND.items, MEDICINE._replace(thing="i9"): ""}),
        PAGES,
        "i9 is there, not missing",
    ),
    "a medicine of who was erased": (
        replace(SOUND, items={**SOUND.items, MEDICINE._replace(patient_id=CAT, thing="i4"): ""}),
        PAGES,
        "medications of cat of riverbend: i4 is there, not missing",
    ),
    "a result of somebody else that stands on the page": (
        replace(SOUND, items={**SOUND.items, MISTAKE: "shown in error"}),
        PAGES,
        "labs of ann of riverbend: b2 is shown in error, not in error",
    ),
    "a result of somebody else whose mark was lost": (
        replace(SOUND, items={**SOUND.items, MISTAKE: "1"}),
        PAGES,
        "b2 is 1, not in error",
    ),
    "a mark that is not where it was written": (
        replace(SOUND, things={**SOUND.things, "entered_in_error": frozenset()}),
        RECORDED,
        "b2 of riverbend was accepted and is not in entered_in_error",
    ),
    "a result in error that analytics counts": (
        replace(
            SOUND,
            figures={
                **without(SOUND.figures, Figure("clinical facts", SITE, "in error")),
                Figure("clinical facts", SITE, "lab"): 2,
            },
        ),
        FIGURES,
        "clinical facts in error of riverbend: 0, the ledger has 1",
    ),
    "a figure that is off by one": (
        replace(SOUND, figures={**SOUND.figures, Figure("surveys", SITE, "counting"): 4}),
        FIGURES,
        "surveys counting of riverbend: 4, the ledger has 2",
    ),
    "an amendment that was lost": (
        replace(SOUND, versions={"dashboard": {"s1": 1, "s2": 1, "s3": 0}}),
        COUNTING.format("dashboard"),
        "survey s1: 1 counts, not 2",
    ),
    "a survey in error that counts": (
        replace(SOUND, versions={"feedback": {"s1": None, "s2": None, "s3": None}}),
        COUNTING.format("feedback"),
        "survey s3: one counts, not none",
    ),
    "a survey that counts nowhere": (
        replace(SOUND, versions={"feedback": {"s1": None}}),
        COUNTING.format("feedback"),
        "survey s2: none counts, not 1",
    ),
    "a survey in error that analytics counts": (
        replace(SOUND, figures={**SOUND.figures, Figure("surveys", SITE, "in error"): 0}),
        FIGURES,
        "surveys in error of riverbend: 0",
    ),
    "a write that an erasure left": (
        replace(SOUND, things={**SOUND.things, "survey": SOUND.things["survey"] | {"s4"}}),
        RECORDED,
        "survey s4 of riverbend is in survey, and its patient was erased",
    ),
    "an erasure without a tombstone": (
        replace(SOUND, things={**SOUND.things, "erasure": frozenset()}),
        RECORDED,
        "is not in erasure",
    ),
    "something of who was erased, brought back by a late event": (
        replace(SOUND, left={"dashboard": frozenset({ANN, CAT})}),
        "nothing is left of who was erased at dashboard",
        "something of cat is left",
    ),
    "a figure with who was erased in it": (
        replace(SOUND, figures={**SOUND.figures, Figure("surveys", SITE, "counting"): 3}),
        FIGURES,
        "surveys counting of riverbend: 3, the ledger has 2",
    ),
    "a refusal as erased of who was not": (
        replace(
            SOUND,
            ledger=[*LEDGER, an_entry(writes.SURVEY, "", None, patient_id=ANN, status=410, problem="erased")],
        ),
        ANSWERED,
        "erased",
    ),
    "an erasure that nobody published": (
        replace(SOUND, outbox=FACTS[:-1]),
        EXPLAINED,
        "1 events of patient-erased about cat are not in the outbox",
    ),
    "a revoked link that opens a session elsewhere": (
        replace(SOUND, revoked={"feedback": frozenset()}),
        "revoked links open nothing at feedback",
        "link k1",
    ),
    "an event of the next version that nobody read": (
        replace(
            with_reader(effects=without(READER.effects, "e2")),
            outbox=[fact._replace(is_next=True) for fact in FACTS],
            happened=SOUND.happened | {"rolling-restart"},
        ),
        "events of the next version are read",
        "event e2 of the next version had no effect at dashboard",
    ),
    "a visit in another state": (
        replace(SOUND, figures={**without(SOUND.figures, Figure("visits", SITE, "completed"))}),
        FIGURES,
        "visits completed",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_by_the_check_for_it(damage: str) -> None:
    evidence, check, words = DAMAGE[damage]
    assert words in " ".join(found(evidence)[check])


def test_an_event_that_comes_again_behind_is_no_inversion() -> None:
    assert found(replace(SOUND, kafka=[*SOUND.kafka, *copies_of(*FACTS)])) == {}


def test_a_look_whose_answer_was_lost_may_be_there_once_more_and_no_oftener() -> None:
    looked = [replace(entry, lost=1) if entry.what == writes.LOOK else entry for entry in LEDGER]
    facts = [*FACTS, a_fact("e8", VIEWS, BOB, 3, "l2")]
    reader = replace(
        READER,
        effects={**READER.effects, "e8": 1},
        delivered=READER.delivered | {"e8"},
        heads={**READER.heads, Stream(SITE, VIEWS, BOB): 3},
    )
    once_more = replace(
        SOUND,
        ledger=looked,
        outbox=facts,
        kafka=[*copies_of(*facts), POISONED, LIE],
        readers={"dashboard": reader},
        figures={**SOUND.figures, Figure("views", SITE, ""): 2},
    )
    assert found(once_more) == {}
    oftener = replace(once_more, outbox=[*facts, a_fact("e9", VIEWS, BOB, 4, "l3")])
    assert any("event e9" in finding for finding in chain.from_iterable(found(oftener).values()))


def test_a_log_that_was_refilled_may_begin_anywhere_but_has_everything_in_order_behind_that() -> None:
    refilled = replace(SOUND, kafka=[*copies_of(FACTS[1]), *SOUND.kafka])
    assert IN_ORDER in found(refilled)
    assert found(replace(refilled, happened=SOUND.happened | {"lost-disk"})) == {}
    incomplete = replace(
        SOUND,
        kafka=[*copies_of(FACTS[1], FACTS[0], *FACTS[2:]), POISONED, LIE],
        happened=SOUND.happened | {"lost-disk"},
    )
    assert found(incomplete) == {IN_ORDER: ["survey-completed ann of riverbend: Kafka has 1 of 3 in order"]}
