"""The FastAPI application: everything behind the one HTTP door."""

import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from gateway import documentation, problems
from gateway.auth import Authenticator, Identified, RateLimit
from gateway.calls import Gateway, Rpc
from gateway.config import GatewaySettings
from gateway.door import Door
from gateway.identity.adapters.queries import Holder
from gateway.identity.service import Identity
from gateway.portal import pages
from gateway.problems import Asked
from gateway.routes import (
    access,
    account,
    adjustment,
    bank_csv,
    bank_line,
    bank_order,
    bank_statement,
    cash_forecast,
    catalogue,
    chargeback,
    checkout,
    claim,
    collection_agreement,
    commission_debt,
    commission_plan,
    credit,
    credit_payback,
    customer_credit,
    direct_payment,
    dispute,
    failed_document,
    feed,
    funding,
    income_allocation,
    input_vat,
    invoicing,
    journal,
    ledger,
    margin,
    operation,
    order,
    organisation,
    payer_agreement,
    payment,
    payout,
    payout_channel,
    period,
    programme,
    quotation,
    receivable,
    reconciliation,
    red_letter,
    referral,
    refund,
    related_party,
    seller_invoice,
    settlement,
    small_enterprise,
    split_order,
    stripe_webhook,
    subsidy,
    voucher,
    work,
)
from services.shared.chassis import health
from services.shared.chassis.logs import logger
from services.shared.kernel.errors import YiqiError

log = logger("gateway")

# Routes are tried in this order, so the busiest stand first.
ROUTES = (
    order, catalogue, quotation, dispute, access, organisation, work, payment, checkout, chargeback, bank_statement,
    payout_channel,
    bank_line, bank_csv, payer_agreement, customer_credit, credit_payback,
    commission_plan, commission_debt, credit, receivable, referral, settlement,
    payout, bank_order, refund, ledger, journal, account, adjustment, period, margin, cash_forecast,
    invoicing, red_letter, failed_document, feed,
    programme,
    voucher, claim, subsidy, funding, collection_agreement, direct_payment,
    related_party, seller_invoice, reconciliation, operation, stripe_webhook,
    split_order, input_vat, small_enterprise, income_allocation,
)  # fmt: skip

DESCRIPTION = """
Nouns in the plural; ids are UUIDv7 with a readable number beside them; money in minor units of its currency; times are
RFC 3339, UTC. Every POST that changes something needs an `Idempotency-Key`: the same key and body have the same answer
and one effect. Errors are problem documents (RFC 9457) with a stable `code`, in Chinese or English by
`Accept-Language`. Every answer carries `X-Correlation-Id`.
""".strip()


def shared_by_all(settings: GatewaySettings, rpc: Rpc, identity: Identity) -> Gateway:
    """What all requests of this process share."""
    return Gateway(
        settings=settings,
        rpc=rpc,
        identity=identity,
        authenticator=Authenticator(
            lambda token: _identified(identity.holder_of_key(token), token, "api_key"),
            lambda token: _identified(identity.holder_of_session(token), token, "session"),
        ),
        registrations=RateLimit(settings.registrations_per_hour, 3600),
        sign_ins=RateLimit(settings.sign_ins_per_minute, 60),
        aside=ThreadPoolExecutor(max_workers=16, thread_name_prefix="aside"),
    )


def _identified(holder: Holder | None, token: str, credential: Any) -> Identified | None:
    return Identified(holder.actor, credential, holder.name, token, holder.language) if holder is not None else None


def create_app(gateway: Gateway) -> FastAPI:
    """The application over *gateway*; its RPC client is started and stopped with it."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        anyio.to_thread.current_default_thread_limiter().total_tokens = gateway.settings.threads
        gateway.rpc.start()
        log.info("listening", host=gateway.settings.host, port=gateway.settings.port)
        yield
        gateway.rpc.stop()
        gateway.aside.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(
        title="Yiqi", version="1", description=DESCRIPTION, lifespan=lifespan,
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    app.state.gateway = gateway
    app.add_middleware(Door, settings=gateway.settings)
    _problems(app)
    app.state.routers = [module.router for module in ROUTES]
    for router in app.state.routers:
        app.include_router(router)
    app.include_router(pages.router)
    _operation(app, gateway)
    _documentation(app)
    return app


def _asked(request: Request) -> Asked:
    return Asked(request.scope["state"]["language"], request.scope["state"]["correlation_id"])


def _problems(app: FastAPI) -> None:
    @app.exception_handler(YiqiError)
    async def refused(request: Request, error: YiqiError) -> Response:
        return problems.of_error(error, _asked(request))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return problems.of_validation(error.errors(), _asked(request))

    @app.exception_handler(ValidationError)
    async def malformed_body(request: Request, error: ValidationError) -> Response:
        return problems.of_validation(problems.details_of(error), _asked(request))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        if pages.for_people(request) and error.status_code == problems.NOWHERE:
            return pages.nowhere(request)
        return problems.of_http(error.status_code, _asked(request), error.headers)


def checks(gateway: Gateway) -> dict[str, health.Check]:
    """What the gateway needs to do its work."""
    return {"broker": lambda: None if gateway.rpc.ready else "not connected", "identity": gateway.identity.check}


def _operation(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    def ready() -> Response:
        # Everybody can ask: what is wrong, and not in whose words.
        wrong = dict.fromkeys(health.problems(checks(gateway)), "does not answer")
        body = {"status": "not ready" if wrong else "ready", "wrong": wrong}
        return JSONResponse(body, status_code=problems.NOT_READY if wrong else problems.OK)


def _documentation(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return JSONResponse(documentation.describe(app))

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        described = documentation.describe(app)
        return pages.documentation(request, documentation.operations(described), described["components"]["schemas"])
