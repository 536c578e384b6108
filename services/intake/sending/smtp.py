"""Messages by e-mail, over a mail server that takes them from us (RFC 5321).

Up to the text of the message nothing has been sent, whatever goes wrong. From there on a connection that is lost, or a
server that takes too long, leaves open whether it did; the message keeps its `Message-ID`, so that many servers and
programs know it again. A refusal of ours (of our name, our password, our address) is no fault of the patient's address:
it is tried again, and somebody hears of it.
"""

import asyncio
import ssl
from collections.abc import Set
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE_FORM

import aiosmtplib

from services.intake.domain import Channel, SendOutcome
from services.intake.sending.messenger import Message, NotSent
from services.intake.settings import SmtpSettings


class SmtpMessenger:
    """A connection a message."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    @property
    def channels(self) -> Set[Channel]:
        return {Channel.EMAIL}

    async def send(self, message: Message) -> None:
        is_given = False
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                client = self._client()
                try:
                    await client.connect()
                    await client.mail(self._settings.from_address)
                    await client.rcpt(message.to)
                    is_given = True
                    await client.data(as_mail(message, self._settings.from_address))
                finally:
                    client.close()
        except aiosmtplib.SMTPResponseException as refusal:
            raise _refused(refusal) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            outcome = SendOutcome.NOT_KNOWN if is_given else SendOutcome.TRY_LATER
            raise NotSent(outcome, _name_of(failure)) from None

    def _client(self) -> aiosmtplib.SMTP:
        told = self._settings
        return aiosmtplib.SMTP(
            hostname=told.host,
            port=told.port,
            use_tls=told.security == "tls",
            start_tls=told.security == "starttls",
            tls_context=None if told.security == "none" else ssl.create_default_context(cafile=told.ca_file),
            username=told.username,
            password=None if told.password is None else told.password.get_secret_value(),
            timeout=told.timeout_s,
        )


def as_mail(message: Message, from_address: str) -> bytes:
    """The message as it is sent: plain text, as one that no person wrote and nobody should answer by program."""
    mail = EmailMessage(policy=WIRE_FORM)
    mail["From"] = Address(message.sender_name, addr_spec=from_address)
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.message_id}@{from_address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail.as_bytes()


def _refused(refusal: aiosmtplib.SMTPResponseException) -> NotSent:
    """4xx passes, 5xx does not; what is refused before the recipient is named is about us."""
    is_about_message = isinstance(refusal, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
    is_final = is_about_message and 500 <= refusal.code < 600
    return NotSent(SendOutcome.REFUSED if is_final else SendOutcome.TRY_LATER, f"smtp-{refusal.code}")


def _name_of(failure: Exception) -> str:
    if isinstance(failure, TimeoutError):
        return "too-slow"
    return "tls" if isinstance(failure.__cause__ or failure, ssl.SSLError) else "connection-lost"
