"""
Problem documents (RFC 9457), and every HTTP status there is: no other file chooses one.

An error's *kind* decides (the tree in `kernel/errors.py`); a few codes of the gateway's own decide for themselves.
Texts stand in `problem_texts.json`, in Chinese and English; a code without a text of its own is
introduced by its kind's, and in English by what the service said.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fastapi import Response
from pydantic import ValidationError

from services.shared.kernel.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotYet,
    Refused,
    Unavailable,
    YiqiError,
)

OK = 200
CREATED = 201
ACCEPTED = 202
NO_CONTENT = 204
SEE_OTHER = 303
NOT_MODIFIED = 304
NOT_READY = 503
NOWHERE = 404

Language = Literal["zh", "en"]

STATUS_OF_KIND: Mapping[str, int] = {
    "invalid": 422,
    "not_allowed": 403,
    "not_found": 404,
    "conflict": 409,
    "refused": 409,
    "unavailable": 503,
    "bug": 500,
}
STATUS_OF_CODE: Mapping[str, int] = {
    "authentication_missing": 401,
    "authentication_invalid": 401,
    "body_timeout": 408,
    "body_too_large": 413,
    "idempotency_key_invalid": 400,
    "idempotency_key_missing": 400,
    "idempotency_key_reused": 422,
    "json_broken": 400,
    "media_type_unsupported": 415,
    "method_not_allowed": 405,
    "request_malformed": 400,
    "too_many_requests": 429,
}
DOCUMENTED: Mapping[int, str] = {
    400: "The request cannot be read, or its Idempotency-Key is missing.",
    401: "Nobody is signed in, or the key or session does not hold.",
    403: "Your role does not allow this.",
    404: "There is no such thing, or it is not yours to see.",
    409: "Not possible in the present state.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The request makes no sense, or the key was used for another request.",
    429: "Too many requests; see Retry-After.",
    500: "A bug. The correlation id finds it.",
    503: "Something that is needed does not answer; the same key may be sent again.",
}
_KINDS: tuple[tuple[type[YiqiError], str], ...] = (
    (Invalid, "invalid"),
    (NotAllowed, "not_allowed"),
    (NotFound, "not_found"),
    (Conflict, "conflict"),
    (Refused, "refused"),
    (Unavailable, "unavailable"),
    (NotYet, "unavailable"),
)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2


class Asked(NamedTuple):
    """What a problem document needs to know of the request."""

    language: Language
    correlation_id: str


def kind_of(error: YiqiError) -> str:
    return next(name for kind, name in _KINDS if isinstance(error, kind))


def of_error(error: YiqiError, asked: Asked) -> Response:
    """The document for *error*. What a service said is told in English only: it has no other words."""
    kind = kind_of(error)
    text = "" if kind == "unavailable" else str(error)
    return document(asked, error.code, kind=kind, text=text, facts=error.facts)


def of_validation(details: Iterable[Mapping[str, Any]], asked: Asked) -> Response:
    """The document for a request whose shape is wrong, with the fields at fault."""
    found = list(details)
    if any(detail["type"] == "json_invalid" for detail in found):
        return document(asked, "json_broken")
    texts = _texts()["fields"]
    fields = []
    for detail in found:
        entry = texts.get(detail["type"])
        fields.append(
            {
                "field": ".".join(str(part) for part in detail["loc"] if part not in {"body", "query", "path"}),
                "code": detail["type"],
                "text": entry[asked.language] if entry else _plain(detail, asked.language),
            }
        )
    return document(asked, "request_invalid", kind="invalid", fields=fields)


def details_of(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    """Without the values: what somebody typed by mistake may be a secret."""
    return error.errors(include_url=False, include_input=False, include_context=False)


def document(
    asked: Asked,
    code: str,
    *,
    kind: str = "invalid",
    text: str = "",
    facts: Mapping[str, Any] | None = None,
    fields: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    A response with a problem document.

    *code* decides the status where it is one of the gateway's own, else *kind* does. *text*: what happened,
    in English; left out of a Chinese document whose code has a text of its own. *fields*: what is wrong where.
    """
    status = STATUS_OF_CODE.get(code) or STATUS_OF_KIND[kind]
    texts = _texts()
    own = texts["codes"].get(code) or texts["kinds"].get(code)
    title = (own or texts["kinds"][kind])[asked.language]
    detail = text if text and (asked.language == "en" or own is None) else title
    body = {
        "type": f"urn:yiqi:problem:{code}",
        "title": title,
        "status": status,
        "detail": title if kind == "bug" else detail,
        "code": code,
        "fields": list(fields),
        "facts": dict(facts or {}),
        "correlation_id": asked.correlation_id,
    }
    response = Response(json.dumps(body, ensure_ascii=False), status_code=status, media_type=MEDIA_TYPE)
    response.headers["Content-Language"] = asked.language
    if status == STATUS_OF_KIND["unavailable"]:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if facts and "retry_after_s" in facts:
        response.headers["Retry-After"] = str(facts["retry_after_s"])
    if status == STATUS_OF_CODE["authentication_missing"]:
        response.headers["WWW-Authenticate"] = 'Bearer realm="yiqi"'
    response.headers.update(headers or {})
    return response


def of_http(status: int, asked: Asked, headers: Mapping[str, str] | None) -> Response:
    """The document for what the framework itself refuses: an unknown route, a wrong method."""
    if status == STATUS_OF_KIND["not_found"]:
        return document(asked, "route_unknown", kind="not_found", headers=headers)
    if status == STATUS_OF_CODE["method_not_allowed"]:
        return document(asked, "method_not_allowed", headers=headers)
    return document(asked, "request_malformed", headers=headers)


def title_of(error: YiqiError, language: Language) -> str:
    """One sentence for a page."""
    texts = _texts()
    own = texts["codes"].get(error.code) or texts["kinds"].get(error.code)
    text: str = (own or texts["kinds"][kind_of(error)])[language]
    return text


def _plain(detail: Mapping[str, Any], language: Language) -> str:
    return str(detail["msg"]) if language == "en" else str(_texts()["fields"]["*"]["zh"])


@cache
def _texts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "problem_texts.json").read_text("utf-8"))
    return found
