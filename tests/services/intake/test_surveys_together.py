"""People who submit at the same time: one transaction, in which each may do what they may do alone."""

import asyncio
from uuid import UUID

from services.intake.api.surveys import submission
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.held import ONE_GROUP, held, until_waiting
from tests.services.intake.conftest import SITE
from tests.services.trails import trail
from tests.survey import survey_of


async def test_a_patient_may_do_no_more_beside_others_than_alone_and_each_is_on_record_for_their_own(
    clinic: Clinic, token: Tokens
) -> None:
    clinic.intake.state.submission = submission(clinic.intake.state.keyring, ONE_GROUP)
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
            await asyncio.wait(together, timeout=1)
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
