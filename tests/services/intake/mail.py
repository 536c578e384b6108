"""Servers on this machine: one that takes mail (aiosmtpd), as it is told to, one that breaks off, and a slow one."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as WIRE_FORM
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deploy.local.ports import HOST
from tests.waiting import until

USER, PASSWORD = "samepage", "for-tests-only"


@dataclass
class Mailbox:
    """What a server says to recipients and to texts, the next time and from then on, and the mail that it took."""

    to_recipient: list[str] = field(default_factory=lambda: ["250 OK"])
    to_text: list[str] = field(default_factory=lambda: ["250 OK"])
    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    logins: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = _next(self.to_recipient)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = _next(self.to_text)
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = email.message_from_bytes(envelope.content, policy=WIRE_FORM)
            assert isinstance(mail, EmailMessage)
            self.taken.append(mail)
        return answer

    def login(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, said: Any) -> AuthResult:
        """Let the one user in."""
        self.logins += 1
        is_right = isinstance(said, LoginPassword) and (said.login, said.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def mail_server(mailbox: Mailbox, *, certificate: Path | None = None, is_tls: bool = False) -> AsyncIterator[int]:
    """The mailbox behind a server of ours; its port. With a certificate it asks for TLS, and then for the user."""
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    asks: dict[str, Any] = {}
    if context is not None:
        # Of TLS that was there from the start aiosmtpd knows nothing.
        asks = {"auth_required": not is_tls, "auth_require_tls": not is_tls, "authenticator": mailbox.login}
    loop = asyncio.get_running_loop()

    sessions = list[SMTP]()

    def session() -> SMTP:
        tls = None if is_tls else context
        name = "mail.samepage.test"
        made = SMTP(mailbox, hostname=name, tls_context=tls, require_starttls=tls is not None, loop=loop, **asks)
        sessions.append(made)
        return made

    async with _listening(await loop.create_server(session, HOST, 0, ssl=context if is_tls else None)) as port:
        yield port
    for one in sessions:
        if one.transport is not None:
            one.transport.close()


@asynccontextmanager
async def breaking_off_after(command: bytes, *, is_silent: bool = False) -> AsyncIterator[int]:
    """A server that talks until it has heard `command`, and then hangs up, or says nothing more; its port."""
    answers = {b"EHLO": b"250 here\r\n", b"MAIL": b"250 OK\r\n", b"RCPT": b"250 OK\r\n", b"DATA": b"354 go on\r\n"}
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.startswith(command):
                if is_silent:
                    await ended.wait()
                break
            writer.write(answers.get(line[:4], b""))
        writer.close()

    async with _listening(await asyncio.start_server(talk, HOST, 0)) as port:
        yield port
        ended.set()


@asynccontextmanager
async def saying_slowly(*pieces: bytes) -> AsyncIterator[int]:
    """A server that says a piece every tenth of a second, and then nothing more; its port."""
    ended = asyncio.Event()

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = iter(pieces)

        async def is_over() -> bool:
            writer.write(next(left, b""))
            return ended.is_set()

        await until(is_over, every_s=0.1)
        writer.close()

    async with _listening(await asyncio.start_server(talk, HOST, 0)) as port:
        yield port
        ended.set()


@asynccontextmanager
async def _listening(server: asyncio.Server) -> AsyncIterator[int]:
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _next(answers: list[str]) -> str:
    return answers.pop(0) if len(answers) > 1 else answers[0]
