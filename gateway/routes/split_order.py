"""The splitting channel: its notices come in as raw bytes and are passed on; a return that failed is tried again."""

from hashlib import sha256
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.answers import ok
from gateway.calls import Anyone, Signed
from gateway.routes.stripe_webhook import WebhookMalformed
from gateway.schemas import split_order as schemas
from services.shared.messages.billing.payment import StripeEventReceipt
from services.shared.messages.billing.split_order import RecordChannelNotice, RetrySplitReturn, SplitReturnView

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/webhooks/split-channel", response_model=schemas.NoticeReceipt)
async def record_channel_notice(request: Request, caller: Anyone) -> Response:
    """Called by the splitting channel. Its signature is what lets it in."""
    raw = await request.body()
    headers = [request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
    try:
        body = raw.decode()
    except UnicodeDecodeError as error:
        raise WebhookMalformed from error
    if not body or not all(headers):
        raise WebhookMalformed
    # Each attempt is signed anew: as with Stripe's, what counts once is the notice, which billing knows by its id.
    key = sha256("\n".join(headers).encode() + b"\n" + raw).hexdigest()
    notice_id, timestamp, signature = headers
    command = RecordChannelNotice(body=body, notice_id=notice_id, timestamp=timestamp, signature=signature)
    receipt = await run_in_threadpool(caller.ask, command, StripeEventReceipt, key=key)
    return ok(schemas.NoticeReceipt(notice_id=receipt.stripe_event_id, seen_before=receipt.seen_before))


@router.post("/split-returns/{refund_id}/retry", response_model=schemas.SplitReturn)
def retry_split_return(caller: Signed, refund_id: UUID) -> Response:
    """Our balance at the channel is enough now: what failed is tried again."""
    return ok(schemas.SplitReturn.of(caller.ask(RetrySplitReturn(refund_id=refund_id), SplitReturnView)))
