"""Every service answers every request as its OpenAPI document says, and no site with anything of another.

`SAMEPAGE_FUZZ_EXAMPLES` is how often each operation is asked at random beside the systematic cases (10 when not set);
how many requests were made, and what was answered, is in `var/fuzz/<service>.json`.
"""

import asyncio
import json
import os
from importlib import import_module

import pytest

from deploy.doors import SERVICES
from deploy.local.ports import keep_or_choose
from shared.auth import Role
from shared.keyring import KeyRing
from tests.conftest import ROOT, Apps, Tokens, served
from tests.fuzz.campaign import OVER_A_LINK, Guest, Outcome, Turns, Walls, run
from tests.fuzz.two_sites import SITES, Neighbour, settle

EXAMPLES = int(os.environ.get("SAMEPAGE_FUZZ_EXAMPLES", "10"))


def guests_of(neighbours: list[Neighbour], token: Tokens) -> list[Guest]:
    """One in every role at both sites, systems of both at once, and the operator."""
    guests = []
    for there in neighbours:
        for role in (Role.PATIENT, Role.CLINICIAN, Role.COORDINATOR, Role.SYSTEM):
            patient_id = there.patient if role is Role.PATIENT else None
            bearer = token(role, [there.site_id], patient_id=patient_id, subject=f"{role}-of-{there.site_id}")
            guests.append(Guest(role, bearer, there.site_id))
    guests.append(Guest(Role.SYSTEM, token(Role.SYSTEM, list(SITES)), None))
    guests.append(Guest(Role.OPERATOR, token(Role.OPERATOR, []), "no site at all"))
    return guests


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_is_documented_and_no_site_is_told_of_another(
    service: str, app: Apps, token: Tokens, ring: KeyRing
) -> None:
    application = await app(service)
    neighbours = await settle(service, application, token, ring)
    guests = guests_of(neighbours, token)
    turns, walls = Turns(service, guests, neighbours), Walls(guests, neighbours)
    document = import_module(f"services.{service}.app").document()
    (port,) = keep_or_choose((), 1)
    async with served(application, port) as address:
        outcome = await asyncio.to_thread(run, address, document, turns, walls, examples=EXAMPLES)
    write_down(service, outcome)
    assert not outcome.findings, "\n\n".join(map("\n".join, outcome.findings.items()))
    assert service != "dashboard" or outcome.answers[f"{OVER_A_LINK}: 200"], "no page was opened over a link"
    assert set(outcome.requests) == {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }


def write_down(service: str, outcome: Outcome) -> None:
    file = ROOT / "var" / "fuzz" / f"{service}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    counted = {
        "requests": outcome.requests.total(),
        "by phase": dict(outcome.phases),
        "over links": outcome.linked,
        "by status": {str(status): count for status, count in sorted(outcome.statuses.items())},
        "by answer": dict(sorted(outcome.answers.items())),
        "by operation": dict(sorted(outcome.requests.items())),
    }
    file.write_text(json.dumps(counted, indent=2) + "\n")
