"""What all pages share: words for people, one stylesheet whose colours can be read."""

import re
from datetime import UTC, date, datetime

import pytest

from shared.pages import STATIC, words

STYLESHEET = (STATIC / "samepage.css").read_text()
HEX = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{6})")

PAPERS = ("paper", "ground")
BANDS = ("band-1", "band-2", "band-3", "band-4")
TEXT = [
    *((ink, paper) for paper in PAPERS for ink in ("ink", "ink-2", "patient", "clinic", "note", "stop", "done")),
    *((ink, band) for band in BANDS for ink in ("ink", "ink-2", "patient", "clinic", "note")),
    *((ink, "note-tint") for ink in ("ink", "ink-2", "note")),
    *((ink, "stop-tint") for ink in ("ink", "ink-2", "stop")),
    *((ink, "clinic-tint") for ink in ("ink", "ink-2", "clinic")),
    *((ink, "patient-tint") for ink in ("ink", "ink-2", "patient")),
    *(("paper", fill) for fill in ("ink", "ink-2", "patient", "clinic")),
]
MARKS = [
    *((mark, paper) for paper in PAPERS for mark in ("edge", "focus", "note-edge")),
    *(("visit", band) for band in BANDS),
    ("note-edge", "note-tint"),
    ("stop", "stop-tint"),
]


def palettes() -> dict[str, dict[str, str]]:
    light_part, dark_part = STYLESHEET.split("prefers-color-scheme: dark", 1)
    light = dict(HEX.findall(light_part))
    return {"light": light, "dark": {**light, **dict(HEX.findall(dark_part.split("/* ---- base", 1)[0]))}}


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_and_marks_can_be_told_from_what_lies_under_them(mode: str) -> None:
    colours = palettes()[mode]
    weak = [(pair, least) for pairs, least in ((TEXT, 4.5), (MARKS, 3.0)) for pair in pairs
            if contrast(colours[pair[0]], colours[pair[1]]) < least]  # fmt: skip
    assert weak == []


def test_colours_are_named_once_and_then_used_by_name() -> None:
    after_tokens = STYLESHEET.split("/* ---- base", 1)[1]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", after_tokens) == []


def test_every_colour_that_is_used_has_a_name() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLESHEET)) <= set(re.findall(r"--([\w-]+):", STYLESHEET))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 10, 13), "today"),
        (date(2026, 10, 12), "1 day ago"),
        (date(2026, 7, 6), "99 days ago"),
        (date(2026, 7, 5), "on 5 Jul 2026"),
        (date(2026, 10, 14), "in 1 day"),
        (datetime(2026, 10, 11, 23, 59, tzinfo=UTC), "2 days ago"),
    ],
)
def test_an_age_is_counted_in_days_up_to_99(day: date, said: str) -> None:
    assert words.ago(day, date(2026, 10, 13)) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (16.0, "16"),
        (1240, "1,240"),
        (11.60, "11.6"),
        (0.125, "0.12"),
        (-2, "−2"),
        (-0.001, "0"),
        (100, "100"),
    ],
)
def test_a_number_has_no_more_digits_than_it_needs(value: float, said: str) -> None:
    assert words.number(value) == said


def test_dates_and_shares_cannot_be_taken_for_each_other() -> None:
    at = datetime(2026, 10, 13, 9, 5, tzinfo=UTC)
    assert (words.on(at), words.clock(at), words.out_of(6, 10)) == ("13 Oct 2026", "09:05", "6 of 10")


def test_units_are_printed_as_people_write_them() -> None:
    assert [words.unit(code) for code in ("ug/g", "mg/L", "10*3/uL")] == ["µg/g", "mg/L", "10³/µL"]


def test_a_list_reads_as_a_sentence() -> None:
    assert [words.listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
