"""Which runs of the bench stand in the documentation."""

import subprocess
from pathlib import Path

from tests.load.figures import RATE
from tests.load.machine import is_measured_alike
from tests.load.published import Published
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
    assert "- Run 1 (`performance-1.json`): day 20" in page
    assert "- Run 2 (`performance-2.json`): day 10" in page


def test_runs_of_other_code_go(tmp_path: Path) -> None:
    published = Published(tmp_path)
    for at in ("one", "two"):
        published.add(a_document(at=at), is_same_code=True)
    published.add(a_document(at="three"), is_same_code=False)
    assert [run.at for run in published.runs()] == ["three"]
    assert sorted(place.name for place in tmp_path.iterdir()) == ["performance.json", "performance.md"]
    assert "before it" not in (tmp_path / "performance.md").read_text()


def test_documents_may_change_between_runs_of_the_same_code_and_the_product_may_not(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@samepage.example"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    for name in ("docs", "services", "tests/load"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "floor.py").write_text("before")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message=before")
    measured = git("rev-parse", "HEAD")
    (tmp_path / "docs" / "floor.py").write_text("after")
    assert is_measured_alike(measured, tmp_path)
    for changed in ("services", "tests/load"):
        (tmp_path / changed / "floor.py").write_text("after")
        assert not is_measured_alike(measured, tmp_path)
        git("checkout", "--", changed)
    assert not is_measured_alike(f"{measured}-dirty", tmp_path)
    assert not is_measured_alike("no repository", tmp_path)
