"""Our messages are CloudEvents 1.0 in Kafka's binary mode: an outsider reads ours, and we read what it writes.

Of the outside conformance scenarios, binary mode applies both ways. Structured mode does not: every topic has one
publisher, which writes binary mode, so a structured message is not ours and is set aside like any that cannot be read.
"""

import json
import re
from datetime import datetime
from functools import cache
from itertools import product
from urllib.parse import urlsplit

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent

from shared.errors import UndecodableEvent
from shared.events import TOPICS, VISIT_UPDATED, Event, Headers, decode, encode
from shared.examples import EXAMPLES
from tests.builders import a_message, a_visit, an_event
from tests.conftest import outside_fixtures

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(params=list(TOPICS))
def event(request: pytest.FixtureRequest) -> Event:
    return an_event(EXAMPLES[request.param], sequence=7, traceparent=TRACEPARENT)


def as_written(event: Event) -> KafkaMessage:
    message = a_message(event)
    return KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value)


def read_by_outsider(message: KafkaMessage) -> CloudEvent:
    found = from_kafka_event(message)
    assert isinstance(found, CloudEvent)
    return found


def test_an_outside_decoder_reads_what_we_write(event: Event) -> None:
    found = read_by_outsider(as_written(event))
    assert found.get_attributes() == {
        "specversion": "1.0",
        "id": str(event.event_id),
        "source": f"/samepage/{TOPICS[event.topic].publisher}",
        "type": event.topic,
        "time": event.time,
        "subject": event.key,
        "datacontenttype": "application/json",
        "dataschema": f"urn:samepage:schema:{event.topic}:v1",
        "partitionkey": event.key,
        "siteid": event.site_id,
        "sequence": "7",
        "traceparent": TRACEPARENT,
    }
    assert found.get_data() == json.loads(encode(event.body))


def test_attributes_are_of_the_types_that_the_specification_asks_for(event: Event) -> None:
    attributes = {name: value.decode() for name, value in a_message(event).headers}
    assert urlsplit(attributes["ce_dataschema"]).scheme, "a URI, which a file name is not"
    assert datetime.fromisoformat(attributes["ce_time"]).tzinfo is not None
    names = [name.removeprefix("ce_") for name in attributes if name.startswith("ce_")]
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in names)


def test_we_read_what_an_outside_encoder_writes(event: Event) -> None:
    written = to_binary_event(read_by_outsider(as_written(event)))
    assert written.key == event.key
    headers = [*written.headers.items(), ("traceparent", TRACEPARENT.encode())]  # Kafka's own header, not CloudEvents'
    assert decode(event.topic, headers, written.value) == event


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ce_specversion", b"0.3", "ce_specversion is not 1.0"),
        ("ce_specversion", None, "attribute 'ce_specversion' is missing"),
        ("ce_id", None, "attribute 'ce_id' is missing"),
        ("ce_id", b"Maria Synthetic", "an attribute in the headers cannot be read"),
        ("ce_id", b"\xff\x00", "an attribute in the headers cannot be read"),
        ("ce_type", b"survey-completed", "ce_type does not name the topic that the record was read from"),
        ("ce_time", b"2026-10-13T15:20:00", "ce_time does not say its offset from UTC"),
        ("ce_time", b"tomorrow", "an attribute in the headers cannot be read"),
        *[
            ("ce_sequence", written, "ce_sequence is not one of 1, 2, 3 ...")
            for written in (b"0", b"-1", b"1.0", b" 1", b"1_0", "١".encode(), b"9223372036854775808", b"9" * 5000)
        ],
    ],
)
def test_an_attribute_that_is_wrong_is_named_and_not_repeated(name: str, value: bytes | None, reason: str) -> None:
    message = a_message(an_event(a_visit()))
    headers = {**dict(message.headers), name: value or b""}
    if value is None:
        del headers[name]
    with pytest.raises(UndecodableEvent) as caught:
        decode(VISIT_UPDATED.name, list(headers.items()), message.value)
    assert str(caught.value) == reason


class Scenario:
    """A part of the conformance feature: a message, and what it says."""

    def __init__(self, text: str) -> None:
        given, _, then = text.partition("When parsed")
        self.message = KafkaMessage(table(given), None, block(given).encode())
        self.attributes = {name: value.decode() for name, value in table(then).items()}
        self.data = json.loads(block(then))
        self.examples = re.findall(r"^\s*\| (application/.*?)\s*\|?$", then.partition("Examples:")[2], re.MULTILINE)


def block(text: str) -> str:
    return text.split('"""')[1]


def table(text: str) -> dict[str, bytes]:
    rows = re.findall(r"^\s*\|\s*(\S+)\s*\|\s*(\S.*?)\s*\|$", text.partition("Examples:")[0], re.MULTILINE)
    return {name: value.encode() for name, value in rows if name != "key"}


@cache
def scenarios() -> dict[str, Scenario]:
    feature = (outside_fixtures("cloudevents") / "kafka-protocol-binding.feature").read_text()
    _, *parts = re.split(r"Scenario(?: Outline)?: ", feature)
    return {part.split(" content mode")[0]: Scenario(part) for part in parts}


def test_the_outside_decoder_passes_the_binary_scenario() -> None:
    """So its word about our messages counts."""
    scenario = scenarios()["Binary"]
    found = read_by_outsider(scenario.message)
    attributes = {**found.get_attributes(), "time": scenario.attributes["time"]}
    assert attributes == scenario.attributes
    assert found.get_time() == datetime.fromisoformat(scenario.attributes["time"])
    assert found.get_data() == scenario.data


def test_our_headers_are_those_of_the_binary_scenario(event: Event) -> None:
    scenario, ours = scenarios()["Binary"], a_message(event)
    attribute_of = {
        header: attribute
        for (header, said), (attribute, meant) in product(scenario.message.headers.items(), scenario.attributes.items())
        if said.decode() == meant
    }
    assert attribute_of.keys() == scenario.message.headers.keys()
    headers = dict(ours.headers)
    found = read_by_outsider(as_written(event)).get_attributes() | {"time": event.time.isoformat()}
    assert {attribute: headers[header].decode() for header, attribute in attribute_of.items()} == {
        attribute: found[attribute] for attribute in attribute_of.values()
    }
    with pytest.raises(UndecodableEvent, match="an attribute in the headers cannot be read"):
        decode(VISIT_UPDATED.name, list(scenario.message.headers.items()), scenario.message.value)


def test_a_message_in_structured_mode_is_refused_in_so_many_words() -> None:
    scenario = scenarios()["Structured"]
    assert len(scenario.examples) == 2
    for content_type in scenario.examples:
        headers: Headers = [("content-type", content_type.encode())]
        with pytest.raises(UndecodableEvent, match="structured mode: only binary mode is read here"):
            decode(VISIT_UPDATED.name, headers, scenario.message.value)
