"""The matrix of role by route: complete, and only sign-in answers anybody."""

import re

import pytest

from deploy.contracts.access import Line, matrix, page
from services.dashboard.api import cds
from services.intake.api import entry, tokens
from shared.auth import Role

LINES = matrix()
# Where a sign-in begins, or an EHR calls: they answer without a session, because nobody has one yet.
OPEN = re.compile(f"/({entry.OPEN_PATHS}|{tokens.OPEN_PATHS}|{cds.OPEN_PATHS})")


def name_of(line: Line) -> str:
    return f"{line.service} {line.method} {line.path}"


@pytest.mark.parametrize("line", LINES, ids=name_of)
def test_every_route_names_its_roles_unless_a_sign_in_begins_there(line: Line) -> None:
    assert bool(line.roles) != bool(OPEN.fullmatch(line.path))
    assert f"| `{line.method} {line.path}` |" in page()


@pytest.mark.parametrize("line", LINES, ids=name_of)
def test_an_operator_sees_no_patient(line: Line) -> None:
    is_about_patients = re.search("patient|visit|survey|assessment|lab|medication|plan|view|feedback|invit", line.path)
    if line.service != "analytics" and is_about_patients:
        assert Role.OPERATOR not in line.roles


def test_the_matrix_has_a_line_for_what_everybody_knows() -> None:
    assert Line("intake", "POST", "/v1/surveys", (Role.PATIENT, Role.COORDINATOR, Role.SYSTEM)) in LINES
    assert Line("analytics", "GET", "/network", (Role.OPERATOR,)) in LINES
