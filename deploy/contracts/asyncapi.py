"""The AsyncAPI 3.0 document: one server, a channel per topic, one operation per service and topic."""

from collections.abc import Sequence
from inspect import getdoc
from typing import Any

from pydantic import TypeAdapter

from deploy.contracts.interfaces import Interface
from deploy.contracts.messages import DIALECT, example_of, key_schema_of
from shared import VERSION
from shared.events import PARTITIONS, TOPICS, SiteId, Topic

_KAFKA_BINDING_VERSION = "0.5.0"
_JSON_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_TRACEPARENT = {
    "type": "string",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "W3C Trace Context of the request that led to this event",
}


def asyncapi(interfaces: Sequence[Interface]) -> dict[str, Any]:
    """The document of the whole system, not of one application: each operation is named for its service."""
    topics = TOPICS.values()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:samepage:events",
        "info": {
            "title": "Samepage events",
            "version": VERSION,
            "description": "Facts that the services tell each other. CloudEvents 1.0 in Kafka binary mode; delivery is "
            "at least once; the events of one key in one topic are in order and numbered without a gap.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": dict(_operation(each, action, topic) for each, action, topic in _flows(interfaces)),
        "components": {
            "messages": {topic.body.__name__: _message(topic) for topic in topics},
            "schemas": {"CloudEvent": _cloud_event()},
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The Kafka cluster of the network",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "Host and port of a bootstrap broker"}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": getdoc(topic.body),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {topic.body.__name__: {"$ref": f"#/components/messages/{topic.body.__name__}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": PARTITIONS,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1, "retention.bytes": -1},
                "bindingVersion": _KAFKA_BINDING_VERSION,
            }
        },
    }


def _flows(interfaces: Sequence[Interface]) -> list[tuple[str, str, Topic]]:
    sent = [(each.service, "send", topic) for each in interfaces for topic in each.publishes]
    received = [(each.service, "receive", topic) for each in interfaces for topic in each.consumes]
    return sent + received


def _operation(service: str, action: str, topic: Topic) -> tuple[str, dict[str, Any]]:
    name = f"{service}-{action}s-{topic.name}"
    return name, {
        "action": action,
        "title": f"{service.capitalize()} {action}s {topic.name}",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.body.__name__}"}],
        "tags": [{"name": service}],
    }


def _message(topic: Topic) -> dict[str, Any]:
    example = example_of(topic)
    return {
        "name": topic.name,
        "title": topic.body.__name__,
        "summary": (getdoc(topic.body) or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, {"properties": _constants(topic)}]},
        "payload": {"schemaFormat": _JSON_SCHEMA_FORMAT, "schema": {"$ref": f"./{topic.schema}"}},
        "examples": [{"name": "synthetic", "headers": example["headers"], "payload": example["value"]}],
        "bindings": {"kafka": {"key": key_schema_of(topic), "bindingVersion": _KAFKA_BINDING_VERSION}},
    }


def _constants(topic: Topic) -> dict[str, Any]:
    return {
        "ce_type": {"const": topic.name},
        "ce_source": {"const": f"/samepage/{topic.publisher}"},
        "ce_dataschema": {"const": topic.schema_id},
    }


def _cloud_event() -> dict[str, Any]:
    properties: dict[str, Any] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "Id of the event; a repeat has the same"},
        "ce_source": {"type": "string", "format": "uri-reference", "description": "The publisher"},
        "ce_type": {"type": "string", "description": "The topic"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When the publisher recorded the fact"},
        "ce_subject": {"type": "string", "description": "The key"},
        "ce_dataschema": {"type": "string", "format": "uri", "description": "`$id` of the value's schema"},
        "ce_partitionkey": {"type": "string", "description": "The key"},
        "ce_siteid": TypeAdapter(SiteId).json_schema(),
        "ce_sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "1, 2, 3 ... per topic and key, without a gap",
        },
        "content-type": {"const": "application/json"},
    }
    required = list(properties)
    tracing = {"ce_traceparent": _TRACEPARENT, "traceparent": _TRACEPARENT}
    return {"$schema": DIALECT, "type": "object", "properties": properties | tracing, "required": required}
