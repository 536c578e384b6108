"""People who submit at the same time: one transaction, in which each may do what they may do alone."""

import asyncio
import json
from uuid import UUID

import asyncpg

from services.intake.api.surveys import Submission, submission_with
from shared.http.ndjson import NDJSON
from tests.conftest import KeyRings, Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.held import ONE_GROUP, WAITING, held, until_waiting
from tests.services.intake.conftest import SITE
from tests.services.trails import trail
from tests.survey import survey_of
from tests.waiting import until


def together_at(clinic: Clinic) -> Submission:
    return submission_with(clinic.intake.state.means, ONE_GROUP)


async def until_queued(submission: Submission, count: int) -> None:
    async def are_queued() -> bool:
        return sum(command.group.queued for command in submission) == count

    await until(are_queued)


async def test_a_patient_may_do_no_more_beside_others_than_alone_and_each_is_on_record_for_their_own(
    clinic: Clinic, token: Tokens
) -> None:
    submission = clinic.intake.state.submission = together_at(clinic)
    patients = [await clinic.enrol(identifier=f"MRN-{number}") for number in range(4)]
    surveys = [survey_of(patient, await clinic.visit(patient)) for patient in patients]
    async with (
        client_of(clinic.intake, token("coordinator", [SITE], subject="coordinator")) as coordinator,
        client_of(clinic.intake, token("patient", [SITE], patient_id=UUID(patients[2]), subject="patient")) as patient,
    ):
        async with held(clinic.intake, (SITE, patients[0])):
            busy = asyncio.create_task(clinic.system.post("/v1/surveys", json=surveys[0], headers=new_key()))
            await until_waiting(clinic.intake)
            together = [
                asyncio.create_task(client.post("/v1/surveys", json=survey, headers=new_key()))
                for client, survey in zip((coordinator, patient, patient), surveys[1:], strict=True)
            ]
            await until_queued(submission, 3)
        await busy
        answers = await asyncio.gather(*together)
    assert [answer.status_code for answer in answers] == [201, 201, 404]

    rows = [row for row in await trail(clinic.intake, method="POST") if row["subject"] in ("coordinator", "patient")]
    assert {(row["subject"], row["role"], row["status"], row["patient_id"], row["trace_id"]) for row in rows} == {
        (who, who, status, UUID(about), answer.headers["traceparent"].split("-")[1])
        for who, status, about, answer in zip(
            ("coordinator", "patient", "patient"), (201, 201, 404), patients[1:], answers, strict=True
        )
    }
    assert len({row["xid"] for row in rows}) == 1, "they did share a transaction"


async def test_who_used_no_words_does_not_wait_for_a_key_ring_that_is_slow(
    clinic: Clinic, keyring_of: KeyRings
) -> None:
    clinic.intake.state.submission = together_at(clinic)
    surveys = []
    for number in range(2):
        patient = await clinic.enrol(identifier=f"MRN-{number}")
        surveys.append(survey_of(patient, await clinic.visit(patient)))
    unsaid = {"concern_1_topic": "prefer-not-to-say"}
    said = surveys[0] | {"matters_most": "To sleep through (synthetic)", "skipped": unsaid}
    admin = (await keyring_of("admin")).database_url.get_secret_value()
    async with asyncpg.create_pool(admin, min_size=2, max_size=2) as ring, ring.acquire() as holding:

        async def is_one_waiting() -> bool:
            return bool(await ring.fetchval(WAITING) == 1)

        async with holding.transaction():
            await holding.execute("LOCK TABLE patient_key IN ACCESS EXCLUSIVE MODE")
            slow = asyncio.create_task(clinic.system.post("/v1/surveys", json=said, headers=new_key()))
            await until(is_one_waiting)
            answer = await clinic.system.post("/v1/surveys", json=surveys[1], headers=new_key())
            assert (answer.status_code, slow.done()) == (201, False)
        await slow


async def test_surveys_come_as_lines_and_each_has_a_result_of_its_own(clinic: Clinic) -> None:
    patients = [await clinic.enrol(identifier=f"MRN-{number}") for number in range(3)]
    surveys = [survey_of(patient, await clinic.visit(patient)) for patient in patients]
    surveys[1]["answers"] |= {"well_being": 99}
    lines = "\n".join([*map(json.dumps, surveys), '{"patient_id": '])
    answer = await clinic.system.post("/v1/surveys", content=lines, headers=new_key() | {"content-type": NDJSON[0]})
    assert [item["status"] for item in answer.json()["items"]] == [201, 422, 201, 422]
    errors = answer.json()["items"][1]["problem"]["errors"]
    assert [error["field"] for error in errors] == ["answers.well_being"]
    kept = await clinic.intake.state.database.rows("SELECT patient_id FROM survey")
    assert {str(row["patient_id"]) for row in kept} == {patients[0], patients[2]}
