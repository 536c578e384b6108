"""Reading a FHIR R4 `Questionnaire` into a `Definition`, and saying what is wrong with it.

What makes it no form at all (ids twice or missing, conditions on unknown questions) is never read. What only makes it
unfit for answers here (an expression that does not parse, a list of answers that is away) is told as a flaw, so that
responses to other people's forms can be checked as far as they can be.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.intake.domain.questionnaires import extensions as known
from services.intake.domain.questionnaires.definition import Definition
from services.intake.domain.questionnaires.extensions import extension, extensions, objects_in, string_in, value_of
from services.intake.domain.questionnaires.issues import Issue, UnsoundDefinition, flaw
from services.intake.domain.questionnaires.items import ItemReader, codings_in, expressions_of, flag
from services.intake.domain.questionnaires.soundness import flaws_of
from services.intake.domain.questionnaires.value_sets import Contained
from services.intake.domain.questionnaires.words import Words, words_of

MOST_ITEMS = 5_000
DEEPEST = 20


def compile_questionnaire(resource: object) -> Definition:
    """The definition of a form that takes answers here.

    Raises:
        UnsoundDefinition: with all that is wrong, each with the item where it stands.
    """
    definition = read_questionnaire(resource)
    if definition.flaws:
        raise UnsoundDefinition(definition.flaws)
    return definition


def read_questionnaire(resource: object) -> Definition:
    """The definition of anybody's form, with its flaws.

    Raises:
        UnsoundDefinition: it is no form, its items cannot be told apart, or it offers too many answers.
    """
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Questionnaire":
        raise UnsoundDefinition([flaw(None, "This is not a FHIR Questionnaire.")])
    wrong = list(_shape(resource)) or list(_ids(resource))
    if wrong:
        raise UnsoundDefinition(wrong)
    reader = ItemReader(Contained(resource))
    reader.note_other_languages(resource)
    definition = _definition(resource, reader)
    places = definition.places
    flaws = sorted([*reader.flaws, *flaws_of(definition)], key=lambda one: places.get(one.link_id or "", -1))
    return replace(definition, flaws=tuple(flaws))


def _definition(resource: Mapping[str, Any], reader: ItemReader) -> Definition:
    period = resource.get("effectivePeriod")
    begin, end = (string_in(period, name) if isinstance(period, Mapping) else None for name in ("start", "end"))
    return Definition(
        url=string_in(resource, "url") or "",
        version=string_in(resource, "version") or "",
        status=string_in(resource, "status") or "",
        words=words_of(resource, "title") or Words(string_in(resource, "name") or ""),
        items=reader.items_of(resource),
        codes=codings_in(resource),
        instruments=tuple(
            one for found in extensions(resource, known.INSTRUMENT) if isinstance(one := value_of(found), str)
        ),
        asks_for_reasons=extension(resource, known.EXPLICIT_SKIP) is True,
        is_extracted=flag(resource, known.OBSERVATION_EXTRACT),
        effective_from=begin,
        effective_to=end,
        launch_context=tuple(_launch_context(resource)),
        expressions=expressions_of(resource),
        resource=resource,
    )


def _shape(resource: Mapping[str, Any]) -> Iterator[Issue]:
    """Whether the items are lists of objects, and few and flat enough to be walked."""
    waiting, count = [(resource, 0)], 0
    while waiting:
        owner, depth = waiting.pop()
        raw = owner.get("item", [])
        if not isinstance(raw, list) or not all(isinstance(one, Mapping) for one in raw):
            yield flaw(None, "The items of a form must be a list of objects.")
            return
        count += len(raw)
        if count > MOST_ITEMS or depth > DEEPEST:
            yield flaw(None, f"A form has at most {MOST_ITEMS} items, at most {DEEPEST} deep.")
            return
        waiting.extend((one, depth + 1) for one in raw)


def _ids(resource: Mapping[str, Any]) -> Iterator[Issue]:
    """Whether each item can be told from all others, and each condition names one that is there."""
    items = list(_walk(resource))
    ids = Counter(link_id for item in items if (link_id := string_in(item, "linkId")))
    if ids.total() < len(items):
        yield flaw(None, "Each item needs a linkId.")
    for link_id, times in ids.items():
        if times > 1:
            yield flaw(link_id, f"The linkId {link_id} is used {times} times.")
    for item in items:
        for condition in objects_in(item, "enableWhen"):
            question = string_in(condition, "question")
            if question not in ids:
                yield flaw(string_in(item, "linkId"), f"enableWhen names {question}, which is not in the form.")


def _walk(owner: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in objects_in(owner, "item"):
        yield item
        yield from _walk(item)


def _launch_context(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names by which expressions mean resources, and the types of those."""
    for one in extensions(resource, known.LAUNCH_CONTEXT):
        name, kind = extension(one, "name"), extension(one, "type")
        code = name.get("code") if isinstance(name, Mapping) else name
        if isinstance(code, str) and isinstance(kind, str):
            yield code, kind
