"""Invoicing's unit of work in memory, with the same refusals as the real one, and the events that reach it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from services.invoicing.domain.collective_invoice import InvoiceTerms, UninvoicedOrder
from services.invoicing.domain.invoice import Contents, Invoice
from services.invoicing.domain.order import OrderCopy
from services.invoicing.domain.organisation import OrganisationCopy
from services.invoicing.domain.received_invoice import AlreadyRecorded, ReceivedInvoice
from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.domain.seller_invoice import SellerInvoice, SellerInvoiceKnown
from services.invoicing.domain.settlement import PartyKind, SettlementCopy
from services.invoicing.domain.tax_point import TaxPoint
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Event
from services.shared.messages.billing.revenue import RevenueRecognised
from services.shared.messages.billing.settlement import SettlementClosed
from services.shared.messages.identity.organisation import (
    BankAccount,
    Organisation,
    OrganisationKind,
    OrganisationRegistered,
)
from services.shared.messages.orders.order import OrderContracted, Terms
from services.shared.messages.orders.quotation import Amounts, Line

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

OPERATOR_ID = derived_id("organisation", "operator")
CUSTOMER_ID = derived_id("organisation", "customer")
OTHER_CUSTOMER_ID = derived_id("organisation", "other customer")
PROVIDER_ID = derived_id("organisation", "provider")
OTHER_PROVIDER_ID = derived_id("organisation", "other provider")
STATION_ID = derived_id("organisation", "station")
ORDER_ID = derived_id("order", "one")
SETTLEMENT_ID = derived_id("settlement", "one")
CONTRACT_ID = derived_id("contract", "one")

E = TypeVar("E", bound=Event)


def an_actor(organisation_id: UUID, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation_id=organisation_id, roles=frozenset(roles), member_id=new_id(), operator=operator)


REQUESTER = an_actor(CUSTOMER_ID, "requester")
CUSTOMER_FINANCE = an_actor(CUSTOMER_ID, "customer_finance")
PROVIDER_FINANCE = an_actor(PROVIDER_ID, "provider_finance")
TECHNICIAN = an_actor(PROVIDER_ID, "technician")
OTHER_PROVIDER_FINANCE = an_actor(OTHER_PROVIDER_ID, "provider_finance")
STATION_MANAGER = an_actor(STATION_ID, "station_manager")
FINANCE_OPERATOR = an_actor(OPERATOR_ID, "finance_operator", operator=True)
CATALOGUE_OPERATOR = an_actor(OPERATOR_ID, "catalogue_operator", operator=True)


def cny(amount_minor: int) -> Money:
    return Money(amount_minor, "CNY")


_NAMES: dict[str, tuple[str, str]] = {
    "operator": ("西部科仪共享（重庆）科技服务有限公司", "Western Instruments Sharing (Chongqing) Co., Ltd."),
    "customer": ("重庆海纳新材料股份有限公司", "Chongqing Haina New Materials Co., Ltd."),
    "provider": ("青城材料测试中心", "Qingcheng Materials Testing Centre"),
    "station": ("两江二级运营服务站", "Liangjiang Service Station"),
}


def an_organisation(kind: OrganisationKind, organisation_id: UUID, **changes: Any) -> Organisation:
    zh, en = _NAMES[kind]
    fields = {
        "organisation_id": organisation_id,
        "number": "ORG-2026-000001",
        "kind": kind,
        "legal_name": zh,
        "legal_name_en": en,
        "unified_social_credit_code": "91500103MA60ABCD7X",
        "address": "重庆市渝中区大坪正街19号",
        "mail": f"{kind}@example.org",
        "phone": "+86 23 6866 1200",
        "tax_profile": TaxProfile("general_6", can_issue_special=True),
        "bank_account": BankAccount(bank_name="招商银行重庆分行", account_name=zh, account_number="1239065188101010"),
        "verified": True,
        "registered_at": NOW,
    }
    return Organisation(**{**fields, **changes})


def registered(kind: OrganisationKind, organisation_id: UUID, **changes: Any) -> OrganisationRegistered:
    return OrganisationRegistered(
        organisation_id=organisation_id, organisation=an_organisation(kind, organisation_id, **changes)
    )


def a_line(number: int = 1, *, net: int = 100_000, quantity: int = 2, **changes: Any) -> Line:
    fields = {
        "line": number,
        "offering_id": derived_id("offering", number),
        "title_zh": "SEM–EDS 扫描电镜能谱面扫",
        "title_en": "SEM–EDS mapping",
        "unit": "sample",
        "quantity": quantity,
        "unit_price": cny(net // quantity),
        "includes_tax": False,
        "discount_bps": 0,
        "discount": cny(0),
        "net": cny(net),
        "tax": cny(share(net, 600)),
    }
    return Line(**{**fields, **changes})


def amounts(*lines: Line, rate_bps: int = 600) -> Amounts:
    net = sum(line.net.amount for line in lines)
    tax = sum(line.tax.amount for line in lines)
    return Amounts(discount=cny(0), net=cny(net), tax=cny(tax), gross=cny(net + tax), tax_rate_bps=rate_bps)


def terms(**changes: Any) -> Terms:
    fields = {
        "collection_model": "principal_own_account",
        "payment_method": "bank_transfer",
        "fee_bps": 1_000,
        "station_id": STATION_ID,
        "station_bps": 7_000,
        "provider_tax": TaxProfile("general_6", can_issue_special=True),
        "station_tax": TaxProfile("general_6", can_issue_special=True),
        "acceptance_days": 10,
        "hold_days": 7,
        "objection_days": 15,
        "commission_plan_id": derived_id("commission_plan", 1),
    }
    return Terms(**{**fields, **changes})


def contracted(
    order_id: UUID = ORDER_ID, *lines: Line, number: str = "OR-2026-000001", method: str = "bank_transfer", **more: Any
) -> OrderContracted:
    chosen = lines or (a_line(),)
    fields = {
        "order_id": order_id,
        "number": number,
        "customer_id": CUSTOMER_ID,
        "provider_id": PROVIDER_ID,
        "contract_id": CONTRACT_ID,
        "contract_number": "CT-2026-000001",
        "lines": chosen,
        "amounts": amounts(*chosen),
        "terms": terms(payment_method=method),
        "contracted_at": NOW,
    }
    return OrderContracted(**{**fields, **more})


def recognised(order: OrderContracted, accepted_at: datetime = NOW, **changes: Any) -> RevenueRecognised:
    """All of *order* was booked, nothing of it on credit; but for *changes*."""
    fields: dict[str, Any] = {
        "order_id": order.order_id,
        "order_number": order.number,
        "customer_id": order.customer_id,
        "net": order.amounts.net,
        "tax": order.amounts.tax,
        "tax_rate_bps": order.amounts.tax_rate_bps,
        "on_credit": cny(0),
        "net_days": order.terms.net_days,
        "accepted_at": accepted_at,
    } | changes
    return RevenueRecognised(**fields, gross=fields["net"] + fields["tax"])


def settlement_closed(
    *, net: int = 90_000, tax: int = 5_400, special: bool = True, kind: PartyKind = "provider",
    party_id: UUID = PROVIDER_ID, settlement_id: UUID = SETTLEMENT_ID, number: str = "ST-2026-000001",
) -> SettlementClosed:  # fmt: skip
    return SettlementClosed(
        settlement_id=settlement_id,
        number=number,
        party_kind=kind,
        party_id=party_id,
        net=cny(net),
        tax=cny(tax),
        gross=cny(net + tax),
        order_count=1,
        until=date(2026, 11, 30),
        closed_at=NOW,
        tax_rate_bps=600,
        special_invoice=special,
    )


class FakeInvoicing:
    """What a transaction would change is changed at once; `published` and `calls` hold what it would send."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.organisations = FakeOrganisations()
        self.orders = FakeOrders()
        self.settlements = FakeSettlements()
        self.seller_invoices = FakeSellerInvoices()
        self.tax_points = FakeTaxPoints()
        self.number_series = FakeNumberSeries()
        self.invoices = FakeInvoices()
        self.uninvoiced = FakeUninvoiced()
        self.invoices.uninvoiced = self.uninvoiced
        self.red_letters = FakeRedLetters()
        self.received_invoices = FakeReceivedInvoices()
        self.timers: dict[tuple[str, str], datetime] = {}

    def publish(self, event: Event) -> UUID:
        self.published.append(event)
        return new_id()

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        if all(known != key for _, known, _ in self.calls):
            self.calls.append((kind, key, dict(payload)))

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None:
        self.timers[kind, str(subject)] = due_at

    def events(self, kind: type[E]) -> list[E]:
        return [event for event in self.published if isinstance(event, kind)]


class FakeOrganisations:
    def __init__(self) -> None:
        self.rows: dict[UUID, OrganisationCopy] = {}

    def put(self, organisation: OrganisationCopy) -> None:
        self.rows[organisation.organisation_id] = organisation

    def parties(self, customer_id: UUID) -> tuple[OrganisationCopy | None, OrganisationCopy | None]:
        operator = next((each for each in self.rows.values() if each.kind == "operator"), None)
        return operator, self.rows.get(customer_id)


class FakeOrders:
    def __init__(self) -> None:
        self.rows: dict[UUID, OrderCopy] = {}

    def put(self, order: OrderCopy) -> None:
        self.rows[order.order_id] = order

    def find(self, order_id: UUID) -> OrderCopy | None:
        return self.rows.get(order_id)


class FakeSettlements:
    def __init__(self) -> None:
        self.rows: dict[str, SettlementCopy] = {}

    def add(self, settlement: SettlementCopy) -> None:
        self.rows.setdefault(settlement.number, settlement)

    def by_number(self, number: str) -> SettlementCopy | None:
        found = self.rows.get(number)
        return replace(found) if found is not None else None

    def save(self, settlement: SettlementCopy) -> None:
        self.rows[settlement.number] = settlement


class FakeSellerInvoices:
    def __init__(self) -> None:
        self.rows: dict[UUID, SellerInvoice] = {}

    def add(self, expected: SellerInvoice) -> None:
        self.rows.setdefault(expected.order_id, deepcopy(expected))

    def find(self, order_id: UUID) -> SellerInvoice | None:
        return deepcopy(self.rows.get(order_id))

    def save(self, found: SellerInvoice) -> None:
        for each in self.rows.values():
            same = (each.provider_id, each.number) == (found.provider_id, found.number)
            if found.number and same and each.order_id != found.order_id:
                raise SellerInvoiceKnown
        self.rows[found.order_id] = deepcopy(found)


class FakeTaxPoints:
    def __init__(self) -> None:
        self.rows: dict[UUID, TaxPoint] = {}

    def add(self, tax_point: TaxPoint) -> bool:
        if tax_point.tax_point_id in self.rows:
            return False
        self.rows[tax_point.tax_point_id] = tax_point
        return True


class FakeNumberSeries:
    def __init__(self) -> None:
        self.last: dict[tuple[str, int], int] = {}

    def take(self, series: str, year: int) -> int:
        self.last[series, year] = self.last.get((series, year), 0) + 1
        return self.last[series, year]


class FakeInvoices:
    def __init__(self) -> None:
        self.rows: dict[UUID, Invoice] = {}
        self.uninvoiced = FakeUninvoiced()

    def exists_for(self, order_id: UUID) -> bool:
        return order_id in self.uninvoiced.rows or any(each.order_id == order_id for each in self.rows.values())

    def add(self, invoice: Invoice) -> None:
        self.rows[invoice.invoice_id] = deepcopy(invoice)

    def get(self, invoice_id: UUID) -> Invoice:
        if invoice_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[invoice_id])

    def exists_for_refund(self, order_id: UUID, refund_id: UUID) -> bool:
        return any((each.order_id, each.refund_id) == (order_id, refund_id) for each in self.rows.values())

    def of_order(self, order_id: UUID) -> list[Invoice]:
        on = {self.uninvoiced.rows[order_id].invoice_id} if order_id in self.uninvoiced.rows else set()
        found = [each for each in self.rows.values() if each.order_id == order_id or each.invoice_id in on]
        return deepcopy(sorted(found, key=lambda each: each.number))

    def contents_of(self, invoice_id: UUID) -> Contents:
        return self.get(invoice_id).frozen

    def save(self, invoice: Invoice) -> None:
        self.rows[invoice.invoice_id] = deepcopy(invoice)
        self.rows[invoice.invoice_id].version += 1


class FakeUninvoiced:
    def __init__(self) -> None:
        self.terms: dict[UUID, InvoiceTerms] = {}
        self.rows: dict[UUID, UninvoicedOrder] = {}

    def put_terms(self, terms: InvoiceTerms) -> None:
        self.terms[terms.customer_id] = terms

    def terms_of(self, customer_id: UUID) -> InvoiceTerms | None:
        return self.terms.get(customer_id)

    def add(self, order: UninvoicedOrder) -> None:
        self.rows.setdefault(order.order_id, deepcopy(order))

    def find(self, order_id: UUID) -> UninvoicedOrder | None:
        return deepcopy(self.rows.get(order_id))

    def waiting(self, customer_id: UUID, month: str | None) -> list[UUID]:
        return sorted(
            each.order_id for each in self.rows.values()
            if each.customer_id == customer_id and each.invoice_id is None and (month is None or each.month <= month)
        )  # fmt: skip

    def save(self, order: UninvoicedOrder) -> None:
        self.rows[order.order_id] = deepcopy(order)


class FakeRedLetters:
    def __init__(self) -> None:
        self.rows: dict[UUID, RedLetter] = {}

    def exists_for(self, refund_id: UUID) -> bool:
        return any(each.refund_id == refund_id for each in self.rows.values())

    def add(self, red_letter: RedLetter) -> None:
        self.rows[red_letter.red_letter_id] = deepcopy(red_letter)

    def get(self, red_letter_id: UUID) -> RedLetter:
        if red_letter_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[red_letter_id])

    def waiting_for(self, invoice_id: UUID) -> list[RedLetter]:
        found = [each for each in self.rows.values() if each.invoice_id == invoice_id and each.state == "waiting"]
        return deepcopy(found)

    def save(self, red_letter: RedLetter) -> None:
        self.rows[red_letter.red_letter_id] = deepcopy(red_letter)
        self.rows[red_letter.red_letter_id].version += 1


class FakeReceivedInvoices:
    def __init__(self) -> None:
        self.rows: dict[tuple[UUID, str], ReceivedInvoice] = {}

    def add(self, invoice: ReceivedInvoice) -> None:
        if (held := self.rows.get((invoice.party_id, invoice.number))) and held.state != "rejected":
            raise AlreadyRecorded(number=invoice.number)
        self.rows[invoice.party_id, invoice.number] = deepcopy(invoice)
