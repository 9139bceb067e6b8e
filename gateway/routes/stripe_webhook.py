"""Stripe's webhook: raw bytes, passed on. It is answered with success only when billing has stored them."""

from hashlib import sha256

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.answers import ok
from gateway.calls import Anyone
from gateway.schemas.payment import StripeReceipt
from services.shared.kernel.errors import Invalid
from services.shared.messages.billing.payment import RecordStripeEvent, StripeEventReceipt

router = APIRouter(prefix="/v1", tags=["billing"])


class WebhookMalformed(Invalid):
    """The body is not UTF-8, or there is no header Stripe-Signature."""

    code = "webhook_malformed"


@router.post("/webhooks/stripe", response_model=StripeReceipt)
async def record_stripe_event(request: Request, caller: Anyone) -> Response:
    """Called by Stripe. Its signature is what lets it in."""
    raw = await request.body()
    signature = request.headers.get("stripe-signature", "")
    try:
        body = raw.decode()
    except UnicodeDecodeError as error:
        raise WebhookMalformed from error
    if not signature or not body:
        raise WebhookMalformed
    # Stripe signs every attempt anew, so the signature is part of the key: under one key of the body
    # alone a repeated delivery would be another request and refused for ever. What counts once is the
    # Stripe event, and billing knows those by their id.
    key = sha256(signature.encode() + b"\n" + raw).hexdigest()
    command = RecordStripeEvent(body=body, signature=signature)
    receipt = await run_in_threadpool(caller.ask, command, StripeEventReceipt, key=key)
    return ok(StripeReceipt.of(receipt))
