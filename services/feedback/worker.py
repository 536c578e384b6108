"""Feedback's Kafka door: learns which visits are open for feedback, and is the relay of its outbox."""

from services.feedback import CONSUMES, handlers
from services.feedback.settings import FeedbackSettings
from shared.broker import Broker
from shared.delivery import AT_LEISURE_S, Subscription
from shared.worker import run_worker

SUBSCRIPTION = Subscription("feedback", CONSUMES, handlers.apply, gather_s=AT_LEISURE_S)


async def run(settings: FeedbackSettings, broker: Broker) -> int:
    """Consume and publish until told to stop; the exit code."""
    return await run_worker("feedback", settings, broker, subscription=SUBSCRIPTION, is_publisher=True)
