"""A page as a visit summary on paper: the same order and the same words as the page, every chart as its table.

Only words are made here, section by section, in the reader's language; `summary.typ` lays them out. All steps and all
results are in it: what the page folds away is not folded away on paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, TypeAlias

from services.dashboard.domain import freshness
from services.dashboard.pages import gaps, labels, readings, sentences
from services.dashboard.pages.charts.scores import Scored
from services.dashboard.pages.export.words import before_words, made_words, result_words
from services.dashboard.pages.phrases import PHRASES
from services.dashboard.pages.reader import Line, Reader, answer_words, limit_words
from services.dashboard.pages.scored import rows_of, scales_of
from services.dashboard.pages.treatment import treatment_line
from shared.pages.frame import FRAME
from shared.pages.words import clock, number

Page = Mapping[str, Any]
Json = dict[str, Any]
Phrases: TypeAlias = Mapping[str, Mapping[str, str]]
_ABREAST = 4


def summary_of(page: Page, reader: Reader, *, is_synthetic: bool) -> Json:
    """What stands on the paper, as strings: `title`, `head`, `sections` of blocks, `foot`.

    `undrawn` is what the head says where a sign cannot be drawn.
    """
    say = PHRASES[reader.language]
    up_to = f"{reader.full_day(page['as_of'])}, {clock(reader.local(page['as_of']))}" if page["as_of"] else None
    made = made_words(f"{reader.on(reader.now)}, {clock(reader.now)}", up_to, reader)
    synthetic = [f"{FRAME[reader.language]['tag']}."] if is_synthetic else []
    sections = _organising(page, reader, say) if page["clinical"] == "hidden" else _sections(page, reader, say)
    return {
        "made_at": reader.now.astimezone(UTC).isoformat(timespec="seconds"),
        "language": str(reader.language),
        "title": say["copies"]["title"],
        "head": [*_who(page, reader, say), made, *synthetic],
        "sections": [{"title": title, "blocks": blocks} for title, blocks in sections],
        "foot": [say["page"]["not_for_emergencies"], made],
        "undrawn": say["copies"]["undrawn"],
    }


def _who(page: Page, reader: Reader, say: Phrases) -> Iterator[str]:
    yield "".join(sentences.visit_words(page, reader))
    patient = page["patient"]
    if patient["diagnosis"] is None:
        yield f"{say['page']['not_enrolled']}."
        return
    age, sex = sentences.age_words(patient["birth_year"], reader), reader.named(labels.SEXES, patient["sex"])
    names = [reader.named(known, patient["diagnosis"]) for known in (labels.DIAGNOSES, labels.DIAGNOSES_GLOSSED)]
    yield f"{age}, {sex}. {', '.join(names)}."
    consent = sentences.consent_words(page, reader)
    if consent is not None:
        yield consent


def _organising(page: Page, reader: Reader, say: Phrases) -> Iterator[tuple[str, list[Json]]]:
    yield say["page"]["how_fresh"], [_lines(_freshness(page, reader, say), "run")]
    yield say["page"]["hidden_title"], [_told(say["page"]["hidden"])]
    yield say["plan"]["steps_agreed"], [_plan(page, reader, say)]


def _sections(page: Page, reader: Reader, say: Phrases) -> Iterator[tuple[str, list[Json]]]:
    yield say["page"]["how_fresh"], [_lines(_freshness(page, reader, say), "run")]
    heading = ", ".join(filter(None, [sentences.since_heading(page, reader), sentences.until_words(page, reader)]))
    yield heading, [_lines(sentences.since_lines(page, reader), "run")]
    yield say["page"]["talk_about"], _concerns(page, reader, say)
    yield say["page"]["how_am_i_asked"], [_lines(_readings(page, reader, say))]
    charts, side = say["charts"], say["side"]
    yield charts["my_score"], [_score(page, reader, say)]
    yield charts["other_answers"], _scales(page, reader, say)
    yield charts["my_medicines"], [_medicines(page, reader, charts), *_treatment(page, reader)]
    yield charts["inflammation"], [_labs(page, reader, say, is_marker=True)]
    yield say["page"]["urgent_care"], [_answers(page, reader, say, "urgent_care", side["past_6_months"])]
    yield side["well_being"], [_answers(page, reader, say, "well_being", side["past_week"])]
    yield side["day_to_day"], [_answers(page, reader, say, "day_to_day", say["copies"]["question"])]
    yield side["other_checks"], [_labs(page, reader, say, is_marker=False)]
    yield say["plan"]["steps_agreed"], [_plan(page, reader, say)]


def _lines(lines: Sequence[Line], kind: str = "lines") -> Json:
    return {"kind": kind, "lines": [[line.bold, line.rest] for line in lines]}


def _told(*words: str) -> Json:
    """A line for what is not there: each of the words as a sentence."""
    return _lines([Line("", " ".join(one if one.endswith(".") else f"{one}." for one in words))])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Json:
    return {"kind": "table", "head": list(head), "rows": [list(row) for row in rows], "caption": caption}


def _freshness(page: Page, reader: Reader, say: Phrases) -> list[Line]:
    cells = sentences.freshness_cells(freshness(page, reader.now), page, reader)
    known = [Line(cell.name, f": {cell.words}") for cell in cells]
    missing = ", ".join(gaps.missing_words(page, reader))
    if not missing and page["clinical"] == "hidden":
        return known
    return [*known, Line(say["page"]["missing"], f": {missing or gaps.nothing_missing(cells, reader)}")]


def _concerns(page: Page, reader: Reader, say: Phrases) -> list[Json]:
    concerns = say["concerns"]
    if page["survey"] is None:
        return [_told(concerns["no_survey"], concerns["nobody_told"])]
    said = [_concern(concern, page, reader, concerns) for concern in page["concerns"]]
    left_empty = gaps.left_empty(page, reader)
    matters = f"“{page['matters_most']}”" if page["matters_most"] else left_empty
    before = [words for words in (sentences.said_words(page, reader), sentences.proxy_words(page, reader)) if words]
    return [
        *([_told(*before)] if before else ()),
        _lines(said, "ranked") if said else _told(concerns["no_concern"], left_empty),
        _lines([Line(concerns["matters_most"], f": {matters}")]),
    ]


def _concern(concern: Page, page: Page, reader: Reader, say: Mapping[str, str]) -> Line:
    topic = reader.named(labels.TOPICS, concern["topic"])
    was_raised = concern["raised_before"] is not None
    raised = say["raised_before"].format(reader.last_day(page["previous"])) if was_raised else say["new"]
    if concern["words"] is None:
        return Line("", f"{say['without_words'].format(topic)}. {raised}")
    return Line(f"“{concern['words']}”", f" {topic}. {raised}")


def _readings(page: Page, reader: Reader, say: Phrases) -> list[Line]:
    given, words = page["readings"], say["readings"]
    patient, computed, clinician = (given[voice] for voice in ("patient", "computed", "clinician"))
    lines = [
        _voice(words["i_say"], readings.patient_reading(page, reader))
        if patient
        else Line(f"{words['i_say']}:", f" {say['concerns']['no_survey']}"),
        _voice(words["answers_say"], readings.computed_reading(page, reader))
        if computed
        else Line(f"{words['answers_say']}:", f" {words['no_score']}"),
        _voice(words["clinician_says"], readings.clinician_reading(clinician, page["visit"], reader))
        if clinician
        else Line(f"{words['clinician_says']}:", f" {words['no_rating']}"),
    ]
    too_old = sentences.too_old_to_agree(page, reader)
    if too_old is not None:
        return [*lines, Line("", too_old)]
    if given["agreement"]["state"] != "differ":
        return [*lines, Line("", readings.agreement_words(given["agreement"], reader))]
    differ = f" {readings.differ_words(given, reader)} {readings.agreement_question(page, reader)}"
    return [*lines, Line(words["not_agreed"], differ)]


def _voice(title: str, said: readings.Reading) -> Line:
    meta = " ".join(f"{line.bold}{line.rest}" for line in said.meta)
    return Line(f"{title}: {said.word}", f" ({said.stamp}). {meta}")


def _score(page: Page, reader: Reader, say: Phrases) -> Json:
    trend, charts = page["trend"], say["charts"]
    if trend is None:
        return _told(say["readings"]["no_score"], charts["from_first_survey"])
    items = [term["item"] for term in trend["terms"]]
    rows = [
        [
            reader.full_day(point["at"]),
            readings.band_words(point["band"], reader) or charts["has_no_score"],
            *(_number(value, charts) for value in (point["value"], *(point["items"][item] for item in items))),
        ]
        for point in reversed(trend["points"])
    ]
    head = [charts["answered"], say["readings"]["band"], charts["score"], *map(reader.item, items)]
    worse = charts["higher_is"].format(reader.named(labels.CHANGES, trend["higher_is"] or "worse"))
    return _table(head, rows, f"{reader.named(labels.INDEXES, trend['instrument'])}, {worse}")


def _number(value: float | None, charts: Mapping[str, str]) -> str:
    return charts["no_answer"] if value is None else number(value, 1)


def _scales(page: Page, reader: Reader, say: Phrases) -> list[Json]:
    """A few to a table, as many as a sheet is wide."""
    scales = scales_of(page, reader)
    tables = [scales[at : at + _ABREAST] for at in range(0, len(scales), _ABREAST)]
    return [
        _table([say["charts"]["answered"], *(_headed(one, say) for one in few)], rows_of(few, lambda _: True, reader))
        for few in tables
    ] or [_told(say["side"]["no_answers"], say["side"]["asked_before"])]


def _headed(scale: Scored, say: Phrases) -> str:
    return f"{scale.name} ({scale.recall}, {say['charts']['higher_is'].format(scale.higher_is)})"


def _medicines(page: Page, reader: Reader, charts: Mapping[str, str]) -> Json:
    if not page["medications"]:
        return _told(charts["no_medicine"], charts["not_the_same"])
    rows = [
        [
            one["name"],
            one["dose"] or charts["not_recorded"],
            reader.full_day(one["started_on"]),
            reader.full_day(one["stopped_on"]) if one["stopped_on"] else charts["still_on_it"],
            reader.named(labels.STOPPED, one["stop_reason"]) if one["stop_reason"] else "",
        ]
        for one in page["medications"]
    ]
    return _table([charts[name] for name in ("medicine", "dose", "from", "to", "why_stopped")], rows)


def _treatment(page: Page, reader: Reader) -> list[Json]:
    line = treatment_line(page, reader)
    return [_lines([line])] if line else []


def _labs(page: Page, reader: Reader, say: Phrases, *, is_marker: bool) -> Json:
    charts = say["charts"]
    rows = [
        [
            reader.named(labels.MARKERS, series["name"]) if is_marker else series["name"],
            reader.full_day(point["at"]),
            _result(point, reader),
            limit_words(point, reader),
            point["method"] or charts["not_said"],
        ]
        for series in page["labs"]
        if series["marker"] is is_marker
        for point in reversed(series["points"])
    ]
    if not rows:
        return _told(charts["no_marker"], charts["results_show"]) if is_marker else _told(say["side"]["no_other"])
    return _table([charts[name] for name in ("test", "taken", "result", "limit", "method")], rows)


def _result(point: Page, reader: Reader) -> str:
    was = [before_words(one, reader) for one in point["was"]]
    now = result_words(point, reader)
    return f"{now} ({'; '.join(was)})" if was else now


def _answers(page: Page, reader: Reader, say: Phrases, panel: str, asked: str) -> Json:
    if page["survey"] is None:
        return _told(say["side"]["no_answers"], say["side"]["asked_before"])
    previous = page["previous"]
    last = [reader.last_day(previous)] if previous else []
    rows = [
        [
            reader.row(row["item"]),
            _answer(row, reader, say["side"]),
            *(answer_words(reader, row["item"], row["last"]) for _ in last),
        ]
        for row in page[panel]
    ]
    return _table([asked, sentences.now_words(page, reader), *last], rows)


def _answer(row: Page, reader: Reader, side: Mapping[str, str]) -> str:
    said = answer_words(reader, row["item"], row["now"], row.get("of"))
    if row["now"]["state"] == "skipped":
        return f"{said}: {reader.named(labels.SKIPPED, row['now']['reason'])}"
    if row.get("differs"):
        return f"{said}. {side['no_steroid']}"
    return f"{said}, {reader.named(labels.SYMPTOMS, row['words'])}" if row.get("words") else said


def _plan(page: Page, reader: Reader, say: Phrases) -> Json:
    plan, named = say["plan"], say["plan_forms"]
    if not page["plan"]:
        return _told(plan["no_step"], plan["steps_show"])
    rows = [
        [
            one["what"] or plan["hidden"],
            reader.named(labels.WHO, one["who"]),
            _when(one, reader, plan),
            sentences.agreed_words(one, page, reader),
        ]
        for one in page["plan"]
    ]
    return _table([named["what"], named["who"], named["due_on"], plan["agreed"]], rows)


def _when(step: Page, reader: Reader, plan: Mapping[str, str]) -> str:
    if step["is_done"]:
        return f"{plan['done']} {reader.day(step['done_on'])}" if step["done_on"] else plan["done"]
    if step["due_on"] is None:
        return plan["no_day"]
    late = reader.late_days(step["due_on"])
    if late:
        return plan["due"].format(reader.day(step["due_on"]), reader.days(late))
    return reader.weekday(step["due_on"])
