"""How am I doing, in words: three readings, each with its choices, and whether they agree."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.dashboard.pages.labels import ACTIVITIES, REMISSION, item_words, plain
from services.dashboard.pages.reader import Line, Reader, answer_words, reason_words
from shared.pages.words import counted, number, out_of

Json = Mapping[str, Any]


class Reading(NamedTuple):
    """One of the three voices: the word, the choices with the chosen one, and what stands below them."""

    word: str
    choices: Sequence[tuple[str, bool]]
    meta: Sequence[Line]
    stamp: str
    is_missing: bool = False


def patient_reading(patient: Json, reader: Reader) -> Reading:
    own = patient["in_remission"]
    value = own.get("value")
    word = REMISSION.get(value, "") if value else answer_words("in_remission", own).capitalize()
    choices = [("Yes", value == "yes"), ("Not sure", value == "unsure"), ("No", value == "no")]
    meta = [Line("", reason_words("in_remission", own["reason"]))] if own["state"] == "skipped" else []
    return Reading(word, choices, [*meta, _control(patient)], reader.moment(patient["at"]), is_missing=value is None)


def _control(patient: Json) -> Line:
    now, last = patient["control"], patient["control_last"]
    if now["state"] != "answered":
        return Line("My IBD control:", f" {answer_words('ibd_control', now)}.")
    was = f", was {number(last['value'])}" if last and last["state"] == "answered" else ""
    control = out_of(now["value"], patient["control_of"])
    return Line(f"IBD control {control}", f"{was} (10 is full control)")


def computed_reading(computed: Json, reader: Reader) -> Reading:
    stamp = reader.moment(computed["at"])
    short = computed["name"].split(" (")[0]
    stamp = stamp if reader.is_patient else f"{short}, {stamp}"
    if computed["value"] is None:
        return Reading("No score", [], _no_score(computed, reader), stamp, is_missing=True)
    choices = [(band["words"].capitalize(), band["code"] == computed["band"]) for band in computed["bands"]]
    word = ACTIVITIES.get(computed["band"], (computed["words"] or "score").capitalize())
    points = "" if reader.is_patient else f", {counted(round(computed['value'], 1), 'point')}"
    return Reading(f"{word}{points}", choices, [score_change(computed, reader)], stamp)


def score_change(computed: Json, reader: Reader) -> Line:
    """`Up 6 since 11 Jul (10, remission): worse. 5 or more is a real change.`"""
    last, least = computed["last"], computed["minimal_change"]
    if last is None or last["value"] is None:
        return Line("", "No earlier score to compare with.")
    step = round(computed["value"] - last["value"], 1)
    way = "Up" if step > 0 else "Down"
    moved = f"{way} {number(abs(step), 1)}" if step else "No change"
    words = f", {last['words']}" if last["words"] else ""
    since = f" since {reader.day(last['at'])} ({number(last['value'], 1)}{words})"
    if least is None or computed["change"] is None:
        return Line(moved, f"{since}.")
    if computed["change"] == "same":
        return Line(moved, f"{since}. Under {number(least)} is no real change.")
    return Line(moved, f"{since}: {computed['change']}. {number(least)} or more is a real change.")


def _no_score(computed: Json, reader: Reader) -> list[Line]:
    said = [
        reason_words(gap["item"], gap["reason"])
        if gap.get("state") == "skipped"
        else f"{item_words(gap['item'])}: not asked."
        for gap in computed["missing"]
    ]
    full = computed["last_full"]
    if full is None:
        return [Line("", words) for words in (*said, "No full score yet.")]
    words = f", {full['words']}" if full["words"] else ""
    last = f"Last full score: {number(full['value'], 1)}{words}, {reader.day(full['at'])}."
    return [Line("", words) for words in (*said, last)]


def clinician_reading(clinician: Json, visit: Json | None, reader: Reader) -> Reading:
    activity, last = clinician["activity"], clinician["last"]
    choices = [(name.capitalize(), name == activity) for name in ACTIVITIES]
    if last is None:
        meta = "First rating."
    elif last["activity"] == activity:
        meta = f"Same as {reader.day(last['at'])}."
    else:
        meta = f"Was {last['activity']} on {reader.day(last['at'])}."
    if visit and visit["visit_id"] == clinician["visit_id"]:
        is_before = reader.local(clinician["at"]) < reader.local(visit["checked_in_at"] or visit["scheduled_at"])
        meta += " Rated before the visit." if is_before else " Rated in the visit."
    stamp = reader.moment(clinician["at"])
    return Reading(
        ACTIVITIES.get(activity, plain(activity)),
        choices,
        [Line("", meta)],
        stamp if reader.is_patient else f"PGA, {stamp}",
    )


def agreement_question(page: Json, reader: Reader) -> str:
    previous = page["previous"]
    if previous is None:
        return "What does each of us see?"
    return f"What changed since {reader.day(previous['visit_at'] or previous['submitted_at'])}?"


def agreement_words(agreement: Json) -> str:
    """When they agree, or cannot be compared: one plain line."""
    if agreement["state"] == "agree":
        verdict = {True: "remission", False: "not in remission"}[agreement["all_in_remission"]]
        said = f"{'All three' if len(agreement['compared']) == 3 else 'Both'} agree: {verdict}."
    else:
        said = "Fewer than two of three say remission or not: nothing to compare."
    apart = agreement["rating_apart_days"]
    return f"{said} The clinician's rating is {apart} days from the survey and not compared." if apart else said
