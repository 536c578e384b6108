"""How am I doing, in words: three readings, each with its choices, and whether they agree."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.dashboard.domain import COMPARABLE_DAYS, RULE
from services.dashboard.pages.labels import ACTIVITIES, BANDS, CHANGES, POINTS, REMISSION, STATES
from services.dashboard.pages.reader import Line, Reader, answer_words, reason_words
from shared.events import EntryMode
from shared.pages.words import number
from shared.speech import Said

Json = Mapping[str, Any]

_CHOICES = {"yes": Said("Yes", "Sí"), "unsure": Said("Not sure", "No sé"), "no": Said("No", "No")}
_UP, _DOWN = Said("Up {n}", "Subió {n}"), Said("Down {n}", "Bajó {n}")
_RATED_BEFORE = Said("Rated before the visit.", "Valorado antes de la visita.")
_RATED_IN = Said("Rated in the visit.", "Valorado en la visita.")
_ALL_IN_REMISSION = Said("All three agree: remission.", "Los tres coinciden: remisión.")
_NONE_IN_REMISSION = Said("All three agree: not in remission.", "Los tres coinciden: sin remisión.")
_BOTH_IN_REMISSION = Said("Both agree: remission.", "Los dos coinciden: remisión.")
_NEITHER_IN_REMISSION = Said("Both agree: not in remission.", "Los dos coinciden: sin remisión.")
_NOT_COMPARED = Said(
    "Fewer than two of three say remission or not: nothing to compare.",
    "Menos de dos de los tres dicen si hay remisión: no hay nada que comparar.",
)
_TOO_FAR = Said(
    "The clinician's rating is {days} days from the survey and not compared.",
    "La valoración del médico está a {days} días del cuestionario y no se compara.",
)
RULE_SAID = Said(
    RULE,
    "Se compara lo que digo yo, lo que suman mis respuestas y lo que valoró mi médico: si hay remisión o no. "
    f"La valoración del médico cuenta si está a {COMPARABLE_DAYS} días o menos del cuestionario. "
    "Si las dos dicen que hay actividad, son distintas cuando están a dos palabras o más.",
)
_FEEL_BETTER = Said("I feel better than my clinician rated.", "Me siento mejor de lo que valoró mi médico.")
_FEEL_WORSE = Said("I feel worse than my clinician rated.", "Me siento peor de lo que valoró mi médico.")
_FEEL_IN_REMISSION = Said(
    "I feel in remission, but my answers {shown}.", "Me siento en remisión, pero mis respuestas {shown}."
)
_FEEL_NOT = Said(
    "I do not feel in remission, but my answers {shown}.", "No me siento en remisión, pero mis respuestas {shown}."
)
_RATED = Said(
    "My answers {shown}, but my clinician rated {rated}.", "Mis respuestas {shown}, pero mi médico valoró: {rated}."
)
_SHOWN = {
    "remission": Said("add up to remission", "suman remisión"),
    "mild": Said("show mild activity", "muestran actividad leve"),
    "moderate": Said("show moderate activity", "muestran actividad moderada"),
    "severe": Said("show severe activity", "muestran actividad grave"),
    "not-remission": Said("show more than remission", "muestran más que remisión"),
}


_BY = {
    EntryMode.PROXY: Said("by somebody else", "por otra persona"),
    EntryMode.PAPER: Said("on paper", "en papel"),
    EntryMode.PHONE: Said("by phone", "por teléfono"),
}
_CORRECTED = Said("Before the correction: {was}.", "Antes de la corrección: {was}.")
_HAS_NO_SCORE = Said("no score", "sin puntuación")


class Reading(NamedTuple):
    """One of the three voices: the word, the choices with the chosen one, and what stands below them."""

    word: str
    choices: Sequence[tuple[str, bool]]
    meta: Sequence[Line]
    stamp: str
    is_missing: bool = False


def patient_reading(page: Json, reader: Reader) -> Reading:
    patient = page["readings"]["patient"]
    own = patient["in_remission"]
    value = own.get("value")
    word = reader.named(REMISSION, value) if value else answer_words(reader, "in_remission", own).capitalize()
    choices = [(reader.say(_CHOICES[choice]), value == choice) for choice in ("yes", "unsure", "no")]
    meta = [Line("", reason_words(reader, "in_remission", own["reason"]))] if own["state"] == "skipped" else []
    meta.append(_control(patient, reader))
    stamp = ", ".join(filter(None, [reader.moment(patient["at"]), answered_by(page, reader)]))
    return Reading(word, choices, meta, stamp, is_missing=value is None)


def answered_by(page: Json, reader: Reader) -> str | None:
    """`by somebody else`, where the patient did not answer alone with a screen."""
    said = _BY.get(page["survey"]["mode"])
    return reader.say(said) if said else None


def _control(patient: Json, reader: Reader) -> Line:
    now, last = patient["control"], patient["control_last"]
    if now["state"] != "answered":
        return Line(
            reader.say(Said("My IBD control:", "Control de mi EII:")), f" {answer_words(reader, 'ibd_control', now)}."
        )
    control = f"{reader.item('ibd_control')} {reader.out_of(now['value'], patient['control_of'])}"
    was = last["value"] if last and last["state"] == "answered" else None
    full = reader.say(Said("(10 is full control)", "(10 es control total)"))
    return Line(control, f"{'' if was is None else _was(number(was), reader)} {full}")


def _was(words: str, reader: Reader) -> str:
    return reader.say(Said(", was {words}", ", antes {words}"), words=words)


def computed_reading(page: Json, reader: Reader) -> Reading:
    computed = page["readings"]["computed"]
    stamp = reader.moment(computed["at"])
    short = computed["name"].split(" (")[0]
    stamp = stamp if reader.is_patient else f"{short}, {stamp}"
    if computed["value"] is None:
        word = reader.say(Said("No score", "Sin puntuación"))
        return Reading(word, [], _no_score(computed, reader), stamp, is_missing=True)
    band = computed["band"]
    choices = [(band_words(one["code"], reader).capitalize(), one["code"] == band) for one in computed["bands"]]
    activity = reader.say(ACTIVITIES[band]) if band in ACTIVITIES else band_words(band, reader).capitalize()
    word = activity or reader.say(Said("Score", "Puntuación"))
    points = "" if reader.is_patient else f", {reader.counted(round(computed['value'], 1), POINTS)}"
    meta = [score_change(page, reader), *_corrected(page, reader)]
    return Reading(f"{word}{points}", choices, meta, stamp)


def _corrected(page: Json, reader: Reader) -> Iterator[Line]:
    """What the score was before the survey was corrected, where it was another one."""
    correction, computed = page["survey"]["correction"], page["readings"]["computed"]
    before = correction["earlier"][0]["scores"] if correction else ()
    for score in before or ():
        if score["instrument"] == computed["instrument"] and score["value"] != computed["value"]:
            was = reader.say(_HAS_NO_SCORE) if score["value"] is None else number(score["value"], 1)
            yield Line("", reader.say(_CORRECTED, was=was))


def band_words(code: str | None, reader: Reader) -> str:
    """`mild`; nothing where there is no band."""
    return reader.named(BANDS, code) if code else ""


def scored(value: float, band: str | None, reader: Reader) -> str:
    """`10, remission`."""
    return ", ".join(filter(None, [number(value, 1), band_words(band, reader)]))


def score_change(page: Json, reader: Reader) -> Line:
    """`Up 6 since 11 Jul (10, remission): worse. 5 or more is a real change.` Last time is the day of its visit."""
    computed = page["readings"]["computed"]
    last, least = computed["last"], computed["minimal_change"]
    if last is None or last["value"] is None:
        return Line("", reader.say(Said("No earlier score to compare with.", "No hay otra puntuación para comparar.")))
    moved = moved_words(round(computed["value"] - last["value"], 1), reader)
    since = reader.say(
        Said(" since {day} ({score})", " desde el {day} ({score})"),
        day=reader.last_day(page["previous"]),
        score=scored(last["value"], last["band"], reader),
    )
    if least is None or computed["change"] is None:
        return Line(moved, f"{since}.")
    if computed["change"] == "same":
        under = Said("Under {n} is no real change.", "Menos de {n} no es un cambio real.")
        return Line(moved, f"{since}. {reader.say(under, n=number(least))}")
    real = reader.say(Said("{n} or more is a real change.", "{n} o más es un cambio real."), n=number(least))
    return Line(moved, f"{since}: {reader.named(CHANGES, computed['change'])}. {real}")


def moved_words(step: float, reader: Reader) -> str:
    """`Up 6`."""
    if not step:
        return reader.say(Said("No change", "Sin cambio"))
    return reader.say(_UP if step > 0 else _DOWN, n=number(abs(step), 1))


def _no_score(computed: Json, reader: Reader) -> list[Line]:
    said = [
        reason_words(reader, gap["item"], gap["reason"])
        if gap.get("state") == "skipped"
        else f"{reader.item(gap['item'])}: {reader.say(STATES['not-asked'])}."
        for gap in computed["missing"]
    ]
    full = computed["last_full"]
    if full is None:
        last = reader.say(Said("No full score yet.", "Todavía no hay una puntuación completa."))
    else:
        last = reader.say(
            Said("Last full score: {score}, {day}.", "Última puntuación completa: {score}, {day}."),
            score=scored(full["value"], full["band"], reader),
            day=reader.day(full["at"]),
        )
    return [Line("", words) for words in (*said, last)]


def clinician_reading(clinician: Json, visit: Json | None, reader: Reader) -> Reading:
    activity, last = clinician["activity"], clinician["last"]
    choices = [(reader.say(BANDS[name]).capitalize(), name == activity) for name in ACTIVITIES]
    meta = _rated_before(activity, last, reader)
    if visit and visit["visit_id"] == clinician["visit_id"]:
        is_before = reader.local(clinician["at"]) < reader.local(visit["checked_in_at"] or visit["scheduled_at"])
        meta = f"{meta} {reader.say(_RATED_BEFORE if is_before else _RATED_IN)}"
    stamp = reader.moment(clinician["at"])
    return Reading(
        reader.named(ACTIVITIES, activity),
        choices,
        [Line("", meta)],
        stamp if reader.is_patient else f"PGA, {stamp}",
    )


def _rated_before(activity: str, last: Json | None, reader: Reader) -> str:
    if last is None:
        return reader.say(Said("First rating.", "Primera valoración."))
    day = reader.day(last["at"])
    if last["activity"] == activity:
        return reader.say(Said("Same as {day}.", "Igual que el {day}."), day=day)
    was = band_words(last["activity"], reader)
    return reader.say(Said("Was {was} on {day}.", "Antes: {was}, el {day}."), was=was, day=day)


def agreement_question(page: Json, reader: Reader) -> str:
    previous = page["previous"]
    if previous is None:
        return reader.say(Said("What does each of us see?", "¿Qué ve cada uno de nosotros?"))
    day = reader.last_day(previous)
    return reader.say(Said("What changed since {day}?", "¿Qué cambió desde el {day}?"), day=day)


def agreement_words(agreement: Json, reader: Reader) -> str:
    """When they agree, or cannot be compared: one plain line."""
    said = reader.say(_agreed(agreement))
    days = agreement["rating_apart_days"]
    return f"{said} {reader.say(_TOO_FAR, days=days)}" if days else said


def _agreed(agreement: Json) -> Said:
    if agreement["state"] != "agree":
        return _NOT_COMPARED
    is_in_remission = agreement["all_in_remission"]
    if len(agreement["compared"]) == 3:
        return _ALL_IN_REMISSION if is_in_remission else _NONE_IN_REMISSION
    return _BOTH_IN_REMISSION if is_in_remission else _NEITHER_IN_REMISSION


def differ_words(readings: Json, reader: Reader) -> str:
    """The difference in the first person, as `agreement.words` has it in English."""
    pairs, own = readings["agreement"]["pairs"], readings["patient"]["in_remission"].get("value")
    if ["patient", "clinician"] in pairs:
        return reader.say(_FEEL_BETTER if own == "yes" else _FEEL_WORSE)
    band = readings["computed"]["band"]
    known = band if band in ACTIVITIES else "not-remission"
    if ["patient", "computed"] in pairs:
        return reader.say(_FEEL_IN_REMISSION if own == "yes" else _FEEL_NOT, shown=reader.say(_SHOWN[known]))
    rated = band_words(readings["clinician"]["activity"], reader)
    return reader.say(_RATED, shown=reader.say(_SHOWN[known]), rated=rated)
