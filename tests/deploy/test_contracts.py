"""The written contracts: true to the code, whole, and kept towards events and callers of earlier versions."""

import json
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import jsonschema_rs
import pytest

import services
from deploy.contracts import check, write
from deploy.contracts.asyncapi import asyncapi
from deploy.contracts.checks import broken_promises
from deploy.contracts.documents import documents, stale
from deploy.contracts.interfaces import Interface, interfaces, openapi_documents
from deploy.contracts.messages import example_of, key_schema_of, schema_of
from deploy.contracts.page import page
from shared.events import TOPICS, Event, SurveyCompleted, Topic, decode, encode
from shared.examples import EVENT_ID, EXAMPLES, PATIENT_ID, SITE_ID
from shared.sealing import Patient, WordKey, in_event

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
SERVICES = {"analytics", "clinical", "dashboard", "feedback", "intake"}
PUBLISHED_KEY = bytes(range(32))


@pytest.fixture(params=list(TOPICS.values()), ids=list(TOPICS))
def topic(request: pytest.FixtureRequest) -> Topic:
    found: Topic = request.param
    return found


def read(topic: Topic, message: dict[str, Any]) -> Event:
    """The event in a written message, read as a service reads it from Kafka."""
    headers = [(name, value.encode()) for name, value in message["headers"].items()]
    return decode(topic.name, headers, json.dumps(message["value"]).encode())


def contains(now: Any, then: Any) -> bool:
    """Whether all that was said then is said now; more may be."""
    if isinstance(then, dict):
        return all(name in now and contains(now[name], value) for name, value in then.items())
    if isinstance(then, list):
        return len(now) == len(then) and all(contains(a, b) for a, b in zip(now, then, strict=True))
    return bool(now == then)


# Events


def test_an_example_fits_its_schema_and_a_spoilt_one_does_not(topic: Topic) -> None:
    validator = jsonschema_rs.validator_for(schema_of(topic), validate_formats=True)
    value = example_of(topic)["value"]
    validator.validate(value)
    for field in schema_of(topic)["required"]:
        assert not validator.is_valid({name: each for name, each in value.items() if name != field})


def test_an_example_is_read_as_the_fact_that_it_was_made_from(topic: Topic) -> None:
    message = example_of(topic)
    event = read(topic, message)
    assert event.body == EXAMPLES[topic.name]
    assert (event.site_id, event.key) == (SITE_ID, message["key"])
    jsonschema_rs.validate(key_schema_of(topic), message["key"], validate_formats=True)


def test_a_schema_names_its_dialect_itself_and_its_event(topic: Topic) -> None:
    schema = schema_of(topic)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["$id"] == f"urn:samepage:schema:{topic.name}:v{topic.version}"
    assert schema["title"] == topic.body.__name__
    assert schema["description"]
    jsonschema_rs.meta.validate(schema)


def test_an_event_without_any_optional_field_is_read(topic: Topic) -> None:
    message = example_of(topic)
    required = schema_of(topic)["required"]
    message["value"] = {name: value for name, value in message["value"].items() if name in required}
    jsonschema_rs.validate(schema_of(topic), message["value"])
    assert read(topic, message).topic == topic.name


def test_an_event_as_first_published_is_read_for_ever(topic: Topic) -> None:
    golden = json.loads((GOLDEN / f"{topic.name}.v1.json").read_text(encoding="utf-8"))
    event = read(topic, golden)
    assert contains(json.loads(encode(event.body)), golden["value"])


def test_words_in_the_example_open_for_their_patient_and_event_only() -> None:
    survey = EXAMPLES["survey-completed"]
    assert isinstance(survey, SurveyCompleted)
    assert survey.matters_most is not None
    key, place = WordKey(Patient(SITE_ID, PATIENT_ID), PUBLISHED_KEY), in_event(EVENT_ID, "matters_most")
    assert key.open(survey.matters_most, place).text == "Being able to run again"
    assert key.open(survey.matters_most, in_event(survey.survey_id, "matters_most")).text is None
    other = WordKey(Patient(SITE_ID, survey.visit_id), PUBLISHED_KEY)
    assert other.open(survey.matters_most, place).text is None


# Services


EXISTING = {module.name for module in iter_modules(services.__path__)}


def test_a_service_publishes_exactly_the_topics_that_name_it() -> None:
    assert EXISTING
    for service in EXISTING:
        published = import_module(f"services.{service}").PUBLISHES
        assert set(published) == {topic for topic in TOPICS.values() if topic.publisher == service}, service


@pytest.mark.skipif(not EXISTING >= SERVICES, reason="not every service exists yet")
def test_every_topic_has_one_publisher_and_at_least_one_consumer(topic: Topic) -> None:
    found = interfaces()
    assert [each.service for each in found if topic in each.publishes] == [topic.publisher]
    assert [each.service for each in found if topic in each.consumes]


def test_a_door_is_described_in_openapi_3_1_with_distinct_operations() -> None:
    described = openapi_documents()
    assert described
    for service, document in described.items():
        assert document["openapi"].startswith("3.1."), service
        ids = [
            operation["operationId"]
            for methods in document["paths"].values()
            for operation in methods.values()
            if isinstance(operation, dict)
        ]
        assert ids, service
        assert len(ids) == len(set(ids)), service


# AsyncAPI and the page

READER = Interface("reader", publishes=(), consumes=(TOPICS["visit-updated"],))


@pytest.fixture(scope="module")
def asyncapi_document() -> dict[str, Any]:
    return asyncapi((*interfaces(), READER))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        yield from (each for value in part.values() for each in references(value))
    elif isinstance(part, list):
        yield from (each for value in part for each in references(value))


def test_every_reference_of_the_asyncapi_document_leads_somewhere(asyncapi_document: dict[str, Any]) -> None:
    found = set(references(asyncapi_document))
    assert {f"./{topic.schema}" for topic in TOPICS.values()} < found
    for reference in found - {f"./{topic.schema}" for topic in TOPICS.values()}:
        part = asyncapi_document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def test_every_topic_is_a_channel_that_keeps_its_events(asyncapi_document: dict[str, Any], topic: Topic) -> None:
    kafka = asyncapi_document["channels"][topic.name]["bindings"]["kafka"]
    assert kafka["partitions"] == 12
    assert kafka["topicConfiguration"]["retention.ms"] == -1
    assert asyncapi_document["asyncapi"] == "3.0.0"


def test_a_publisher_sends_and_consumers_receive(asyncapi_document: dict[str, Any], topic: Topic) -> None:
    operations = asyncapi_document["operations"]
    channel = {"$ref": f"#/channels/{topic.name}"}
    senders = [name for name, each in operations.items() if each["channel"] == channel and each["action"] == "send"]
    assert senders == [f"{topic.publisher}-sends-{topic.name}"]
    assert (f"reader-receives-{topic.name}" in operations) == (topic.name == "visit-updated")


def test_headers_are_described_as_they_are_sent(asyncapi_document: dict[str, Any], topic: Topic) -> None:
    pointer = f"#/components/messages/{topic.body.__name__}/headers"
    schema = {"$ref": pointer, "components": asyncapi_document["components"]}
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    headers = example_of(topic)["headers"]
    validator.validate(headers)
    assert set(headers) == set(asyncapi_document["components"]["schemas"]["CloudEvent"]["properties"])
    assert not validator.is_valid({**headers, "ce_type": "another"})
    assert not validator.is_valid({name: value for name, value in headers.items() if name != "ce_siteid"})
    assert not validator.is_valid({**headers, "ce_sequence": "0"})


def test_the_page_names_every_topic_field_and_consumer(topic: Topic) -> None:
    text = page((*interfaces(), READER))
    section = text.split(f"\n## {topic.name}\n")[1].split("\n## ")[0]
    assert all(f"| `{field}` |" in section for field in topic.body.model_fields)
    assert f"Published by {topic.publisher}" in section
    assert ("reader" in section) == (topic.name == "visit-updated")


# Files


def test_files_just_written_are_fresh_and_the_same_again(tmp_path: Path) -> None:
    written = write(tmp_path)
    assert set(written) == set(documents())
    heard: list[str] = []
    assert check(tmp_path, tell=heard.append) == []
    assert heard == [f"No git history at {tmp_path}: contracts were not compared with earlier versions."]
    assert write(tmp_path) == []
    assert all((tmp_path / path).read_bytes().endswith(b"\n") for path in written)


def test_a_file_that_was_edited_is_missing_or_is_left_over_is_found_and_put_right(tmp_path: Path) -> None:
    write(tmp_path)
    folder = tmp_path / "shared" / "contracts"
    (folder / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
    (tmp_path / "docs" / "events.md").unlink()
    (tmp_path / "docs" / "instruments.md").write_text("# Instruments\n")
    (folder / "heard-of.v1.schema.json").write_text("{}\n")
    assert stale(tmp_path, documents()) == [
        "docs/events.md is not as it would be written now: run `samepage contracts write`.",
        "docs/instruments.md is not as it would be written now: run `samepage contracts write`.",
        "shared/contracts/asyncapi.yaml is not as it would be written now: run `samepage contracts write`.",
        "shared/contracts/heard-of.v1.schema.json is not generated any more: run `samepage contracts write`.",
    ]
    assert len(write(tmp_path)) == 4
    assert stale(tmp_path, documents()) == []


def test_the_schema_of_an_earlier_version_stays_as_long_as_its_events(tmp_path: Path) -> None:
    write(tmp_path)
    earlier = tmp_path / "shared" / "contracts" / "visit-updated.v0.schema.json"
    earlier.write_text("{}\n")
    assert write(tmp_path) == []
    assert stale(tmp_path, documents()) == []
    assert earlier.exists()


# History

SCHEMA = "shared/contracts/visit-updated.v1.schema.json"
ONE = {"properties": {"a": {"type": "string"}}, "required": ["a"], "type": "object"}
MORE = {**ONE, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
OTHER = {**ONE, "properties": {"a": {"type": "integer"}}}
BROKEN = [
    f"{SCHEMA}#/properties/a: type string is not allowed any more.",
    f"{SCHEMA}#/properties/a: type integer is allowed now.",
]


class Repository:
    """A project in git whose only contract is one schema."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.heard: list[str] = []

    def begin(self) -> None:
        self._git("init", "--quiet")
        self._git("commit", "--quiet", "--allow-empty", "--message=Begin")

    def clone(self, root: Path, *, depth: int) -> "Repository":
        self._git("clone", "--quiet", f"--depth={depth}", self.root.as_uri(), str(root))
        return Repository(root)

    def commit(self, schema: dict[str, Any], message: str = "Change the schema") -> None:
        file = self.root / SCHEMA
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))
        self._git("add", SCHEMA)
        self._git("commit", "--quiet", f"--message={message}")

    def compare(self, schema: dict[str, Any] | None) -> list[str]:
        current = {} if schema is None else {SCHEMA: json.dumps(schema)}
        return broken_promises(self.root, current, tell=self.heard.append)

    def _git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.root), *who, *arguments]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.begin()
    return made


def test_a_break_is_found_before_it_is_committed(repository: Repository) -> None:
    repository.commit(ONE)
    assert repository.compare(OTHER) == BROKEN
    assert repository.compare(MORE) == []


def test_a_break_is_still_found_after_it_was_committed(repository: Repository) -> None:
    repository.commit(ONE)
    repository.commit(OTHER)
    assert repository.compare(OTHER) == BROKEN


def test_a_harmless_commit_on_top_does_not_hide_a_break(repository: Repository) -> None:
    repository.commit(ONE)
    repository.commit(OTHER)
    repository.commit({**OTHER, "description": "In other words"})
    assert repository.compare({**OTHER, "description": "In other words"}) == BROKEN


def test_a_break_declared_in_its_commit_is_accepted_and_the_next_is_not(repository: Repository) -> None:
    repository.commit(ONE)
    repository.commit(OTHER, "Count instead\n\nBreaking-Contract: nobody reads it yet")
    assert repository.compare(OTHER) == []
    assert len(repository.compare(ONE)) == 2


def test_a_contract_that_is_gone_is_found(repository: Repository) -> None:
    repository.commit(ONE)
    assert repository.compare(None) == [f"{SCHEMA} was removed; events and callers that rely on it are still there."]


def test_a_new_contract_is_said_to_have_nothing_to_compare_with(repository: Repository) -> None:
    assert repository.compare(ONE) == []
    assert repository.heard == [f"Nothing committed to compare with: {SCHEMA}."]


def test_a_shallow_history_is_said_to_be_one(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    repository.commit(ONE)
    repository.commit(OTHER)
    clone = repository.clone(tmp_path_factory.mktemp("clone"), depth=1)
    assert clone.compare(OTHER) == []
    assert clone.heard == ["The git history is shallow: contracts were compared with the commits that it has."]
