"""Where to look at the demo from: one link for each role, each through a sign-in as it is in use."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx

from deploy.demo.load import Loaded
from deploy.issuer import LocalIssuer
from deploy.provider import Person, keep_people
from shared.auth import Role

_CLINICIAN, _COORDINATOR, _OPERATOR = "dana-rowe", "chris-kim", "sam-lund"


def make_links(
    loaded: Loaded, issuer: LocalIssuer, doors: Mapping[str, str], urls: Mapping[str, str], people_file: Path
) -> dict[str, str]:
    """Make one person known for each role at the development provider, and a link for the patient of the showcase.

    `doors` are the services' base URLs as this program reaches them, `urls` as a browser does.
    """
    here = (loaded.showcase_site,)
    people = [
        Person(_CLINICIAN, "Dana Rowe", Role.CLINICIAN, here),
        Person(_COORDINATOR, "Chris Kim", Role.COORDINATOR, here),
        Person(_OPERATOR, "Sam Lund", Role.OPERATOR, ()),
    ]
    keep_people(people_file, people)
    page = f"/patients/{loaded.showcase_patient}"
    system = issuer.token(Role.SYSTEM, [loaded.showcase_site])
    links = {
        "clinician, in the visit": sign_in_link(urls["dashboard"], _CLINICIAN, f"{page}?shared=true"),
        "patient, own page": _patient_link(loaded.showcase_visit, system, doors["intake"]),
        "coordinator": sign_in_link(urls["dashboard"], _COORDINATOR, page),
        "coordinator, the week's visits": sign_in_link(urls["intake"], _COORDINATOR, "/visits"),
        "operator, the network": sign_in_link(urls["analytics"], _OPERATOR, "/network"),
    }
    if loaded.unanswered_visit is None:
        return links
    return {"patient, before a visit": _patient_link(loaded.unanswered_visit, system, doors["intake"]), **links}


def sign_in_link(url: str, person: str, to: str) -> str:
    """Leads to the provider, where this person stands out, and back to a page of the service."""
    return f"{url}/sign-in?{urlencode({'to': to, 'login_hint': person})}"


def _patient_link(visit_id: UUID, token: str, intake: str) -> str:
    """A link as a site's system asks for one."""
    headers = {"authorization": f"Bearer {token}", "idempotency-key": uuid4().hex}
    answer = httpx.post(f"{intake}/v1/visits/{visit_id}/links", json={}, headers=headers, timeout=20)
    return str(answer.raise_for_status().json()["link"])
