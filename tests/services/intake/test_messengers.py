"""What carries messages to patients, against real servers on this machine."""

import email.utils
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr, TypeAdapter, ValidationError

from deploy.local.ports import HOST, keep_or_choose
from services.intake.domain import Channel, SendOutcome
from services.intake.pages.message import words_of
from services.intake.sending import Message, NotSent, messenger_of
from services.intake.settings import MessengerSettings, SmtpSettings
from shared.events import Language
from tests.authority import an_authority
from tests.builders import VISIT_AT
from tests.conftest import served
from tests.services.intake.mail import PASSWORD, USER, Mailbox, breaking_off_after, mail_server, saying_slowly

LINK = "https://intake.samepage.test/l/site-01/s3cr3t"
MESSAGE = Message(
    message_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0f001"),
    channel=Channel.EMAIL,
    to="somebody@example.org",
    sender_name="Riverbend, Clinic «Norte»",
    subject="Preguntas antes de su visita",
    text=f"Su clínica tiene unas preguntas.\n\n.Abra: {LINK}\n",
)


def smtp(port: int, **changes: Any) -> SmtpSettings:
    told = {"kind": "smtp", "host": HOST, "port": port, "security": "none", "from_address": "clinic@samepage.test"}
    return SmtpSettings(**told | {"timeout_s": 5} | changes)


async def outcome_of(settings: MessengerSettings, message: Message = MESSAGE) -> tuple[SendOutcome, str]:
    """What a try came to, and its code."""
    try:
        await messenger_of(settings).send(message)
    except NotSent as not_sent:
        return not_sent.outcome, not_sent.code
    return SendOutcome.TAKEN, ""


async def test_a_mail_arrives_as_it_was_meant_and_says_that_a_program_wrote_it() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        assert await outcome_of(smtp(port)) == (SendOutcome.TAKEN, "")
    (mail,) = mailbox.taken
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert mail["To"] == MESSAGE.to
    assert email.utils.parseaddr(str(mail["From"])) == (MESSAGE.sender_name, "clinic@samepage.test")
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{MESSAGE.message_id}@samepage.test>"


async def test_the_same_message_again_has_the_same_id() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        for _ in range(2):
            await outcome_of(smtp(port))
    assert len({mail["Message-ID"] for mail in mailbox.taken}) == 1


@pytest.mark.parametrize(
    ("mailbox", "expected"),
    [
        (Mailbox(to_recipient=["550 5.1.1 no such user"]), (SendOutcome.REFUSED, "smtp-550")),
        (Mailbox(to_recipient=["450 4.2.1 busy"]), (SendOutcome.TRY_LATER, "smtp-450")),
        (Mailbox(to_text=["554 5.7.1 not wanted"]), (SendOutcome.REFUSED, "smtp-554")),
        (Mailbox(to_text=["452 4.3.1 no space"]), (SendOutcome.TRY_LATER, "smtp-452")),
    ],
    ids=["no such recipient", "recipient busy", "text refused", "no space"],
)
async def test_a_refusal_for_good_is_one_and_what_may_pass_is_tried_again(
    mailbox: Mailbox, expected: tuple[SendOutcome, str]
) -> None:
    async with mail_server(mailbox) as port:
        assert await outcome_of(smtp(port)) == expected
    assert mailbox.taken == []


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (lambda: breaking_off_after(b"EHLO"), (SendOutcome.TRY_LATER, "connection-lost")),
        (lambda: breaking_off_after(b"RCPT"), (SendOutcome.TRY_LATER, "connection-lost")),
        (lambda: breaking_off_after(b"RCPT", is_silent=True), (SendOutcome.TRY_LATER, "too-slow")),
        (lambda: breaking_off_after(b"Subject:"), (SendOutcome.NOT_KNOWN, "connection-lost")),
        (lambda: breaking_off_after(b".\r\n"), (SendOutcome.NOT_KNOWN, "connection-lost")),
        (lambda: breaking_off_after(b".\r\n", is_silent=True), (SendOutcome.NOT_KNOWN, "too-slow")),
    ],
    ids=["at hello", "at the recipient", "slow before", "in the text", "after the text", "slow after"],
)
async def test_what_breaks_off_before_the_text_was_not_sent_and_after_it_nobody_knows(
    server: Callable[[], AbstractAsyncContextManager[int]], expected: tuple[SendOutcome, str]
) -> None:
    async with server() as port:
        assert await outcome_of(smtp(port, timeout_s=0.5)) == expected


async def test_where_nobody_listens_it_is_tried_again() -> None:
    (port,) = keep_or_choose((), 1)
    assert await outcome_of(smtp(port)) == (SendOutcome.TRY_LATER, "connection-lost")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_is_spoken_to_under_tls_and_by_password_when_its_authority_is_known(
    security: str, tmp_path: Path
) -> None:
    authority = an_authority(tmp_path / "ca")
    mailbox, told = Mailbox(), {"security": security, "username": USER, "password": SecretStr(PASSWORD)}
    async with mail_server(mailbox, certificate=authority.server, is_tls=security == "tls") as port:
        outcome, _ = await outcome_of(smtp(port, **told))
        assert (outcome, mailbox.logins) == (SendOutcome.TRY_LATER, 0), (
            "a server that nobody signed for hears no password"
        )
        assert await outcome_of(smtp(port, **told, ca_file=authority.ca)) == (SendOutcome.TAKEN, "")
        wrong = told | {"password": SecretStr("wrong")}
        assert await outcome_of(smtp(port, **wrong, ca_file=authority.ca)) == (SendOutcome.TRY_LATER, "smtp-535")
    assert len(mailbox.taken) == 1


async def test_a_server_that_offers_no_tls_gets_no_mail() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        outcome, _ = await outcome_of(smtp(port, security="starttls"))
    assert (outcome, mailbox.taken) == (SendOutcome.TRY_LATER, [])


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "smtp", "host": "mail.example.org", "security": "none", "from_address": "a@example.org"},
        {"kind": "smtp", "host": "mail.example.org", "username": "a", "from_address": "a@example.org"},
        {"kind": "smtp", "host": "mail.example.org", "from_address": "Clinic\r\nBcc: x@example.org"},
        {"kind": "webhook", "url": "http://gateway.example.org/send", "secret": "s" * 32},
        {"kind": "webhook", "url": "https://gateway.example.org/send", "secret": "short"},
        {"kind": "pigeon"},
    ],
)
def test_settings_that_would_send_a_link_in_clear_or_half_known_are_refused(told: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(MessengerSettings).validate_python(told)


async def test_a_message_in_a_folder_is_one_file_for_its_owner_and_stays_one(tmp_path: Path) -> None:
    settings = TypeAdapter(MessengerSettings).validate_python({"kind": "folder", "path": tmp_path / "messages"})
    for _ in range(2):
        assert await outcome_of(settings) == (SendOutcome.TAKEN, "")
    (file,) = (tmp_path / "messages").iterdir()
    assert file.name == f"{MESSAGE.message_id}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    written = json.loads(file.read_text())
    assert (written["to"], written["channel"], written["text"]) == (MESSAGE.to, "email", MESSAGE.text)


async def test_a_folder_that_is_none_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "messages").write_text("a file")
    settings = TypeAdapter(MessengerSettings).validate_python({"kind": "folder", "path": tmp_path / "messages"})
    assert await outcome_of(settings) == (SendOutcome.TRY_LATER, "not-written")


SECRET = "a-secret-of-this-test-that-is-long"


@asynccontextmanager
async def gateway(statuses: list[int]) -> AsyncIterator[tuple[MessengerSettings, list[tuple[bytes, dict[str, str]]]]]:
    """A program of a site that answers with these statuses; settings for it, and what it was sent."""
    application, heard = FastAPI(), list[tuple[bytes, dict[str, str]]]()

    @application.post("/send")
    async def take(request: Request) -> Response:
        heard.append((await request.body(), dict(request.headers)))
        return Response(status_code=statuses[min(len(heard), len(statuses)) - 1], headers={"location": "/elsewhere"})

    (port,) = keep_or_choose((), 1)
    async with served(application, port) as address:
        told = {"kind": "webhook", "url": f"{address}/send", "secret": SECRET}
        yield TypeAdapter(MessengerSettings).validate_python(told), heard


async def test_a_program_of_the_sites_own_can_tell_that_a_message_is_ours_and_the_same_one_again() -> None:
    async with gateway([202]) as (settings, heard):
        for _ in range(2):
            assert await outcome_of(settings) == (SendOutcome.TAKEN, "")
    (body, headers), (again, later) = heard
    stamp, _, mac = headers["samepage-signature"].partition(",v1=")
    signed = stamp.removeprefix("t=").encode() + b"." + body
    assert mac == hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
    assert headers["idempotency-key"] == later["idempotency-key"] == str(MESSAGE.message_id)
    assert json.loads(body)["to"] == MESSAGE.to
    assert body == again


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, SendOutcome.REFUSED),
        (422, SendOutcome.REFUSED),
        (429, SendOutcome.TRY_LATER),
        (503, SendOutcome.TRY_LATER),
        (302, SendOutcome.TRY_LATER),
    ],
)
async def test_what_a_program_answers_is_believed_and_not_followed(status: int, outcome: SendOutcome) -> None:
    async with gateway([status]) as (settings, heard):
        assert await outcome_of(settings) == (outcome, f"http-{status}")
    assert len(heard) == 1


async def test_a_program_that_is_away_was_told_nothing_and_one_that_hangs_up_may_know() -> None:
    (port,) = keep_or_choose((), 1)
    told = {"kind": "webhook", "url": f"http://{HOST}:{port}/send", "secret": SECRET, "timeout_s": 2}
    settings = TypeAdapter(MessengerSettings).validate_python(told)
    assert await outcome_of(settings) == (SendOutcome.TRY_LATER, "no-connection")
    async with breaking_off_after(b"POST") as other:
        told["url"] = f"http://{HOST}:{other}/send"
        settings = TypeAdapter(MessengerSettings).validate_python(told)
        assert await outcome_of(settings) == (SendOutcome.NOT_KNOWN, "no-answer")


async def test_a_program_has_its_time_for_the_whole_of_a_message_and_before_tls_it_was_told_nothing() -> None:
    told = {"kind": "webhook", "secret": SECRET, "timeout_s": 0.5}
    async with saying_slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", *[b"."] * 20) as port:
        settings = TypeAdapter(MessengerSettings).validate_python(told | {"url": f"http://{HOST}:{port}/send"})
        assert await outcome_of(settings) == (SendOutcome.NOT_KNOWN, "no-answer")
    async with saying_slowly() as port:
        settings = TypeAdapter(MessengerSettings).validate_python(told | {"url": f"https://{HOST}:{port}/send"})
        assert await outcome_of(settings) == (SendOutcome.TRY_LATER, "no-connection")


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, "Your clinic has a few questions before your visit on Tuesday 13 Oct 2026."),
        (Language.SPANISH, "Su clínica tiene unas preguntas para usted antes de su visita del martes 13 de octubre"),
        (Language.OTHER, "Your clinic has a few questions"),
    ],
)
def test_a_message_says_the_day_the_link_and_whom_to_tell_and_no_time(
    channel: Channel, language: Language, said: str
) -> None:
    words = words_of(
        language, channel, sender_name="Riverbend GI", visit_at=VISIT_AT, link=LINK, is_reminder=channel is Channel.SMS
    )
    assert said in words.text
    assert LINK in words.text.split()
    assert "Riverbend GI." in words.text
    assert "10:20" not in words.text
    assert ("Reminder: " in words.text or "Recordatorio: " in words.text) is (channel is Channel.SMS)
    assert len(words.text.splitlines()) == (1 if channel is Channel.SMS else 11)
