"""
The API's description: FastAPI's own, completed by what our dependencies read (body, idempotency key)
and by the problem documents; and a page that shows it without a script.
"""

import re
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from gateway.calls import JsonBody
from gateway.problems import DOCUMENTED, MEDIA_TYPE
from gateway.schemas.base import Problem, Schema

_REF = "#/components/schemas/{model}"
_NO_KEY = frozenset({"/v1/sessions", "/v1/webhooks/stripe", "/v1/webhooks/split-channel"})


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    document["paths"] = {path: entry for path, entry in document["paths"].items() if path.startswith("/v1/")}
    bodies = _bodies(app)
    _, definitions = models_json_schema(
        [*((model, "validation") for model in {*bodies.values()}), (Problem, "serialization")], ref_template=_REF
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    for gone in ("HTTPValidationError", "ValidationError"):
        schemas.pop(gone, None)
    document["components"]["securitySchemes"] = {
        "api_key": {"type": "http", "scheme": "bearer", "description": "An API key, `yiqi_…`"},
        "session": {"type": "apiKey", "in": "cookie", "name": "yiqi_session"},
    }
    document["security"] = [{"api_key": []}, {"session": []}]
    document["components"]["responses"] = {
        "Problem": {
            "description": " ".join(f"**{status}** {text}" for status, text in DOCUMENTED.items()),
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    }
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            _complete(operation, path, method, bodies.get((path, method)))
    app.openapi_schema = document
    return document


def _complete(operation: dict[str, Any], path: str, method: str, body: type[Schema] | None) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}},
        }
    if method == "post" and path not in _NO_KEY:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "The same key and body have the same answer and one effect.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )


def _bodies(app: FastAPI) -> dict[tuple[str, str], type[Schema]]:
    found: dict[tuple[str, str], type[Schema]] = {}
    for route in routes_of(app):
        for dependant in route.dependant.dependencies:
            if isinstance(dependant.call, JsonBody):
                for method in route.methods or ():
                    found[route.path, method.lower()] = dependant.call.model
    return found


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route under /v1, as its router declares it."""
    routers: list[APIRouter] = app.state.routers
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page lists: one entry per operation, grouped by its tag."""
    found = []
    for path, entry in sorted(document["paths"].items()):
        for method, operation in entry.items():
            content = operation.get("requestBody", {}).get("content", {})
            reply: dict[str, Any] = next(
                (each for status, each in operation["responses"].items() if status.startswith("2")), {}
            )
            found.append(
                {
                    "anchor": re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-"),
                    "method": method.upper(),
                    "path": path,
                    "tag": (operation.get("tags") or ["other"])[0],
                    "summary": operation.get("description") or operation.get("summary", ""),
                    "parameters": operation.get("parameters", []),
                    "body": _name_in(content.get("application/json", {})),
                    "reply": _name_in(reply.get("content", {}).get("application/json", {})),
                }
            )
    return found


def _name_in(media: dict[str, Any]) -> str:
    return str(media.get("schema", {}).get("$ref", "")).rpartition("/")[2]
