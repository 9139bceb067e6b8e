"""Vouchers: a right to have a programme pay a part of one's orders, and its use for one of them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import (
    Command,
    Event,
    Instant,
    Message,
    MoneyOrZero,
    Name,
    Page,
    PositiveMoney,
    Query,
    Text,
    View,
)
from services.shared.messages.billing.programme import (
    CheckKind,
    Figure,
    HolderKind,
    RedeemTo,
    RuleResult,
    Severity,
    ShortfallPayer,
)

VoucherState = Literal["proposed", "granted", "expired", "revoked"]
VoucherUseState = Literal["reserved", "used", "claimed", "redeemed", "rejected", "returned"]
ReturnReason = Literal["order_cancelled", "withdrawn", "expired", "revoked"]

_GRANTERS: Grants = {
    "operator": frozenset({"finance_operator", "administrator"}), "authority": frozenset({"authority"}),
}  # fmt: skip
_BUYERS: Grants = {"customer": frozenset({"requester", "approver", "customer_finance"})}


class Finding(Message):
    """A sign that two parties are related or a price was made up; *severity*: what it does under the programme."""

    kind: CheckKind
    severity: Severity
    facts: dict[str, Figure]


class VoucherUseView(View):
    """
    A voucher on an order.

    Attributes:
        amount: What the programme pays; less after a partial refund.
        results: Of each rule, when it was reserved.
        claim_until: Before this the claim must be made; none before acceptance.
    """

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


class VoucherView(View):
    """*left* = *granted* - *reserved* - *spent*. Uses newest first."""

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
    uses: tuple[VoucherUseView, ...]


class GrantVoucher(Command):
    """Give a holder a voucher; above the programme's limit it is proposed until a second person approves. → VoucherView

    Attributes:
        holder_kind: As the programme's authority verified it; the credit code must not say otherwise.
    """

    wire_name: ClassVar = "billing.grant_voucher"
    grants: ClassVar[Grants] = _GRANTERS

    programme_id: UUID
    holder_id: UUID
    holder_kind: HolderKind
    amount: PositiveMoney
    valid_until: Instant


class ApproveVoucher(Command):
    """A second person grants what another proposed. → VoucherView"""

    wire_name: ClassVar = "billing.approve_voucher"
    grants: ClassVar[Grants] = _GRANTERS

    voucher_id: UUID


class RevokeVoucher(Command):
    """Take it back; what is reserved returns, what signed contracts count on stays. → VoucherView"""

    wire_name: ClassVar = "billing.revoke_voucher"
    grants: ClassVar[Grants] = _GRANTERS

    voucher_id: UUID
    reason: Name


class ReserveVoucher(Command):
    """Put it on an order that is placed and not signed yet. → VoucherUseView"""

    wire_name: ClassVar = "billing.reserve_voucher"
    grants: ClassVar[Grants] = _BUYERS

    voucher_id: UUID
    order_id: UUID


class WithdrawVoucher(Command):
    """Take it off an order that is not signed yet. → VoucherUseView"""

    wire_name: ClassVar = "billing.withdraw_voucher"
    grants: ClassVar[Grants] = _BUYERS

    voucher_id: UUID
    order_id: UUID


class GetVoucher(Query):
    """→ VoucherView"""

    wire_name: ClassVar = "billing.get_voucher"
    grants: ClassVar[Grants] = {"customer": frozenset(), **_GRANTERS}

    voucher_id: UUID


class ListVouchers(Query):
    """A holder's own, an authority's programmes' or all; newest first. → VoucherPage"""

    wire_name: ClassVar = "billing.list_vouchers"
    grants: ClassVar[Grants] = {"self": frozenset(), "operator": frozenset({"finance_operator", "administrator"})}

    programme_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class VoucherSummary(Message):
    voucher_id: UUID
    number: str
    state: VoucherState
    programme_id: UUID
    holder_id: UUID
    granted: Money
    left: Money
    valid_until: Instant


class VoucherPage(Page):
    items: tuple[VoucherSummary, ...]


class EstimateVoucher(Query):
    """
    What a voucher would pay, before anything is ordered: every rule with its result. → VoucherEstimate

    Attributes:
        offering_ids: What would be ordered; their classes count.
        net, gross: What it would cost, as quoted or in the catalogue.
    """

    wire_name: ClassVar = "billing.estimate_voucher"
    grants: ClassVar[Grants] = _BUYERS

    voucher_id: UUID
    provider_id: UUID
    offering_ids: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
    net: PositiveMoney
    gross: PositiveMoney


class VoucherEstimate(View):
    """
    Attributes:
        amount: What the programme would pay, zero where a rule fails.
        due: What the customer would be asked for now: all of it where the programme pays the customer afterwards.
    """

    amount: Money
    due: Money
    redeem_to: RedeemTo
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]


class _VoucherEvent(Event):
    source: ClassVar = "billing"
    stream_of: ClassVar = ("voucher", "voucher_id")

    voucher_id: UUID
    number: str
    programme_id: UUID
    customer_id: UUID


class VoucherGranted(_VoucherEvent):
    """Its holder may use it until *valid_until*."""

    wire_name: ClassVar = "voucher.granted.v1"

    amount: Money
    valid_until: Instant


class VoucherExpired(_VoucherEvent):
    """Its time is over; *left* is lost."""

    wire_name: ClassVar = "voucher.expired.v1"

    left: MoneyOrZero


class VoucherRevoked(_VoucherEvent):
    """It may not be used any more."""

    wire_name: ClassVar = "voucher.revoked.v1"

    reason: Text
    left: MoneyOrZero


class _VoucherUseEvent(Event):
    """In the order's stream: what covers an order comes in the order in which it happened."""

    source: ClassVar = "billing"
    stream_of: ClassVar = ("order", "order_id")

    use_id: UUID
    voucher_id: UUID
    programme_id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    amount: Money
    redeem_to: RedeemTo


class VoucherReserved(_VoucherUseEvent):
    """*cover*: what the customer is not asked for; zero where the programme pays the customer afterwards."""

    wire_name: ClassVar = "voucher.reserved.v1"

    programme_version_id: UUID
    cover: MoneyOrZero


class VoucherUsed(_VoucherUseEvent):
    """The contract is signed: the customer is asked for the rest only."""

    wire_name: ClassVar = "voucher.used.v1"


class VoucherReturned(_VoucherUseEvent):
    """Nothing becomes of it: the amount is the holder's again."""

    wire_name: ClassVar = "voucher.returned.v1"

    reason: ReturnReason


class VoucherReduced(_VoucherUseEvent):
    """The order is partly refunded: *amount* remains, *returned* goes back to the programme."""

    wire_name: ClassVar = "voucher.reduced.v1"

    returned: MoneyOrZero


class VoucherRedeemed(_VoucherUseEvent):
    """The programme has paid its part."""

    wire_name: ClassVar = "voucher.redeemed.v1"
