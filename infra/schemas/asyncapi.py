"""
One AsyncAPI 3.0 document for each service that states events: its exchange, its events, who receives them.

A message's payload is the CloudEvent as the relay writes it, with the event's own schema under `data`.
The schemas keep to words that mean the same in AsyncAPI's dialect and in JSON Schema 2020-12, so no
tool needs an extension to read them.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from infra.schemas import examples, json_schema
from services.shared.chassis.event_log import envelope
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import rfc3339
from services.shared.messages import registry
from services.shared.messages.base import Event
from services.shared.messages.registry import TYPE_PREFIX

BINDING = "0.3.0"

_TEXTS = ("subject", "partitionkey", "correlationid", "causationid")
ENVELOPE: Mapping[str, Any] = {
    "type": "object",
    "title": "CloudEvent",
    "description": "CloudEvents 1.0, structured mode. *source* and *id* together name an event for ever.",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "The same on every copy: ignore what you have seen."},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "What the fact is about, e.g. order/<id>."},
        "time": {"type": "string", "format": "date-time", "description": "Business time, UTC."},
        "datacontenttype": {"type": "string", "const": "application/json"},
        "dataschema": {"type": "string", "format": "uri"},
        "sequence": {
            "type": "string",
            "pattern": "^[0-9]{20}$",
            "description": "Number in the log of the source, without gaps; compares as text.",
        },
        "partitionkey": {"type": "string", "description": "Events with the same key must be handled in order."},
        "correlationid": {"type": "string", "description": "Of the request at the very beginning."},
        "causationid": {"type": "string", "description": "Of the event or the request that led here directly."},
        "actor": {"type": "string", "description": "Who; missing where the platform itself acted."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "data": {"type": "object"},
    },
    "required": [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "sequence",
        "partitionkey", "correlationid", "causationid", "data",
    ],
}  # fmt: skip


def document(source: str, version: str, consumers: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Any]:
    """
    The document of *source*.

    Args:
        source: The service that states the events.
        version: Of the platform.
        consumers: Wire name → service → use cases, as `consumers.consumers()` gives it.
    """
    stated = {name: cls for name, cls in sorted(registry.events().items()) if cls.source == source}
    schemas: dict[str, Any] = {"CloudEvent": ENVELOPE}
    for cls in stated.values():
        schemas.update(_components(cls))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Yiqi: events of {source}",
            "version": version,
            "description": f"Facts that {source} states, in the past tense, on the exchange `{source}.events`. "
            "Delivered at least once: act once on each `source` and `id`. Unknown fields must be ignored.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: _channel(source, name, cls) for name, cls in stated.items()},
        "operations": _operations(source, stated, consumers),
        "components": {
            "messages": {cls.__name__: _message(name, cls) for name, cls in stated.items()},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _channel(source: str, name: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "address": name,
        "title": cls.__name__,
        "description": inspect.cleandoc(cls.__doc__ or ""),
        "messages": {cls.__name__: {"$ref": f"#/components/messages/{cls.__name__}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": f"{source}.events", "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(
    source: str, stated: Mapping[str, type[Event]], consumers: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, cls in stated.items():
        made[f"{source}.send.{name}"] = _operation("send", name, cls, f"{source} states it.", {"deliveryMode": 2})
        for service, use_cases in sorted(consumers.get(name, {}).items()):
            why = (
                f"{service} gets it through `{service}.inbox` and runs {', '.join(f'`{each}`' for each in use_cases)}."
            )
            made[f"{service}.receive.{name}"] = _operation("receive", name, cls, why, {"ack": True})
    return made


def _operation(action: str, name: str, cls: type[Event], summary: str, binding: dict[str, Any]) -> dict[str, Any]:
    channel = f"#/channels/{name}"
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{cls.__name__}"}],
        "bindings": {"amqp": {**binding, "bindingVersion": BINDING}},
    }


def _message(name: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "name": name,
        "title": cls.__name__,
        "summary": inspect.cleandoc(cls.__doc__ or "").partition("\n")[0],
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": TYPE_PREFIX + name},
                        "source": {"const": f"/services/{cls.source}"},
                        "data": {"$ref": f"#/components/schemas/{cls.__name__}"},
                    },
                },
            ]
        },
        "bindings": {"amqp": {"messageType": name, "bindingVersion": BINDING}},
        "examples": [{"name": "example", "payload": cloud_event(name, cls)}],
    }


def cloud_event(name: str, cls: type[Event]) -> dict[str, Any]:
    """The example of *cls* as it would lie in the inbox of a consumer, made by the code that writes the log."""
    event = examples.example(cls)
    headers = {
        "subject": event.subject,
        "time": rfc3339(examples.HAPPENED),
        "correlationid": str(derived_id("example", "correlation")),
        "causationid": f"request/{derived_id('example', 'correlation')}",
        "actor": f"organisation/{derived_id('example', 'organisation')}",
    }
    body = envelope(
        cls.source, 17, str(derived_id("example", name)), name, event.stream, event.model_dump_json(), headers
    )
    made: dict[str, Any] = json.loads(body)
    return made


def _components(cls: type[Event]) -> dict[str, Any]:
    schema = json_schema.of(cls, cls.wire_name)
    definitions = schema.pop("$defs", {})
    del schema["$schema"], schema["$id"]
    made: dict[str, Any] = _relocated({**definitions, cls.__name__: schema})
    return made


def _relocated(part: Any) -> Any:
    """*part* with its references leading to the components of the document."""
    if isinstance(part, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _relocated(value)
            for key, value in part.items()
        }
    return [_relocated(value) for value in part] if isinstance(part, list) else part
