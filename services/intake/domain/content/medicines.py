"""Medicines: steroids, opioids, doses, side effects, and what gets in the way of the plan."""

from services.intake.domain.content.authoring import Choice, Question, Section, When, YesNo
from services.intake.domain.content.urgent_care import COUNT, MONTHS_6
from shared.speech import Said

_WEEKS_2 = Said("In the past 2 weeks.", "En las últimas 2 semanas.")
_TAKES_SOME = When("takes_medicines", "!=", False)

MEDICINES = Section(
    id="medicines",
    title=Said("Medicines", "Medicinas"),
    items=(
        Question(
            id="takes_medicines",
            words=Said("Do you take medicine for Crohn’s or colitis?", "¿Toma medicinas para Crohn o colitis?"),
            hint=Said("Pills, shots and drips all count.", "Cuentan pastillas, inyecciones y sueros."),
            kind=YesNo(),
        ),
        Question(
            id="steroid_courses",
            words=Said(
                "How many courses of steroids did you take, such as prednisone?",
                "¿Cuántas veces tomó esteroides por un tiempo, como prednisona?",
            ),
            hint=Said(
                "In the past 6 months. Count one that you take now.",
                "En los últimos 6 meses. Cuente si los toma ahora.",
            ),
            kind=COUNT,
        ),
        Question(
            id="opioid_use",
            words=Said(
                "Did you take an opioid pain medicine, such as oxycodone?",
                "¿Tomó un opioide para el dolor, como oxicodona?",
            ),
            hint=MONTHS_6,
            kind=YesNo(),
        ),
    ),
)

DOSES = Section(
    id="doses",
    title=Said("Taking your medicine", "Cómo toma su medicina"),
    asked_when=(_TAKES_SOME,),
    items=(
        Question(
            id="taking_as_agreed",
            words=Said("Did you take your medicines as we agreed?", "¿Tomó sus medicinas como quedamos?"),
            hint=_WEEKS_2,
            kind=YesNo(),
        ),
        Question(
            id="side_effects",
            words=Said("Did side effects bother you?", "¿Le molestaron los efectos secundarios?"),
            hint=_WEEKS_2,
            kind=YesNo(),
        ),
    ),
)

OBSTACLES = Section(
    id="obstacles",
    title=Said("What gets in the way", "Lo que estorba"),
    items=(
        Question(
            id="missed_doses",
            words=Said("How many doses did you miss?", "¿Cuántas dosis no tomó?"),
            hint=_WEEKS_2,
            kind=COUNT,
            asked_when=(_TAKES_SOME, When("taking_as_agreed", "!=", True)),
        ),
        Question(
            id="barriers",
            words=Said("What makes your plan hardest to follow?", "¿Qué le hace más difícil seguir su plan?"),
            kind=Choice(
                "barrier",
                (
                    ("none", Said("Nothing", "Nada")),
                    ("cost", Said("Cost", "El costo")),
                    ("forgetting", Said("I forget", "Se me olvida")),
                    ("side-effects", Said("Side effects", "Los efectos secundarios")),
                    ("time", Said("Time, work or school", "El tiempo, el trabajo o la escuela")),
                    ("supply", Said("Getting the medicine", "Conseguir la medicina")),
                    ("worry", Said("I worry about the medicine", "La medicina me preocupa")),
                    ("other", Said("Something else", "Otra cosa")),
                ),
            ),
        ),
    ),
)
