"""What a notice to a clinic's own people says: that an alert waits at which clinic, and where the list is. Mail can be
read by others, so there is nothing else in it.

The Spanish is a draft for a qualified translator.
"""

from services.intake.pages.message import MessageWords
from shared.events import Language
from shared.speech import Said

_RAISED = Said("An alert waits at {site}", "Una alerta espera en {site}")
_ESCALATED = Said("An alert still waits at {site}", "Una alerta sigue esperando en {site}")
_NOT_TAKEN = Said("Nobody has taken it in time.", "Nadie la ha tomado a tiempo.")
_OPEN = Said("Open the list: {address}", "Abra la lista: {address}")
_SIGN_IN = Said(
    "You sign in there to see what it is about. This message holds nothing of a patient.",
    "Ahí entra con su usuario para ver de qué se trata. Este mensaje no contiene nada de un paciente.",
)
_NOT_WANTED = Said(
    "A program wrote this, and nobody reads answers to it. Who gets it is set in the clinic's alert rules.",
    "Lo escribió un programa y nadie lee las respuestas. Las reglas de alertas de la clínica dicen quién lo recibe.",
)


def words_of(language: Language, *, site_name: str, address: str, is_escalated: bool) -> MessageWords:
    """The words; `is_escalated` where an alert has waited longer than it should."""
    subject = (_ESCALATED if is_escalated else _RAISED).said_in(language).format(site=site_name)
    lead = f"{subject}. {_NOT_TAKEN.said_in(language)}" if is_escalated else f"{subject}."
    open_list = _OPEN.said_in(language).format(address=address)
    paragraphs = (lead, open_list, _SIGN_IN.said_in(language), _NOT_WANTED.said_in(language))
    return MessageWords(subject, "\n\n".join(paragraphs) + "\n")
