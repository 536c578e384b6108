"""The port through which messages leave, to patients and to a clinic's own people, and what carries them."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import orjson
import structlog

from services.intake.domain import Channel, SendOutcome

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person. The same id again is the same message again."""

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


async def outcome_of(messenger: Messenger, message: Message) -> tuple[SendOutcome, str | None]:
    """What a try to send it came to, and the code where it was not taken. Whatever the messenger does, it is told."""
    try:
        await messenger.send(message)
    except NotSent as not_sent:
        _log.warning(
            "message not taken", outcome=not_sent.outcome, code=not_sent.code, message_id=str(message.message_id)
        )
        return not_sent.outcome, not_sent.code
    except Exception as failure:  # our mistake: a person is told of the message, and the worker has more to do
        _log.error("messenger failed", failure=type(failure).__name__, message_id=str(message.message_id))
        return SendOutcome.NOT_KNOWN, "unexpected"
    return SendOutcome.TAKEN, None
