"""By which way a party is paid: proposed by one, agreed by another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import payout_channel as schemas
from services.shared.messages.billing import payout_channel

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/payout-channels", status_code=problems.CREATED, response_model=schemas.PayoutChannel)
def propose_payout_channel(
    caller: Signed, body: Annotated[schemas.PayoutChannelToPropose, Depends(JsonBody(schemas.PayoutChannelToPropose))]
) -> Response:
    """Another way or account for a party; it holds once somebody else agrees to it."""
    view = caller.ask(payout_channel.ProposePayoutChannel(**dict(body)), payout_channel.PayoutChannelView)
    return created(schemas.PayoutChannel.of(view), f"/v1/payout-channels?party_id={view.party_id}")


@router.post("/payout-channels/{payout_channel_id}/agree", response_model=schemas.PayoutChannel)
def agree_payout_channel(caller: Signed, payout_channel_id: UUID) -> Response:
    """By somebody else than who proposed it; payouts that were started are cancelled."""
    asked = payout_channel.AgreePayoutChannel(payout_channel_id=payout_channel_id)
    return ok(schemas.PayoutChannel.of(caller.ask(asked, payout_channel.PayoutChannelView)))


@router.post("/payout-channels/{payout_channel_id}/refuse", response_model=schemas.PayoutChannel)
def refuse_payout_channel(caller: Signed, payout_channel_id: UUID) -> Response:
    """By anybody of finance, who proposed it too."""
    asked = payout_channel.RefusePayoutChannel(payout_channel_id=payout_channel_id)
    return ok(schemas.PayoutChannel.of(caller.ask(asked, payout_channel.PayoutChannelView)))


@router.get("/payout-channels", response_model=schemas.PayoutChannelPage)
def list_payout_channels(caller: Signed, listed: Annotated[schemas.PayoutChannelsListed, Query()]) -> Response:
    asked = payout_channel.ListPayoutChannels(**dict(listed))
    return ok(schemas.PayoutChannelPage.of(caller.ask(asked, payout_channel.PayoutChannelPage)))
