"""The last question: room for whatever no other one asked."""

from services.intake.domain.content.authoring import Question, Section, Words
from shared.speech import Said

CLOSING = Section(
    id="closing",
    title=Said("Anything else", "Algo más"),
    is_optional=True,
    items=(
        Question(
            id="anything_else",
            words=Said("Is there anything else you want to say?", "¿Hay algo más que quiera decir?"),
            kind=Words(1000, is_long=True),
            may_be_empty=True,
        ),
    ),
)
