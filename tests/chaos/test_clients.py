"""The clients of the rig, against doors that answer late, wrongly or not at all; and the ledger that they keep."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from deploy.chaos import writes
from deploy.chaos.clients import Clients, Given, Unanswered
from deploy.chaos.ledger import NEVER, Entry, Ledger, entries_of, newest_of
from tests.builders import SITE

PATIENT = "0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001"
SURVEY = {"patient_id": PATIENT, "answers": {}}
Answer = httpx.Response | Exception
NEVER_AGAIN, ALWAYS = 0.99, 0.0


class Chance(Random):
    """Says the same each time."""

    def __init__(self, says: float) -> None:
        super().__init__(0)
        self.says = says

    def random(self) -> float:
        return self.says


class Door:
    """Answers as it was told, one thing after the other, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def keys(self) -> list[str]:
        return [request.headers["idempotency-key"] for request in self.asked]


Behind = Callable[..., Clients]


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    """Clients of a door that stands for all."""
    opened: list[httpx.AsyncClient] = []
    with Ledger(tmp_path / "ledger") as ledger:

        def clients(door: Door, chance: float = NEVER_AGAIN, patience_s: float = 20) -> Clients:
            client = httpx.AsyncClient(transport=httpx.MockTransport(door), base_url="http://door.test")
            opened.append(client)
            doors = {"intake": client, "dashboard": client}
            return Clients(doors, ledger, Chance(chance), patience_s, {SITE: "system"}, {SITE: "clinician"})

        yield clients
    for client in opened:
        await client.aclose()


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[Entry]]:
    return lambda: list(entries_of(tmp_path / "ledger"))


Told = Callable[[], list[Entry]]


def taken(number: int = 1) -> httpx.Response:
    return httpx.Response(201, json={"status": 201, "id": f"s{number}", "receipt": f"e{number}"})


def refused(status: int, kind: str) -> dict[str, Any]:
    return {"status": status, "problem": {"type": f"urn:samepage:problem:{kind}", "detail": "no"}}


async def test_what_is_not_answered_is_asked_again_with_its_key(behind: Behind, told: Told) -> None:
    door = Door(httpx.ConnectError("away"), httpx.Response(503, json={}), httpx.ReadTimeout("late"), taken())
    assert await behind(door).write(writes.SURVEY, SITE, [SURVEY]) == [Given("s1", "e1")]
    assert len(door.keys) == 4
    assert len(set(door.keys)) == 1
    (entry,) = told()
    assert (entry.status, entry.thing, entry.receipt, entry.lost, entry.problem) == (201, "s1", "e1", 3, None)


async def test_of_a_batch_only_what_came_too_early_is_asked_again_and_under_a_new_key(
    behind: Behind, told: Told
) -> None:
    items = [{"status": 201, "id": "s1", "receipt": "e1"}, refused(404, "not-found"), refused(422, "invalid")]
    door = Door(httpx.Response(200, json={"items": items}), taken(2))
    given = await behind(door).write(writes.SURVEY, SITE, [SURVEY, {**SURVEY, "answers": {"a": 1}}, SURVEY])
    assert given == [Given("s1", "e1"), Given("s2", "e2"), None]
    assert len(set(door.keys)) == 2
    assert [(entry.thing, entry.problem) for entry in told()] == [("s1", None), (None, "invalid"), ("s2", None)]


async def test_an_answer_that_is_another_one_for_the_same_key_goes_into_the_ledger(behind: Behind, told: Told) -> None:
    await behind(Door(taken(1), taken(2)), ALWAYS).write(writes.SURVEY, SITE, [SURVEY])
    assert [entry.problem for entry in told()] == [None, "another answer to the same key: 201"]


async def test_the_same_answer_for_the_same_key_does_not(behind: Behind, told: Told) -> None:
    await behind(Door(taken(), taken()), ALWAYS).write(writes.SURVEY, SITE, [SURVEY])
    assert [entry.problem for entry in told()] == [None]


async def test_an_internal_error_goes_into_the_ledger_and_is_asked_again(behind: Behind, told: Told) -> None:
    await behind(Door(httpx.Response(500), taken())).write(writes.SURVEY, SITE, [SURVEY])
    assert [(entry.status, entry.problem) for entry in told()] == [(500, "/v1/surveys"), (201, None)]


async def test_what_nobody_ever_answers_goes_into_the_ledger(behind: Behind, told: Told) -> None:
    with pytest.raises(Unanswered):
        await behind(Door(httpx.ConnectError("away")), patience_s=0.05).write(writes.SURVEY, SITE, [SURVEY])
    assert [entry.status for entry in told()] == [NEVER]


@pytest.mark.parametrize(
    ("answer", "is_expected", "problem"),
    [
        (httpx.Response(409, json=refused(409, "already-enrolled")["problem"]), True, "already-enrolled"),
        (httpx.Response(422, json=refused(422, "invalid")["problem"]), False, "invalid"),
        (taken(), False, "not refused as already-enrolled"),
    ],
)
async def test_a_write_that_must_be_refused_is_looked_at_for_that(
    behind: Behind, told: Told, answer: httpx.Response, *, is_expected: bool, problem: str
) -> None:
    await behind(Door(answer)).write(writes.PATIENT, SITE, [{"identifier": "1"}], refusal="already-enrolled")
    assert [(entry.is_expected, entry.problem) for entry in told()] == [(is_expected, problem)]


async def test_a_change_that_stands_because_its_answer_was_lost_was_accepted(behind: Behind, told: Told) -> None:
    unchanged = httpx.Response(409, json=refused(409, "visit-unchanged")["problem"])
    door = Door(httpx.ReadTimeout("late"), unchanged)
    await behind(door).change(writes.CHANGE, "PATCH", SITE, "v1", {"state": "completed"}, "completed")
    (entry,) = told()
    assert (entry.is_accepted, entry.thing, entry.receipt, entry.state, entry.lost) == (
        True,
        "v1",
        None,
        "completed",
        1,
    )


async def test_a_change_that_was_not_lost_and_is_refused_is_not_accepted(behind: Behind, told: Told) -> None:
    unchanged = httpx.Response(409, json=refused(409, "visit-unchanged")["problem"])
    await behind(Door(unchanged)).change(writes.CHANGE, "PATCH", SITE, "v1", {"state": "completed"}, "completed")
    assert [(entry.is_accepted, entry.problem) for entry in told()] == [(False, "visit-unchanged")]


async def test_a_look_is_known_by_the_id_that_the_page_carries_and_how_often_it_was_lost(
    behind: Behind, told: Told
) -> None:
    door = Door(httpx.ReadTimeout("late"), httpx.Response(200, json={"patient": {}}, headers={"samepage-view": "l1"}))
    assert await behind(door).look(SITE, PATIENT, after=None) == "l1"
    (entry,) = told()
    assert (entry.what, entry.thing, entry.patient_id, entry.lost) == (writes.LOOK, "l1", PATIENT, 1)


async def test_a_correction_is_of_the_patient_whose_survey_it_is(behind: Behind, told: Told) -> None:
    clients = behind(Door(taken(), taken()))
    await clients.write(writes.SURVEY, SITE, [SURVEY])
    await clients.write(writes.MISTAKE, SITE, [{"replaces": 1, "reason": "test-entry"}], about="s1")
    assert [(entry.what, entry.patient_id) for entry in told()] == [
        (writes.SURVEY, PATIENT),
        (writes.MISTAKE, PATIENT),
    ]


@pytest.mark.parametrize(
    ("status", "is_live", "is_right"), [(303, True, True), (404, True, False), (303, False, False)]
)
async def test_a_link_opens_until_it_is_revoked_and_the_ledger_says_where_it_does_not(
    behind: Behind, told: Told, status: int, *, is_live: bool, is_right: bool
) -> None:
    door = Door(httpx.Response(status, headers=[("set-cookie", "session=abc; HttpOnly"), ("set-cookie", "lang=en")]))
    session = await behind(door).open(SITE, "/l/site/secret", is_live=is_live)
    assert session == ("session=abc; lang=en" if status == 303 else None)
    assert [entry.problem is None for entry in told()] == [is_right]


@pytest.mark.parametrize(("status", "is_right"), [(401, True), (303, True), (200, False)])
async def test_a_session_of_a_revoked_link_shows_nothing(
    behind: Behind, told: Told, status: int, *, is_right: bool
) -> None:
    door = Door(httpx.Response(status))
    await behind(door).come_back(SITE, "session=abc")
    assert door.asked[0].headers["cookie"] == "session=abc"
    assert [entry.problem is None for entry in told()] == [is_right]


async def test_a_revoking_that_was_not_answered_is_asked_again_and_known_by_its_link(
    behind: Behind, told: Told
) -> None:
    await behind(Door(httpx.ReadTimeout("late"), httpx.Response(204))).revoke(SITE, "v1", "k1")
    (entry,) = told()
    assert (entry.what, entry.thing, entry.status, entry.lost) == (writes.REVOKING, "k1", 204, 1)


def test_who_was_enrolled_last_is_found_at_the_end_of_a_long_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with Ledger(file) as ledger:
        for number in range(5_000):
            ledger.add([Entry(what=writes.PATIENT, site_id=SITE, status=201, thing=str(number))])
            ledger.add([Entry(what=writes.PATIENT, site_id=SITE, status=409, problem="already-enrolled")])
            ledger.add([Entry(what=writes.VISIT, site_id=SITE, status=201, thing=f"of {number}")])
    assert [entry.thing for entry in newest_of(file, writes.PATIENT, 3)] == ["4997", "4998", "4999"]
    assert newest_of(file, writes.SURVEY, 3) == []
    with Ledger(tmp_path / "short") as ledger:
        ledger.add([Entry(what=writes.PATIENT, site_id=SITE, status=201, thing="1")])
    assert [entry.thing for entry in newest_of(tmp_path / "short", writes.PATIENT, 3)] == ["1"]
