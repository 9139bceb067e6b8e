"""Responses: one public schema, serialised once."""

from hashlib import sha256

from fastapi import Request, Response

from gateway import problems
from gateway.schemas.base import Schema


def ok(answer: Schema) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def created(answer: Schema, location: str | None) -> Response:
    """*location*: path of what was made; none where nobody can ask for it again."""
    return Response(
        answer.model_dump_json(),
        status_code=problems.CREATED,
        media_type="application/json",
        headers={"Location": location} if location is not None else None,
    )


def accepted(answer: Schema) -> Response:
    """It is being worked on; ask again."""
    return Response(answer.model_dump_json(), status_code=problems.ACCEPTED, media_type="application/json")


def no_content() -> Response:
    return Response(status_code=problems.NO_CONTENT)


def unless_known(request: Request, answer: Schema) -> Response:
    """With an ETag; an empty answer to whoever has this already."""
    body = answer.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=problems.NOT_MODIFIED, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
