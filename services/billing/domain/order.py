"""What billing keeps of an order, and what follows from its acceptance: whom we owe how much, and its entries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.commission import Left, Split, SplitTerms, whole
from services.billing.domain.organisation import PartyKind
from services.billing.domain.related_party import PricedLine
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile

AccrualKind = Literal["acceptance", "correction", "cancellation_fee"]
AccrualBase = Literal["order_net", "fee", "margin"]


@dataclass
class OrderCopy:
    """
    An order as contracted; amounts in minor units of *currency*, gross = net + tax.

    Attributes:
        title: Of its first line, for the statement.
        split_terms: What its split follows from, frozen at signing.
        split: Once it is accepted, of what was left of it then.
        remaining: What is left after the refunds that are agreed; none: there are none.
    """

    order_id: UUID
    number: str
    customer_id: UUID
    provider_id: UUID
    station_id: UUID | None
    title: str
    currency: str
    net: int
    tax: int
    gross: int
    split_terms: SplitTerms
    contracted_at: datetime
    accepted_at: datetime | None = None
    split: Split | None = None
    remaining: Left | None = None

    @property
    def left(self) -> Left:
        return self.remaining or whole(self.split_terms)


@dataclass
class PlacedOrder:
    """An order from its placing on: what may cover a part of its price is arranged before its contract is signed."""

    order_id: UUID
    number: str
    customer_id: UUID
    provider_id: UUID
    currency: str
    net: int
    gross: int
    lines: tuple[PricedLine, ...]
    state: Literal["placed", "contracted", "cancelled"]
    placed_at: datetime
    internal: bool = False
    collection_model: CollectionModel = "principal_own_account"


@dataclass(frozen=True)
class Accrual:
    """
    What one party has earned by one order: by its acceptance, and by each correction before a statement lists it.

    Amounts of a correction are differences and may be below zero.

    Attributes:
        key: The business fact; one accrual each.
        corrects: Number of the statement that lists the order already; of a correction that gives the party more.
        order_net: N of the order, *fee* C of it.
        base: What the party's part is taken of: of the provider its order_net, of a station the fee or the margin, as
            *base_of* says.
        net, tax: The party's own: what its invoice must say. The tax is 0 where the invoice is all-in.
        tax_rate_bps, special_invoice: Which invoice it sends, frozen when the contract was signed.
        payable_from: End of the hold period.
    """

    accrual_id: UUID
    key: str
    kind: AccrualKind
    order_id: UUID
    party_kind: PartyKind
    party_id: UUID
    order_number: str
    title: str
    currency: str
    order_net: int
    fee: int
    base: int
    base_of: AccrualBase
    net: int
    tax: int
    tax_rate_bps: int
    special_invoice: bool
    accepted_at: datetime
    payable_from: datetime
    corrects: str = ""
    settlement_id: UUID | None = None


def accruals(
    order: OrderCopy, parts: Split, *, accepted_at: datetime, hold_days: int
) -> tuple[Accrual, ...]:  # fmt: skip
    """
    What provider and station have earned by *order*. A provider that earned nothing (the fee takes it all, or all was
    given back) is stated so, which ends the order; a station that earned nothing is left out.
    """

    def earned(kind: PartyKind) -> Accrual:
        party_id, profile, net, tax = _party_of(order, kind, parts)
        fee = _fee_shown(order, kind, parts)
        order_net = net if fee is None else order.left.provider
        base, base_of = _base(order, kind, order_net, parts)
        return Accrual(
            accrual_id=new_id(), key=f"accept:{order.order_id}:{kind}", kind="acceptance",
            order_id=order.order_id, party_kind=kind, party_id=party_id, order_number=order.number,
            title=order.title, currency=order.currency, order_net=order_net, fee=fee or 0, base=base,
            base_of=base_of, net=net, tax=tax, tax_rate_bps=profile.rate_bps, special_invoice=profile.can_issue_special,
            accepted_at=accepted_at, payable_from=accepted_at + timedelta(days=hold_days),
        )  # fmt: skip

    found = [earned(kind) for kind in parties_of(order)]
    return tuple(accrual for accrual in found if accrual.net > 0 or accrual.party_kind == "provider")


def correction(
    order: OrderCopy, kind: PartyKind, less: Split, *, key: str, stated_on: str, accepted_at: datetime,
    payable_from: datetime,
) -> Accrual:  # fmt: skip
    """
    A party earns *less* by *order* than was stated so far (more, where it is below zero).

    *stated_on* is the number of the statement that lists the order, or empty. A correction of what is on none has the
    day of the acceptance as *accepted_at*, so that one statement lists both.
    """
    party_id, profile, net, tax = _party_of(order, kind, less)
    fee = _fee_shown(order, kind, less) or 0
    # Of a provider's line base less fee is the net, however the parts came about.
    order_net = net + fee if kind == "provider" else less.net
    base, base_of = _base(order, kind, order_net, less)
    return Accrual(
        accrual_id=new_id(), key=key, kind="correction", order_id=order.order_id, party_kind=kind,
        party_id=party_id, order_number=order.number, title=order.title, currency=order.currency,
        order_net=-order_net, fee=-fee, base=-base, base_of=base_of, net=-net, tax=-tax,
        tax_rate_bps=profile.rate_bps, special_invoice=profile.can_issue_special,
        accepted_at=accepted_at, payable_from=payable_from, corrects=stated_on,
    )  # fmt: skip


def _fee_shown(order: OrderCopy, kind: PartyKind, parts: Split) -> int | None:
    """The fee on a party's statement; none to a provider that sells to the company at its own price."""
    return None if kind == "provider" and order.split_terms.buy_net is not None else parts.fee


def _base(order: OrderCopy, kind: PartyKind, order_net: int, parts: Split) -> tuple[int, AccrualBase]:
    if kind == "provider":
        return order_net, "order_net"
    return parts.station_base, order.split_terms.station_base


def parties_of(order: OrderCopy) -> tuple[PartyKind, ...]:
    """Those who earn of the company by *order*: a provider that sells itself is paid by the customer."""
    if order.split_terms.agent:
        return ("station",) if order.station_id is not None else ()
    return ("provider", "station") if order.station_id is not None else ("provider",)


def party_share(order: OrderCopy, kind: PartyKind, parts: Split) -> tuple[UUID, int, int]:
    """Who *kind* is in *order*, and its net and tax of *parts*."""
    party_id, _, net, tax = _party_of(order, kind, parts)
    return party_id, net, tax


def _party_of(order: OrderCopy, kind: PartyKind, parts: Split) -> tuple[UUID, TaxProfile, int, int]:
    terms = order.split_terms
    if kind == "provider":
        return order.provider_id, terms.provider_tax, parts.provider_net, parts.provider_tax
    if order.station_id is None or terms.station_tax is None:
        raise TypeError(f"no station brought {order.number} in")
    return order.station_id, terms.station_tax, parts.station_share, parts.station_tax


def compensation(order: OrderCopy, amount: int, *, now: datetime) -> Accrual:
    """What the provider gets back of what it paid, or of a fee: untaxed, for nothing was performed."""
    return Accrual(
        accrual_id=new_id(), key=f"cancel:{order.order_id}:provider", kind="acceptance",
        order_id=order.order_id, party_kind="provider", party_id=order.provider_id, order_number=order.number,
        title=order.title, currency=order.currency, order_net=amount, fee=0, base=amount,
        base_of="order_net", net=amount, tax=0, tax_rate_bps=0, special_invoice=False, accepted_at=now,
        payable_from=now,
    )  # fmt: skip


def cancellation_fee(
    order_id: UUID, provider_id: UUID, to_provider: Money, to_company: Money
) -> tuple[ledger.Entry, ...]:
    """What is kept of a cancelled order's money. No VAT: nothing was performed."""
    return ledger.entries(
        ("D", ledger.contract(order_id), to_provider + to_company),
        ("C", ledger.owed("provider", provider_id, "accrued"), to_provider),
        ("C", ledger.CANCELLATION_FEE, to_company),
    )


def acceptance_principal(
    order_id: UUID,
    provider_id: UUID,
    station_id: UUID | None,
    currency: str,
    parts: Split,
    *,
    owed: tuple[UUID, Money] | None = None,
) -> tuple[ledger.Entry, ...]:
    """
    The customer accepted the work: revenue and output VAT, and what provider and station have earned.

    *owed*: by which customer, how much of the price; the rest was paid before.
    """
    provider_net = Money(parts.provider_net, currency)
    station_share = Money(parts.station_share, currency)
    debtor_id, on_account = owed or (None, Money(0, currency))
    entries: list[tuple[ledger.Side, str, Money]] = [
        ("D", ledger.contract(order_id), Money(parts.gross, currency) - on_account),
        ("C", ledger.SERVICE_REVENUE, Money(parts.net, currency)),
        ("C", ledger.OUTPUT_VAT, Money(parts.tax, currency)),
        ("D", ledger.PROVIDER_COST, provider_net),
        ("C", ledger.owed("provider", provider_id, "accrued"), provider_net),
    ]
    if debtor_id is not None:
        entries.append(("D", ledger.customer_receivable(debtor_id), on_account))
    if station_id is not None:
        entries += [
            ("D", ledger.STATION_COST, station_share),
            ("C", ledger.owed("station", station_id, "accrued"), station_share),
        ]
    return ledger.entries(*entries)


def commission_is_more(provider_id: UUID, net: Money, tax: Money) -> tuple[ledger.Entry, ...]:
    """The smaller order pays a higher rate: the provider owes *net* and *tax* more."""
    return ledger.entries(
        ("D", ledger.receivable("provider", provider_id), net + tax),
        ("C", ledger.COMMISSION, net),
        ("C", ledger.OUTPUT_VAT, tax),
    )
