"""Where to look at the demo from: one link for each role, each through a sign-in as it is in use."""

from urllib.parse import urlencode
from uuid import uuid4

import httpx

from deploy.demo.load import Loaded
from deploy.local.network import Network
from deploy.provider import Person, keep_people
from shared.auth import Role

_CLINICIAN, _COORDINATOR, _OPERATOR = "dana-rowe", "chris-kim", "sam-lund"


def make_links(network: Network, loaded: Loaded) -> dict[str, str]:
    """Make one person known for each role at the development provider, and a link for the patient of the showcase."""
    here = (loaded.showcase_site,)
    people = [
        Person(_CLINICIAN, "Dana Rowe", Role.CLINICIAN, here),
        Person(_COORDINATOR, "Chris Kim", Role.COORDINATOR, here),
        Person(_OPERATOR, "Sam Lund", Role.OPERATOR, ()),
    ]
    keep_people(network.people_file, people)
    page = f"/patients/{loaded.showcase_patient}"
    return {
        "clinician, in the visit": sign_in_link(network, "dashboard", _CLINICIAN, f"{page}?shared=true"),
        "patient, own page": _patient_link(network, loaded),
        "coordinator": sign_in_link(network, "dashboard", _COORDINATOR, page),
        "operator, the network": sign_in_link(network, "analytics", _OPERATOR, "/network"),
    }


def sign_in_link(network: Network, service: str, person: str, to: str) -> str:
    """Leads to the provider, where this person stands out, and back to a page of the service."""
    return f"{network.url(service)}/sign-in?{urlencode({'to': to, 'login_hint': person})}"


def _patient_link(network: Network, loaded: Loaded) -> str:
    """A link as a site's system asks for one."""
    token = network.issuer.token(Role.SYSTEM, [loaded.showcase_site])
    headers = {"authorization": f"Bearer {token}", "idempotency-key": uuid4().hex}
    answer = httpx.post(
        f"{network.url('intake')}/v1/visits/{loaded.showcase_visit}/links", json={}, headers=headers, timeout=20
    )
    return str(answer.raise_for_status().json()["link"])
