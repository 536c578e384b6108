"""The four items of the PHQ-4, word by word and in its order: two on worry, two on mood (the PHQ-2).

The words are free to use. The Spanish of the mood items, their stem and their answers is that of the published
Spanish PHQ-9; the Spanish of the two items on worry is our draft.
"""

from services.intake.domain.content.authoring import Number, Question, Section
from shared.speech import Said

_STEM = Said(
    "Over the last 2 weeks, how often have you been bothered by any of the following problems?",
    "Durante las últimas 2 semanas, ¿qué tan seguido ha tenido molestias debido a los siguientes problemas?",
)

_OFTEN = Number(
    0,
    3,
    (
        (0, Said("Not at all", "Ningún día")),
        (1, Said("Several days", "Varios días")),
        (2, Said("More than half the days", "Más de la mitad de los días")),
        (3, Said("Nearly every day", "Casi todos los días")),
    ),
)


def _part(section_id: str, title: Said, instrument: str, items: tuple[Question, ...]) -> Section:
    return Section(
        id=section_id,
        title=title,
        intro=_STEM,
        notice=Said(
            f"{instrument}: developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, "
            "with an educational grant from Pfizer Inc. No permission required to reproduce, translate, display or "
            "distribute.",
            f"{instrument}: elaborado por los doctores Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke y colegas, "
            "mediante una subvención educativa otorgada por Pfizer Inc. No se requiere permiso para reproducir, "
            "traducir, presentar o distribuir.",
        ),
        is_optional=True,
        items=items,
    )


WORRY = _part(
    "worry",
    Said("Worry", "Preocupación"),
    "PHQ-4",
    (
        Question(
            id="phq4_nervous",
            words=Said(
                "Feeling nervous, anxious or on edge",
                "Se ha sentido nervioso(a), ansioso(a) o con los nervios de punta",
            ),
            kind=_OFTEN,
            loinc="69725-0",
        ),
        Question(
            id="phq4_worry",
            words=Said(
                "Not being able to stop or control worrying",
                "No ha podido parar o controlar su preocupación",
            ),
            kind=_OFTEN,
            loinc="68509-9",
        ),
    ),
)

MOOD = _part(
    "mood",
    Said("Mood", "Ánimo"),
    "PHQ-2",
    (
        Question(
            id="phq2_interest",
            words=Said("Little interest or pleasure in doing things", "Poco interés o placer en hacer cosas"),
            kind=_OFTEN,
            loinc="44250-9",
        ),
        Question(
            id="phq2_mood",
            words=Said(
                "Feeling down, depressed, or hopeless",
                "Se ha sentido decaído(a), deprimido(a) o sin esperanzas",
            ),
            kind=_OFTEN,
            loinc="44255-8",
        ),
    ),
)
