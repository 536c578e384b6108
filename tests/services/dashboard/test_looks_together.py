"""People who look at the same time: one transaction, in which each sees their own and is on record for it."""

import asyncio

import httpx
from fastapi import FastAPI

from services.dashboard.api.seeing import looking
from tests.builders import PATIENT
from tests.services.dashboard.conftest import HERE, NEIGHBOUR, OWN, PAGE, THERE, Clients
from tests.services.held import ONE_GROUP, held, until_waiting
from tests.services.trails import trail


async def test_who_looks_at_the_same_time_as_others_sees_their_own_and_is_on_record_for_it(
    dashboard: FastAPI, as_: Clients
) -> None:
    dashboard.state.looking = looking(ONE_GROUP)
    async with (
        as_("coordinator", THERE, "earlier") as earlier,
        as_("clinician", HERE, "dr-silva") as here,
        as_("clinician", THERE, "dr-okafor") as there,
    ):
        async with held(dashboard, (THERE, NEIGHBOUR)):
            busy = asyncio.create_task(earlier.get(f"/v1/patients/{NEIGHBOUR}/page"))
            await until_waiting(dashboard)
            together = [
                asyncio.create_task(client.get(path))
                for client, path in ((there, PAGE), (here, f"/v1/patients/{OWN}/page"), (here, PAGE))
            ]
            await asyncio.wait(together, timeout=1)
        await busy
        theirs, own, not_theirs = await asyncio.gather(*together)
    assert (theirs.status_code, own.status_code, not_theirs.status_code) == (200, 200, 404)
    assert [answer.json()["patient"]["patient_id"] for answer in (theirs, own)] == [str(PATIENT), str(OWN)]

    rows = [row for row in await trail(dashboard, kind="read") if row["subject"] != "earlier"]
    assert {(row["site_id"], row["subject"], row["patient_id"], row["trace_id"]) for row in rows} == {
        (THERE, "dr-okafor", PATIENT, _trace_of(theirs)),
        (HERE, "dr-silva", OWN, _trace_of(own)),
    }
    (xid,) = {row["xid"] for row in rows}
    published = await dashboard.state.database.rows(
        "SELECT site_id, key, split_part(traceparent, '-', 2) AS trace FROM outbox WHERE xid::text = $1", str(xid)
    )
    assert {tuple(row) for row in published} == {
        (THERE, str(PATIENT), _trace_of(theirs)),
        (HERE, str(OWN), _trace_of(own)),
    }
    viewed = await dashboard.state.database.rows("SELECT site_id, subject, patient_id FROM view ORDER BY opened_at")
    assert {tuple(row) for row in viewed if row["subject"] != "earlier"} == {
        (THERE, "dr-okafor", PATIENT),
        (HERE, "dr-silva", OWN),
    }


def _trace_of(answer: httpx.Response) -> str:
    return answer.headers["traceparent"].split("-")[1]
