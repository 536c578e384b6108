"""An event in its envelope, and the way into and out of a Kafka record."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from shared.errors import UndecodableEvent
from shared.events.bodies import Body
from shared.events.topics import TOPICS

Headers = Sequence[tuple[str, bytes]]
_SEQUENCE = re.compile(r"[1-9][0-9]{0,18}")
_LAST_SEQUENCE = 2**63 - 1
_UUID = TypeAdapter(UUID)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact in its envelope.

    `key` is the patient id (the site id for `site-updated`); `sequence` counts 1, 2, 3 ... per topic and key without a
    gap, so that a reader drops what it has and sees what it lacks; `time` is when the fact was recorded by its owner.
    """

    event_id: UUID
    topic: str
    site_id: str
    key: str
    sequence: int
    time: datetime
    body: Body
    traceparent: str | None = None


def encode(body: Body) -> bytes:
    """The JSON value of an event."""
    return body.model_dump_json().encode()


def headers_of(  # noqa: PLR0913 - one argument an attribute of the envelope
    *, event_id: UUID, topic: str, site_id: str, key: str, sequence: int, time: datetime, traceparent: str | None
) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 attributes as Kafka headers, with the extensions `siteid`, `sequence`, `traceparent`."""
    subject = key.encode()
    headers = [
        *_headers_of_topic(topic),
        ("ce_id", str(event_id).encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_subject", subject),
        ("ce_partitionkey", subject),
        ("ce_siteid", site_id.encode()),
        ("ce_sequence", str(sequence).encode()),
    ]
    if traceparent is not None:
        trace = traceparent.encode()
        headers += [("ce_traceparent", trace), ("traceparent", trace)]
    return headers


@cache
def _headers_of_topic(topic: str) -> Headers:
    """What all events of a topic say alike."""
    description = TOPICS[topic]
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/samepage/{description.publisher}".encode()),
        ("ce_type", topic.encode()),
        ("ce_dataschema", description.schema_id.encode()),
        ("content-type", b"application/json"),
    )


def decode(topic: str, headers: Headers, value: bytes) -> Event:
    """The event in a Kafka record.

    Raises:
        UndecodableEvent: the record can never be read. Its message names fields and rules, never what stood in them.
    """
    attributes = {name: content.decode("utf-8", "replace") for name, content in headers}
    try:
        return Event(
            event_id=uuid_of(_in_binary_mode(attributes)["ce_id"]),
            topic=_matching(attributes["ce_type"], topic),
            site_id=attributes["ce_siteid"],
            key=attributes["ce_subject"],
            sequence=_sequence(attributes["ce_sequence"]),
            time=_moment(attributes["ce_time"]),
            body=TOPICS[topic].body.model_validate_json(value),
            traceparent=attributes.get("traceparent"),
        )
    except KeyError as missing:
        raise UndecodableEvent(f"attribute {missing} is missing") from None
    except UndecodableEvent:
        raise
    except ValueError as invalid:
        raise UndecodableEvent(_reason(invalid)) from None


def uuid_of(text: str) -> UUID:
    """The same as `UUID(text)`, which is written in Python and takes ten times as long.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    try:
        return _UUID.validate_python(text)
    except ValidationError:
        raise ValueError("not a UUID") from None


def sequence_in(text: str | None) -> int | None:
    """What stands in `ce_sequence`, for a record that cannot be read otherwise; None when that is no sequence."""
    try:
        return None if text is None else _sequence(text)
    except UndecodableEvent:
        return None


def _in_binary_mode(attributes: Mapping[str, str]) -> Mapping[str, str]:
    if attributes.get("content-type", "").startswith("application/cloudevents"):
        raise UndecodableEvent("a CloudEvent in structured mode: only binary mode is read here")
    if attributes["ce_specversion"] != "1.0":
        raise UndecodableEvent("ce_specversion is not 1.0")
    return attributes


def _matching(event_type: str, topic: str) -> str:
    if event_type != topic:
        raise UndecodableEvent("ce_type does not name the topic that the record was read from")
    return topic


def _sequence(text: str) -> int:
    if not _SEQUENCE.fullmatch(text) or int(text) > _LAST_SEQUENCE:
        raise UndecodableEvent("ce_sequence is not one of 1, 2, 3 ...")
    return int(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise UndecodableEvent("ce_time does not say its offset from UTC")
    return moment


def _reason(invalid: ValueError) -> str:
    errors: Any = getattr(invalid, "errors", None)
    if errors is None:
        return "an attribute in the headers cannot be read"
    details = errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, detail['loc'])) or 'body'}: {detail['type']}" for detail in details[:5])
