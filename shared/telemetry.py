"""Logs, metrics and the trace of a request.

Every metric of the system is defined here, with what it means and what to do about it. Labels never hold ids of
patients; logs never hold request bodies, query strings or parameters of statements.
"""

import logging
import re
import secrets
from contextvars import ContextVar

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("samepage_http_requests_total", "Answered requests.", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "samepage_http_request_seconds",
    "Time to answer. A rising p99 with a flat database: look at the event loop.",
    ["service", "method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
ACCEPTED = Counter("samepage_events_accepted_total", "Events written to the outbox.", ["service", "topic"])
SENT = Counter("samepage_relay_sent_total", "Events acknowledged by the broker.", ["service"])
SEND_FAILURES = Counter(
    "samepage_relay_failures_total", "Failed sends, each retried. Rising: the broker is away.", ["service"]
)
OLDEST_UNSENT = Gauge(
    "samepage_relay_oldest_unsent_seconds", "Age of the oldest unsent event. Above 60: page someone.", ["service"]
)
APPLIED = Counter("samepage_consumer_applied_total", "Events applied.", ["consumer", "topic"])
DUPLICATES = Counter("samepage_consumer_duplicates_total", "Events met again and dropped.", ["consumer"])
SET_ASIDE = Counter(
    "samepage_consumer_set_aside_total", "Records set aside: dead, parked, waiting, dropped.", ["consumer", "state"]
)
LAG = Gauge("samepage_consumer_lag_records", "Records not yet applied.", ["consumer"])
AUDIT_FAILURES = Counter(
    "samepage_audit_failures_total", "Requests that could not be put on record, and so got 503. Above 0: page someone."
)
AUDIT_WAITING = Gauge(
    "samepage_audit_waiting_rows", "Audit rows not on their chain yet. Rising: look at the worker's log.", ["service"]
)
AUDIT_OLDEST_WAITING = Gauge(
    "samepage_audit_oldest_waiting_seconds",
    "Age of the oldest audit row that is not on its chain. Above 60: page someone, such a row can be changed unseen.",
    ["service"],
)
AUDIT_SIGNED_AT = Gauge(
    "samepage_audit_signed_timestamp_seconds",
    "When the heads of the chains were last signed, or found unchanged. Older than 5 minutes or 0: no key, no disk.",
    ["service"],
)
RECONCILED_MISSING = Gauge(
    "samepage_reconcile_missing_streams",
    "Patients (or sites) of whom a consumer lacks events for over a minute, unexplained. Above 0: page someone.",
    ["topic", "consumer"],
)
RECONCILED_INVENTED = Gauge(
    "samepage_reconcile_invented_streams",
    "Patients (or sites) of whom a consumer applied more than was written. Above 0: a database was restored.",
    ["topic", "consumer"],
)
OUTBOX_MONTHS_END = Gauge(
    "samepage_outbox_months_end_timestamp_seconds",
    "When the months end that the outbox has partitions for. Less than three months ahead: run `samepage migrate`.",
    ["service"],
)
RECONCILED_AT = Gauge("samepage_reconcile_timestamp_seconds", "When that was last looked at. Old: nobody looks.")
MESSAGES = Counter(
    "samepage_messages_total",
    "Tries to send a link to a patient: taken, refused, try-later, not-known. Rising refused: wrong addresses.",
    ["outcome"],
)
OLDEST_MESSAGE_DUE = Gauge(
    "samepage_messages_oldest_due_seconds",
    "For how long the oldest message to a patient is due that is not sent. Above 15 minutes: look at the mail server.",
)
KEYS = Counter(
    "samepage_keyring_keys_total",
    "Keys of patients: cached, looked-up, made, erased; away: words not shown because the key ring was. Rising away: "
    "docs/runbooks/keys.md.",
    ["outcome"],
)
ALERTS = Gauge(
    "samepage_alerts",
    "Alerts about patients' answers, of all sites: open, unowned, escalated, untold. Escalated above 0: a clinic must "
    "look. Untold above 0: a clinic was not told of one though it has set addresses, look at the mail server.",
    ["state"],
)
ALERTS_OLDEST_UNOWNED = Gauge(
    "samepage_alerts_oldest_unowned_seconds", "How long the alert that waits longest has had no owner."
)
ALERTS_LOOKED_AT = Gauge(
    "samepage_alerts_looked_at_timestamp_seconds", "When the worker last looked for alerts to escalate. Old: none does."
)

ALERT_NOTICES = Counter(
    "samepage_alert_notices_total",
    "Tries to tell a clinic of an alert: taken, refused, try-later, not-known. Rising refused: wrong addresses.",
    ["outcome"],
)

# Ids of zeros only are invalid, says the standard.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current_trace: ContextVar[str | None] = ContextVar("traceparent", default=None)


def start_trace(traceparent: str | None) -> str:
    """Continue the caller's W3C trace with a span of ours, or start one. Returns the `traceparent` to hand on."""
    if traceparent is not None and _TRACEPARENT.fullmatch(traceparent):
        _, trace_id, _, flags = traceparent.split("-")
    else:
        trace_id, flags = secrets.token_hex(16), "01"
    current = f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"
    _current_trace.set(current)
    return current


def current_trace() -> str | None:
    """`traceparent` of what is being done now."""
    return _current_trace.get()


def current_trace_id() -> str:
    """The 32 digits that all parts of this trace share; empty outside of one."""
    trace = current_trace()
    return trace.split("-")[1] if trace is not None else ""


def _add_trace(_logger: object, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    trace_id = current_trace_id()
    if trace_id:
        entry["trace_id"] = trace_id
    return entry


def configure_logs(service: str, level: str) -> None:
    """JSON lines on standard output, one an entry, with service, time and trace id."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
    )
    structlog.contextvars.bind_contextvars(service=service)
    for noisy in ("aiokafka", "asyncpg", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
