"""Forms of a site: brought as FHIR Questionnaires, listed, compared, put to use and retired, and kept for ever.

A form is known by its url and version, and what those two name never changes: the same content again is the same form,
other content is refused. The forms that ship with the system stand beside those of the site and cannot be retired.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, RootModel

from services.intake import store
from services.intake.domain import FORMS, warnings_of
from services.intake.domain.questionnaires import (
    Definition,
    UnsoundDefinition,
    compile_questionnaire,
    difference,
    operation_outcome,
    read_questionnaire,
)
from services.intake.store import FormRow, FormState, KeptForm
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import FieldError, Problem, conflict, unknown
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.record import keep_read
from shared.outbox import Recorded

router = APIRouter(tags=["forms"])


class FormBody(RootModel[dict[str, Any]]):
    """A FHIR R4 Questionnaire."""

    model_config = ConfigDict(frozen=True)


class FormChange(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal[FormState.ACTIVE, FormState.RETIRED]


class NamedChange(FormChange):
    """The form with it, for the record."""

    form_id: UUID


class FormAnswer(BaseModel):
    """A form without its items. `uploaded_at` is null for one that ships with the system."""

    id: UUID
    url: str
    version: str
    title: str
    state: FormState
    uploaded_by: str | None
    uploaded_at: datetime | None


class FormAccepted(Accepted):
    """`outcome` is an OperationOutcome: it warns of what the pages cannot ask, and of answers that are not kept."""

    outcome: dict[str, Any]


class Forms(BaseModel):
    items: list[FormAnswer]


class FormDifference(BaseModel):
    """Link ids; `changed` names the parts of an item that differ, `of_form` those of the form itself."""

    older: str
    newer: str
    added: list[str]
    removed: list[str]
    moved: list[str]
    changed: dict[str, list[str]]
    of_form: list[str]


def _shipped_id(definition: Definition) -> UUID:
    return uuid5(NAMESPACE_URL, definition.key)


_TRIED: dict[int | str, dict[str, Any]] = {200: {"description": "A dry run: an OperationOutcome"}}
SHIPPED: Mapping[UUID, Definition] = {_shipped_id(form.definition): form.definition for form in FORMS.values()}


@router.post("/v1/forms", status_code=201, response_model=FormAccepted, responses=_TRIED)
async def add_form(
    request: Request,
    body: FormBody,
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
    *,
    dry_run: bool = False,
) -> Response:
    """Bring a form. What cannot be asked soundly is refused, each reason with the item where it stands.

    `dry_run`: nothing is kept, and the answer is the outcome alone.
    """
    site_id = caller.writing_site(site)
    # A large one takes longer than others should wait.
    definition, outcome = await asyncio.to_thread(_compiled, body)
    if dry_run:
        async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
            await _kept_before(connection, site_id, definition, body)
            await keep_read(request, connection, site_id, None)
        return JSONResponse(outcome)
    command = Command[FormBody](
        locks=lambda _site, _body: [f"form:{definition.key}"],
        record=partial(_record, caller, definition, outcome),
    )
    return await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=key)


@router.get("/v1/forms")
async def list_forms(request: Request, caller: SiteStaff, site: NamedSite = None) -> Forms:
    """The forms of the site, the newest first, and then those that ship with the system."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        rows = await store.forms(connection, scope)
        await keep_read(request, connection, site_id, None)
    shipped = [_of_shipped(form_id, one) for form_id, one in SHIPPED.items()]
    return Forms(items=[*(_of_row(row) for row in rows), *shipped])


@router.get("/v1/forms/{form_id}", response_class=JSONResponse)
async def get_form(request: Request, form_id: UUID, caller: SiteStaff, site: NamedSite = None) -> dict[str, Any]:
    """The Questionnaire as it came; its status is the one that it has now."""
    site_id = caller.writing_site(site)
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        found = await _resource(connection, site_id, form_id)
        await keep_read(request, connection, site_id, None)
    return dict(found)


@router.get("/v1/forms/{form_id}/difference/{older_id}")
async def compare_forms(
    request: Request, form_id: UUID, older_id: UUID, caller: SiteStaff, site: NamedSite = None
) -> FormDifference:
    """What this form asks otherwise than an older one."""
    site_id = caller.writing_site(site)
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        documents = [await _resource(connection, site_id, one) for one in (older_id, form_id)]
        await keep_read(request, connection, site_id, None)
    before, after = [await asyncio.to_thread(read_questionnaire, one) for one in documents]
    return FormDifference(older=before.key, newer=after.key, **asdict(difference(before, after)))


@router.patch("/v1/forms/{form_id}", response_model=Accepted)
async def change_form(
    request: Request, form_id: UUID, body: FormChange, caller: SiteStaff, site: NamedSite = None
) -> Response:
    """Put a draft to use, or retire a form: it takes no new answers, and is kept for those that it took.

    Again changes nothing. A retired form does not come back.
    """
    if form_id in SHIPPED:
        raise conflict("form-shipped", "This form ships with the system and stays in use.")
    site_id = caller.writing_site(site)
    command = Command[NamedChange](
        locks=lambda _site, one: [f"form:{one.form_id}"], record=partial(_change, caller), status=200
    )
    batch = Batch([NamedChange(form_id=form_id, state=body.state)], is_single=True)
    return await execute(request, command, batch, site_id=site_id, key=None)


def _compiled(body: FormBody) -> tuple[Definition, dict[str, Any]]:
    """A sound form, and what is said of it."""
    try:
        definition = compile_questionnaire(body.root)
    except UnsoundDefinition as unsound:
        errors = [FieldError(issue.link_id or "form", issue.sentence()) for issue in unsound.issues]
        raise Problem(422, "invalid", f"{len(errors)} thing(s) of this form are not sound.", errors=errors) from unsound
    return definition, operation_outcome(warnings_of(definition))


async def _record(
    caller: Caller,
    definition: Definition,
    outcome: Mapping[str, Any],
    connection: Connection,
    site_id: str,
    body: FormBody,
) -> Recorded:
    form_id = await _kept_before(connection, site_id, definition, body)
    if form_id is None:
        form_id = uuid4()
        row = KeptForm(
            form_id=form_id,
            url=definition.url,
            version=definition.version,
            status=definition.status,
            title=definition.words.base,
            resource=body.root,
            uploaded_by=caller.subject,
            uploaded_at=datetime.now(UTC),
        )
        await store.record_form(connection, site_id, row)
    return Recorded(str(form_id), [], {"outcome": outcome})


async def _kept_before(connection: Connection, site_id: str, definition: Definition, body: FormBody) -> UUID | None:
    """The same form, where it was brought before.

    Raises:
        Problem: 409 `form-exists`, its url and version name a form with other content.
    """
    shipped = SHIPPED.get(_shipped_id(definition))
    if shipped is not None:
        form_id, resource = _shipped_id(definition), shipped.resource
    else:
        known = await store.form_with(connection, SiteScope.of(site_id), definition.url, definition.version)
        if known is None:
            return None
        form_id, resource = known.form_id, known.resource
    if resource != body.root:
        raise conflict("form-exists", "This url and version name a form with other content. Take a new version.")
    return form_id


async def _change(caller: Caller, connection: Connection, site_id: str, one: NamedChange) -> Recorded:
    row = next(iter(await store.forms_named(connection, SiteScope.of(site_id), [str(one.form_id)])), None)
    if row is None:
        raise unknown("form")
    if row.state is not one.state:
        if row.state is FormState.RETIRED:
            raise conflict("form-retired", "A retired form does not come back. Bring it as a new version.")
        await store.record_form_state(connection, site_id, one.form_id, one.state, caller.subject)
    return Recorded(str(one.form_id), [])


async def _resource(connection: Connection, site_id: str, form_id: UUID) -> Mapping[str, Any]:
    shipped = SHIPPED.get(form_id)
    if shipped is not None:
        return shipped.resource
    row = await store.form(connection, SiteScope.of(site_id), form_id)
    if row is None:
        raise unknown("form")
    return {**row.resource, "status": row.state}


def _of_row(row: FormRow) -> FormAnswer:
    return FormAnswer(
        id=row.form_id,
        url=row.url,
        version=row.version,
        title=row.title,
        state=row.state,
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
    )


def _of_shipped(form_id: UUID, definition: Definition) -> FormAnswer:
    return FormAnswer(
        id=form_id,
        url=definition.url,
        version=definition.version,
        title=definition.words.base,
        state=FormState(definition.status),
        uploaded_by=None,
        uploaded_at=None,
    )
