"""A log for the stages that read: synthetic patients with the same history each, the same in every run of the bench.

In the order in which a network would write it: everybody's enrolment first, then everybody's first visit, and so on, so
that a reader rarely finds two facts of one patient together. Views of the pages, which are the most, come last.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from deploy.local.network import Network
from shared.broker import Message
from shared.events import TOPIC_OF, Body, encode, headers_of
from shared.kafka import KafkaBroker
from tests.builders import (
    PATIENT,
    a_lab,
    a_medication,
    a_survey,
    a_view,
    a_visit,
    an_assessment,
    an_enrollment,
    an_id,
)

_AT_ONCE = 2_000
_SITES = 40
_RECORDED_AT = datetime(2026, 10, 13, tzinfo=UTC)
# The first eight digits of every id in a body are replaced by the number of the patient.
_ID = re.compile(rb'"[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")')
_CARE: tuple[Body, ...] = (
    an_enrollment(),
    a_visit(),
    a_survey(),
    an_assessment(),
    a_lab(),
    a_medication(),
    a_visit(visit_id=an_id("visit", 2)),
    a_survey(survey_id=an_id("survey", 2), visit_id=an_id("visit", 2)),
    a_lab(lab_id=an_id("lab", 2), loinc="38445-3", name="Calprotectin", unit="ug/g"),
)


def fill_topics(network: Network, *, of_care: int, all_in_all: int) -> None:
    """Write so many events about care, and views until there are so many events; wait for every acknowledgement."""
    patients = of_care // len(_CARE)
    looks = (all_in_all - patients * len(_CARE)) // patients
    bodies = [*_CARE, *(a_view(view_id=an_id("view", look)) for look in range(looks))]
    asyncio.run(_send(network, messages(bodies, patients)))


def messages(bodies: Iterable[Body], patients: int) -> Iterator[Message]:
    """Each body once for each patient, body by body, in the envelope of an event."""
    sequences: Counter[str] = Counter()
    for step, body in enumerate(bodies):
        topic = TOPIC_OF[type(body)].name
        sequences[topic] += 1
        value = encode(body)
        for number in range(patients):
            key = _of_patient(f'"{PATIENT}"'.encode(), number).decode().strip('"')
            headers = headers_of(
                event_id=UUID(int=step << 64 | number),
                topic=topic,
                site_id=f"bench-{number % _SITES:04}",
                key=key,
                sequence=sequences[topic],
                time=_RECORDED_AT,
                traceparent=None,
            )
            yield Message(topic, key.encode(), _of_patient(value, number), headers)


def _of_patient(value: bytes, number: int) -> bytes:
    return _ID.sub(b'"%08x\\1' % number, value)


async def _send(network: Network, all_messages: Iterator[Message]) -> None:
    sink = await KafkaBroker(network.addresses.bootstrap_servers, client_id="bench").sink()
    try:
        while chunk := list(islice(all_messages, _AT_ONCE)):
            await sink.send_all(chunk)
    finally:
        await sink.close()
