"""Analytics' Kafka door: every stream into facts."""

from services.analytics import CONSUMES
from services.analytics.domain.pseudonyms import Pseudonyms
from services.analytics.handlers import applier
from services.analytics.settings import AnalyticsSettings
from shared.broker import Broker
from shared.delivery import Subscription
from shared.worker import run_worker


async def run(settings: AnalyticsSettings, broker: Broker) -> int:
    """Consume until told to stop; the exit code.

    Raises:
        ValueError: no pseudonym key is set.
    """
    if settings.pseudonym_key is None:
        raise ValueError("SAMEPAGE_ANALYTICS_PSEUDONYM_KEY is not set")
    pseudonyms = Pseudonyms(settings.pseudonym_key.get_secret_value().encode())
    subscription = Subscription("analytics", CONSUMES, applier(pseudonyms))
    return await run_worker("analytics", settings, broker, subscription=subscription, is_publisher=False)
