"""The port through which messages to patients leave, and what carries them."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import orjson

from services.intake.domain import Channel, SendOutcome


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one patient. The same id again is the same message again."""

    message_id: UUID
    channel: Channel
    to: str = field(repr=False)
    sender_name: str
    subject: str
    text: str = field(repr=False)

    def as_json(self) -> bytes:
        """The message for programs."""
        return orjson.dumps({name: str(getattr(self, name)) for name in self.__slots__})


class NotSent(Exception):
    """A message was not taken, or nobody knows whether it was. `code` holds nothing of the patient or the message."""

    def __init__(self, outcome: SendOutcome, code: str) -> None:
        super().__init__(f"{outcome}: {code}")
        self.outcome = outcome
        self.code = code


class Messenger(Protocol):
    """Carries messages over some channels."""

    @property
    def channels(self) -> Set[Channel]:
        """Those that it serves."""

    async def send(self, message: Message) -> None:
        """Hand a message over to whoever carries it on. On return that has taken it, durably.

        Raises:
            NotSent: it has not, or that is not known.
        """
