"""Who looked, in words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from services.dashboard.pages.reader import Line, Reader
from shared.pages.words import clock
from shared.speech import Noun, Said

Json = Mapping[str, Any]

ROLES: Mapping[str, Said] = {
    "patient": Said("Patient", "Paciente"),
    "clinician": Said("Clinician", "Médico"),
    "coordinator": Said("Coordinator", "Coordinación"),
    "operator": Said("Network operator", "Operador de la red"),
    "system": Said("The clinic's computer", "La computadora de la clínica"),
}
PURPOSES: Mapping[str, Said] = {
    "care": Said("for care", "para su atención"),
    "own-record": Said("own record", "su propio expediente"),
    "network-figures": Said("for network figures", "para cifras de la red"),
    "break-glass": Said("emergency, another clinic", "emergencia, otra clínica"),
    "disclosure": Said("handed out", "entregado"),
}
SHOWN: Mapping[str, Said] = {
    "read_page": Said("The page", "La página"),
    "show_page": Said("The page", "La página"),
    "offer_card": Said("A short card beside your chart", "Una tarjeta corta junto a su expediente"),
    "read_linked_page": Said("The page, from another clinic", "La página, desde otra clínica"),
    "show_linked_page": Said("The page, from another clinic", "La página, desde otra clínica"),
    "list_links": Said("Which other clinics know you", "Qué otras clínicas le conocen"),
    "follow_page": Said("That the page stays up to date", "Que la página siga al día"),
    "follow_shown_page": Said("That the page stays up to date", "Que la página siga al día"),
    "read_looks": Said("This list", "Esta lista"),
    "show_looks": Said("This list", "Esta lista"),
    "read_receipt": Said("That a note arrived", "Que llegó una nota"),
    "read_broken_glass": Said("The list of emergency openings", "La lista de aperturas de emergencia"),
    "show_broken_glass": Said("The list of emergency openings", "La lista de aperturas de emergencia"),
    "write_plan": Said("The page", "La página"),  # shown again with what was not saved
    "export_page": Said("A copy of the page, to keep", "Una copia de la página, para guardar"),
    "audit-export": Said("A copy of this list", "Una copia de esta lista"),
}
_TIMES = Noun(Said("time", "vez"), Said("times", "veces"))


class Turn(NamedTuple):
    """All that one person was shown on one day, with nobody between. `who` is any look of theirs; times are `10:20`."""

    day: str
    first: str
    last: str
    who: Json
    shown: list[Line]


def turns(looks: Iterable[Json], reader: Reader) -> list[Turn]:
    """Looks, the newest first, put together: how often, and what for, is told of each thing once."""
    alike = groupby(looks, lambda look: (reader.local(look["at"]).date(), look["role"], look["subject"]))
    return [_turn(list(same), reader) for _, same in alike]


def _turn(looks: list[Json], reader: Reader) -> Turn:
    counts = Counter((reader.named(SHOWN, look["route"]), reader.named(PURPOSES, look["purpose"])) for look in looks)
    shown = [
        Line(what if count == 1 else f"{what} ({reader.counted(count, _TIMES)})", why)
        for (what, why), count in counts.items()
    ]
    newest, oldest = reader.local(looks[0]["at"]), reader.local(looks[-1]["at"])
    return Turn(reader.on(newest), clock(oldest), clock(newest), looks[0], shown)


def who_words(look: Json, own_subject: str | None, reader: Reader) -> str:
    """`You` for the patient who reads this."""
    if is_own(look, own_subject):
        return reader.say(Said("You", "Usted"))
    return reader.named(ROLES, look["role"])


def is_own(look: Json, own_subject: str | None) -> bool:
    return look["role"] == "patient" and bool(look["subject"] == own_subject)
