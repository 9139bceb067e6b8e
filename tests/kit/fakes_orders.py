"""Orders' unit of work in memory, with the same refusals as the real one, and things to fill it with."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.orders.domain.analysis import Analysis
from services.orders.domain.collection_agreement import CollectionAgreement, CollectionAgreementExists
from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.domain.contract import Contract, Document
from services.orders.domain.credit import CreditLineCopy
from services.orders.domain.dispute import Dispute
from services.orders.domain.offering import OfferingCopy, Price, VolumeDiscount
from services.orders.domain.order import Order, OrderState, Terms
from services.orders.domain.organisation import DEFAULT_COMPANY_RATE_BPS, OrganisationCopy
from services.orders.domain.policy import Policy
from services.orders.domain.pricing import LineAsked, priced
from services.orders.domain.provider import ProviderCopy
from services.orders.domain.quotation import Quotation
from services.orders.domain.quotation_request import QuotationRequest
from services.orders.domain.report import Report
from services.orders.domain.sample import Sample, to_expect
from services.orders.domain.shipment import Shipment
from services.orders.use_cases import shapes
from services.orders.use_cases.ports import Hanging, Shelf
from services.shared.kernel.actor import Actor, Relation, Role
from services.shared.kernel.collection import CollectionReason
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Event
from services.shared.messages.orders.order import OrderView

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

CUSTOMER_ID = derived_id("organisation", "customer")
OTHER_CUSTOMER_ID = derived_id("organisation", "other customer")
PROVIDER_ID = derived_id("organisation", "provider")
OTHER_PROVIDER_ID = derived_id("organisation", "other provider")
STATION_ID = derived_id("organisation", "station")
OPERATOR_ID = derived_id("organisation", "operator")
OFFERING_ID = derived_id("offering", "sem")

SPECIAL_6 = TaxProfile("general_6", can_issue_special=True)
AS_AGENT = CollectionReason(
    "provider", named_performer=True, price_discretion="provider", text="The provider sets the price and performs."
)
SHA256 = {"contract": "aa" * 32, "order_sheet": "bb" * 32}


def an_actor(organisation_id: UUID, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation_id=organisation_id, roles=frozenset(roles), member_id=new_id(), operator=operator)


REQUESTER = an_actor(CUSTOMER_ID, "requester")
CUSTOMER_FINANCE = an_actor(CUSTOMER_ID, "customer_finance")
OTHER_REQUESTER = an_actor(OTHER_CUSTOMER_ID, "requester")
LAB_MANAGER = an_actor(PROVIDER_ID, "lab_manager")
TECHNICIAN = an_actor(PROVIDER_ID, "technician")
OTHER_LAB_MANAGER = an_actor(OTHER_PROVIDER_ID, "lab_manager")
STATION_MANAGER = an_actor(STATION_ID, "station_manager")
CONTRACT_OPERATOR = an_actor(OPERATOR_ID, "contract_operator", operator=True)


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def an_organisation(organisation_id: UUID = CUSTOMER_ID, kind: str = "customer", **changes: Any) -> OrganisationCopy:
    organisation = OrganisationCopy(
        organisation_id=organisation_id,
        kind=kind,
        legal_name=f"青城{kind}有限公司",
        legal_name_en=f"Qingcheng {kind} Ltd",
        credit_code="91150100MA0N0000XX",
        address="呼和浩特市大学西街 235 号",
        mail=f"{kind}@example.test",
        phone="0471-4990000",
        tax_profile=SPECIAL_6,
        bank_name="中国工商银行",
        bank_account="0602001009014400000",
        registered_at=NOW - timedelta(days=100),
    )
    return replace(organisation, **changes)


def a_provider(provider_id: UUID = PROVIDER_ID, *, sells: bool = True) -> ProviderCopy:
    return ProviderCopy(provider_id, "青城材料测试中心", "Qingcheng Materials Testing Centre", sells)


def a_price(amount: int = 120_000, **changes: Any) -> Price:
    return replace(Price(valid_from=NOW - timedelta(days=1), unit_price=cny(amount)), **changes)


def an_offering(offering_id: UUID = OFFERING_ID, **changes: Any) -> OfferingCopy:
    offering = OfferingCopy(
        offering_id=offering_id,
        number="OF-2026-000001",
        provider_id=PROVIDER_ID,
        title_zh="扫描电镜形貌观察",
        title_en="Scanning electron microscopy",
        method_zh="微束分析 扫描电镜",
        method_en="Microbeam analysis, SEM",
        method_codes=("GB/T 16594-2008",),
        unit="sample",
        turnaround_days=7,
        orderable=True,
        published=True,
        prices=(a_price(volume_discounts=(VolumeDiscount(3, 1_200), VolumeDiscount(10, 2_000))),),
    )
    return replace(offering, **changes)


def a_plan(**changes: Any) -> CommissionPlanCopy:
    plan = CommissionPlanCopy(
        derived_id("plan", "first"), NOW - timedelta(days=50), fee_bps=1_000, station_bps=7_000
    )  # fmt: skip
    return replace(plan, **changes)


def a_referral(**changes: Any) -> ReferralCopy:
    referral = ReferralCopy(
        derived_id("referral", 1), CUSTOMER_ID, STATION_ID, NOW - timedelta(days=10), NOW + timedelta(days=300)
    )
    return replace(referral, **changes)


def some_terms(**changes: Any) -> Terms:
    terms = Terms(
        collection_model="principal_own_account",
        payment_method="card",
        fee_bps=1_000,
        station_id=None,
        station_bps=0,
        provider_tax=SPECIAL_6,
        station_tax=None,
        acceptance_days=10,
        hold_days=7,
        objection_days=15,
        commission_plan_id=derived_id("plan", "first"),
    )
    return replace(terms, **changes)


def a_line_asked(amount: int = 120_000, quantity: int = 1, **changes: Any) -> LineAsked:
    asked = LineAsked(
        offering_id=OFFERING_ID,
        title_zh="扫描电镜形貌观察",
        title_en="Scanning electron microscopy",
        unit="sample",
        quantity=quantity,
        unit_price=cny(amount),
    )
    return replace(asked, **changes)


def an_order(state: OrderState = "placed", **changes: Any) -> Order:
    """TV14: three at 1,200.00 less 12 %; gross 3,358.08. From *contracted* on with terms."""
    lines, amounts = priced([a_line_asked(quantity=3, discount_bps=1_200)], 600)
    order = Order(
        order_id=new_id(),
        number="",
        state=state,
        customer_id=CUSTOMER_ID,
        provider_id=PROVIDER_ID,
        lines=lines,
        amounts=amounts,
        payment_method="card",
        turnaround_days=7,
        placed_at=NOW,
        terms=some_terms() if state not in {"placed", "cancelled"} else None,
        delivered_at=NOW if state in {"delivered", "accepted", "closed"} else None,
        accept_by=NOW + timedelta(days=10) if state == "delivered" else None,
    )
    return replace(order, **changes)


T = TypeVar("T")


@dataclass
class FakeOrganisations:
    rows: dict[UUID, OrganisationCopy] = field(default_factory=dict)

    def put(self, organisation: OrganisationCopy) -> None:
        self.rows[organisation.organisation_id] = organisation

    def find(self, organisation_ids: Sequence[UUID]) -> dict[UUID, OrganisationCopy]:
        return {each: self.rows[each] for each in organisation_ids if each in self.rows}

    def company_rate_bps(self) -> int:
        companies = [each for each in self.rows.values() if each.kind == "operator"]
        return companies[0].tax_profile.rate_bps if companies else DEFAULT_COMPANY_RATE_BPS


@dataclass
class FakeProviders:
    rows: dict[UUID, ProviderCopy] = field(default_factory=dict)

    def put(self, provider: ProviderCopy) -> None:
        self.rows[provider.provider_id] = provider

    def find(self, provider_ids: Sequence[UUID]) -> dict[UUID, ProviderCopy]:
        return {each: self.rows[each] for each in provider_ids if each in self.rows}


@dataclass
class FakeCollectionAgreements:
    rows: dict[UUID, CollectionAgreement] = field(default_factory=dict)

    def add(self, agreement: CollectionAgreement) -> None:
        if any(
            each.state != "withdrawn"
            and (each.provider_id, each.valid_from) == (agreement.provider_id, agreement.valid_from)
            for each in self.rows.values()
        ):
            raise CollectionAgreementExists
        self.save(agreement)

    def get(self, collection_agreement_id: UUID) -> CollectionAgreement:
        return _found(self.rows, collection_agreement_id)

    def save(self, agreement: CollectionAgreement) -> None:
        self.rows[agreement.collection_agreement_id] = deepcopy(agreement)

    def of_provider(self, provider_id: UUID) -> list[CollectionAgreement]:
        return [
            deepcopy(each)
            for each in self.rows.values()
            if each.provider_id == provider_id and each.state == "approved"
        ]


@dataclass
class FakeOfferings:
    providers: FakeProviders
    organisations: FakeOrganisations
    agreements: FakeCollectionAgreements
    rows: dict[UUID, OfferingCopy] = field(default_factory=dict)

    def put(self, offering: OfferingCopy) -> None:
        self.rows[offering.offering_id] = offering

    def shelf(self, offering_ids: Sequence[UUID]) -> Shelf:
        found = {}
        for each in offering_ids:
            if each in self.rows:
                provider = self.providers.rows.get(self.rows[each].provider_id)
                found[each] = replace(self.rows[each], provider_sells=provider.sells if provider else None)
        agreed = [
            each
            for provider_id in sorted({offering.provider_id for offering in found.values()})
            for each in self.agreements.of_provider(provider_id)
        ]
        return Shelf(found, self.organisations.company_rate_bps(), agreed)


@dataclass
class FakeCommission:
    plans: list[CommissionPlanCopy] = field(default_factory=list)
    referrals: list[ReferralCopy] = field(default_factory=list)
    volumes: dict[tuple[datetime, UUID, str], int] = field(default_factory=dict)

    def put_plan(self, plan: CommissionPlanCopy) -> None:
        self.plans.append(plan)

    def put_referral(self, referral: ReferralCopy) -> None:
        self.referrals.append(referral)

    def plans_for(self, provider_id: UUID) -> list[CommissionPlanCopy]:
        return [plan for plan in self.plans if plan.provider_id in {None, provider_id}]

    def volume_since(self, since: datetime, provider_id: UUID, currency: str) -> int:
        return self.volumes.get((since, provider_id, currency), 0)

    def end_referral(self, referral_id: UUID, protected_until: datetime) -> None:
        self.referrals = [
            replace(each, protected_until=protected_until) if each.referral_id == referral_id else each
            for each in self.referrals
        ]

    def referral_for(self, customer_id: UUID, placed_at: datetime) -> ReferralCopy | None:
        fitting = [
            each
            for each in self.referrals
            if each.customer_id == customer_id and each.protected_from <= placed_at < each.protected_until
        ]
        return min(fitting, key=lambda each: each.protected_from) if fitting else None


@dataclass
class FakeCreditLines:
    held: dict[tuple[UUID, str], CreditLineCopy] = field(default_factory=dict)

    def put(self, line: CreditLineCopy) -> None:
        self.held[line.customer_id, line.currency] = line

    def suspend(self, credit_line_id: UUID) -> None:
        self.held = {
            key: replace(line, active=False) if line.credit_line_id == credit_line_id else line
            for key, line in self.held.items()
        }

    def find(self, customer_id: UUID, currency: str) -> CreditLineCopy | None:
        return self.held.get((customer_id, currency))


@dataclass
class FakeQuotationRequests:
    orders: "FakeOrdersService"
    rows: dict[UUID, QuotationRequest] = field(default_factory=dict)

    def add(self, request: QuotationRequest) -> None:
        request.number = f"QR-2026-{len(self.rows) + 1:06d}"
        self.save(request)

    def get(self, quotation_request_id: UUID) -> QuotationRequest:
        return _found(self.rows, quotation_request_id)

    def of_quotation(self, quotation_id: UUID) -> QuotationRequest:
        return self.get(_found(self.orders.quotations.rows, quotation_id).quotation_request_id)

    def save(self, request: QuotationRequest) -> None:
        self.rows[request.quotation_request_id] = deepcopy(request)


@dataclass
class FakeQuotations:
    rows: dict[UUID, Quotation] = field(default_factory=dict)

    def add(self, quotation: Quotation) -> None:
        quotation.number = f"QT-2026-{len(self.rows) + 1:06d}"
        self.save(quotation)

    def of_request(self, quotation_request_id: UUID) -> list[Quotation]:
        return [deepcopy(each) for each in self.rows.values() if each.quotation_request_id == quotation_request_id]

    def save(self, quotation: Quotation) -> None:
        self.rows[quotation.quotation_id] = deepcopy(quotation)


@dataclass
class FakeOrders:
    orders: "FakeOrdersService"
    rows: dict[UUID, Order] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def place(self, order: Order, contract_id: UUID) -> None:
        order.number = f"OR-2026-{len(self.rows) + 1:06d}"
        self.orders.contracts.save(Contract(contract_id, f"HT{order.number[2:]}", order.order_id))
        self.orders.samples.save(
            [
                Sample(new_id(), order.order_id, position, f"SP{order.number[2:]}-{position:03d}", **vars(declared))
                for position, declared in enumerate(to_expect(order.samples_declared), start=1)
            ]
        )
        self.save(order)

    def get(self, order_id: UUID) -> Order:
        return _found(self.rows, order_id)

    def of(self, noun: Hanging, thing_id: UUID) -> Order:
        rows: dict[Hanging, Mapping[UUID, Any]] = {
            "contract": self.orders.contracts.rows,
            "sample": self.orders.samples.rows,
            "analysis": self.orders.analyses.rows,
            "report": self.orders.reports.rows,
            "dispute": self.orders.disputes.rows,
        }
        return self.get(_found(rows[noun], thing_id).order_id)

    def save(self, order: Order) -> None:
        self.history += [step.what for step in order.steps]
        order.steps.clear()
        self.rows[order.order_id] = deepcopy(order)


@dataclass
class FakeContracts:
    rows: dict[UUID, Contract] = field(default_factory=dict)

    def of_order(self, order_id: UUID) -> Contract:
        (found,) = (each for each in self.rows.values() if each.order_id == order_id)
        return deepcopy(found)

    def save(self, contract: Contract) -> None:
        self.rows[contract.contract_id] = deepcopy(contract)


@dataclass
class FakeSamples:
    rows: dict[UUID, Sample] = field(default_factory=dict)

    def of_order(self, order_id: UUID) -> list[Sample]:
        return sorted(_of_order(self.rows, order_id), key=lambda sample: sample.position)

    def save(self, samples: Sequence[Sample]) -> None:
        self.rows.update({sample.sample_id: deepcopy(sample) for sample in samples})


@dataclass
class FakeShipments:
    rows: dict[UUID, Shipment] = field(default_factory=dict)
    numbers: int = 0

    def reserve_number(self, now: datetime) -> str:
        self.numbers += 1
        return f"SH-{now.year}-{self.numbers:06d}"

    def add(self, shipment: Shipment) -> None:
        shipment.number = shipment.number or self.reserve_number(shipment.dispatched_at)
        self.save(shipment)

    def of_order(self, order_id: UUID) -> list[Shipment]:
        return _of_order(self.rows, order_id)

    def save(self, shipment: Shipment) -> None:
        self.rows[shipment.shipment_id] = deepcopy(shipment)


@dataclass
class FakeAnalyses:
    rows: dict[UUID, Analysis] = field(default_factory=dict)

    def of_order(self, order_id: UUID) -> list[Analysis]:
        return _of_order(self.rows, order_id)

    def save(self, analysis: Analysis) -> None:
        self.rows[analysis.analysis_id] = deepcopy(analysis)


@dataclass
class FakeReports:
    rows: dict[UUID, Report] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        report.number = f"RP-2026-{len(self.rows) + 1:06d}"
        self.save(report)

    def of_order(self, order_id: UUID) -> list[Report]:
        return _of_order(self.rows, order_id)

    def save(self, report: Report) -> None:
        self.rows[report.report_id] = deepcopy(report)


@dataclass
class FakeDisputes:
    rows: dict[UUID, Dispute] = field(default_factory=dict)

    def add(self, dispute: Dispute) -> None:
        dispute.number = f"DP-2026-{len(self.rows) + 1:06d}"
        self.save(dispute)

    def get(self, dispute_id: UUID) -> Dispute:
        return deepcopy(_found(self.rows, dispute_id))

    def open_of(self, order_id: UUID) -> Dispute | None:
        return next((each for each in _of_order(self.rows, order_id) if each.closed_at is None), None)

    def save(self, dispute: Dispute) -> None:
        self.rows[dispute.dispute_id] = deepcopy(dispute)


class FakeFiles:
    def upload_url(self, key: str) -> str:
        return f"https://store.example.test/{key}"


def _found(rows: Mapping[UUID, T], key: UUID) -> T:
    if key not in rows:
        raise NotFound
    return deepcopy(rows[key])


def _of_order(rows: Mapping[UUID, Any], order_id: UUID) -> list[Any]:
    return [deepcopy(each) for each in rows.values() if each.order_id == order_id]


class FakeOrdersService:
    """
    A unit of work whose transactions all succeed.

    Attributes:
        events: What was published, in order.
        asked: Outside calls by key: kind and payload.
        timers: (kind, subject) → when.
    """

    def __init__(self, *things: OrganisationCopy | ProviderCopy | OfferingCopy | Order) -> None:
        self.organisations = FakeOrganisations()
        self.providers = FakeProviders()
        self.collection_agreements = FakeCollectionAgreements()
        self.offerings = FakeOfferings(self.providers, self.organisations, self.collection_agreements)
        self.commission = FakeCommission()
        self.credit_lines = FakeCreditLines()
        self.quotation_requests = FakeQuotationRequests(self)
        self.quotations = FakeQuotations()
        self.orders = FakeOrders(self)
        self.contracts = FakeContracts()
        self.samples = FakeSamples()
        self.shipments = FakeShipments()
        self.analyses = FakeAnalyses()
        self.reports = FakeReports()
        self.disputes = FakeDisputes()
        self.files = FakeFiles()
        self.policy = Policy()
        self.events: list[Event] = []
        self.asked: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.timers: dict[tuple[str, str], datetime] = {}
        for thing in things:
            if isinstance(thing, OrganisationCopy):
                self.organisations.put(thing)
            elif isinstance(thing, ProviderCopy):
                self.providers.put(thing)
            elif isinstance(thing, OfferingCopy):
                self.offerings.put(thing)
            else:
                self.put_order(thing)

    def put_order(self, order: Order) -> None:
        """As if it had been placed; from *contracted* on its contract is signed."""
        self.orders.place(order, new_id())
        contract = self.contracts.of_order(order.order_id)
        if order.state == "cancelled":
            contract.state = "terminated"
        elif order.state != "placed":
            contract.state = "signed"
        self.contracts.save(contract)

    def put_papers(self, order: Order) -> Contract:
        """The contract of *order* with its papers, ready to be signed."""
        contract = self.contracts.of_order(order.order_id)
        contract.offer(
            (
                Document("contract", "orders/c.pdf", SHA256["contract"], 1),
                Document("order_sheet", "orders/o.pdf", SHA256["order_sheet"], 1),
            )
        )
        self.contracts.save(contract)
        return contract

    @property
    def told(self) -> list[str]:
        """Wire names of what was published."""
        return [event.wire_name for event in self.events]

    def order_view(self, order_id: UUID, seen_as: Relation) -> OrderView:
        order = self.orders.get(order_id)
        return OrderView(
            **shapes.named(order),
            state=order.state,
            seen_as=seen_as,
            customer_name="",
            provider_name="",
            station_id=order.station_id,
            quotation_id=order.quotation_id,
            lines=shapes.lines(order.lines),
            amounts=shapes.amounts(order.amounts),
            terms=None,
            payment_method=order.payment_method,
            samples_declared=shapes.described(order.samples_declared),
            turnaround_days=order.turnaround_days,
            placed_at=order.placed_at,
            contracted_at=None,
            released_at=None,
            delivered_at=None,
            accepted_at=None,
            accept_by=None,
            blocked_by=(),
            contract=None,
            shipments=(),
            samples=(),
            reports=(),
            timeline=(),
        )

    def publish(self, event: Event) -> UUID:
        self.events.append(event)
        return new_id()

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        self.asked.setdefault(key, (kind, payload))

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None:
        self.timers[kind, str(subject)] = due_at

    def cancel_timer(self, kind: str, subject: object) -> None:
        self.timers.pop((kind, str(subject)), None)


def a_shop(*more: OrganisationCopy | ProviderCopy | OfferingCopy | Order) -> FakeOrdersService:
    """Customer, provider with an offering, company, and a commission plan in force."""
    shop = FakeOrdersService(
        an_organisation(),
        an_organisation(PROVIDER_ID, "provider"),
        an_organisation(OPERATOR_ID, "operator"),
        a_provider(),
        an_offering(),
        *more,
    )
    shop.commission.put_plan(a_plan())
    return shop
