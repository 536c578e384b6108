"""The log that the reading stages are measured on: events as a service would have written them."""

from collections import defaultdict

from shared.events import decode
from tests.builders import a_lab, a_survey, a_view, an_enrollment, an_id
from tests.load.stage_events import messages

BODIES = (an_enrollment(), a_survey(), a_lab(), a_view(), a_view(view_id=an_id("view", 2)))


def test_every_message_is_an_event_of_its_patient_and_their_sequences_have_no_gap() -> None:
    sequences: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    ids = set()
    for message in messages(BODIES, patients=3):
        event = decode(message.topic, message.headers, message.value)
        assert str(event.body.model_dump()["patient_id"]) == event.key == message.key.decode()
        sequences[event.site_id, event.topic, event.key].append(event.sequence)
        ids.add(event.event_id)
    assert len(ids) == len(BODIES) * 3
    assert len({key for _, _, key in sequences}) == 3
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())


def test_the_log_is_the_same_every_time() -> None:
    assert list(messages(BODIES, patients=2)) == list(messages(BODIES, patients=2))
