"""The heaviest page with everything that it loads is light, and none of it is somebody else's."""

import re
from pathlib import Path

import pytest

from services.dashboard.domain import assemble
from services.dashboard.pages import STATIC, present
from services.dashboard.pages.charts.frame import Span
from services.dashboard.pages.live import Live
from shared.events import ViewerRole
from shared.pages import STATIC as SHARED
from shared.sealing import Place, Words, WordsState
from tests.builders import PATIENT, a_view, an_enrollment, an_id
from tests.services.dashboard.histories import a_month, folded, in_sequence, month
from tests.weight import MOST_BYTES, loaded_by, weight_of

ELSEWHERE = re.compile(rb"(?:https?:)?//[\w-]+\.|@import|\bimport\(|url\((?!['\"]?(?:/|data:))")

NAME_OF_SVG = b"http://www.w3.org/2000/svg"


def opened(sealed: str, _place: Place) -> Words:
    return Words(WordsState.READABLE, f"words of {sealed}")


def file_at(path: str) -> bytes:
    folder = STATIC if path.startswith("/static/dashboard/") else SHARED
    return (folder / Path(path).name).read_bytes()


@pytest.mark.parametrize("span", Span)
def test_five_full_years_with_all_that_the_page_loads_stay_under_the_bound(span: Span) -> None:
    page = assemble(folded(*in_sequence(an_enrollment(), *(body for number in range(61) for body in a_month(number)))))
    html = present(
        page,
        now=month(60),
        time_zone="America/Chicago",
        unseal=opened,
        viewer_role=ViewerRole.CLINICIAN,
        view=a_view(),
        live=Live(PATIENT, an_id("view"), "v"),
        span=span,
        is_shared=True,
    )
    paths = loaded_by(html)
    assert {Path(path).suffix for path in paths} == {".svg", ".css", ".js"}
    assert all(path.startswith("/static/") for path in paths)
    files = [file_at(path) for path in paths]
    assert [ELSEWHERE.findall(content.replace(NAME_OF_SVG, b"")) for content in files] == [[]] * len(files)
    assert weight_of([html.encode(), *files]) < MOST_BYTES
