"""`samepage forms`: check, extract. FHIR on standard output; exit 0 valid, 1 invalid, 2 the input cannot be used."""

import codecs
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer

from services.intake.domain import warnings_of
from services.intake.domain.questionnaires import (
    Definition,
    Disabled,
    Given,
    Issue,
    Rule,
    Severity,
    UnsoundDefinition,
    another_form,
    check,
    extract,
    operation_outcome,
    read_questionnaire,
)

app = typer.Typer(no_args_is_help=True, help="FHIR Questionnaires and responses to them.")
Questionnaires = Annotated[
    list[Path] | None,
    typer.Option("--questionnaire", help="The form, as JSON; several allowed, the one meant is taken"),
]
Response = Annotated[Path, typer.Option("--response", help="The answers, a QuestionnaireResponse as JSON")]
ResponseIfAny = Annotated[Path | None, typer.Option("--response", help="The answers; without them the form is checked")]
NotShown = Annotated[Disabled, typer.Option("--not-shown", help="What becomes of answers to what is not asked")]
VALID, INVALID, UNUSABLE = 0, 1, 2
_ANSWERS = "QuestionnaireResponse"


@app.command("check")
def check_command(
    response: ResponseIfAny = None, questionnaire: Questionnaires = None, not_shown: NotShown = Disabled.REFUSE
) -> None:
    """Say as an OperationOutcome whether the answers fit the form: exit 0 when they do, 1 when not.

    Without answers, whether the forms themselves are sound, and what the survey's pages cannot ask of them.
    """
    answers = None if response is None else _response(response)
    definitions = _definitions(questionnaire or [])
    issues: Sequence[Issue]
    if answers is not None:
        _, issues = _judged(definitions, answers, not_shown)
    elif definitions:
        issues = [issue for one in definitions for issue in (*one.flaws, *warnings_of(one))]
    else:
        _unusable("Name a form (--questionnaire), answers (--response), or both.")
    _write(operation_outcome(issues))
    raise typer.Exit(INVALID if _has_error(issues) else VALID)


@app.command("extract")
def extract_command(response: Response, questionnaire: Questionnaires = None) -> None:
    """Print the answers as a Bundle of Observations; of answers that do not fit, what `check` says of them."""
    answers = _response(response)
    definition, issues = _judged(_definitions(questionnaire or []), answers)
    if definition is None or _has_error(issues):
        _write(operation_outcome(issues))
        raise typer.Exit(INVALID)
    _write(extract(definition, answers))


def _judged(
    definitions: Sequence[Definition], answers: Mapping[str, Any], not_shown: Disabled = Disabled.REFUSE
) -> tuple[Definition | None, Sequence[Issue]]:
    """The form that is meant, and all that can be said of the answers to it."""
    canonical = answers.get("questionnaire")
    meant = next((one for one in definitions if one.takes(canonical)), None)
    if meant is None:
        return None, [another_form(canonical)]
    now = datetime.now(UTC)
    authored = answers.get("authored")
    out_of_use = meant.out_of_use(authored if isinstance(authored, str) else now.isoformat())
    about_form = [Issue(Rule.NOT_IN_USE, expected=why, severity=Severity.WARNING) for why in out_of_use]
    flaws = [Issue(flaw.rule, flaw.link_id, flaw.expected, Severity.WARNING, flaw.path) for flaw in meant.flaws]
    checked = check(meant, Given.of_response(answers), disabled=not_shown, at=now)
    return meant, [*checked.issues, *about_form, *flaws]


def _has_error(issues: Iterable[Issue]) -> bool:
    return any(issue.severity is Severity.ERROR for issue in issues)


def _response(file: Path) -> Mapping[str, Any]:
    read = _read(file)
    if not isinstance(read, dict) or read.get("resourceType") != "QuestionnaireResponse":
        _unusable(f"{file} is not a FHIR QuestionnaireResponse: its resourceType says so of one that is.")
    return read


def _definitions(files: Iterable[Path]) -> list[Definition]:
    definitions = []
    for file in files:
        try:
            definitions.append(read_questionnaire(_read(file, "Questionnaire")))
        except UnsoundDefinition as unsound:
            _unusable(f"{file} is not a form that answers can be checked against: {unsound}", "Questionnaire")
    return definitions


def _read(file: Path, path: str = _ANSWERS) -> object:
    try:
        return orjson.loads(file.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as away:
        _unusable(f"{file} cannot be read: {away.strerror or 'it is not there'}.", path)
    except orjson.JSONDecodeError as wrong:
        _unusable(f"{file} is not JSON: {wrong}.", path)


def _write(resource: Mapping[str, Any]) -> None:
    try:
        typer.echo(orjson.dumps(resource, option=orjson.OPT_INDENT_2))
    except orjson.JSONEncodeError:
        _unusable("What the answers say of themselves is nested too deeply to be written.")


def _unusable(sentence: str, path: str = _ANSWERS) -> NoReturn:
    outcome = operation_outcome([Issue(Rule.UNUSABLE, expected=sentence, path=path)])
    typer.echo(orjson.dumps(outcome, option=orjson.OPT_INDENT_2))
    typer.echo(sentence, err=True)
    raise typer.Exit(UNUSABLE)
