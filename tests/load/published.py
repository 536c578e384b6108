"""The runs that are committed: the last one, and beside it those before it that measured the same code."""

from dataclasses import dataclass
from pathlib import Path

from tests.load import report
from tests.load.figures import Document


@dataclass(frozen=True, slots=True)
class Published:
    """`performance.json` in `folder` is the last run, `performance-1.json` the one before it, and so on."""

    folder: Path

    def runs(self) -> list[Document]:
        """The last one first; none where nothing was published."""
        return [Document.of_text(place.read_text()) for place in self._places()]

    def add(self, document: Document, *, is_same_code: bool) -> None:
        """Publish a run. Those before it stay where they measured the same code, and go where they did not."""
        runs = [document, *(self.runs() if is_same_code else [])]
        for place in self._places():
            place.unlink()
        for number, run in enumerate(runs):
            self._place(number).write_text(run.text())
        (self.folder / "performance.md").write_text(report.page(document, runs[1:]))

    def _places(self) -> list[Path]:
        places: list[Path] = []
        while (place := self._place(len(places))).exists():
            places.append(place)
        return places

    def _place(self, number: int) -> Path:
        return self.folder / (f"performance-{number}.json" if number else "performance.json")
