"""Analytics' Kafka door is the only one that makes pseudonyms, and it makes none without its key."""

import pytest

from services.analytics import worker
from services.analytics.settings import AnalyticsSettings
from shared.memory_broker import MemoryBroker
from shared.settings import Platform


async def test_a_worker_without_the_key_of_pseudonyms_does_not_begin(platform: Platform) -> None:
    settings = AnalyticsSettings(platform=platform, database_url="postgresql://nowhere")
    with pytest.raises(ValueError, match="PSEUDONYM_KEY is not set"):
        await worker.run(settings, MemoryBroker())
