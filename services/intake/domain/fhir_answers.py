"""FHIR R4 `QuestionnaireResponse` to a survey: whose it is, for which visit, and its plain answers.

subject        Patient/{our id}, or a Patient that came along, or the site's own number as identifier
encounter      what the site's system calls the visit, as reference or identifier; or Encounter/{our id of the visit}
questionnaire  the address of a shipped survey or of a form of the site's own, with or without its version
source         who answered, author who wrote it down: somebody else for the patient where one is a RelatedPerson, or
               the source is of the clinic; the patient otherwise, whoever wrote it down
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.intake.domain.fhir_visits import (
    Resource,
    kind_of,
    names_of,
    our_id,
    part_of,
    patient_of,
    reference_of,
)
from services.intake.domain.forms import FORMS, Form
from services.intake.domain.questionnaires import Given, Rule, check
from shared.errors import FieldError, Problem
from shared.events import EntryMode, Language, SkipReason

KIND = "QuestionnaireResponse"


@dataclass(frozen=True, slots=True)
class Response:
    """What a response says, shown or not. `patient` is our id or the site's own number.

    `visit_names` are what the site's system may call the visit; `visit_id` is ours, where the reference can be one.
    """

    patient: UUID | str
    visit_names: tuple[str, ...]
    visit_id: UUID | None
    form: str
    language: Language
    mode: EntryMode
    authored: str | None
    answers: Mapping[str, Any]
    skipped: Mapping[str, SkipReason]


def read_response(
    resource: Resource, numbers: Mapping[str, str] | None = None, own: Mapping[str, Form] | None = None
) -> Response:
    """What a response says; whether it is complete is for its form to say. `own` are the site's forms by address.

    Raises:
        Problem: 422 with every part that is missing or cannot be read, and what was expected there.
    """
    if resource.get("resourceType") != KIND:
        raise Problem(422, "invalid", f"The resourceType must be {KIND}.")
    errors = list[FieldError]()
    if resource.get("status") != "completed":
        errors.append(
            FieldError("status", "completed: drafts stay where they are, corrections have a route of their own")
        )
    form = _form(resource.get("questionnaire"), own or {})
    if form is None:
        shipped = ", ".join(each.definition.key for each in FORMS.values())
        errors.append(FieldError("questionnaire", f"one of {shipped}, or of a form that the site has brought"))
    patient = patient_of(part_of(resource, "subject"), numbers or {})
    visit = part_of(resource, "encounter")
    visit_names = tuple(filter(None, (*names_of(visit), reference_of(visit))))
    if patient is None:
        errors.append(FieldError("subject", "a reference to the patient, or the site's number as identifier"))
    if not visit_names:
        errors.append(FieldError("encounter", "a reference to the visit, or the site's name of it as identifier"))
    authored = resource.get("authored")
    if authored is not None and not isinstance(authored, str):
        errors.append(FieldError("authored", "a time such as 2026-10-11T18:04:00Z"))
    if form is not None:
        given = replace(Given.of_response(resource), is_partial=True)
        errors += _wrong_answers(form, given)
    if errors or form is None or patient is None:
        raise Problem(422, "invalid", f"{len(errors)} part(s) of the response are not valid.", errors=errors)
    answers, skipped = given.as_plain(form.definition)
    return Response(
        patient=patient,
        visit_names=visit_names,
        visit_id=our_id(reference_of(visit)),
        form=form.key,
        language=_language(resource.get("language")),
        mode=_mode(resource),
        authored=authored if isinstance(authored, str) else None,
        answers=answers,
        skipped=skipped,
    )


def _wrong_answers(form: Form, given: Given) -> list[FieldError]:
    """What is not shown is no mistake here: whether to refuse it is for who records it, as of plain answers."""
    known = form.definition.by_id
    return [
        FieldError(f"answers.{issue.link_id}", issue.sentence(), issue.link_id in known, issue.code)
        for issue in check(form.definition, given).errors
        if issue.rule is not Rule.NOT_SHOWN
    ]


def _form(canonical: object, own: Mapping[str, Form]) -> Form | None:
    """The survey of this address; the newest where no version is named."""
    if not isinstance(canonical, str):
        return None
    named = (form for form in reversed(list(FORMS.values())) if canonical in (form.definition.key, form.definition.url))
    return next(named, None) or own.get(canonical)


def _mode(resource: Resource) -> EntryMode:
    source, author = (kind_of(part_of(resource, name), resource) for name in ("source", "author"))
    is_by_proxy = "RelatedPerson" in (source, author) or source in ("Practitioner", "PractitionerRole")
    return EntryMode.PROXY if is_by_proxy else EntryMode.SELF


def _language(code: object) -> Language:
    spoken = code.partition("-")[0].lower() if isinstance(code, str) else ""
    return Language.SPANISH if spoken == Language.SPANISH else Language.ENGLISH
