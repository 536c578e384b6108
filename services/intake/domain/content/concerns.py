"""What the patient wants to talk about, at most three things in order, and what matters most to them."""

from services.intake.domain.content.authoring import Choice, Question, Section, Words
from shared.events import ConcernTopic
from shared.speech import Said

_TOPIC = Choice(
    "concern-topic",
    (
        (ConcernTopic.SYMPTOMS, Said("Symptoms", "Los síntomas")),
        (ConcernTopic.MEDICINE, Said("Medicine", "Las medicinas")),
        (ConcernTopic.SIDE_EFFECTS, Said("Side effects", "Los efectos secundarios")),
        (ConcernTopic.STEROIDS, Said("Steroids", "Los esteroides")),
        (ConcernTopic.DIET, Said("Food", "La comida")),
        (ConcernTopic.WORK_OR_SCHOOL, Said("Work or school", "El trabajo o la escuela")),
        (ConcernTopic.FAMILY, Said("Family", "La familia")),
        (ConcernTopic.MOOD, Said("Mood", "El ánimo")),
        (ConcernTopic.COST, Said("Cost", "El costo")),
        (ConcernTopic.OTHER, Said("Something else", "Otra cosa")),
    ),
)


def _concern(rank: int, title: Said) -> Section:
    return Section(
        id=f"concern_{rank}",
        title=title,
        items=(
            Question(
                id=f"concern_{rank}_topic",
                words=Said("What is it about?", "¿De qué se trata?"),
                kind=_TOPIC,
                may_be_empty=rank > 1,
            ),
            Question(
                id=f"concern_{rank}_words",
                words=Said("In your own words", "En sus palabras"),
                kind=Words(500),
                may_be_empty=True,
            ),
        ),
    )


CONCERNS = Section(
    id="concerns",
    title=Said("What to talk about", "De qué hablar"),
    intro=Said(
        "What do you most want to talk about? Name up to 3 things. Put the most important one first.",
        "¿De qué quiere hablar más? Diga hasta 3 cosas. Ponga primero la más importante.",
    ),
    items=(
        _concern(1, Said("Most important", "Lo más importante")),
        _concern(2, Said("Second", "Segundo")),
        _concern(3, Said("Third", "Tercero")),
    ),
)

GOAL = Section(
    id="goal",
    title=Said("What matters most", "Lo que más importa"),
    items=(
        Question(
            id="matters_most",
            words=Said("What matters most to you right now?", "¿Qué le importa más en este momento?"),
            hint=Said(
                "Something you want to do, or how you want to feel.",
                "Algo que quiere hacer, o cómo se quiere sentir.",
            ),
            kind=Words(500, is_long=True),
        ),
    ),
)
