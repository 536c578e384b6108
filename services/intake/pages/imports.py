"""The coordinator's pages of imports: the form with the newest files, and what became of one."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment

from services.intake.pages.bar import Bar, staff_page, staff_templates
from shared.pages.words import counted

Answer = Mapping[str, Any]
_BEGINNINGS = {
    "checking": "Being checked. Nothing is written yet.",
    "checked": "Checked. Nothing is written yet.",
    "importing": "Coming in.",
    "done": "",
    "stopped": "It stopped on the way.",
}


def show_imports(
    newest: Sequence[Answer],
    *,
    columns: Mapping[str, Sequence[tuple[str, str, bool]]],
    wrong: str | None,
    bar: Bar,
) -> str:
    """`columns` of each kind: name, what to write there, whether every row needs it. `wrong`: about the last try."""
    return staff_page(_templates(), "imports.html", bar, newest=newest, columns=columns, wrong=wrong)


def show_import(answer: Answer, *, bar: Bar) -> str:
    """What became of a file, and the one thing to do next."""
    return staff_page(_templates(), "import.html", bar, one=answer)


def in_a_sentence(answer: Answer) -> str:
    """`44 of 48 rows are in. 3 were refused, 1 was already here.`"""
    if answer["stage"] in ("checking", "importing", "stopped"):
        return f"{beginning(answer)} {how_far(answer)}"
    verb = "would come in" if answer["stage"] == "checked" else "are in"
    sentences = [beginning(answer), f"{answer['accepted']:,} of {_rows(answer['rows'])} {verb}.", _others(answer)]
    return " ".join(filter(None, sentences))


def beginning(answer: Answer) -> str:
    return _BEGINNINGS[answer["stage"]]


def how_far(answer: Answer) -> str:
    return f"{answer['rows_done']:,} of {_rows(answer['rows'])} are through."


def _others(answer: Answer) -> str:
    others = [("refused", answer["refused"]), ("already here", answer["unchanged"])]
    said = [f"{count:,} {'was' if count == 1 else 'were'} {what}" for what, count in others if count]
    return f"{', '.join(said)}." if said else ""


def _rows(count: int) -> str:
    return counted(count, "row")


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.filters |= {"in_a_sentence": in_a_sentence, "beginning": beginning, "how_far": how_far}
    return made
