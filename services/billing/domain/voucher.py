"""
A voucher: a right to have a programme pay a part of one's orders; and its use for one order.

The voucher holds what was granted, reserved and spent; the use holds what became of it on an order. What was granted
is reserved when the order is placed, spent when its contract is signed, and comes back when nothing becomes of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.programme import (
    HolderKind,
    Left,
    RedeemTo,
    RuleResult,
    Rules,
    ShortfallPayer,
    amount_on,
)
from services.billing.domain.related_party import Finding
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.times import end_of_business_day

VoucherState = Literal["proposed", "granted", "expired", "revoked"]
UseState = Literal["reserved", "used", "claimed", "redeemed", "rejected", "returned"]
ReturnReason = Literal["order_cancelled", "withdrawn", "expired", "revoked"]

LIFECYCLE: Lifecycle[VoucherState] = Lifecycle(
    "voucher",
    {
        "approve": {"proposed": "granted"},
        "expire": {"proposed": "expired", "granted": "expired"},
        "revoke": {"proposed": "revoked", "granted": "revoked"},
        # No change of state: says when it may be put on an order.
        "reserve": {"granted": "granted"},
    },
)

USE_LIFECYCLE: Lifecycle[UseState] = Lifecycle(
    "voucher_use",
    {
        "use": {"reserved": "used"},
        "return": {"reserved": "returned", "used": "returned"},
        "claim": {"used": "claimed"},
        # money of a pre-funded programme is here already: nothing is claimed
        "redeem": {"claimed": "redeemed", "used": "redeemed"},
        # refused by the authority, or never claimed in time
        "reject": {"claimed": "rejected", "used": "rejected"},
        # the order is partly refunded: a part comes back
        "reduce": {"used": "used", "claimed": "claimed", "redeemed": "redeemed", "rejected": "rejected"},
    },
)

# A contract signed in the last minute counts, although it is told of a moment later.
EXPIRY_GRACE = timedelta(hours=1)


class VoucherAlreadyOnOrder(Conflict):
    """Another voucher is on this order; vouchers do not stack."""

    code = "billing.voucher_already_on_order"


class OrderAlreadyClaimed(Conflict):
    """This order is claimed under another programme."""

    code = "billing.voucher_order_already_claimed"


class VoucherNotApplicable(Conflict):
    """The programme's rules do not allow it; the facts name the rules."""

    code = "billing.voucher_not_applicable"


class VoucherExpired(Conflict):
    """Its time is over."""

    code = "billing.voucher_expired"


class OrderNotOpen(Conflict):
    """The contract is signed, or the order cancelled: a voucher comes before the price is asked for."""

    code = "billing.voucher_order_not_open"


class HolderKindContradicts(Invalid):
    """The credit code says that the organisation is of another kind."""

    code = "billing.voucher_holder_kind_contradicts"


class SoldByProvider(Conflict):
    """The provider sells: the programme's money could reach it only through the company, which is no clearing house."""

    code = "billing.voucher_needs_principal"


class OtherCurrency(Conflict):
    """The programme pays in another currency."""

    code = "billing.voucher_currency_differs"


class SameHands(NotAllowed):
    """Who proposed a grant does not approve it."""

    code = "billing.four_eyes_required"


@dataclass
class Voucher:
    """
    Amounts in minor units of *currency*; *reserved* + *spent* never exceed *granted*.

    Attributes:
        valid_until: Orders must be signed before it.
    """

    voucher_id: UUID
    number: str
    state: VoucherState
    programme_id: UUID
    holder_id: UUID
    holder_kind: HolderKind
    currency: str
    granted: int
    reserved: int
    spent: int
    valid_until: datetime
    proposed_at: datetime
    proposed_by: str
    approved_at: datetime | None = None
    approved_by: str = ""
    reason: str = ""
    version: int = 0

    @property
    def left(self) -> int:
        return self.granted - self.reserved - self.spent

    def approve(self, by: str, now: datetime) -> None:
        """
        A second person grants it.

        Raises:
            WrongState: It is not proposed.
            SameHands: *by* proposed it.
        """
        state = LIFECYCLE.after("approve", self.state)
        if by == self.proposed_by:
            raise SameHands
        self.state, self.approved_at, self.approved_by = state, now, by

    def reserve(self, amount: int, now: datetime) -> None:
        """Raises WrongState, VoucherExpired."""
        LIFECYCLE.after("reserve", self.state)
        if now >= self.valid_until:
            raise VoucherExpired(valid_until=self.valid_until.isoformat())
        self.reserved += amount

    def spend(self, amount: int) -> None:
        """What was reserved is spent."""
        self.reserved -= amount
        self.spent += amount

    def give_back(self, amount: int, was: UseState) -> None:
        """What a use in the state *was* held comes back."""
        if was == "reserved":
            self.reserved -= amount
        else:
            self.spent -= amount

    def expire(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("expire", self.state)

    def revoke(self, reason: str) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("revoke", self.state)
        self.reason = reason


@dataclass
class VoucherUse:
    """
    A voucher on an order. Amounts in minor units of *currency*.

    Attributes:
        amount: V: what the programme pays; less after a partial refund.
        net, gross: Of the order; what remains of it after a partial refund.
        year: Whose cap for the holder it counts against.
        left: What was left when it was reserved, frozen with the version.
        results: Of each rule, when it was reserved.
        findings: Of the related-party checks, likewise.
        claim_until: Before this the claim must be made; known once the order is accepted.
    """

    use_id: UUID
    voucher_id: UUID
    programme_id: UUID
    programme_version_id: UUID
    order_id: UUID
    order_number: str
    holder_id: UUID
    provider_id: UUID
    state: UseState
    currency: str
    amount: int
    net: int
    gross: int
    year: int
    redeem_to: RedeemTo
    shortfall_payer: ShortfallPayer
    left: Left
    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    reserved_at: datetime
    used_at: datetime | None = None
    accepted_at: datetime | None = None
    claim_until: datetime | None = None
    version: int = 0

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def cover(self) -> int:
        """What the customer does not pay because of it: nothing where the programme pays the customer itself."""
        return 0 if self.redeem_to == "customer" else self.amount

    @property
    def takes_part_in_refund(self) -> bool:
        """
        Whether a part of a refund is not the payer's: the programme's, or of the company or the provider that bears
        what the programme would not pay. A customer that bears it has paid it like any price, and gets it back so.
        """
        borne = self.redeem_to == "provider" or (self.redeem_to == "company" and self.shortfall_payer != "customer")
        return USE_LIFECYCLE.allows("reduce", self.state) and (self.state != "rejected" or borne)

    @property
    def provider_bears(self) -> bool:
        """Whether the provider stands in for the programme: until that has paid it, or because it will not pay."""
        if self.redeem_to == "provider":
            return self.accepted_at is not None and self.state != "redeemed"
        return self.redeem_to == "company" and self.state == "rejected" and self.shortfall_payer == "provider"

    def use(self, now: datetime) -> None:
        """The contract is signed. Raises WrongState."""
        self.state = USE_LIFECYCLE.after("use", self.state)
        self.used_at = now

    def give_back(self) -> UseState:
        """Nothing becomes of it. Returns the state it was in. Raises WrongState."""
        was, self.state = self.state, USE_LIFECYCLE.after("return", self.state)
        return was

    def accept(self, rules: Rules, now: datetime) -> None:
        """The work is accepted: the time for claiming runs, or the money of a pre-funded programme is earned."""
        self.accepted_at = now
        self.claim_until = claim_deadline(rules, now)
        if self.redeem_to == "prefunded":
            self.state = USE_LIFECYCLE.after("redeem", self.state)

    def claim(self) -> None:
        """Raises WrongState."""
        self.state = USE_LIFECYCLE.after("claim", self.state)

    def redeem(self) -> None:
        """The authority has paid. Raises WrongState."""
        self.state = USE_LIFECYCLE.after("redeem", self.state)

    def reject(self, bearer: ShortfallPayer) -> None:
        """The authority will not pay, or was not asked in time: *bearer* does, in the end. Raises WrongState."""
        self.state = USE_LIFECYCLE.after("reject", self.state)
        if self.redeem_to == "company":
            self.shortfall_payer = bearer

    def reduce(self, rules: Rules, net: int, gross: int) -> int:
        """
        The order is partly refunded; *net* and *gross* remain (minor units).

        Returns:
            V - V': what goes back to the programme, zero or more.

        Raises:
            WrongState: It is not posted yet, or has ended.
        """
        self.state = USE_LIFECYCLE.after("reduce", self.state)
        before = self.amount
        self.amount = after_refund(self, rules, net, gross)
        self.net, self.gross = net, gross
        return before - self.amount


def after_refund(use: VoucherUse, rules: Rules, net: int, gross: int) -> int:
    """
    V': what the programme pays for what remains of an order.

    Args:
        use: The voucher on the order, with what was left when it was reserved.
        rules: Of the version that was frozen then.
        net: N', what remains without VAT, minor units.
        gross: Likewise with VAT.

    Returns:
        By the same rules on less; never more than stands, also where a programme's rates fall with the amount; and
        never so little that more than the whole refund would go back to the programme.
    """
    refunded = use.gross - gross
    return max(min(use.amount, amount_on(rules, net, gross, use.left)[0]), use.amount - refunded)


def claim_deadline(rules: Rules, accepted_at: datetime) -> datetime:
    """Before this the claim for an order accepted at *accepted_at* must be made."""
    by_days = accepted_at + timedelta(days=rules.claim_days)
    return by_days if rules.claim_until is None else min(by_days, end_of_business_day(rules.claim_until))


def funded(programme_id: UUID, amount: Money, source: str = ledger.BANK) -> tuple[ledger.Entry, ...]:
    """A pre-funded programme's money stands on *source*, the bank or suspense."""
    return ledger.entries(("D", source, amount), ("C", ledger.voucher_fund(programme_id), amount))


def funds_released(programme_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """What is not spent of a pre-funded programme's money is the authority's again."""
    return ledger.entries(
        ("D", ledger.voucher_fund(programme_id), amount), ("C", ledger.voucher_clawback(programme_id), amount)
    )


def voucher_used(use: VoucherUse) -> tuple[ledger.Entry, ...]:
    """The contract is signed: a pre-funded programme pays its part now; the others only what is accepted."""
    if use.redeem_to != "prefunded":
        return ()
    return ledger.entries(
        ("D", ledger.voucher_fund(use.programme_id), use.money), ("C", ledger.contract(use.order_id), use.money)
    )


def voucher_returned(use: VoucherUse) -> tuple[ledger.Entry, ...]:
    """The order is cancelled after its contract was signed: what the fund paid goes back to it."""
    if use.redeem_to != "prefunded":
        return ()
    return ledger.entries(
        ("D", ledger.contract(use.order_id), use.money), ("C", ledger.voucher_fund(use.programme_id), use.money)
    )


def voucher_earned(use: VoucherUse) -> tuple[ledger.Entry, ...]:
    """The work is accepted: the programme owes its part, or the provider that gets it from there."""
    if use.redeem_to == "company":
        return ledger.entries(
            ("D", ledger.programme_receivable(use.programme_id), use.money),
            ("C", ledger.contract(use.order_id), use.money),
        )
    if use.redeem_to == "provider":
        return ledger.entries(
            ("D", ledger.receivable("provider", use.provider_id), use.money),
            ("C", ledger.contract(use.order_id), use.money),
        )
    return ()


def programme_share_of_refund(use: VoucherUse) -> str:
    """
    The account to credit with V - V' when a posted order is partly refunded; empty: the ledger has nothing of it.

    Before acceptance only a pre-funded programme has paid anything in. Afterwards what the programme still owes the
    company falls; what it has paid, to the company or to the provider, is held to be given back; what the provider or
    the company bears in its place, they bear so much less of.
    """
    if use.redeem_to == "prefunded":
        return ledger.voucher_fund(use.programme_id)
    if use.provider_bears:
        return ledger.owed("provider", use.provider_id, "accrued")
    if use.state == "rejected":
        return ledger.VOUCHER_LOSS
    if use.redeem_to == "customer" or use.accepted_at is None:
        return ""
    if use.redeem_to == "company" and use.state != "redeemed":
        return ledger.programme_receivable(use.programme_id)
    return ledger.voucher_clawback(use.programme_id)
