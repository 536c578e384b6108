"""`docs/events.md`: the topics and every field of their events, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.contracts.history import TRAILER
from deploy.contracts.interfaces import Interface
from deploy.contracts.messages import has_patient_key
from shared.events import PARTITIONS, TOPICS, Topic

Schema = Mapping[str, Any]
_FORMATS = {"uuid": "UUID", "date": "date", "date-time": "time with offset"}
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}

_INTRODUCTION = f"""\
# Events

Written by `samepage contracts write` from `shared/events/`; do not edit. The same contracts for programs are in
[`shared/contracts/`](../shared/contracts/): a JSON Schema and a synthetic example per topic, and
[`asyncapi.yaml`](../shared/contracts/asyncapi.yaml) for all.

An event is a CloudEvent 1.0 in Kafka binary mode: attributes in `ce_` headers, the value as JSON. `ce_siteid` names the
site, `ce_sequence` counts 1, 2, 3 ... per topic and key without a gap, `traceparent` carries the trace. Topics have
{PARTITIONS} partitions and keep events without limit. Delivery is at least once, in order per key.

Readers ignore fields that they do not know, so a publisher may add optional ones. Every other change is a new version
of the topic. `samepage contracts check` compares with the committed versions; a break that is meant, while nobody else
reads the topic, is declared in the commit message as `{TRAILER}: <reason>`.
"""


def page(interfaces: Sequence[Interface]) -> str:
    """The whole page as Markdown."""
    schemas = {topic: topic.body.model_json_schema(mode="serialization") for topic in TOPICS.values()}
    parts: dict[str, Schema] = {}
    for schema in schemas.values():
        parts |= schema.get("$defs", {})
    lines = [_INTRODUCTION, *_topic_table(interfaces), ""]
    for topic, schema in schemas.items():
        lines += [f"## {topic.name}", "", schema["description"], "", *_facts(topic, interfaces), ""]
        lines += [*_field_table(schema), ""]
    lines += ["## Parts", ""]
    for name, part in sorted(parts.items()):
        lines += [f"### {name}", ""]
        lines += [part["description"], ""] if "description" in part else []
        lines += [*(_field_table(part) if "properties" in part else [_codes(part["enum"])]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _topic_table(interfaces: Sequence[Interface]) -> Iterator[str]:
    yield from ("| topic | key | publisher | consumers |", "| --- | --- | --- | --- |")
    for topic in TOPICS.values():
        consumers = ", ".join(_consumers(topic, interfaces)) or "nobody yet"
        yield f"| [{topic.name}](#{topic.name}) | {_key(topic)} | {topic.publisher} | {consumers} |"


def _facts(topic: Topic, interfaces: Sequence[Interface]) -> Iterator[str]:
    example = f"{topic.name}.v{topic.version}.example.json"
    yield f"- Version {topic.version}; key: {_key(topic)}"
    yield f"- Published by {topic.publisher}; read by {', '.join(_consumers(topic, interfaces)) or 'nobody yet'}"
    yield f"- [Schema](../shared/contracts/{topic.schema}), [example](../shared/contracts/{example})"


def _key(topic: Topic) -> str:
    return "patient id" if has_patient_key(topic) else "site id"


def _consumers(topic: Topic, interfaces: Sequence[Interface]) -> list[str]:
    return [each.service for each in interfaces if topic in each.consumes]


def _field_table(schema: Schema) -> Iterator[str]:
    yield from ("| field | type | always there | meaning |", "| --- | --- | --- | --- |")
    for name, field in schema["properties"].items():
        presence = "yes" if name in schema.get("required", ()) else "no"
        yield f"| `{name}` | {_type(field)} | {presence} | {_meaning(field)} |"


def _meaning(field: Schema) -> str:
    own = [field] + [option for option in field.get("anyOf", ()) if "$ref" not in option]
    words = next((each["description"] for each in own if "description" in each), "")
    return str(words).replace("\n", " ").replace("|", "\\|")


def _type(field: Schema) -> str:
    for keyword in ("anyOf", "oneOf"):
        if keyword in field:
            return " or ".join(_type(option) for option in field[keyword])
    codes = [field["const"]] if "const" in field else field.get("enum")
    if codes:
        return _codes(codes)
    match field:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"type": "array", "items": items}:
            return f"list of: {_type(items)}"
        case {"type": "object", "additionalProperties": values}:
            return f"map to: {_type(values)}"
    return _FORMATS.get(field.get("format", "")) or f"{_TYPES[field['type']]}{_range(field)}"


def _range(field: Schema) -> str:
    match field:
        case {"minimum": low, "maximum": high}:
            return f" ({low} to {high})"
        case {"minimum": low}:
            return f" ({low} or more)"
        case {"minLength": low, "maxLength": high}:
            return f" ({low} to {high} characters)"
    return ""


def _codes(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)
