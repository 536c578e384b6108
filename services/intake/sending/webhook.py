"""Messages by POST to a program of the site's own, such as a gateway for short messages.

`Samepage-Signature: t=<seconds since 1970>,v1=<HMAC-SHA-256 of "<t>.<body>", in hex>` proves it to be ours, of now.
`Idempotency-Key` is the message's id: one that comes again is to be answered and not sent again.
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Set

import httpx2

from services.intake.domain import Channel, SendOutcome
from services.intake.sending.messenger import Message, NotSent
from services.intake.settings import WebhookSettings

# "Wait" and "too often" are no word about the message.
_FOR_NOW = frozenset({408, 409, 425, 429})


class WebhookMessenger:
    """A request a message. 2xx is taken, 4xx refused; nothing is followed elsewhere."""

    def __init__(self, settings: WebhookSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock

    @property
    def channels(self) -> Set[Channel]:
        return set(Channel)

    async def send(self, message: Message) -> None:
        body = message.as_json()
        headers = {
            "content-type": "application/json",
            "idempotency-key": str(message.message_id),
            "samepage-signature": signature(self._settings.secret.get_secret_value(), body, int(self._clock())),
        }
        whole_s = self._settings.timeout_s
        steps = httpx2.Timeout(whole_s, connect=whole_s / 3)  # TLS takes another third; up to there nothing was told
        try:
            async with asyncio.timeout(whole_s), httpx2.AsyncClient(timeout=steps, trust_env=False) as client:
                answer = await client.post(self._settings.url, content=body, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise NotSent(SendOutcome.TRY_LATER, "no-connection") from None
        except (httpx2.HTTPError, TimeoutError):
            raise NotSent(SendOutcome.NOT_KNOWN, "no-answer") from None
        if not answer.is_success:
            is_final = 400 <= answer.status_code < 500 and answer.status_code not in _FOR_NOW
            raise NotSent(SendOutcome.REFUSED if is_final else SendOutcome.TRY_LATER, f"http-{answer.status_code}")


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the header, for who checks it too."""
    return f"t={at},v1={hmac.digest(secret.encode(), f'{at}.'.encode() + body, 'sha256').hex()}"
