"""How we are known to Kafka: as whom, and as which member of a group."""

import ssl
from dataclasses import dataclass
from typing import Any

from shared.settings import MECHANISM, KafkaLogin


@dataclass(frozen=True, slots=True)
class Membership:
    """How a member of a group is missed: when it was silent for `session_timeout_ms`.

    `instance_id` makes it static: if it comes back within that time it gets its partitions again without a rebalance,
    and if it leaves it keeps them that long. It names one member per group in the whole cluster.
    """

    session_timeout_ms: int = 10_000
    instance_id: str | None = None


def user_of(login: KafkaLogin | None) -> str:
    """The name by which the brokers' access lists know us."""
    return login.username if login is not None and login.username is not None else "ANONYMOUS"


def security_of(login: KafkaLogin | None) -> dict[str, Any]:
    """What a client is told, so that the brokers know it."""
    if login is None or login.username is None or login.password is None:
        return {}
    is_sealed = login.security_protocol == "SASL_SSL"
    return {
        "security_protocol": login.security_protocol,
        "ssl_context": ssl.create_default_context(cafile=login.ca_file) if is_sealed else None,
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": login.username,
        "sasl_plain_password": login.password.get_secret_value(),
    }
