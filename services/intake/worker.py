"""Intake's Kafka door: it consumes nothing, so it is the relay of its outbox."""

from services.intake.settings import IntakeSettings
from shared.broker import Broker
from shared.worker import run_worker


async def run(settings: IntakeSettings, broker: Broker) -> int:
    """Publish until told to stop; the exit code."""
    return await run_worker("intake", settings, broker, subscription=None, is_publisher=True)
