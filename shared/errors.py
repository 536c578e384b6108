"""The errors that cross a module border.

    Problem                  a caller's request cannot be done; answered as problem+json (RFC 9457)
    PermanentFailure         this record can never be applied, however often it is tried: it is set aside
      UndecodableEvent       not a readable event
    Halt                     going on would lose or invent something: the worker stops and says why
      LogMismatch            the Kafka log is not the one that was read before
      TooManyDeadLetters     the brake: many records in a row failed, so the fault is more likely ours
      Stalled                there is something to read and nothing moves
    SendFailed               the broker did not acknowledge; the sink is of no more use
    KeyRingAway              patients' words can be neither sealed nor opened now
    Refused                  the broker does not let us in, or not there: tried again, but somebody must change that

Messages of `PermanentFailure` are stored beside the record: they name fields and rules, never a patient's data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part_of_class


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: where it stands (`items.0.birth_year`) and what was expected there.

    `is_known`: the name is one that is on record here, such as the linkId of a form, whatever it looks like.
    `code`: FHIR's issue type.
    """

    field: str
    expected: str
    is_known: bool = part_of_class(default=False, compare=False)
    code: str = part_of_class(default="invalid", compare=False)


class Problem(Exception):
    """A request that cannot be done, in the terms of RFC 9457.

    `kind` is the last part of the problem type, a stable word that programs may test; `detail` is for people.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def unknown(what: str) -> Problem:
    """The one answer for an id that does not exist and for one of another site: they must not be told apart."""
    return Problem(404, "not-found", f"There is no such {what} at this site.")


def conflict(kind: str, detail: str, **extra: str) -> Problem:
    """The request is well formed but does not fit what is recorded."""
    return Problem(409, kind, detail, extra=extra)


def erased() -> Problem:
    """The patient was here and was erased: nothing can be written about them any more."""
    return Problem(410, "erased", "This patient was erased. A person who comes back is enrolled anew.")


def busy() -> Problem:
    """Nothing was begun: there is too much to do already."""
    return Problem(503, "busy", "Too much is waiting. Send it again.", headers={"retry-after": "1"})


class PermanentFailure(Exception):
    """This record can never be applied."""


class UndecodableEvent(PermanentFailure, ValueError):
    """Not a readable event."""


class Halt(Exception):
    """Stop the worker: going on would lose or invent something."""


class LogMismatch(Halt):
    """The Kafka log is shorter than, or other than, what was applied from it."""


class TooManyDeadLetters(Halt):
    """Too many records in a row could not be applied."""


class Stalled(Halt):
    """There is something to read and nothing moves."""


class SendFailed(Exception):
    """At least one message was not acknowledged. Whether it was written is unknown."""


class KeyRingAway(Exception):
    """The key ring, or one of its files, cannot be used now. Its message holds nothing of a patient and no key."""


class Refused(ConnectionError):
    """The broker does not know this user, or does not let it do this. The message names both, and no password."""
