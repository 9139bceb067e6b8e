"""Vouchers and their use."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Listed, Schema, Shown
from services.shared.kernel.money import Money
from services.shared.messages.base import Instant, Name, PositiveMoney
from services.shared.messages.billing.programme import HolderKind, RedeemTo, RuleResult, ShortfallPayer
from services.shared.messages.billing.voucher import Finding, VoucherState, VoucherUseState


class VoucherUse(Shown):
    use_id: UUID
    voucher_id: UUID
    programme_id: UUID
    programme_version_id: UUID
    order_id: UUID
    order_number: str
    state: VoucherUseState
    amount: Money
    redeem_to: RedeemTo
    shortfall_payer: ShortfallPayer
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    reserved_at: Instant
    claim_until: Instant | None


class Voucher(Shown):
    voucher_id: UUID
    number: str
    state: VoucherState
    programme_id: UUID
    holder_id: UUID
    holder_kind: HolderKind
    granted: Money
    reserved: Money
    spent: Money
    left: Money
    valid_until: Instant
    proposed_at: Instant
    approved_at: Instant | None
    reason: str
    uses: tuple[VoucherUse, ...]


class VoucherSummary(Shown):
    voucher_id: UUID
    number: str
    state: VoucherState
    programme_id: UUID
    holder_id: UUID
    granted: Money
    left: Money
    valid_until: Instant


class VoucherPage(Shown):
    items: tuple[VoucherSummary, ...]
    next_cursor: str | None


class VouchersListed(Listed):
    programme_id: UUID | None = None


class VoucherToGrant(Schema):
    programme_id: UUID
    holder_id: UUID
    holder_kind: HolderKind
    amount: PositiveMoney
    valid_until: Instant


class VoucherRevocation(Schema):
    reason: Name


class OrderForVoucher(Schema):
    order_id: UUID


class VoucherToEstimate(Schema):
    voucher_id: UUID
    provider_id: UUID
    offering_ids: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
    net: PositiveMoney
    gross: PositiveMoney


class VoucherEstimate(Shown):
    amount: Money
    due: Money
    redeem_to: RedeemTo
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
