"""An order: what was agreed and for how much. It never holds a sample's, an analysis's or a report's state."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.orders.domain.collection_agreement import SOLD_BY_COMPANY, Collection
from services.orders.domain.cover import Cover
from services.orders.domain.dispute import InDispute
from services.orders.domain.funding import ProjectFunds
from services.orders.domain.pricing import Amounts, Line, ProviderSide, StationBase
from services.orders.domain.sample import SampleDeclared
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectionReason, ContractKind
from services.shared.kernel.errors import Conflict
from services.shared.kernel.fee import Fee
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money, total
from services.shared.kernel.payment_schedule import ALL_BEFORE_WORK, PaymentSchedule
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

OrderState = Literal["placed", "contracted", "released", "in_progress", "delivered", "accepted", "closed", "cancelled"]
PaymentMethod = Literal["card", "bank_transfer", "credit", "project_funds", "platform_channel", "direct_transfer"]
AcceptedBy = Literal["customer", "timer"]
ReleaseReason = Literal["paid", "deposit", "credit", "internal"]

LIFECYCLE: Lifecycle[OrderState] = Lifecycle(
    "order",
    {
        "contract": {"placed": "contracted"},
        "release": {"contracted": "released"},
        "receive_sample": {"released": "in_progress", "in_progress": "in_progress"},
        "deliver": {"in_progress": "delivered"},
        "accept": {"delivered": "accepted"},
        "close": {"accepted": "closed"},
        # once a sample has arrived, work is done
        "cancel_unpaid": {"placed": "cancelled", "contracted": "cancelled"},
        "cancel": {"placed": "cancelled", "contracted": "cancelled", "released": "cancelled"},
        # no acceptance: the laboratory does it again
        "retest": {"delivered": "in_progress"},
        # No change of state; these say when something that hangs on the order may be done.
        "dispatch": {"released": "released", "in_progress": "in_progress"},
        "work_on": {"in_progress": "in_progress"},
        "object": {"delivered": "delivered", "accepted": "accepted", "closed": "closed"},
    },
)


class PartlyPaid(Conflict):
    """Something was paid for this order; somebody must look at it before it is cancelled."""

    code = "orders.order_partly_paid"


@dataclass(frozen=True)
class Terms:
    """What is frozen when the last party signs: whatever changes later, the order settles by it."""

    collection_model: CollectionModel
    payment_method: PaymentMethod
    fee_bps: int
    station_id: UUID | None
    station_bps: int
    provider_tax: TaxProfile
    station_tax: TaxProfile | None
    acceptance_days: int
    hold_days: int
    objection_days: int
    commission_plan_id: UUID
    cancellation_fee_bps: int = 0
    cancellation_provider_bps: int = 0
    payment_schedule: PaymentSchedule = ALL_BEFORE_WORK
    net_days: int = 0
    fee: Fee | None = None
    provider_net: Money | None = None
    company_discount: Money | None = None
    buy_net: Money | None = None
    station_base: StationBase = "fee"
    collection_agreement_id: UUID | None = None
    collection_reason: CollectionReason | None = None
    commission_rate_bps: int | None = None
    contract_kind: ContractKind = "testing"


@dataclass(frozen=True)
class PaymentTerms:
    """How an order is to be paid, as it was when it was placed: its papers say so. See `Terms`."""

    payment_schedule: PaymentSchedule = ALL_BEFORE_WORK
    net_days: int = 0


@dataclass(frozen=True)
class KeptFile:
    """A file in the records bucket."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Step:
    """One line of the history. *by_platform*: nobody did it, it followed."""

    what: str
    at: datetime
    by_platform: bool = False


@dataclass(frozen=True)
class CancellationFee:
    """What is kept of the money of a cancelled order, and what of that the provider gets. No VAT: nothing was done."""

    fee: Money
    to_provider: Money


@dataclass
class Order:
    """
    Attributes:
        turnaround_days: Working days from the release and complete samples to the report.
        parent_id: The solution order that this one is a part of; none today.
        payments: Succeeded payments, payment id → amount.
        covers: What stands in for payments, id at its source → cover; both together release the order.
        shipment_number: Reserved when it is released, for the packing sheet; the first parcel takes it.
        packing_sheet: None until it is made.
        provider_side: What the provider is ordered to do at which prices, where the customer's are others.
        project_funds: Of which project an internal order is paid.
        collection: How its money is collected, as it was when it was priced.
        steps: What happened in this transaction, to be added to the order's history.
    """

    order_id: UUID
    number: str
    state: OrderState
    customer_id: UUID
    provider_id: UUID
    lines: tuple[Line, ...]
    amounts: Amounts
    payment_method: PaymentMethod
    turnaround_days: int
    placed_at: datetime
    payment_terms: PaymentTerms = PaymentTerms()
    parent_id: UUID | None = None
    station_id: UUID | None = None
    quotation_id: UUID | None = None
    samples_declared: tuple[SampleDeclared, ...] = ()
    notes: str = ""
    terms: Terms | None = None
    payments: dict[str, Money] = field(default_factory=dict)
    covers: dict[str, Cover] = field(default_factory=dict)
    shipment_number: str = ""
    packing_sheet: KeptFile | None = None
    contracted_at: datetime | None = None
    released_at: datetime | None = None
    delivered_at: datetime | None = None
    accepted_at: datetime | None = None
    accept_by: datetime | None = None
    closed_at: datetime | None = None
    cancel_reason: str = ""
    provider_side: ProviderSide | None = None
    project_funds: ProjectFunds | None = None
    collection: Collection = SOLD_BY_COMPANY
    steps: list[Step] = field(default_factory=list)

    @property
    def base(self) -> Amounts:
        """What the fee and the provider's part are taken of: not lowered by what the company takes off."""
        side = self.provider_side
        return side.amounts if side is not None and side.pricing == "discount" else self.amounts

    def seen_by(self, relation: str) -> tuple[tuple[Line, ...], Amounts]:
        """Lines and amounts: the provider's own where they are others, to everybody else what the customer pays.
        A provider that sells to the customer itself sees what it sells for.
        """
        if relation == "provider" and self.provider_side is not None and not self.collection.agent:
            return self.provider_side.lines, self.provider_side.amounts
        return self.lines, self.amounts

    @property
    def paid(self) -> Money:
        return total(self.payments.values(), self.amounts.gross.currency)

    @property
    def sure(self) -> Money:
        """What is paid or covered."""
        return total((cover.amount for cover in self.covers.values()), self.amounts.gross.currency) + self.paid

    def note(self, what: str, now: datetime, *, by_platform: bool = False) -> None:
        """Add a line to the history."""
        self.steps.append(Step(what, now, by_platform))

    def contract(self, terms: Terms, now: datetime) -> None:
        """All have signed. Raises: WrongState."""
        self.state = LIFECYCLE.after("contract", self.state)
        self.terms = terms
        self.station_id = terms.station_id
        self.contracted_at = now
        self.note("contracted", now)

    def take_payment(self, payment_id: UUID, amount: Money, now: datetime) -> bool:
        """
        A payment succeeded, in any state: money that is there is there.

        Returns:
            Whether this payment was not known yet.

        Raises:
            CurrencyMismatch: It is not in the order's currency.
        """
        if str(payment_id) in self.payments:
            return False
        self.payments = {**self.payments, str(payment_id): amount}
        # Summing refuses a foreign currency, and with it the whole transaction.
        self.note("paid" if self.sure >= self.amounts.gross else "partly_paid", now, by_platform=True)
        return True

    def take_cover(self, source_id: UUID, cover: Cover, now: datetime) -> bool:
        """
        A part of the price is sure without being paid, in any state.

        Returns:
            Whether this cover was not known yet.

        Raises:
            CurrencyMismatch: It is not in the order's currency.
        """
        if str(source_id) in self.covers:
            return False
        self.covers = {**self.covers, str(source_id): cover}
        _ = self.sure  # summing refuses a foreign currency
        self.note(f"covered_by_{cover.kind}", now, by_platform=True)
        return True

    def drop_cover(self, source_id: UUID, now: datetime) -> bool:
        """It is not sure any more. Returns whether it was there. What is released stays released."""
        if str(source_id) not in self.covers:
            return False
        self.covers = {known: cover for known, cover in self.covers.items() if known != str(source_id)}
        self.note("cover_withdrawn", now, by_platform=True)
        return True

    def release_when_due(self, now: datetime) -> ReleaseReason | None:
        """Let work begin once the gross is paid or covered. Returns why it begins now, or none: it does not."""
        if not LIFECYCLE.allows("release", self.state) or self.sure < self.amounts.gross:
            return None
        self.state = LIFECYCLE.after("release", self.state)
        self.released_at = now
        self.note("released", now, by_platform=True)
        kinds = {cover.kind for cover in self.covers.values()}
        if "funding" in kinds:
            return "internal"
        if "credit" in kinds:
            return "deposit" if self.paid.amount else "credit"
        return "paid"

    def receive_sample(self, now: datetime) -> bool:
        """
        A sample has arrived.

        Returns:
            Whether it is the first, with which work is in progress.

        Raises:
            WrongState: Work is not released, or over.
        """
        before = self.state
        self.state = LIFECYCLE.after("receive_sample", before)
        self.note("sample_received", now)
        if before == self.state:
            return False
        self.note("in_progress", now)
        return True

    def deliver(self, now: datetime) -> datetime:
        """Every line has its report. Returns until when the customer may look at them. Raises: WrongState."""
        self.state = LIFECYCLE.after("deliver", self.state)
        self.delivered_at = now
        accept_by = now + timedelta(days=self.frozen_terms.acceptance_days)
        self.accept_by = accept_by
        self.note("delivered", now, by_platform=True)
        return accept_by

    @property
    def in_dispute(self) -> bool:
        """It waits for no acceptance, because the customer objects to what was delivered."""
        return self.state == "delivered" and self.accept_by is None

    def object(self, now: datetime) -> datetime:
        """The customer objects to what was delivered. Returns when that was. Raises: WrongState."""
        self.state = LIFECYCLE.after("object", self.state)
        self.note("dispute_opened", now)
        if self.delivered_at is None:
            raise TypeError(f"order {self.order_id} is {self.state} and was never delivered")
        return self.delivered_at

    def stop_accepting(self, now: datetime) -> int | None:
        """The days to accept stop. Returns how many seconds of them are left; none: it is accepted."""
        if self.accept_by is None or self.state != "delivered":
            return None
        left = max(0, int((self.accept_by - now).total_seconds()))
        self.accept_by = None
        return left

    def retest(self, now: datetime) -> None:
        """The laboratory does it again, and delivers again. Raises: WrongState: It is accepted."""
        self.state = LIFECYCLE.after("retest", self.state)
        self.note("retest_decided", now)

    def accept(self, accepted_by: AcceptedBy, now: datetime) -> None:
        """Raises: WrongState; InDispute."""
        if self.in_dispute:
            raise InDispute
        self.state = LIFECYCLE.after("accept", self.state)
        self.accepted_at = now
        self.note("accepted", now, by_platform=accepted_by == "timer")

    def close(self, now: datetime) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("close", self.state)
        self.closed_at = now
        self.note("closed", now, by_platform=True)

    def cancel(self, reason: str, now: datetime, *, free: bool = False) -> CancellationFee:
        """
        It will not be done.

        Args:
            reason: What the one who cancels says.
            now: When.
            free: The customer is not to blame.

        Returns:
            What is kept of the money: by the contract's terms once the provider was told to be ready.

        Raises:
            WrongState: A sample has arrived, or the order is over.
        """
        was_released = self.state == "released"
        self.state = LIFECYCLE.after("cancel", self.state)
        self.cancel_reason = reason
        self.note("cancelled", now)
        gross = self.amounts.gross
        if free or not was_released:
            return CancellationFee(Money(0, gross.currency), Money(0, gross.currency))
        terms = self.frozen_terms
        fee = share(gross.amount, terms.cancellation_fee_bps)
        to_provider = share(fee, terms.cancellation_provider_bps)
        return CancellationFee(Money(fee, gross.currency), Money(to_provider, gross.currency))

    def cancel_unpaid(self, now: datetime) -> None:
        """
        Its time to be paid is over.

        Raises:
            WrongState: It is released, or over.
            PartlyPaid: Some money is there.
        """
        state = LIFECYCLE.after("cancel_unpaid", self.state)
        if self.paid.amount:
            raise PartlyPaid
        self.state = state
        self.cancel_reason = "unpaid"
        self.note("cancelled", now, by_platform=True)

    @property
    def frozen_terms(self) -> Terms:
        """The terms of an order that is contracted."""
        if self.terms is None:
            raise TypeError(f"order {self.order_id} is {self.state} and has no terms")
        return self.terms
