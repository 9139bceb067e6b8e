"""API keys, sessions, and who one is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway import problems
from gateway.answers import created, no_content, ok
from gateway.auth import SESSION_COOKIE, csrf_token
from gateway.calls import Gateway, JsonBody, Signed, client_address
from gateway.schemas.base import Listed
from gateway.schemas.identity import (
    ApiKey,
    ApiKeyPage,
    ApiKeyToCreate,
    CreatedApiKey,
    Credentials,
    Me,
    Organisation,
    Session,
)
from services.shared.messages.identity import api_key as messages
from services.shared.messages.identity.organisation import GetOrganisation, OrganisationView

router = APIRouter(prefix="/v1", tags=["identity"])


@router.post("/api-keys", status_code=problems.CREATED, response_model=CreatedApiKey)
def create_api_key(caller: Signed, body: Annotated[ApiKeyToCreate, Depends(JsonBody(ApiKeyToCreate))]) -> Response:
    """Make a key for a machine of the own organisation."""
    made = caller.ask(messages.CreateApiKey(**dict(body)), messages.ApiKeyIssued)
    secret = caller.gateway.identity.secrets.api_key(made.seed)
    return created(CreatedApiKey(api_key=ApiKey.of(made.api_key), secret=secret), "/v1/api-keys")


@router.get("/api-keys", response_model=ApiKeyPage)
def list_api_keys(caller: Signed, listed: Annotated[Listed, Query()]) -> Response:
    return ok(ApiKeyPage.of(caller.ask(messages.ListApiKeys(**dict(listed)), messages.ApiKeyPage)))


@router.post("/api-keys/{api_key_id}/revoke", response_model=ApiKey)
def revoke_api_key(caller: Signed, api_key_id: UUID) -> Response:
    """From now on it lets nobody in; in other processes of the gateway after 30 seconds at the latest."""
    answer = caller.ask(messages.RevokeApiKey(api_key_id=api_key_id), messages.ApiKeyView)
    caller.gateway.authenticator.forget()
    return ok(ApiKey.of(answer))


def begin_session(gateway: Gateway, request: Request, mail: str, password: str) -> str:
    """
    Sign in, at a bearable rate. Returns the session's token.

    Raises:
        TooManyRequests, SignInRefused.
    """
    gateway.sign_ins.take(f"address {client_address(request)}")
    gateway.sign_ins.take(f"mail {mail.strip().lower()}")
    return gateway.identity.sign_in(mail, password)


def give_cookie(response: Response, gateway: Gateway, token: str) -> None:
    response.set_cookie(
        SESSION_COOKIE, token, httponly=True, samesite="lax", secure=gateway.settings.secure, path="/",
        max_age=gateway.identity.settings.session_hours * 3600,
    )  # fmt: skip


@router.post("/sessions", status_code=problems.CREATED, response_model=Session)
def sign_in(request: Request, body: Annotated[Credentials, Depends(JsonBody(Credentials))]) -> Response:
    """Begin a session: a cookie, and the token that must come with everything that changes something."""
    gateway: Gateway = request.app.state.gateway
    token = begin_session(gateway, request, body.mail, body.password)
    response = created(Session(csrf_token=csrf_token(gateway.secret, token)), "/v1/me")
    give_cookie(response, gateway, token)
    return response


@router.delete("/sessions", status_code=problems.NO_CONTENT)
def sign_out(caller: Signed) -> Response:
    """End the session whose cookie is sent."""
    if caller.identified is not None and caller.identified.credential == "session":
        caller.gateway.identity.sign_out(caller.identified.token)
        caller.gateway.authenticator.forget()
    response = no_content()
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/me", response_model=Me)
def get_me(caller: Signed) -> Response:
    actor = caller.actor
    organisation = caller.ask(GetOrganisation(organisation_id=actor.organisation_id), OrganisationView).organisation
    return ok(
        Me(
            kind="machine" if actor.kind == "machine" else "member",
            name=caller.identified.name if caller.identified is not None else "",
            member_id=actor.member_id,
            organisation=Organisation.of(organisation),
            roles=tuple(sorted(actor.roles)),
        )
    )
