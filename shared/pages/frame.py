"""What stands around every page, in each language."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.events import Language
from shared.speech import SPOKEN, Said, in_language

_WORDS: Mapping[str, Said] = {
    "skip": Said("Skip to the page", "Saltar a la página"),
    "in_title": Said("(synthetic data)", "(datos ficticios)"),
    "tag": Said("Synthetic data: no real person", "Datos ficticios: ninguna persona real"),
    "synthetic": Said("Synthetic data.", "Datos ficticios."),
    "sign_out": Said("Sign out", "Salir"),
}
FRAME: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {language: in_language(language, _WORDS) for language in SPOKEN}
)
