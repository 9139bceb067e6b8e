"""What billing's use cases need from outside."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from services.billing.domain.chargeback import Chargeback
from services.billing.domain.checkout import Checkout
from services.billing.domain.clawback import Clawback
from services.billing.domain.commission import Split
from services.billing.domain.invoice import InvoiceCopy
from services.billing.domain.order import Accrual, OrderCopy
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payment import Payment
from services.billing.domain.refund import Refund
from services.billing.domain.settlement import Settlement
from services.billing.use_cases.bank_ports import BankLines, CsvMaps, Payers, StripePayouts
from services.billing.use_cases.channel_ports import ChannelOrders, DirectMovements, SplitOrders
from services.billing.use_cases.commission_ports import CommissionDebts, Plans, Referrals
from services.billing.use_cases.credit_ports import CreditBook, CreditPaybacks, Receivables
from services.billing.use_cases.funding_ports import Fundings
from services.billing.use_cases.ledger_ports import Adjustments, InputVats, Ledger, LedgerChain, Periods
from services.billing.use_cases.payout_ports import BankOrders, PayoutChannels, Payouts
from services.billing.use_cases.reconciliation_ports import Reconciliations
from services.billing.use_cases.settlement_ports import IncomeAllocations, SmallEnterprises
from services.billing.use_cases.voucher_ports import (
    Claims,
    EvidenceStore,
    Offerings,
    PlacedOrders,
    Programmes,
    Relations,
    Subsidies,
    Vouchers,
)
from services.shared.kernel.money import Money
from services.shared.messages.base import Event


class Organisations(Protocol):
    def put(self, organisation: OrganisationCopy) -> None: ...

    def find(self, organisation_id: UUID, *, lock: bool = False) -> OrganisationCopy | None: ...

    def find_all(self, organisation_ids: Iterable[UUID]) -> Mapping[UUID, OrganisationCopy]: ...


class Orders(Protocol):
    def add(self, order: OrderCopy) -> bool:
        """Store it; one that is known already is left alone. Returns whether it is new."""

    def find(self, order_id: UUID) -> OrderCopy | None:
        """Locked until the end of the transaction."""

    def get(self, order_id: UUID) -> OrderCopy:
        """Locked. Raises NotFound."""

    def of_refund(self, refund_id: UUID) -> OrderCopy:
        """Locked. Raises NotFound."""

    def keep_left(self, order: OrderCopy) -> None:
        """What is left of it."""

    def accept(self, order_id: UUID, accepted_at: datetime, parts: Split, accruals: Sequence[Accrual]) -> None:
        """Store what acceptance led to."""


class Accruals(Protocol):
    """What parties have earned by orders, and which orders are held."""

    def of_order(self, order_id: UUID) -> Sequence[Accrual]:
        """Locked, oldest first; *settlement_id* says which statement lists each."""

    def add(self, accrual: Accrual) -> None: ...

    def hold(self, order_id: UUID, reason: str, since: datetime) -> None:
        """No statement lists the order and no payout pays it while any reason holds it. A second time does nothing."""

    def unhold(self, order_id: UUID, reason: str) -> None:
        """The reason is gone; nothing happens where it did not hold."""

    def held_on(self, settlement_id: UUID) -> str | None:
        """The number of an order on the settlement that is held, or none."""

    def orders_on(self, settlement_id: UUID) -> Sequence[UUID]:
        """Each order that the settlement lists, once, by id."""


class Clawbacks(Protocol):
    def add(self, clawback: Clawback) -> None: ...

    def of_key(self, key: str) -> Clawback | None:
        """Locked."""

    def open_of(self, party_id: UUID, currency: str) -> Sequence[Clawback]:
        """Those with something left, oldest first, locked."""

    def of_orders(self, order_numbers: Collection[str]) -> Sequence[Clawback]:
        """All of them, paid or not; not locked."""

    def save(self, clawback: Clawback) -> None: ...


class Payments(Protocol):
    def add(self, payment: Payment) -> bool:
        """Store it. Returns False when it was there already."""

    def find(self, payment_id: UUID) -> Payment | None:
        """Locked."""

    def waits_for(self, customer_id: UUID, money: Money) -> bool:
        """Whether any payment of a customer by transfer misses exactly *money*."""

    def of_order(self, order_id: UUID) -> Sequence[Payment]:
        """All of them, the first first, locked."""

    def by_references(self, references: Iterable[str]) -> Mapping[str, Payment]:
        """
        For each reference that exists the payment of its order that waits for money, else the last one.

        Locked in the order of their ids.
        """

    def save(self, payment: Payment) -> None: ...


class Refunds(Protocol):
    def add(self, refund: Refund) -> bool:
        """Give it its number and its place among its order's, which is locked. Returns False when it is there."""

    def get(self, refund_id: UUID) -> Refund:
        """Locked. Raises NotFound."""

    def of_order(self, order_id: UUID) -> Sequence[Refund]:
        """Locked, in the order of their ids."""

    def find_all(self, refund_ids: Collection[UUID]) -> Mapping[UUID, Refund]:
        """Those that exist, locked in the order of their ids."""

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, Refund]:
        """Those that exist, locked in the order of their ids."""

    def save(self, refund: Refund) -> None: ...


class Checkouts(Protocol):
    def add(self, checkout: Checkout) -> None: ...

    def find(self, checkout_id: UUID) -> Checkout | None:
        """Locked."""

    def current(self, payment_id: UUID) -> Checkout | None:
        """The one of a payment that is created or open, locked."""

    def save(self, checkout: Checkout) -> None: ...


class Chargebacks(Protocol):
    def add(self, chargeback: Chargeback) -> None: ...

    def disputed(self, charge_id: str) -> bool:
        """Whether the bank of a charge has taken it back and not decided. Not locked."""

    def lost_of(self, charge_id: str) -> Sequence[Chargeback]:
        """Those of a charge that are lost, locked."""

    def find(self, chargeback_id: UUID) -> Chargeback | None:
        """Locked."""

    def save(self, chargeback: Chargeback) -> None: ...


class StripeEvents(Protocol):
    def add(self, event: "VerifiedEvent", body: str, received_at: datetime) -> bool:
        """Store what came in; what is none of ours is handled with that. Returns False when it was there already."""

    def handled(self, event_id: str, outcome: str, at: datetime) -> None: ...

    def unhandled(self, before: datetime, limit: int) -> "Sequence[UnhandledEvent]":
        """Received before *before*, oldest first, locked; each counts as swept once more."""


class Settlements(Protocol):
    def close(self, until: date, before: datetime, now: datetime, payment_days: int) -> Sequence[Settlement]:
        """
        Put every accrual accepted before *before* that is on no settlement and not held onto one.

        One of a small enterprise is due *payment_days* after its earliest line.
        """

    def set_due(self, party_id: UUID, payment_days: int) -> Mapping[UUID, date]:
        """
        What *party_id* is not paid yet is due by what is confirmed of its size; it is locked.

        Returns: By which day those are due that were not, or by another one.
        """

    def get(self, settlement_id: UUID) -> Settlement:
        """Locked. Raises NotFound."""

    def party_of(self, settlement_id: UUID) -> UUID:
        """Not locked: it never changes. Raises NotFound."""

    def payable_to(self, party_id: UUID, currency: str) -> Sequence[Settlement]:
        """Those that wait for a payout that nobody has started, oldest first, locked."""

    def save(self, settlement: Settlement) -> None: ...


class InvoiceCopies(Protocol):
    def keep(self, copy: InvoiceCopy) -> None:
        """Once; what is known already is left alone."""

    def references_on(self, numbers: Collection[str]) -> Mapping[str, Sequence[str]]:
        """By invoice the references of its customer's orders."""


class BillingUnitOfWork(Protocol):
    @property
    def organisations(self) -> Organisations: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def accruals(self) -> Accruals: ...

    @property
    def commission_debts(self) -> CommissionDebts: ...

    @property
    def clawbacks(self) -> Clawbacks: ...

    @property
    def plans(self) -> Plans: ...

    @property
    def referrals(self) -> Referrals: ...

    @property
    def placed_orders(self) -> PlacedOrders: ...

    @property
    def offerings(self) -> Offerings: ...

    @property
    def relations(self) -> Relations: ...

    @property
    def programmes(self) -> Programmes: ...

    @property
    def vouchers(self) -> Vouchers: ...

    @property
    def claims(self) -> Claims: ...

    @property
    def subsidies(self) -> Subsidies: ...

    @property
    def evidence(self) -> EvidenceStore: ...

    @property
    def payments(self) -> Payments: ...

    @property
    def credit(self) -> CreditBook: ...

    @property
    def fundings(self) -> Fundings: ...

    @property
    def receivables(self) -> Receivables: ...

    @property
    def credit_paybacks(self) -> CreditPaybacks: ...

    @property
    def refunds(self) -> Refunds: ...

    @property
    def invoices(self) -> InvoiceCopies: ...

    @property
    def checkouts(self) -> Checkouts: ...

    @property
    def chargebacks(self) -> Chargebacks: ...

    @property
    def channel_orders(self) -> ChannelOrders: ...

    @property
    def split_orders(self) -> SplitOrders: ...

    @property
    def direct_movements(self) -> DirectMovements: ...

    @property
    def stripe_events(self) -> StripeEvents: ...

    @property
    def stripe_payouts(self) -> StripePayouts: ...

    @property
    def bank_lines(self) -> BankLines: ...

    @property
    def payers(self) -> Payers: ...

    @property
    def csv_maps(self) -> CsvMaps: ...

    @property
    def settlements(self) -> Settlements: ...

    @property
    def small_enterprises(self) -> SmallEnterprises: ...

    @property
    def income_allocations(self) -> IncomeAllocations: ...

    @property
    def payouts(self) -> Payouts: ...

    @property
    def payout_channels(self) -> PayoutChannels: ...

    @property
    def bank_orders(self) -> BankOrders: ...

    @property
    def adjustments(self) -> Adjustments: ...

    @property
    def reconciliations(self) -> Reconciliations: ...

    @property
    def input_vat(self) -> InputVats: ...

    @property
    def ledger_chain(self) -> LedgerChain: ...

    @property
    def periods(self) -> Periods: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def caused_by(self) -> str:
        """
        The event or request that led here, and who was behind it, in words that `explain_balance` reads again:
        `event orders/4711 order.accepted.v1 <id>`, `request/<correlation> organisation/…/member/…`, `timer/…`.
        """

    def publish(self, event: Event) -> UUID: ...

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None: ...

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None: ...

    def cancel_timer(self, kind: str, subject: object) -> None: ...


@dataclass(frozen=True)
class VerifiedEvent:
    """
    A webhook whose signature fits.

    Attributes:
        about: What is to be fetched anew: kind of object and id. None: it is not ours.
        account: The connected account it is of; empty for our own.
    """

    event_id: str
    kind: str
    about: tuple[str, str] | None
    account: str = ""


@dataclass(frozen=True)
class UnhandledEvent:
    """A stored webhook that nothing came of yet. *sweeps*: how often it was found so, with this time."""

    event_id: str
    about: tuple[str, str]
    received_at: datetime
    sweeps: int


VerifyWebhook = Callable[[str, str], VerifiedEvent]
"""verify(body, signature). Raises SignatureInvalid."""
