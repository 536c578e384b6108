"""Forms that sites brought, ready to check answers.

What a url and a version name never changes, so a form is read and prepared once in a process; whether it is in use is
looked up each time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from fastapi import Request

from services.intake import store
from services.intake.domain import FORMS, Form, own_form, unfit_for_answers
from services.intake.domain.questionnaires import Definition, read_questionnaire
from services.intake.store import FormRow, FormState
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem, conflict

T = TypeVar("T")
_LARGE = 500  # items


class OwnForm(NamedTuple):
    """A form of a site: `unfit` is why its answers could not be kept, `out_of_use` why it takes no new ones."""

    form: Form
    unfit: Sequence[FieldError]
    out_of_use: Sequence[str]

    def for_new_answers(self) -> Form:
        """The form, when it takes new answers.

        Raises:
            Problem: 409 `form-not-in-use`; 422, it is one whose answers are not kept here.
        """
        if self.out_of_use:
            raise conflict("form-not-in-use", f"{' '.join(self.out_of_use)} It takes no new answers.")
        if self.unfit:
            wrong = [FieldError("form", f"{error.field}: {error.expected}") for error in self.unfit]
            raise Problem(422, "invalid", "This form takes no answers here.", errors=wrong)
        return self.form


async def at_leisure(own: Iterable[OwnForm], check: Callable[[], T]) -> T:
    """What a check of answers comes to: in a thread where a form is large or has rules, so that others do not wait."""
    definitions = (one.form.definition for one in own)
    is_slow = any(one.has_rules or len(one.by_id) > _LARGE for one in definitions)
    return await asyncio.to_thread(check) if is_slow else check()


def own_forms_of(request: Request) -> "OwnForms":
    """The forms of the application that a request came to."""
    own_forms: OwnForms = request.app.state.means.own_forms
    return own_forms


class OwnForms:
    """For one application. Keeps the definitions that were used last, of `most_items` items together."""

    def __init__(self, *, most_items: int = 50_000) -> None:
        self._most_items = most_items
        self._known: OrderedDict[tuple[str, UUID], tuple[Definition, Sequence[FieldError]]] = OrderedDict()

    async def named(self, connection: Connection, site_id: str, names: Collection[str]) -> Mapping[str, OwnForm]:
        """The forms of a site by the names that are asked for: `url|version`, an id, or a url.

        A url alone is the newest of its forms that is in use. What the site does not have is left out, and so are the
        names of shipped forms.
        """
        own = {name for name in names if name not in FORMS}
        if not own:
            return {}
        found = dict[str, OwnForm]()
        for row in await store.forms_named(connection, SiteScope.of(site_id), own):
            meant = {str(row.form_id), row.key, row.url} & own - found.keys()
            if not meant:
                continue
            definition, unfit = await self._definition(connection, site_id, row)
            form = OwnForm(own_form(definition), unfit, _out_of_use(row, definition))
            exact = {str(row.form_id), row.key}
            found |= {name: form for name in meant if name in exact or not form.out_of_use}
        return found

    async def in_use(self, connection: Connection, site_id: str) -> Sequence[Form]:
        """The forms of a site that take new answers, the newest first."""
        rows = await store.forms(connection, SiteScope.of(site_id))
        names = [row.key for row in rows if row.state is FormState.ACTIVE]
        found = await self.named(connection, site_id, names)
        own = (found[name] for name in names if name in found)
        return [one.form for one in own if not one.out_of_use and not one.unfit]

    async def _definition(
        self, connection: Connection, site_id: str, row: FormRow
    ) -> tuple[Definition, Sequence[FieldError]]:
        place = (site_id, row.form_id)
        known = self._known.get(place)
        if known is None:
            kept = await store.form(connection, SiteScope.of(site_id), row.form_id)
            if kept is None:
                raise LookupError(f"form {row.form_id}: forms are kept for ever")
            known = self._known[place] = await asyncio.to_thread(_prepared, kept.resource)
            while len(self._known) > 1 and sum(len(one.by_id) for one, _ in self._known.values()) > self._most_items:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(place)
        return known


def _prepared(resource: Mapping[str, object]) -> tuple[Definition, Sequence[FieldError]]:
    """The definition, and what of it does not fit, or is not thought sound any more."""
    definition = read_questionnaire(resource)
    flaws = [FieldError(issue.link_id or "form", issue.sentence()) for issue in definition.flaws]
    return definition, [*flaws, *unfit_for_answers(definition)]


def _out_of_use(row: FormRow, definition: Definition) -> Sequence[str]:
    return definition.out_of_use(datetime.now(UTC).isoformat(), status=row.state)
