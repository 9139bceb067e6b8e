"""Paying by card on the payment institution's own page."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool

from gateway import problems
from gateway.answers import accepted, created, ok
from gateway.calls import Caller, JsonBody, Signed
from gateway.schemas.checkout import Checkout, CheckoutToOpen
from services.shared.messages.billing.checkout import CheckoutView, GetCheckout, OpenCheckout

router = APIRouter(prefix="/v1", tags=["billing"])

POLL_S = 0.2


@router.post("/payments/{payment_id}/checkout", status_code=problems.CREATED, response_model=Checkout)
async def open_checkout(
    caller: Signed, payment_id: UUID, body: Annotated[CheckoutToOpen, Depends(JsonBody(CheckoutToOpen))]
) -> Response:
    """
    Ask for a page to pay on.

    201 with its address; 202 when the institution takes longer than five seconds: then ask for the checkout
    until it has one.
    """
    command = OpenCheckout(payment_id=payment_id, **dict(body))
    view = await run_in_threadpool(caller.ask, command, CheckoutView)
    view = await made(caller, view.checkout_id)
    if view.state == "created":
        return accepted(Checkout.of(view))
    return created(Checkout.of(view), f"/v1/checkouts/{view.checkout_id}")


@router.get("/checkouts/{checkout_id}", response_model=Checkout)
def get_checkout(caller: Signed, checkout_id: UUID) -> Response:
    return ok(Checkout.of(caller.ask(GetCheckout(checkout_id=checkout_id), CheckoutView)))


async def made(caller: Caller, checkout_id: UUID) -> CheckoutView:
    """The checkout as soon as the institution has made its page, or as it stands when that takes too long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + caller.gateway.settings.checkout_wait_s
    while True:
        view = await run_in_threadpool(caller.ask, GetCheckout(checkout_id=checkout_id), CheckoutView)
        if view.state != "created" or loop.time() > until:
            return view
        await asyncio.sleep(POLL_S)
