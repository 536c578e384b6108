"""What a message to a patient says: that there are questions, until when, and the link. Nothing of the patient.

The Spanish is a draft for a qualified translator.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.intake.domain import Channel
from services.intake.pages.phrases import day_words
from shared.events import Language


class MessageWords(NamedTuple):
    subject: str
    text: str


class _Say(NamedTuple):
    subject: str
    reminder: str
    lead: str
    open: str
    only_you: str
    nobody_reads: str
    not_wanted: str


_SAY: Mapping[Language, _Say] = {
    Language.ENGLISH: _Say(
        subject="Questions before your visit",
        reminder="Reminder: ",
        lead="Your clinic has a few questions before your visit on {day}.",
        open="Open: {link}",
        only_you="This link is only for you. Do not send it on.",
        nobody_reads="Nobody reads answers to this message. Need help now? Call your clinic. "
        "In an emergency, call 911.",
        not_wanted="You do not want these messages? Tell {sender}.",
    ),
    Language.SPANISH: _Say(
        subject="Preguntas antes de su visita",
        reminder="Recordatorio: ",
        lead="Su clínica tiene unas preguntas para usted antes de su visita del {day}.",
        open="Abra: {link}",
        only_you="Este enlace es solo para usted. No lo comparta.",
        nobody_reads="Nadie lee las respuestas a este mensaje. ¿Necesita ayuda ahora? Llame a su clínica. "
        "En una emergencia, llame al 911.",
        not_wanted="¿No quiere estos mensajes? Dígaselo a {sender}.",
    ),
}


def words_of(
    language: Language, channel: Channel, *, sender_name: str, visit_at: datetime, link: str, is_reminder: bool
) -> MessageWords:
    """The words; `visit_at` in the site's zone. A short message has one paragraph and says who it is from."""
    spoken = language if language in _SAY else Language.ENGLISH
    say = _SAY[spoken]
    before = say.reminder if is_reminder else ""
    lead = say.lead.format(day=day_words(visit_at, spoken))
    link_line, not_wanted = say.open.format(link=link), say.not_wanted.format(sender=sender_name)
    if channel is Channel.SMS:
        return MessageWords(before + say.subject, f"{sender_name}: {before}{lead} {link_line} {not_wanted}")
    paragraphs = (lead, link_line, say.only_you, say.nobody_reads, not_wanted, sender_name)
    return MessageWords(before + say.subject, "\n\n".join(paragraphs) + "\n")
