"""Care that nobody planned: emergency room, nights in hospital, scans, urgent calls."""

from services.intake.domain.content.authoring import Number, Question, Section, When, YesNo
from shared.speech import Said

MONTHS_6 = Said("In the past 6 months.", "En los últimos 6 meses.")
COUNT = Number(0, 99)

URGENT_CARE = Section(
    id="urgent_care",
    title=Said("Urgent care", "Atención urgente"),
    items=(
        Question(
            id="ed_visits",
            words=Said(
                "How many times did you go to an emergency room?", "¿Cuántas veces fue a la sala de emergencias?"
            ),
            hint=MONTHS_6,
            kind=COUNT,
        ),
        Question(
            id="hospital_stays",
            words=Said(
                "How many times did you stay in a hospital overnight?",
                "¿Cuántas veces pasó la noche en un hospital?",
            ),
            hint=MONTHS_6,
            kind=COUNT,
        ),
        Question(
            id="ct_scans",
            words=Said(
                "How many CT scans of your belly did you have?", "¿Cuántas tomografías (CT) de la barriga tuvo?"
            ),
            hint=MONTHS_6,
            kind=COUNT,
        ),
    ),
)

URGENT_CARE_LATELY = Section(
    id="urgent_care_lately",
    title=Said("Urgent care lately", "Atención urgente reciente"),
    items=(
        Question(
            id="ed_in_2_weeks",
            words=Said(
                "Did you go to an emergency room in the past 2 weeks?",
                "¿Fue a la sala de emergencias en las últimas 2 semanas?",
            ),
            kind=YesNo(),
            asked_when=(When("ed_visits", ">", 0),),
        ),
        Question(
            id="urgent_contacts",
            words=Said(
                "How many times did you call us because it could not wait?",
                "¿Cuántas veces nos llamó por algo que no podía esperar?",
            ),
            hint=MONTHS_6,
            kind=COUNT,
        ),
    ),
)
