"""CDS Hooks 2.0: when a clinician opens a patient's chart, the EHR shows a card with what matters of the page.

A card is no look at the page: it is on record as what it is, and no `dashboard-viewed` is published of it. Who is not a
patient of the EHR's own site, was erased, or is asked about by somebody who is no practitioner, has no card.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, WithJsonSchema

from services.dashboard import store
from services.dashboard.api.calling import Calling, EhrCaller, address_of, cors_of, let_call
from services.dashboard.api.ehr_servers import EhrServers
from services.dashboard.domain import FHIR_ID, our_id
from services.dashboard.pages.cards import LONGEST_SUMMARY, card_words, link_words
from shared.audit import Entry, Kind
from shared.db import transaction
from shared.events import Language
from shared.http.commands import pool_of
from shared.http.language import Wanted
from shared.http.sign_in import sessions_of

router = APIRouter(tags=["ehr"])
OPEN_PATHS = r"cds-services(/samepage-patient-view(/feedback)?)?|launch(/callback)?"
SERVICE_ID = "samepage-patient-view"
_SERVICE = f"/cds-services/{SERVICE_ID}"
_log = structlog.get_logger()


class Service(BaseModel):
    """A service, as an EHR finds it."""

    hook: str = "patient-view"
    id: str = SERVICE_ID
    title: str = "Samepage"
    description: str = "What the patient wants to talk about, how they are, and what is missing before the visit"
    prefetch: dict[str, str] = {"patient": "Patient/{{context.patientId}}"}
    usageRequirements: str = "Registered EHRs only, each for the patients of its own site"  # noqa: N815


class Services(BaseModel):
    services: list[Service]


class Context(BaseModel):
    """Who has opened whose chart."""

    userId: str = Field(max_length=300)  # noqa: N815 - named by CDS Hooks, like all below
    patientId: str = Field(pattern=f"^{FHIR_ID.pattern}$")  # noqa: N815


class FhirAuthorization(BaseModel):
    access_token: Annotated[
        SecretStr, WithJsonSchema({"maxLength": 8192, "title": "Access Token", "type": "string"})
    ] = Field(max_length=8192)


class HookCall(BaseModel):
    """A call of the hook. `prefetch` may hold the Patient; where it does not, we read it with `fhirAuthorization`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "hook": "patient-view",
                    "hookInstance": "7d1c2f0a-synthetic",
                    "fhirServer": "https://ehr.example/fhir",
                    "context": {"userId": "Practitioner/7", "patientId": "synthetic-1"},
                    "prefetch": {"patient": {"resourceType": "Patient", "id": "synthetic-1"}},
                }
            ]
        }
    )

    hook: Literal["patient-view"]
    hookInstance: str = Field(min_length=1, max_length=100)  # noqa: N815
    fhirServer: str | None = Field(default=None, max_length=500)  # noqa: N815
    fhirAuthorization: FhirAuthorization | None = None  # noqa: N815
    context: Context
    prefetch: dict[str, Any] | None = None

    @property
    def patient(self) -> Any:
        """The Patient among what was fetched before; None where it is not there."""
        found = (one for one in (self.prefetch or {}).values() if isinstance(one, Mapping))
        mine = (one for one in found if one.get("resourceType") == "Patient")
        return next((one for one in mine if one.get("id") == self.context.patientId), None)


class Source(BaseModel):
    label: str = "Samepage"
    url: str


class Link(BaseModel):
    label: str
    url: str
    type: Literal["absolute", "smart"]


class Card(BaseModel):
    uuid: UUID
    summary: str = Field(max_length=LONGEST_SUMMARY)
    indicator: Literal["info", "warning"]
    detail: str = Field(description="Markdown: what the patient wants to talk about, how they are, what is missing")
    source: Source
    links: list[Link]


class Cards(BaseModel):
    """One card, or none."""

    cards: list[Card]


class Outcome(BaseModel):
    card: str = Field(max_length=100)
    outcome: Literal["accepted", "overridden"]


class Feedback(BaseModel):
    """What became of cards. Reasons in words are not kept."""

    feedback: list[Outcome] = Field(max_length=100)


@router.get("/cds-services", openapi_extra={"security": []})
async def list_services(request: Request, response: Response) -> Services:
    """What an EHR can call here."""
    response.headers.update(await cors_of(request))
    return Services(services=[Service()])


@router.post(_SERVICE)
async def offer_card(request: Request, response: Response, calling: Calling, body: HookCall, language: Wanted) -> Cards:
    """The card of the patient whose chart was opened. It tells nobody more than the page tells a clinician.

    CDS Hooks has no member for a language, so it speaks the one of `Accept-Language`.

    The patient is found by our own id: where the EHR keeps it as an identifier of the system
    `https://samepage.example/fhir/NamingSystem/patient-id`, or calls the patient so itself.
    """
    response.headers.update(calling.cors | {"content-language": str(language)})
    subject = calling.ehr.subject_of(body.context.userId)
    if subject is None:
        await _keep_refused(request, calling, None, subject)
        return Cards(cards=[])
    wanted = our_id(body.context.patientId, body.patient)
    card = await _card(request, calling, subject, wanted, language)
    if card is None and (read := await _read(request, calling, body)) not in (None, wanted):
        wanted = read
        card = await _card(request, calling, subject, wanted, language)
    if card is None:
        await _keep_refused(request, calling, wanted, subject)
    return Cards(cards=[] if card is None else [card])


@router.post(f"{_SERVICE}/feedback")
async def take_feedback(response: Response, calling: Calling, body: Feedback) -> dict[str, str]:
    """Hear what became of cards: how many were used is in the log, and nothing else is kept."""
    response.headers.update(calling.cors)
    used = sum(one.outcome == "accepted" for one in body.feedback)
    _log.info("cards were answered", ehr=calling.ehr.ehr_id, used=used, set_aside=len(body.feedback) - used)
    return {}


for _path in ("/cds-services", _SERVICE, f"{_SERVICE}/feedback"):
    router.add_api_route(_path, let_call, methods=["OPTIONS"], include_in_schema=False)


async def _card(
    request: Request, calling: EhrCaller, subject: str, patient_id: UUID | None, language: Language
) -> Card | None:
    """The card, on record; None when the site has no such page, or nothing on it any more."""
    if patient_id is None:
        return None
    async with transaction(pool_of(request), calling.scope) as connection:
        stored = await store.page(connection, calling.scope, patient_id)
        page = None if stored is None else stored.parsed()
        if stored is None or page is None or page["erased"]:
            return None
        entry = Entry(stored.site_id, Kind.READ, 200, patient_id)
        await calling.trail(request, subject).keep(connection, [entry])
    words = card_words(page, now=sessions_of(request).clock(), time_zone=stored.time_zone, language=language)
    here, in_browser = link_words(language)
    address = address_of(request)
    return Card(
        uuid=uuid4(),
        summary=words.summary,
        indicator="warning" if words.is_warning else "info",
        detail=words.detail,
        source=Source(url=address),
        links=[
            Link(label=here, url=f"{address}/launch", type="smart"),
            Link(label=in_browser, url=f"{address}/patients/{patient_id}", type="absolute"),
        ],
    )


async def _read(request: Request, calling: EhrCaller, body: HookCall) -> UUID | None:
    """Our id out of the EHR's own Patient, where it was not fetched before and we may read it."""
    ehr, allowed = calling.ehr, body.fhirAuthorization
    if body.patient is not None or allowed is None or body.fhirServer != ehr.fhir_server:
        return None
    servers: EhrServers = request.app.state.ehr_servers
    patient_id = body.context.patientId
    return our_id(patient_id, await servers.patient(ehr, patient_id, allowed.access_token.get_secret_value()))


async def _keep_refused(request: Request, calling: EhrCaller, patient_id: UUID | None, subject: str | None) -> None:
    async with transaction(pool_of(request), calling.scope) as connection:
        entry = Entry(calling.ehr.site_id, Kind.DENIED, 200, patient_id)
        await calling.trail(request, subject).keep(connection, [entry])
