"""The words of the project are true: each file, name, test, command, route and metric that they mention is there."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import typer
import yaml

from deploy.commands import app
from deploy.doors import SERVICES, consumes, publishes

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
MOST_LINES_OF_THE_README = 150
MADE_WHEN_RUN = ("var/", ".venv/")

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
PLACE = re.compile(r"([\w.*-]+(?:/[\w.*-]*)+)(?:::([\w.]+))?")
ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/v1/\S+)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_in(document: Path) -> list[str]:
    """What stands in backticks outside fenced blocks."""
    return CODE.findall(FENCED.sub("", document.read_text()))


def commands_in(document: Path, program: str) -> Iterator[list[str]]:
    """The words after a program's name, in backticks or fenced blocks."""
    text = "\n".join([*code_in(document), *FENCED.findall(document.read_text())])
    for words in re.findall(rf"\b{program}((?: [a-z][a-z-]*)+)", text):
        yield words.split()


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    """Whether these statements define the first name, and its own body the next."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == names[0]:
            return len(names) == 1 or defines(node.body, names[1:])
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == names[0] for target in node.targets):
            return len(names) == 1
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_file_and_every_name_in_one_is_there(document: Path) -> None:
    for code in code_in(document):
        place = PLACE.fullmatch(code)
        if place is None or code.startswith(MADE_WHEN_RUN):
            continue
        found = list(ROOT.glob(place[1].rstrip("/")))
        assert found, f"{code} does not exist"
        if place[2] is not None:
            assert defines(ast.parse(found[0].read_text()).body, place[2].split(".")), f"{code} is not defined"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(FENCED.sub("", document.read_text())):
        assert "://" in target or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_command_can_be_given(document: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in commands_in(document, "make"):
        assert words[0] in targets, f"make {words[0]}"
    for words in commands_in(document, "samepage"):
        command = typer.main.get_command(app)
        for word in words:
            if isinstance(command, typer.core.TyperGroup):
                assert word in command.commands, f"samepage {' '.join(words)}"
                command = command.commands[word]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_route_and_every_metric_is_there(document: Path) -> None:
    contracts = [json.loads(file.read_text())["paths"] for file in ROOT.glob("shared/contracts/openapi/*.json")]
    routes = {(verb.upper(), path) for paths in contracts for path, verbs in paths.items() for verb in verbs}
    metrics = (ROOT / "shared" / "telemetry.py").read_text()
    for code in code_in(document):
        if route := ROUTE.fullmatch(code):
            assert route.groups() in routes, code
        if code.startswith("samepage_"):
            assert f'"{code}"' in metrics, code


def test_the_picture_of_the_topics_is_what_the_services_say() -> None:
    (picture,) = (block for block in FENCED.findall(README.read_text()) if block.startswith("```mermaid"))
    arrows = [line.split(" --> ") for line in picture.splitlines() if " --> " in line]
    drawn = {pair for left, right in arrows for pair in product(left.strip().split(" & "), right.split(" & "))}
    published = {(service, topic.name) for service in SERVICES for topic in publishes(service)}
    consumed = {(topic.name, service) for service in SERVICES for topic in consumes(service)}
    assert drawn == published | consumed


def test_the_runbook_says_what_to_do_at_each_alert() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    rows = [line for line in (ROOT / "docs" / "runbooks" / "operating.md").read_text().splitlines() if line[:1] == "|"]
    named = {name for row in rows for name in CODE.findall(row.split("|")[1])}
    assert alerts <= named


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES_OF_THE_README


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_a_decision_is_one_page_and_names_the_tests_that_hold_it(decision: Path) -> None:
    text = decision.read_text()
    assert len(text.splitlines()) <= 45
    assert "::test_" in text.partition("## Held by")[2]


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [int(decision.name[:4]) for decision in DECISIONS]
    assert numbers == sorted(set(numbers))
