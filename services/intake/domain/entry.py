"""How something that a patient decided or answered came in: by themselves, or by somebody who entered it for them."""

from enum import StrEnum


class EntryMode(StrEnum):
    SELF = "self"
    PAPER = "paper"
    PHONE = "phone"
    PROXY = "proxy"
