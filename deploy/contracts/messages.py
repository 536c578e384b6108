"""One topic in writing: the JSON Schema of its body, its key, and one whole message as it stands in Kafka."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from shared.events import SiteId, Topic, encode, headers_of
from shared.examples import EVENT_ID, EXAMPLES, PATIENT_ID, SITE_ID

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_RECORDED_AT = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)


def schema_of(topic: Topic) -> dict[str, Any]:
    """JSON Schema (2020-12) of the value, as published: what may be absent is what old events may lack."""
    schema = topic.body.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, "$id": topic.schema_id, **schema}


def has_patient_key(topic: Topic) -> bool:
    """Whether the key is a patient id; else it is a site id."""
    return "patient_id" in topic.body.model_fields


def key_schema_of(topic: Topic) -> dict[str, Any]:
    """JSON Schema of the message key."""
    if has_patient_key(topic):
        return {"type": "string", "format": "uuid", "description": "Id of the patient"}
    return TypeAdapter(SiteId).json_schema()


def example_of(topic: Topic) -> dict[str, Any]:
    """A synthetic message: `key`, `headers` and `value`, valid in every part."""
    key = str(PATIENT_ID) if has_patient_key(topic) else SITE_ID
    headers = headers_of(
        event_id=EVENT_ID,
        topic=topic.name,
        site_id=SITE_ID,
        key=key,
        sequence=1,
        time=_RECORDED_AT,
        traceparent=_TRACEPARENT,
    )
    return {
        "key": key,
        "headers": {name: value.decode() for name, value in headers},
        "value": json.loads(encode(EXAMPLES[topic.name])),
    }
