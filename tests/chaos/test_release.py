"""The next version of the doors: what it writes, this version reads."""

import orjson
import pytest

from deploy.chaos.release import FIELD, Releases, encode_next
from deploy.doors import Door
from shared.events import Event, decode
from tests.builders import a_message, one_of_each


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.topic)
def test_what_the_next_version_writes_is_more_and_is_read_as_if_nothing_were_new(event: Event) -> None:
    written = a_message(event, value=encode_next(event.body))
    assert written.value.endswith(FIELD)
    assert "of_the_next_version" in orjson.loads(written.value)
    assert decode(written.topic, written.headers, written.value) == event


def test_only_doors_that_were_rolled_run_the_next_version() -> None:
    releases = Releases()
    intake, clinical = Door("intake", "app"), Door("clinical", "worker")
    releases.rolled.add(intake)
    assert "deploy.chaos.release" in releases.command(intake)
    assert "deploy.chaos.release" not in releases.command(clinical)
