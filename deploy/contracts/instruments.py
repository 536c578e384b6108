"""`docs/instruments.md`: how every score is made and read, for people, from the definitions that the services use."""

from collections.abc import Iterator, Sequence

from shared.instruments import INSTRUMENTS, Instrument, Term

_INTRODUCTION = """\
# Instruments

Written by `samepage contracts write` from `shared/instruments/`; do not edit.

A score carries the `id|version` of its definition. A definition never changes: another cut or weight is another
version. Every item is needed: without one there is no score, and what is missing is named; nothing is imputed. A change
counts from the threshold of the instrument itself; where no source gives one, nothing is said. What is marked "from
memory; verify" was not checked against its source and must be before anybody relies on it in care.

Questions whose words are somebody's property do not ship, only their scoring. collaboRATE, which is asked after the
visit, is scored in `services/analytics/domain/feedback.py`.

The scores are a basis for talking, not a diagnosis.
"""
_WORDING = {
    "own": "in words of our own",
    "published": "as published",
    "none": "not at all: scoring only",
}
_ANSWERED_BY = {"patient": "the patient", "clinician": "the clinician", "both": "patient and clinician"}


def page() -> str:
    """The whole page as Markdown."""
    lines = [_INTRODUCTION, *_overview(), ""]
    for instrument in INSTRUMENTS.values():
        lines += [f"## {instrument.name}", "", *_facts(instrument), "", *_items(instrument.terms), ""]
        lines += [*_bands(instrument), "", *_table(instrument), *_remissions(instrument)]
    return "\n".join(lines).rstrip() + "\n"


def _overview() -> Iterator[str]:
    yield from (
        "| instrument | definition | range | higher is | change that counts | its questions may ship |",
        "|---|---|---|---|---|---|",
    )
    for one in INSTRUMENTS.values():
        range_ = f"{one.low:g} to {one.high:g}"
        change = "not known" if one.minimal_change is None else f"{one.minimal_change:g}"
        cells = [one.name, f"`{one.id}\\|{one.version}`", range_, one.higher_is, change, _WORDING[one.wording]]
        yield f"| {' | '.join(cells)} |"


def _facts(instrument: Instrument) -> Iterator[str]:
    yield f"- Source: {instrument.citation}"
    yield f"- Licence: {instrument.licence}"
    yield f"- Answered by {_ANSWERED_BY[instrument.answered_by]}; about: {instrument.recall}"
    yield f"- From {instrument.low:g} to {instrument.high:g}, higher is {instrument.higher_is}"


def _items(terms: Sequence[Term]) -> Iterator[str]:
    yield from ("| item | what it holds | takes | counts |", "|---|---|---|---|")
    for term in terms:
        yield f"| `{term.item}` | {term.what} | {term.takes} | {_counts(term)} |"


def _counts(term: Term) -> str:
    if term.is_feature:
        return "1 when yes"
    if not term.steps:
        return "once" if term.weight == 1 else f"{term.weight} times"
    ends = [*(following.starts_at - 1 for following in term.steps[1:]), term.high]
    return "; ".join(
        f"{step.starts_at:g}{f' to {end:g}' if end > step.starts_at else ''} as {step.points:g}"
        for step, end in zip(term.steps, ends, strict=True)
    )


def _bands(instrument: Instrument) -> Iterator[str]:
    yield from ("| band | words | from |", "|---|---|---|")
    for band in instrument.bands:
        yield f"| `{band.code}` | {band.words} | {band.starts_at:g} |"


def _table(instrument: Instrument) -> Iterator[str]:
    if instrument.table:
        pairs = [f"{total}: {value:g}" for total, value in enumerate(instrument.table, start=instrument.lowest_sum)]
        yield from (f"The score of each sum: {', '.join(pairs)}.", "")


def _remissions(instrument: Instrument) -> Iterator[str]:
    for rule in instrument.remissions:
        limits = " and ".join(f"`{item}` at most {limit:g}" for item, limit in rule.limits)
        yield from (f"Remission by items, `{rule.id}`: {limits} ({rule.citation}).", "")
