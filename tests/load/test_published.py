"""Which runs of the bench stand in the documentation."""

from pathlib import Path

from tests.load.figures import RATE
from tests.load.published import Published, is_measured_alike
from tests.load.test_figures import a_document, a_figure


def test_a_run_of_the_same_code_stands_before_those_that_were_there(tmp_path: Path) -> None:
    published = Published(tmp_path)
    assert published.runs() == []
    runs = [a_document(a_figure(rate, row="relay", measure=RATE.name), at=f"day {rate}") for rate in (10, 20, 30)]
    for run in runs:
        published.add(run, is_same_code=True)
    assert published.runs() == runs[::-1]
    page = (tmp_path / "performance.md").read_text()
    assert "| relay, one process | at least 30,000 /s | 30 | not reached | 20 | 10 |" in page
    assert "- Run 1: day 20" in page
    assert "- Run 2: day 10" in page


def test_runs_of_other_code_go(tmp_path: Path) -> None:
    published = Published(tmp_path)
    for at in ("one", "two"):
        published.add(a_document(at=at), is_same_code=True)
    published.add(a_document(at="three"), is_same_code=False)
    assert [run.at for run in published.runs()] == ["three"]
    assert sorted(place.name for place in tmp_path.iterdir()) == ["performance.json", "performance.md"]
    assert "before it" not in (tmp_path / "performance.md").read_text()


def test_a_run_of_no_commit_measured_other_code() -> None:
    assert not is_measured_alike("no repository")
    assert not is_measured_alike("0123456789ab-dirty")
