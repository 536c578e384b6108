"""Erasing a patient from the command line: the same as at intake's door, for when there is no door or no token."""

from uuid import UUID

from services.intake.api.erasures import erase
from services.intake.settings import IntakeSettings
from shared.audit import Purpose, act_of_program
from shared.auth import Role
from shared.db import open_pool
from shared.events import ErasureReason
from shared.keyring import KeyRing
from shared.sealing import Patient


async def erase_patient(settings: IntakeSettings, patient: Patient, reason: ErasureReason, *, by: str) -> UUID | None:
    """The receipt of the event, None when the patient was erased before. Intake's worker publishes it.

    It is on record that `by` asked for it.

    Raises:
        Problem: there is no such patient at this site.
        KeyRingAway: the key ring cannot be reached.
    """
    act = act_of_program(by, Role.OPERATOR, Purpose.CARE, method="CLI", route="erase")
    async with (
        open_pool(settings.database_url.get_secret_value(), size=1) as pool,
        KeyRing(settings.keyring) as ring,
    ):
        return await erase(pool, ring, patient, reason, act)
