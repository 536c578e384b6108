"""`samepage forms` as it is called: FHIR on standard output, exit codes, and never a traceback."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from deploy.commands import app
from services.intake.domain.questionnaires import extensions as known
from tests.conftest import outside_fixtures
from tests.questionnaires import SYSTEM, URL, answered, asking, extension, group, option, questionnaire, response, when

FORM = questionnaire(
    group("g", asking("pain", "integer", extension(known.MAX_VALUE, valueInteger=10), code=[{"code": "pain"}])),
    asking("mood", "choice", answerOption=[option("good"), option("low")], code=[{"system": SYSTEM, "code": "mood"}]),
)
FITTING = response(
    {"linkId": "g", "item": [answered("pain", {"valueInteger": 3})]},
    answered("mood", {"valueCoding": {"system": SYSTEM, "code": "low", "display": "Low"}}),
    id="r1",
)


class Said(NamedTuple):
    code: int
    out: str
    error: str

    @property
    def resource(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def errors(self) -> list[str]:
        return [issue["details"]["text"] for issue in self.resource["issue"] if issue["severity"] == "error"]


Forms = Callable[..., Said]


@pytest.fixture
def forms(tmp_path: Path) -> Forms:
    """`forms("check", answers, form)`: documents as JSON, or files as they are when they are bytes."""

    def run(command: str, answers: object, *documents: object, options: Sequence[str] = ()) -> Said:
        words = [command, *options]
        given = [] if answers is None else [("response", answers)]
        for name, document in [*given, *(("questionnaire", one) for one in documents)]:
            file = tmp_path / f"{name}-{len(words)}.json"
            file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
            words += [f"--{name}", str(file)]
        said = CliRunner().invoke(app, ["forms", *words])
        assert said.exception is None or isinstance(said.exception, SystemExit)
        return Said(said.exit_code, said.stdout, said.stderr)

    return run


def test_answers_that_fit_end_with_0(forms: Forms) -> None:
    said = forms("check", FITTING, FORM)
    assert (said.code, said.error, said.errors) == (0, "", [])
    assert said.resource["resourceType"] == "OperationOutcome"


def test_a_mark_of_the_encoding_before_the_document_is_passed_over(forms: Forms) -> None:
    assert forms("check", b"\xef\xbb\xbf" + json.dumps(FITTING).encode(), FORM).code == 0


def test_answers_that_do_not_fit_end_with_1_and_each_error_at_its_item(forms: Forms) -> None:
    pain = {"linkId": "g", "item": [answered("pain", {"valueInteger": 11})]}
    said = forms("check", response(pain, answered("other", {"valueString": "x"})), FORM)
    assert (said.code, said.error) == (1, "")
    assert said.errors == ["The answer must be 10 or less.", "This form has no question with this id."]
    assert [issue["diagnostics"] for issue in said.resource["issue"]] == ["linkId pain", "linkId other"]


def test_cases_that_others_judged_come_out_as_they_did(forms: Forms) -> None:
    folder = outside_fixtures("questionnaire-response")
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    found, judged = {}, {}
    for case in cases:
        documents = [(folder / name).read_bytes() for name in case["questionnaire"] if (folder / name).exists()]
        said = forms("check", (folder / case["response"]).read_bytes(), *documents)
        found[case["name"]] = said.code, len(said.errors)
        judged[case["name"]] = int(not case["valid"]), case["errors"]
    assert len(found) == 37
    assert found == judged


def test_the_form_that_is_meant_is_taken_among_several(forms: Forms) -> None:
    newer = {**FORM, "version": "2.0", "item": [asking("other", "string")]}
    assert forms("check", FITTING, newer, FORM).code == 0
    assert forms("check", FITTING, newer).code == 1


@pytest.mark.parametrize("documents", [[], [{**FORM, "url": "https://example.org/other"}], [{**FORM, "version": "3"}]])
def test_a_form_that_is_not_at_hand_is_one_error(forms: Forms, documents: list[object]) -> None:
    for command in ("check", "extract"):
        said = forms(command, FITTING, *documents)
        assert (said.code, len(said.errors)) == (1, 1)
        assert said.resource["issue"][0]["code"] == "not-found"
        assert f"{URL}|1.0" in said.errors[0]


def test_what_only_its_author_can_mend_is_a_warning(forms: Forms) -> None:
    said = forms("check", FITTING, {**FORM, "status": "retired", "version": "1.0", "title": 5})
    assert (said.code, said.errors) == (0, [])
    assert [issue["details"]["text"] for issue in said.resource["issue"]] == ["The form is retired, not active."]


DEEP = b'{"item": [' * 5_000 + b"]}" * 5_000


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b'{"resourceType": "QuestionnaireResponse", "status": NaN}',
        DEEP,
        b"null",
        b"[]",
        b"3",
        {"status": "completed", "item": []},
        {"resourceType": "Patient"},
        {"resourceType": ["QuestionnaireResponse"]},
    ],
)
def test_what_is_no_response_ends_with_2_and_a_sentence(forms: Forms, document: object) -> None:
    for command in ("check", "extract"):
        said = forms(command, document, FORM)
        assert (said.code, len(said.errors), len(said.error.splitlines())) == (2, 1, 1)
        assert said.errors[0] == said.error.strip()
        assert said.resource["issue"][0]["expression"] == ["QuestionnaireResponse"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        DEEP,
        [],
        {},
        {"resourceType": "Questionnaire", "item": [{"type": "string"}]},
        questionnaire(asking("a", "string"), asking("a", "string")),
        questionnaire(
            asking("a", "string", enableWhen=[{"question": "b", "operator": "exists", "answerBoolean": True}])
        ),
        questionnaire(item={"linkId": "a"}),
    ],
)
def test_what_is_no_form_ends_with_2_and_a_sentence(forms: Forms, document: object) -> None:
    said = forms("check", FITTING, document)
    assert (said.code, len(said.errors), bool(said.error)) == (2, 1, True)
    assert said.resource["issue"][0]["expression"] == ["Questionnaire"]


def test_a_file_that_is_not_there_ends_with_2_and_its_name(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["forms", "check", "--response", str(tmp_path / "nowhere.json")])
    assert (said.exit_code, "nowhere.json cannot be read" in said.stderr) == (2, True)


def test_answers_nested_deeper_than_they_can_be_written_end_with_2(forms: Forms) -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    assert forms("check", {**FITTING, "extension": [deep]}, FORM).code == 0
    assert forms("extract", {**FITTING, "subject": deep}, FORM).code == 2


@pytest.mark.parametrize(
    "items",
    [
        None,
        [],
        [None],
        ["x"],
        [{}],
        [{"linkId": None}],
        [{"linkId": "mood", "answer": None}],
        [{"linkId": "mood", "answer": [None]}],
        {"a": 1},
    ],
)
def test_items_of_any_kind_are_judged_and_end_with_1(forms: Forms, items: object) -> None:
    said = forms("check", response(item=items), FORM)
    assert (said.code, len(said.errors)) == (1, 1)


def test_observations_come_as_a_bundle(forms: Forms) -> None:
    said = forms("extract", FITTING, FORM)
    assert (said.code, said.resource["resourceType"], said.resource["type"]) == (0, "Bundle", "transaction")
    observations = [entry["resource"] for entry in said.resource["entry"]]
    assert [one["code"]["coding"][0]["code"] for one in observations] == ["pain", "mood"]
    assert observations[0]["valueInteger"] == 3
    assert observations[1]["valueCodeableConcept"]["coding"] == [{"system": SYSTEM, "code": "low", "display": "Low"}]
    assert all(one["derivedFrom"] == [{"reference": "QuestionnaireResponse/r1"}] for one in observations)
    assert said.resource == forms("extract", FITTING, FORM).resource, "the same answers give the same ids"


def test_of_answers_that_do_not_fit_nothing_is_extracted(forms: Forms) -> None:
    said = forms("extract", response(answered("mood", {"valueString": "low"})), FORM)
    assert (said.code, said.resource["resourceType"]) == (1, "OperationOutcome")


def test_a_form_alone_is_checked_and_what_the_pages_cannot_ask_of_it_is_told(forms: Forms) -> None:
    said = forms("check", None, FORM)
    assert (said.code, said.errors) == (0, [])
    told = {(issue.get("diagnostics"), issue["severity"]) for issue in said.resource["issue"]}
    assert told == {(None, "warning"), ("linkId mood", "warning")}
    unsound = forms("check", None, questionnaire(group("g", asking("q", "choice"))))
    assert (unsound.code, len(unsound.errors)) == (1, 1)
    assert forms("check", None).code == 2


def test_answers_to_what_is_not_asked_are_refused_or_said_to_be_left_out(forms: Forms) -> None:
    form = questionnaire(
        asking("milk", "boolean"), asking("cups", "integer", enableWhen=[when("milk", "=", answerBoolean=True)])
    )
    given = response(answered("milk", {"valueBoolean": False}), answered("cups", {"valueInteger": 3}))
    assert [issue["diagnostics"] for issue in forms("check", given, form).resource["issue"]] == ["linkId cups"]
    said = forms("check", given, form, options=["--not-shown", "strip"])
    assert (said.code, [issue["severity"] for issue in said.resource["issue"]]) == (0, ["warning"])
