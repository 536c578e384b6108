"""What somebody computes who has all figures about people in front of them, each beside those that it is a part of."""

from collections.abc import Iterator, Mapping
from typing import Any

Document = dict[str, Any]
EVERYBODY = ("enrolled", "visits", "surveys", "feedback", "responses")
SCORED = (*EVERYBODY, "scored")
USERS = (*SCORED, "used")
# Of what each count is a part, or another count of the same people.
PART_OF = dict.fromkeys((*EVERYBODY, "scored"), EVERYBODY) | {
    "top": SCORED,
    "used": SCORED,
    "outside": SCORED,
    "asked about a month": SCORED,
    "over a month": (*SCORED, "asked about a month"),
    "over a month, by visit": (*SCORED, "asked about a month", "over a month"),
}
for _item in ("discussion", "what-matters", "decisions"):
    PART_OF |= {f"asked: {_item}": USERS, f"helped: {_item}": (*USERS, f"asked: {_item}")}


def is_small(count: int) -> bool:
    return 0 < count < 11


def numbers_of(steps: Mapping[str, int | None], figures: Document) -> dict[str, int]:
    """The numbers about people that left, by name: of the funnel's steps and of the feedback's figures."""
    month = figures["used_over_one_month"]
    found = {
        "responses": figures["responses"]["value"],
        "scored": figures["top_score"]["of"]["value"],
        "top": figures["top_score"]["count"]["value"],
        "used": figures["used_in_visit"]["count"]["value"],
        "outside": figures["used_outside_visit"]["count"]["value"],
        "asked about a month": month["of"]["value"],
        "over a month": month["count"]["value"],
        "over a month, by visit": steps["over_one_month"],
    } | {name: steps[name] for name in EVERYBODY if name in steps}
    for item, share in figures["helped"].items():
        found |= {f"asked: {item}": share["of"]["value"], f"helped: {item}": share["count"]["value"]}
    return {name: count for name, count in found.items() if count is not None}


def told_by_differences(numbers: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Every small count of people that one of two numbers leaves of the other."""
    return [
        (whole, part, abs(count - numbers[whole]))
        for part, count in numbers.items()
        for whole in PART_OF[part]
        if whole in numbers and is_small(abs(count - numbers[whole]))
    ]


def told_by_mean(figures: Document) -> Iterator[int]:
    """How few people have another sum of points than the rest, as the mean tells who knows how many were scored.

    Those without the top score have 0 to 26 points each. One point missing to 26 for all of them is one person's, and
    so is one point where all others have none; ten points are at most ten people's.
    """
    mean, top, of = figures["mean_score"], *(figures["top_score"][name]["value"] for name in ("count", "of"))
    if mean is None:
        return
    missing = round((100 - mean) / 100 * 27 * of)
    if top is None:
        yield from filter(is_small, [missing])
        return
    others = of - top
    yield from filter(is_small, [missing - others, 27 * others - missing])


def told_by_table(figures: Document) -> Iterator[int]:
    """Small counts in the table of use against top scores, and of those who used the page and are not in it."""
    if figures["association"] is None:
        return
    rows = figures["association"]["table"]
    yield from filter(is_small, [count for row in rows for count in row])
    used = figures["used_in_visit"]
    if used["count"]["value"] is not None:
        yield from filter(is_small, [used["count"]["value"] - sum(rows[0])])
        yield from filter(is_small, [used["of"]["value"] - used["count"]["value"] - sum(rows[1])])
