"""Pain and tiredness, well-being, control, and the patient's own word on remission, which no score replaces."""

from services.intake.domain.content.authoring import Choice, Number, Question, Section
from services.intake.domain.content.bowels import DAYS_7
from shared.events import YesNoUnsure
from shared.speech import Said

PAIN_AND_FATIGUE = Section(
    id="pain_and_fatigue",
    title=Said("Pain and tiredness", "Dolor y cansancio"),
    is_optional=True,
    items=(
        Question(
            id="pain_nrs",
            words=Said("How strong was your pain, anywhere?", "¿Qué tan fuerte fue su dolor, en cualquier parte?"),
            hint=DAYS_7,
            kind=Number(0, 10, ((0, Said("None", "Ninguno")), (10, Said("Worst possible", "El peor posible")))),
        ),
        Question(
            id="fatigue",
            words=Said("How tired were you?", "¿Cuánto cansancio sintió?"),
            hint=DAYS_7,
            kind=Number(0, 10, ((0, Said("Not at all", "Nada")), (10, Said("Worst possible", "El peor posible")))),
        ),
    ),
)

_WELL_BEING = Question(
    id="well_being",
    words=Said("How did you feel in general, on average?", "En promedio, ¿cómo se sintió en general?"),
    hint=DAYS_7,
    kind=Number(
        0,
        4,
        (
            (0, Said("Well", "Bien")),
            (1, Said("A little off", "Un poco mal")),
            (2, Said("Unwell", "Mal")),
            (3, Said("Very unwell", "Muy mal")),
            (4, Said("As bad as it gets", "Lo peor que hay")),
        ),
        is_whole=False,
    ),
)

_CONTROL = Question(
    id="ibd_control",
    words=Said("How well is your disease under control?", "¿Qué tan bien está controlada su enfermedad?"),
    hint=Said(
        "In the past 2 weeks. 0 is not at all, 10 is fully.",
        "En las últimas 2 semanas. 0 es nada, 10 es del todo.",
    ),
    kind=Number(0, 10, ((0, Said("Not at all", "Nada")), (10, Said("Fully", "Del todo")))),
)

_REMISSION = Question(
    id="in_remission",
    words=Said("Are you in remission now?", "¿Está usted en remisión ahora?"),
    hint=Said("Remission means your disease is quiet.", "Remisión quiere decir que su enfermedad está tranquila."),
    kind=Choice(
        "yes-no-unsure",
        (
            (YesNoUnsure.YES, Said("Yes", "Sí")),
            (YesNoUnsure.NO, Said("No", "No")),
            (YesNoUnsure.UNSURE, Said("Not sure", "No sé")),
        ),
    ),
)


def _feeling(*items: Question) -> Section:
    return Section(id="feeling", title=Said("How you feel", "Cómo se siente"), items=items)


FEELING = _feeling(_CONTROL, _REMISSION)
FEELING_WITH_WELL_BEING = _feeling(_WELL_BEING, _CONTROL, _REMISSION)
