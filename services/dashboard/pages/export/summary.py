"""A page as a visit summary on paper: the same order and the same words as the page, every chart as its table.

Only words are made here, section by section; `summary.typ` lays them out. All steps and all results are in it: what the
page folds away is not folded away on paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from services.dashboard.domain import freshness
from services.dashboard.pages import labels, readings, sentences
from services.dashboard.pages.export import words
from services.dashboard.pages.reader import Line, Reader, answer_words
from shared.pages.words import clock, number, on, unit

Page = Mapping[str, Any]
Json = dict[str, Any]


def summary_of(page: Page, reader: Reader, *, is_synthetic: bool) -> Json:
    """What stands on the paper, as strings: `title`, `head`, `sections` of blocks, `foot`.

    `undrawn` is what the head says where a sign cannot be drawn.
    """
    up_to = f"{reader.full_day(page['as_of'])}, {clock(reader.local(page['as_of']))}" if page["as_of"] else None
    made = words.made_words(f"{on(reader.now)}, {clock(reader.now)}", up_to)
    return {
        "made_at": reader.now.astimezone(UTC).isoformat(timespec="seconds"),
        "language": "en",
        "title": words.TITLE,
        "head": [*_who(page, reader), made, *([words.SYNTHETIC] if is_synthetic else [])],
        "sections": [{"title": title, "blocks": blocks} for title, blocks in _sections(page, reader)],
        "foot": [words.NOT_FOR_EMERGENCIES, made],
        "undrawn": words.UNDRAWN,
    }


def _who(page: Page, reader: Reader) -> Iterator[str]:
    yield "".join(sentences.visit_words(page, reader))
    patient = page["patient"]
    if patient["diagnosis"] is None:
        yield words.NOT_ENROLLED
        return
    name, gloss = labels.DIAGNOSES[patient["diagnosis"]]
    age = sentences.age_words(patient["birth_year"], reader)
    yield f"{age}, {labels.SEXES[patient['sex']]}. {name}, {gloss}."


def _sections(page: Page, reader: Reader) -> Iterator[tuple[str, list[Json]]]:
    yield words.FRESH, [_lines(_freshness(page, reader), "run")]
    yield sentences.since_heading(page, reader), [_lines(sentences.since_lines(page, reader), "run")]
    yield words.TALK_ABOUT, _concerns(page, reader)
    yield words.HOW, [_lines(_readings(page, reader))]
    for title, block in (
        (words.SCORE, _score(page, reader)),
        (words.MEDICINES, _medicines(page, reader)),
        (words.LABS, _labs(page, reader, is_marker=True)),
        (words.CARE, _answers(page, reader, "urgent_care")),
        (words.WELL_BEING, _answers(page, reader, "well_being")),
        (words.DAY_TO_DAY, _answers(page, reader, "day_to_day")),
        (words.CHECKS, _labs(page, reader, is_marker=False)),
        (words.PLAN, _plan(page, reader)),
    ):
        yield title, [block or _lines([Line("", words.EMPTY[title])])]


def _lines(lines: Sequence[Line], kind: str = "lines") -> Json:
    return {"kind": kind, "lines": [[line.bold, line.rest] for line in lines]}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Json | None:
    return (
        {"kind": "table", "head": list(head), "rows": [list(row) for row in rows], "caption": caption} if rows else None
    )


def _freshness(page: Page, reader: Reader) -> list[Line]:
    cells = sentences.freshness_cells(freshness(page, reader.now), page, reader)
    missing = ", ".join(sentences.missing_words(page)) or words.NOTHING
    return [*(Line(cell.name, f": {cell.words}") for cell in cells), Line(words.MISSING, f": {missing}")]


def _concerns(page: Page, reader: Reader) -> list[Json]:
    if page["survey"] is None:
        return [_lines([Line("", words.EMPTY[words.TALK_ABOUT])])]
    said = [_concern(concern, reader) for concern in page["concerns"]]
    matters = f"“{page['matters_most']}”" if page["matters_most"] else words.LEFT_EMPTY
    return [
        _lines(said, "ranked") if said else _lines([Line("", words.NO_CONCERN)]),
        _lines([Line(words.MATTERS_MOST, f": {matters}")]),
    ]


def _concern(concern: Page, reader: Reader) -> Line:
    topic, before = labels.TOPICS[concern["topic"]], concern["raised_before"]
    stamp = f"{topic}; {words.raised_words(reader.day(before) if before else None)}"
    return Line(f"“{concern['words']}”", f" ({stamp})") if concern["words"] else Line("", stamp)


def _readings(page: Page, reader: Reader) -> list[Line]:
    given = page["readings"]
    patient, computed, clinician, agreement = (
        given[name] for name in ("patient", "computed", "clinician", "agreement")
    )
    voices = {
        words.I_SAY: readings.patient_reading(patient, reader) if patient else None,
        words.ANSWERS_SAY: readings.computed_reading(computed, reader) if computed else None,
        words.CLINICIAN_SAYS: readings.clinician_reading(clinician, page["visit"], reader) if clinician else None,
    }
    if agreement["state"] == "differ":
        question = readings.agreement_question(page, reader)
        last = Line(words.DISAGREE, f" {agreement['words']} {question}")
    else:
        last = Line("", readings.agreement_words(agreement))
    return [*(_voice(title, said) for title, said in voices.items()), last]


def _voice(title: str, said: readings.Reading | None) -> Line:
    if said is None:
        return Line(f"{title}:", f" {words.NOBODY[title]}")
    meta = " ".join(f"{line.bold}{line.rest}" for line in said.meta)
    return Line(f"{title}: {said.word}", f" ({said.stamp}). {meta}")


def _score(page: Page, reader: Reader) -> Json | None:
    trend = page["trend"]
    if trend is None:
        return None
    items = [term["item"] for term in trend["terms"]]
    rows = [
        [
            reader.full_day(point["at"]),
            point["words"] or words.NO_SCORE,
            _number(point["value"]),
            *(_number(point["items"][item]) for item in items),
        ]
        for point in reversed(trend["points"])
    ]
    head = [words.ANSWERED, words.BAND, words.POINTS, *map(labels.item_words, items)]
    return _table(head, rows, f"{trend['name']}, higher is {trend['higher_is'] or 'worse'}")


def _number(value: float | None) -> str:
    return words.NO_ANSWER if value is None else number(value, 1)


def _medicines(page: Page, reader: Reader) -> Json | None:
    rows = [
        [
            one["name"],
            one["dose"] or words.NO_DOSE,
            reader.full_day(one["started_on"]),
            reader.full_day(one["stopped_on"]) if one["stopped_on"] else words.STILL,
            labels.plain(one["stop_reason"]) if one["stop_reason"] else "",
        ]
        for one in page["medications"]
    ]
    return _table([words.MEDICINE, words.DOSE, words.FROM, words.TO, words.WHY_STOPPED], rows)


def _labs(page: Page, reader: Reader, *, is_marker: bool) -> Json | None:
    rows = [
        [
            series["name"],
            reader.full_day(point["at"]),
            _result(point),
            words.limit_words(point["side"], point["limit_low"], point["limit_high"]),
            point["method"] or words.NO_METHOD,
        ]
        for series in page["labs"]
        if series["marker"] is is_marker
        for point in reversed(series["points"])
    ]
    return _table([words.TEST, words.TAKEN, words.RESULT, words.LIMIT, words.METHOD], rows)


def _result(point: Page) -> str:
    was = [f"{words.CORRECTED}: {one['comparator'] or ''}{number(one['value'])}" for one in point["was"]]
    now = f"{point['comparator'] or ''}{number(point['value'])} {unit(point['unit'])}"
    return f"{now} ({'; '.join(was)})" if was else now


def _answers(page: Page, reader: Reader, panel: str) -> Json | None:
    previous = page["previous"]
    last = [reader.day(previous["visit_at"] or previous["submitted_at"])] if previous else []
    if page["survey"] is None:
        return None
    rows = [
        [
            labels.item_words(row["item"]),
            _answer(row),
            *(answer_words(row["item"], row["last"]) for _ in last),
        ]
        for row in page[panel]
    ]
    return _table([words.QUESTION, words.NOW, *last], rows)


def _answer(row: Page) -> str:
    said = answer_words(row["item"], row["now"], row.get("of"))
    if row["now"]["state"] == "skipped":
        return f"{said}: {labels.SKIPPED[row['now']['reason']]}"
    if row.get("differs"):
        return f"{said} ({words.UNLISTED})"
    return f"{said}, {row['words']}" if row.get("words") else said


def _plan(page: Page, reader: Reader) -> Json | None:
    rows = [[one["what"], labels.WHO[one["who"]], _when(one, reader)] for one in page["plan"]]
    return _table([words.STEP, words.WHO_DOES, words.BY_WHEN], rows)


def _when(step: Page, reader: Reader) -> str:
    if step["is_done"]:
        return f"{words.DONE} {reader.day(step['done_on'])}" if step["done_on"] else words.DONE
    if step["due_on"] is None:
        return words.NO_DAY
    day = reader.weekday(step["due_on"])
    return words.late_words(day) if reader.late_days(step["due_on"]) else day
