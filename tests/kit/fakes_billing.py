"""Billing's unit of work in memory, with the same refusals as the real one, and things to fill it with."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.adjustment import Adjustment
from services.billing.domain.bank_csv import CsvMapExists, DeclaredMap
from services.billing.domain.bank_line import BankFile, BankLine, KnownLines, Placed
from services.billing.domain.bank_order import BankOrder
from services.billing.domain.chargeback import Chargeback
from services.billing.domain.checkout import Checkout
from services.billing.domain.clawback import Clawback
from services.billing.domain.commission import Split
from services.billing.domain.commission_debt import CommissionDebt
from services.billing.domain.commission_plan import CommissionPlan
from services.billing.domain.credit import Credit, CreditLine, Exposure
from services.billing.domain.credit_payback import CreditPayback
from services.billing.domain.income_allocation import IncomeAllocation
from services.billing.domain.input_vat import FeeMonth, InputVat
from services.billing.domain.invoice import InvoiceCopy
from services.billing.domain.ledger import (
    AccountOverdrawn,
    BookedOtherwise,
    Entry,
    Transaction,
    check_balanced,
    min_balance,
)
from services.billing.domain.ledger_block import Block, Recorded, seal
from services.billing.domain.order import Accrual, OrderCopy
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payer_agreement import Payer, PayerAgreement, one_account, one_form
from services.billing.domain.payment import (
    BalanceTransaction,
    CardFacts,
    Instructions,
    Payment,
    payments_by_reference,
    receipt,
)
from services.billing.domain.payout import Payout
from services.billing.domain.payout_channel import PayoutChannel, PayoutChannelProposed
from services.billing.domain.period import ClosedPeriod, Period
from services.billing.domain.receivable import Receivable
from services.billing.domain.referral import AlreadyClaimed, Referral
from services.billing.domain.refund import Refund
from services.billing.domain.refund_account import Sender
from services.billing.domain.settlement import PayoutExists, Settlement
from services.billing.domain.small_enterprise import SmallEnterprise
from services.billing.domain.stripe_payout import StripePayout
from services.billing.use_cases.ports import UnhandledEvent, VerifiedEvent
from services.billing.use_cases.stripe_event import SWEEPS_MAX
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.errors import NotFound
from services.shared.kernel.fee import Scope
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.base import Event
from services.shared.messages.orders.order import OrderAccepted, OrderCancelled, OrderContracted, OrderPlaced
from tests.kit.fakes_channel import FakeChannelOrders, FakeDirectMovements, FakeSplitOrders
from tests.kit.fakes_funding import FakeFundings
from tests.kit.fakes_reconciliation import FakeReconciliations
from tests.kit.fakes_voucher import (
    FakeClaims,
    FakeEvidence,
    FakeOfferings,
    FakePlacedOrders,
    FakeProgrammes,
    FakeRelations,
    FakeSubsidies,
    FakeVouchers,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

CUSTOMER_ID = derived_id("organisation", "customer")
PROVIDER_ID = derived_id("organisation", "provider")
STATION_ID = derived_id("organisation", "station")
OTHER_STATION_ID = derived_id("organisation", "other station")
OPERATOR_ID = derived_id("organisation", "operator")
ORDER_ID = derived_id("order", "one")

OWN_ACCOUNT = "6222000000000000001"
INSTRUCTIONS = Instructions("示例科学仪器服务有限公司", OWN_ACCOUNT, "示例银行")
COOLING_OFF = timedelta(days=3)
GENERAL_6 = TaxProfile("general_6", can_issue_special=True)

E = TypeVar("E", bound=Event)


def an_actor(organisation_id: UUID, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation_id=organisation_id, roles=frozenset(roles), member_id=new_id(), operator=operator)


FINANCE = an_actor(OPERATOR_ID, "finance_operator", operator=True)
OTHER_FINANCE = an_actor(OPERATOR_ID, "finance_operator", operator=True)
DISPUTE_OPERATOR = an_actor(OPERATOR_ID, "dispute_operator", operator=True)
STATION_MANAGER = an_actor(STATION_ID, "station_manager")
OTHER_STATION_MANAGER = an_actor(OTHER_STATION_ID, "station_manager")
PROVIDER_FINANCE = an_actor(PROVIDER_ID, "provider_finance")
REQUESTER = an_actor(CUSTOMER_ID, "requester")


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def an_organisation(organisation_id: UUID = PROVIDER_ID, **changes: Any) -> OrganisationCopy:
    kinds = {PROVIDER_ID: "provider", STATION_ID: "station", OTHER_STATION_ID: "station", CUSTOMER_ID: "customer"}
    kinds[derived_id("organisation", "authority")] = "authority"
    organisation = OrganisationCopy(
        organisation_id=organisation_id,
        kind=kinds.get(organisation_id, "customer"),
        legal_name="青城材料测试中心",
        unified_social_credit_code=str(organisation_id)[:18],
        address="青城山路1号",
        bank_name="中国银行青城支行",
        account_name="青城材料测试中心",
        account_number="6217000000008810",
        verified=True,
    )
    return replace(organisation, **changes)


def terms(*, method: str = "card", station: bool = True, **changes: Any) -> dict[str, Any]:
    """As on the contract of TV01."""
    return {
        "collection_model": "principal_own_account",
        "payment_method": method,
        "fee_bps": 1_000,
        "station_id": STATION_ID if station else None,
        "station_bps": 7_000 if station else 0,
        "provider_tax": GENERAL_6,
        "station_tax": GENERAL_6 if station else None,
        "acceptance_days": 7,
        "hold_days": 7,
        "objection_days": 15,
        "commission_plan_id": derived_id("commission_plan", "one"),
        **changes,
    }


def amounts(net: int = 100_000, tax: int = 6_000) -> dict[str, Any]:
    return {
        "discount": cny(0),
        "net": cny(net),
        "tax": cny(tax),
        "gross": cny(net + tax),
        "tax_rate_bps": 600,
    }


def order_placed(
    order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", *, money: Mapping[str, Any] | None = None,
    lines: Sequence[Mapping[str, Any]] = (), **changes: Any,
) -> OrderPlaced:  # fmt: skip
    return OrderPlaced.model_validate(
        {
            "order_id": order_id,
            "number": number,
            "customer_id": CUSTOMER_ID,
            "provider_id": PROVIDER_ID,
            "quotation_id": None,
            "lines": tuple(lines),
            "amounts": money or amounts(),
            "payment_method": "card",
            "placed_at": NOW,
            **changes,
        }
    )


def order_cancelled(order_id: UUID = ORDER_ID, number: str = "OR-2026-000123") -> OrderCancelled:
    return OrderCancelled(
        order_id=order_id, number=number, customer_id=CUSTOMER_ID, provider_id=PROVIDER_ID, reason="changed plans"
    )


def order_contracted(
    order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", *, money: Mapping[str, Any] | None = None, **term: Any
) -> OrderContracted:
    return OrderContracted.model_validate(
        {
            "order_id": order_id,
            "number": number,
            "customer_id": CUSTOMER_ID,
            "provider_id": PROVIDER_ID,
            "contract_id": derived_id("contract", order_id),
            "contract_number": "CT-2026-000123",
            "lines": (),
            "amounts": money or amounts(),
            "terms": terms(**term),
            "contracted_at": NOW,
        }
    )


def order_accepted(
    order_id: UUID = ORDER_ID,
    number: str = "OR-2026-000123",
    *,
    money: Mapping[str, Any] | None = None,
    at: datetime = NOW,
    **term: Any,
) -> OrderAccepted:
    return OrderAccepted.model_validate(
        {
            "order_id": order_id,
            "number": number,
            "customer_id": CUSTOMER_ID,
            "provider_id": PROVIDER_ID,
            "contract_number": "CT-2026-000123",
            "amounts": money or amounts(),
            "terms": terms(**term),
            "accepted_by": "customer",
            "accepted_at": at,
        }
    )


def receipt_card(order_id: UUID, amount: Money) -> tuple[Entry, ...]:
    """A card paid *amount* of what an order waited for."""
    return receipt(ledger.PSP, ledger.contract(order_id), CUSTOMER_ID, amount, cny(0))


def receipt_bank(order_id: UUID, customer_id: UUID, to_order: Money, surplus: Money) -> tuple[Entry, ...]:
    """A transfer came in, too much."""
    return receipt(ledger.BANK, ledger.contract(order_id), customer_id, to_order, surplus)


def card_facts(**changes: Any) -> CardFacts:
    """A payment intent that was paid by TV01's customer."""
    facts = CardFacts(
        intent_id="pi_1",
        client_secret="pi_1_secret",
        status="succeeded",
        received=cny(106_000),
        charge_id="ch_1",
        balance=BalanceTransaction("txn_1", "CNY", 600, 36),
        failure="",
    )
    return replace(facts, **changes)


def statement(*lines: tuple[str, str, str, str], currency: str = "CNY", payer: str = "青城材料测试中心") -> str:
    """A bank's CSV of (serial number, direction, amount in major units, remittance), paid by TV01's customer."""
    rows = ["serial_number,booked_at,direction,amount,currency,counterparty,remittance"]
    rows += [
        f'{serial},2026-11-23T16:00:00+08:00,{direction},{amount},{currency},{payer},"{text}"'
        for serial, direction, amount, text in lines
    ]
    return "\n".join(rows)


class FakeOrganisations:
    def __init__(self) -> None:
        self.held: dict[UUID, OrganisationCopy] = {}

    def put(self, organisation: OrganisationCopy) -> None:
        self.held[organisation.organisation_id] = organisation

    def find(self, organisation_id: UUID, *, lock: bool = False) -> OrganisationCopy | None:
        del lock
        return self.held.get(organisation_id)

    def find_all(self, organisation_ids: Iterable[UUID]) -> Mapping[UUID, OrganisationCopy]:
        return {each: self.held[each] for each in organisation_ids if each in self.held}


class FakeOrders:
    def __init__(self, refunds: "FakeRefunds") -> None:
        self.refunds = refunds
        self.held: dict[UUID, OrderCopy] = {}
        self.accruals: dict[str, Accrual] = {}

    def add(self, order: OrderCopy) -> bool:
        known = len(self.held)
        self.held.setdefault(order.order_id, deepcopy(order))
        return len(self.held) > known

    def find(self, order_id: UUID) -> OrderCopy | None:
        return deepcopy(self.held.get(order_id))

    def get(self, order_id: UUID) -> OrderCopy:
        order = self.find(order_id)
        if order is None:
            raise NotFound
        return order

    def of_refund(self, refund_id: UUID) -> OrderCopy:
        return self.get(self.refunds.get(refund_id).order_id)

    def keep_left(self, order: OrderCopy) -> None:
        self.held[order.order_id].remaining = order.remaining

    def accept(self, order_id: UUID, accepted_at: datetime, parts: Split, accruals: Sequence[Accrual]) -> None:
        self.held[order_id].accepted_at = accepted_at
        self.held[order_id].split = parts
        for accrual in accruals:
            self.accruals.setdefault(accrual.key, accrual)


class FakeAccruals:
    def __init__(self, orders: FakeOrders) -> None:
        self.orders = orders
        self.holds: dict[UUID, set[str]] = {}

    def of_order(self, order_id: UUID) -> Sequence[Accrual]:
        found = [each for each in self.orders.accruals.values() if each.order_id == order_id]
        return sorted(found, key=lambda each: (each.accepted_at, each.accrual_id))

    def add(self, accrual: Accrual) -> None:
        if accrual.key in self.orders.accruals:
            raise AssertionError(f"{accrual.key} is corrected twice")
        self.orders.accruals[accrual.key] = accrual

    def hold(self, order_id: UUID, reason: str, since: datetime) -> None:
        del since
        self.holds.setdefault(order_id, set()).add(reason)

    def unhold(self, order_id: UUID, reason: str) -> None:
        self.holds.get(order_id, set()).discard(reason)

    def held_on(self, settlement_id: UUID) -> str | None:
        numbers = [each.order_number for each in self.lines(settlement_id) if self.holds.get(each.order_id)]
        return min(numbers, default=None)

    def orders_on(self, settlement_id: UUID) -> Sequence[UUID]:
        return sorted({each.order_id for each in self.lines(settlement_id)})

    def lines(self, settlement_id: UUID) -> Sequence[Accrual]:
        found = [each for each in self.orders.accruals.values() if each.settlement_id == settlement_id]
        return sorted(found, key=lambda each: (each.accepted_at, each.kind))


class FakeCommissionDebts:
    """None: when they are due and reminded of is tested on the real database."""

    def open(self, key: str, due_on: date) -> CommissionDebt | None:
        del key, due_on
        return None

    def find(self, clawback_id: UUID) -> CommissionDebt | None:
        del clawback_id
        return None

    def save(self, debt: CommissionDebt) -> None:
        raise NotImplementedError


class FakeClawbacks:
    def __init__(self) -> None:
        self.kept: dict[UUID, Clawback] = {}

    def add(self, clawback: Clawback) -> None:
        if any(each.key == clawback.key for each in self.kept.values()):
            raise AssertionError(f"{clawback.key} is clawed back twice")
        self.kept[clawback.clawback_id] = deepcopy(clawback)

    def of_key(self, key: str) -> Clawback | None:
        return next((deepcopy(each) for each in self.kept.values() if each.key == key), None)

    def open_of(self, party_id: UUID, currency: str) -> Sequence[Clawback]:
        found = [
            deepcopy(each)
            for each in self.kept.values()
            if each.party_id == party_id and each.currency == currency and each.left
        ]
        return sorted(found, key=lambda each: (each.opened_at, each.clawback_id))

    def of_orders(self, order_numbers: Collection[str]) -> Sequence[Clawback]:
        return [deepcopy(each) for each in self.kept.values() if each.order_number in order_numbers]

    def save(self, clawback: Clawback) -> None:
        self.kept[clawback.clawback_id] = deepcopy(clawback)


class FakePlans:
    def __init__(self) -> None:
        self.held: list[CommissionPlan] = []

    def of_scope(self, scope: Scope) -> Sequence[CommissionPlan]:
        return [each for each in self.held if each.scope == scope]

    def for_provider(self, provider_id: UUID | None) -> Sequence[CommissionPlan]:
        return [each for each in self.held if each.scope.provider_id in {None, provider_id}]

    def get(self, commission_plan_id: UUID) -> CommissionPlan:
        for each in self.held:
            if each.commission_plan_id == commission_plan_id:
                return each
        raise NotFound

    def add(self, plan: CommissionPlan) -> None:
        self.held.append(plan)


class FakeReferrals:
    def __init__(self) -> None:
        self.held: dict[UUID, Referral] = {}

    def add(self, referral: Referral) -> None:
        pair = (referral.station_id, referral.customer_id)
        if any(each.state == "claimed" and (each.station_id, each.customer_id) == pair for each in self.held.values()):
            raise AlreadyClaimed
        self.held[referral.referral_id] = deepcopy(referral)

    def get(self, referral_id: UUID) -> Referral:
        if referral_id not in self.held:
            raise NotFound
        return deepcopy(self.held[referral_id])

    def of_customer(self, customer_id: UUID) -> Sequence[Referral]:
        found = [deepcopy(each) for each in self.held.values() if each.customer_id == customer_id]
        return sorted(found, key=lambda each: each.claimed_at)

    def save(self, referral: Referral) -> None:
        self.held[referral.referral_id] = deepcopy(referral)


class FakePayments:
    def __init__(self) -> None:
        self.held: dict[UUID, Payment] = {}

    def add(self, payment: Payment) -> bool:
        if payment.payment_id in self.held:
            return False
        self.held[payment.payment_id] = deepcopy(payment)
        return True

    def find(self, payment_id: UUID) -> Payment | None:
        return deepcopy(self.held.get(payment_id))

    def of_order(self, order_id: UUID) -> Sequence[Payment]:
        found = [deepcopy(each) for each in self.held.values() if each.order_id == order_id]
        return sorted(found, key=lambda each: each.part)

    def by_references(self, references: Iterable[str]) -> Mapping[str, Payment]:
        wanted = set(references)
        return payments_by_reference(deepcopy(each) for each in self.held.values() if each.reference in wanted)

    def waits_for(self, customer_id: UUID, money: Money) -> bool:
        return any(
            (each.customer_id, each.currency, each.missing) == (customer_id, money.currency, money.amount)
            for each in self.held.values()
        )

    def save(self, payment: Payment) -> None:
        self.held[payment.payment_id] = deepcopy(payment)


class FakeReceivables:
    def __init__(self) -> None:
        self.held: dict[UUID, Receivable] = {}

    def add(self, receivable: Receivable) -> None:
        self.held.setdefault(receivable.receivable_id, deepcopy(receivable))

    def find(self, receivable_id: UUID) -> Receivable | None:
        return deepcopy(self.held.get(receivable_id))

    def get(self, receivable_id: UUID) -> Receivable:
        if receivable_id not in self.held:
            raise NotFound
        return deepcopy(self.held[receivable_id])

    def save(self, receivable: Receivable) -> None:
        self.held[receivable.receivable_id] = deepcopy(receivable)


class FakeCredit:
    def __init__(self, receivables: FakeReceivables) -> None:
        self.receivables = receivables
        self.lines: dict[UUID, CreditLine] = {}
        self.held: dict[UUID, Credit] = {}

    def line(self, credit_line_id: UUID) -> CreditLine:
        if credit_line_id not in self.lines:
            raise NotFound
        return deepcopy(self.lines[credit_line_id])

    def line_of(self, customer_id: UUID, currency: str) -> CreditLine | None:
        return deepcopy(self.lines.get(derived_id("credit_line", customer_id, currency)))

    def new_line(self, customer_id: UUID, currency: str, now: datetime) -> CreditLine:
        line_id = derived_id("credit_line", customer_id, currency)
        self.lines.setdefault(line_id, CreditLine(line_id, customer_id, currency, "proposed", now))
        return self.line(line_id)

    def save_line(self, line: CreditLine) -> None:
        self.lines[line.credit_line_id] = deepcopy(line)

    def exposure(self, customer_id: UUID, currency: str, today: date, block_overdue_days: int) -> Exposure:
        mine = [
            each for each in self.receivables.held.values()
            if (each.customer_id, each.currency) == (customer_id, currency) and each.state in {"uninvoiced", "open"}
        ]  # fmt: skip
        return Exposure(
            sum(each.amount for each in self.held.values()
                if (each.customer_id, each.currency, each.state) == (customer_id, currency, "granted")),
            sum(each.open.amount for each in mine),
            sum(each.open.amount for each in mine if each.days_overdue(today)),
            sum(each.open.amount for each in mine
                if each.due_on and (today - each.due_on).days >= block_overdue_days),
        )  # fmt: skip

    def add(self, credit: Credit) -> None:
        self.held[credit.order_id] = deepcopy(credit)

    def of_order(self, order_id: UUID) -> Credit | None:
        return deepcopy(self.held.get(order_id))

    def save(self, credit: Credit) -> None:
        self.held[credit.order_id] = deepcopy(credit)


class FakeCreditPaybacks:
    """For what touches them in passing; they are tested on the real database."""

    def __init__(self) -> None:
        self.held: dict[UUID, CreditPayback] = {}

    def add(self, payback: CreditPayback) -> None:
        payback.number = f"CP-2026-{len(self.held) + 1:06d}"
        self.held[payback.credit_payback_id] = deepcopy(payback)

    def get(self, credit_payback_id: UUID) -> CreditPayback:
        if credit_payback_id not in self.held:
            raise NotFound
        return deepcopy(self.held[credit_payback_id])

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, CreditPayback]:
        wanted = set(numbers)
        return {each.number: deepcopy(each) for each in self.held.values() if each.number in wanted}

    def save(self, payback: CreditPayback) -> None:
        self.held[payback.credit_payback_id] = deepcopy(payback)


class FakeRefunds:
    """Enough for what touches refunds in passing; refunds themselves are tested on the real database."""

    def __init__(self) -> None:
        self.held: dict[UUID, Refund] = {}

    def add(self, refund: Refund) -> bool:
        if refund.refund_id in self.held:
            return False
        refund.number, refund.n = f"RF-2026-{len(self.held) + 1:06d}", 1
        self.held[refund.refund_id] = deepcopy(refund)
        return True

    def get(self, refund_id: UUID) -> Refund:
        if refund_id not in self.held:
            raise NotFound
        return deepcopy(self.held[refund_id])

    def of_order(self, order_id: UUID) -> Sequence[Refund]:
        return [deepcopy(refund) for refund in self.held.values() if refund.order_id == order_id]

    def find_all(self, refund_ids: Collection[UUID]) -> Mapping[UUID, Refund]:
        return {each: deepcopy(self.held[each]) for each in sorted(refund_ids) if each in self.held}

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, Refund]:
        wanted = set(numbers)
        return {refund.number: deepcopy(refund) for refund in self.held.values() if refund.number in wanted}

    def save(self, refund: Refund) -> None:
        self.held[refund.refund_id] = deepcopy(refund)


class FakeCheckouts:
    def __init__(self) -> None:
        self.held: dict[UUID, Checkout] = {}

    def add(self, checkout: Checkout) -> None:
        if self.current(checkout.payment_id) is not None:
            raise ValueError("one page at a time")
        self.held[checkout.checkout_id] = deepcopy(checkout)

    def find(self, checkout_id: UUID) -> Checkout | None:
        return deepcopy(self.held.get(checkout_id))

    def current(self, payment_id: UUID) -> Checkout | None:
        found = [each for each in self.held.values() if each.payment_id == payment_id and not each.over]
        return deepcopy(found[0]) if found else None

    def save(self, checkout: Checkout) -> None:
        self.held[checkout.checkout_id] = deepcopy(checkout)


class FakeChargebacks:
    def __init__(self) -> None:
        self.held: dict[UUID, Chargeback] = {}

    def add(self, chargeback: Chargeback) -> None:
        self.held[chargeback.chargeback_id] = deepcopy(chargeback)

    def disputed(self, charge_id: str) -> bool:
        undecided = {"needs_response", "under_review"}
        return any(each.charge_id == charge_id and each.state in undecided for each in self.held.values())

    def lost_of(self, charge_id: str) -> Sequence[Chargeback]:
        return [deepcopy(each) for each in self.held.values() if (each.charge_id, each.state) == (charge_id, "lost")]

    def find(self, chargeback_id: UUID) -> Chargeback | None:
        return deepcopy(self.held.get(chargeback_id))

    def save(self, chargeback: Chargeback) -> None:
        self.held[chargeback.chargeback_id] = deepcopy(chargeback)


class FakeStripeEvents:
    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.outcomes: dict[str, str] = {}
        self.waiting: dict[str, UnhandledEvent] = {}

    def add(self, event: VerifiedEvent, body: str, received_at: datetime) -> bool:
        if event.event_id in self.held:
            return False
        self.held[event.event_id] = body
        if event.about is None:
            self.outcomes[event.event_id] = "not_ours"
        else:
            self.waiting[event.event_id] = UnhandledEvent(event.event_id, event.about, received_at, 0)
        return True

    def handled(self, event_id: str, outcome: str, at: datetime) -> None:
        del at
        self.outcomes[event_id] = outcome
        self.waiting.pop(event_id, None)

    def unhandled(self, before: datetime, limit: int) -> Sequence[UnhandledEvent]:
        found = [each for each in self.waiting.values() if each.received_at < before and each.sweeps <= SWEEPS_MAX]
        for each in found[:limit]:
            self.waiting[each.event_id] = replace(each, sweeps=each.sweeps + 1)
        return [self.waiting[each.event_id] for each in found[:limit]]


class FakeBankLines:
    def __init__(self) -> None:
        self.held: dict[UUID, BankLine] = {}
        self.files: dict[UUID, tuple[BankFile, Placed]] = {}

    def lock(self, account: str) -> None:
        pass

    def of_file(self, bank_file_id: UUID) -> Sequence[BankLine] | None:
        if bank_file_id not in self.files:
            return None
        return [deepcopy(self.held[each.bank_line_id]) for each in self.files[bank_file_id][1].lines]

    def find(self, bank_line_id: UUID) -> BankLine | None:
        return deepcopy(self.held.get(bank_line_id))

    def known(self, file: BankFile, lines: Sequence[BankLine]) -> KnownLines:
        del lines
        told_by = {
            each: frozenset(known.kind for known, placed in self.files.values() if each in placed.told_booked)
            for each in self.held
        }
        return KnownLines(deepcopy(list(self.held.values())), told_by, file.kind)

    def find_all(self, bank_line_ids: Collection[UUID]) -> Mapping[UUID, BankLine]:
        return {each: deepcopy(self.held[each]) for each in sorted(bank_line_ids) if each in self.held}

    def lock_early_returns(self, payout_numbers: Collection[str], bank_order_ids: Collection[UUID]) -> None:
        pass

    def of_other_payers(self) -> Sequence[BankLine]:
        found = [line for line in self.held.values() if (line.state, line.reason) == ("suspense", "payer_mismatch")]
        return deepcopy(sorted(found, key=lambda line: line.booked_at))

    def amounts_of(self, payment_id: UUID) -> frozenset[int]:
        paid = [line for line in self.held.values() if any(part.target_id == payment_id for part in line.parts)]
        return frozenset(line.amount for line in paid)

    def senders_of(self, payment_id: UUID) -> frozenset[Sender]:
        paid = [line for line in self.held.values() if any(part.target_id == payment_id for part in line.parts)]
        return frozenset(Sender(line.counterparty, line.counterparty_account) for line in paid)

    def debits_in_suspense(self, money: Money) -> Sequence[BankLine]:
        found = [line for line in self.held.values() if (line.state, line.direction) == ("suspense", "out")]
        return deepcopy([line for line in found if line.money == money])

    def of_institution(self, money: Money) -> Sequence[BankLine]:
        found = [line for line in self.held.values() if line.money == money]
        return deepcopy([line for line in found if line.state == "suspense" or line.target == "psp"])

    def keep(self, file: BankFile, placed: Placed, now: datetime) -> None:
        del now
        self.save([*placed.lines, *placed.withdrawn])
        self.files[file.bank_file_id] = (file, placed)

    def save(self, lines: Sequence[BankLine]) -> None:
        for line in lines:
            self.held[line.bank_line_id] = deepcopy(line)


class FakeStripePayouts:
    def __init__(self) -> None:
        self.held: dict[UUID, StripePayout] = {}

    def lock(self) -> None:
        pass

    def around(self, first: date, last: date) -> Sequence[StripePayout]:
        return [deepcopy(each) for each in self.held.values() if first <= each.arrives_on <= last]

    def get_all(self, psp_payout_ids: Collection[UUID]) -> Mapping[UUID, StripePayout]:
        if not self.held.keys() >= set(psp_payout_ids):
            raise NotFound
        return {each: deepcopy(self.held[each]) for each in psp_payout_ids}

    def find(self, psp_payout_id: UUID) -> StripePayout | None:
        return deepcopy(self.held.get(psp_payout_id))

    def save(self, payout: StripePayout) -> None:
        self.held[payout.psp_payout_id] = deepcopy(payout)


class FakePayers:
    def __init__(self, organisations: FakeOrganisations) -> None:
        self.organisations = organisations
        self.agreements: dict[UUID, PayerAgreement] = {}

    def of(self, customer_ids: Collection[UUID]) -> Mapping[UUID, Payer]:
        return {
            each.organisation_id: Payer(
                names=frozenset(one_form(name) for name in (each.legal_name, each.account_name) if name),
                accounts=frozenset({one_account(each.account_number)} - {""}),
                agreements=tuple(
                    a
                    for a in self.agreements.values()
                    if a.customer_id == each.organisation_id and a.state == "in_force"
                ),
            )
            for each in self.organisations.find_all(customer_ids).values()
        }

    def add(self, agreement: PayerAgreement, recorded_at: datetime) -> None:
        del recorded_at
        self.save(agreement)

    def get(self, payer_agreement_id: UUID) -> PayerAgreement:
        if payer_agreement_id not in self.agreements:
            raise NotFound
        return deepcopy(self.agreements[payer_agreement_id])

    def save(self, agreement: PayerAgreement) -> None:
        self.agreements[agreement.payer_agreement_id] = deepcopy(agreement)


class FakeCsvMaps:
    def __init__(self) -> None:
        self.held: list[DeclaredMap] = []

    def add(self, declared: DeclaredMap) -> None:
        if any((each.account, each.valid_from) == (declared.account, declared.valid_from) for each in self.held):
            raise CsvMapExists
        self.held.append(declared)

    def in_force(self, account: str, at: datetime) -> DeclaredMap | None:
        found = [each for each in self.held if each.account == account and each.valid_from <= at]
        return max(found, key=lambda each: each.valid_from, default=None)


class FakeSettlements:
    def __init__(self, orders: FakeOrders, accruals: FakeAccruals, organisations: FakeOrganisations) -> None:
        self.orders = orders
        self.accruals = accruals
        self.organisations = organisations
        self.held: dict[UUID, Settlement] = {}

    def close(self, until: date, before: datetime, now: datetime, payment_days: int) -> Sequence[Settlement]:
        del payment_days
        groups: dict[tuple[Any, ...], list[Accrual]] = {}
        for accrual in self.orders.accruals.values():
            held = self.accruals.holds.get(accrual.order_id)
            if accrual.settlement_id is None and accrual.accepted_at < before and not held:
                group = (accrual.party_kind, accrual.party_id, accrual.currency, accrual.tax_rate_bps,
                         accrual.special_invoice, accrual.kind != "cancellation_fee")  # fmt: skip
                groups.setdefault(group, []).append(accrual)
        made = []
        for (kind, party_id, currency, rate_bps, special, invoiced), listed in groups.items():
            net = sum(accrual.net for accrual in listed)
            if net < 0:
                continue
            party = self.organisations.find(party_id)
            settlement = Settlement(
                settlement_id=new_id(),
                number=f"ST-2026-{len(self.held) + 1:06d}",
                state="closed" if net else "paid",
                party_kind=kind,
                party_id=party_id,
                party_name=party.legal_name if party else "",
                until=until,
                currency=currency,
                net=net,
                tax=sum(accrual.tax for accrual in listed),
                tax_rate_bps=rate_bps,
                special_invoice=special,
                order_count=len({accrual.order_id for accrual in listed}),
                payable_from=max(accrual.payable_from for accrual in listed),
                closed_at=now,
                invoice_awaited=invoiced and bool(net),
            )
            self.held[settlement.settlement_id] = settlement
            for accrual in listed:
                self.orders.accruals[accrual.key] = replace(accrual, settlement_id=settlement.settlement_id)
            made.append(deepcopy(settlement))
        return made

    def get(self, settlement_id: UUID) -> Settlement:
        if settlement_id not in self.held:
            raise NotFound
        return deepcopy(self.held[settlement_id])

    def party_of(self, settlement_id: UUID) -> UUID:
        return self.get(settlement_id).party_id

    def set_due(self, party_id: UUID, payment_days: int) -> Mapping[UUID, date]:
        """Last days are tested on the real database."""
        del party_id, payment_days
        return {}

    def payable_to(self, party_id: UUID, currency: str) -> Sequence[Settlement]:
        return [
            deepcopy(each)
            for each in self.held.values()
            if (each.party_id, each.currency, each.state, each.payout_id) == (party_id, currency, "payable", None)
        ]

    def save(self, settlement: Settlement) -> None:
        self.held[settlement.settlement_id] = deepcopy(settlement)


class FakeSmallEnterprises:
    def __init__(self) -> None:
        self.held: dict[UUID, SmallEnterprise] = {}

    def hold_closing(self) -> None:
        """Nobody else is here."""

    def add(self, declared: SmallEnterprise) -> None:
        self.held[declared.declaration_id] = deepcopy(declared)

    def get(self, declaration_id: UUID) -> SmallEnterprise:
        if declaration_id not in self.held:
            raise NotFound
        return deepcopy(self.held[declaration_id])

    def save(self, declared: SmallEnterprise) -> None:
        self.held[declared.declaration_id] = deepcopy(declared)


class FakeIncomeAllocations:
    def __init__(self) -> None:
        self.held: list[IncomeAllocation] = []

    def add(self, rule: IncomeAllocation) -> None:
        self.held.append(deepcopy(rule))


class FakePayouts:
    def __init__(self) -> None:
        self.held: dict[UUID, Payout] = {}

    def add(self, payout: Payout) -> None:
        open_states = {"created", "released", "in_transit", "paid"}
        if any(p.settlement_id == payout.settlement_id and p.state in open_states for p in self.held.values()):
            raise PayoutExists
        payout.number = f"PO-2026-{len(self.held) + 1:06d}"
        self.held[payout.payout_id] = deepcopy(payout)

    def get(self, payout_id: UUID) -> Payout:
        if payout_id not in self.held:
            raise NotFound
        return deepcopy(self.held[payout_id])

    def party_of(self, payout_id: UUID) -> UUID:
        return self.get(payout_id).party_id

    def failed_numbers(self, settlement_id: UUID) -> frozenset[str]:
        failed = [each for each in self.held.values() if each.state == "failed"]
        return frozenset(each.number for each in failed if each.settlement_id == settlement_id)

    def get_all(self, payout_ids: Collection[UUID]) -> Sequence[Payout]:
        return [self.get(each) for each in sorted(set(payout_ids))]

    def of_bank_order(self, bank_order_id: UUID) -> Sequence[Payout]:
        return [deepcopy(payout) for payout in self.held.values() if payout.bank_order_id == bank_order_id]

    def by_numbers(
        self, numbers: Iterable[str], bank_order_ids: Iterable[UUID] = (), parties: Iterable[UUID] = ()
    ) -> Mapping[str, Payout]:
        del parties
        wanted: set[object] = {*numbers, *bank_order_ids}
        found = [each for each in self.held.values() if {each.number, each.bank_order_id} & wanted]
        return {payout.number: deepcopy(payout) for payout in found}

    def started_of(self, party_id: UUID) -> Sequence[Payout]:
        started = {"created", "released"}
        return [deepcopy(p) for p in self.held.values() if p.party_id == party_id and p.state in started]

    def save(self, payout: Payout) -> None:
        self.held[payout.payout_id] = deepcopy(payout)


class FakePayoutChannels:
    def __init__(self) -> None:
        self.held: dict[UUID, PayoutChannel] = {}

    def add(self, channel: PayoutChannel) -> None:
        if any((c.party_id, c.state) == (channel.party_id, "proposed") for c in self.held.values()):
            raise PayoutChannelProposed
        self.held[channel.payout_channel_id] = deepcopy(channel)

    def party_of(self, payout_channel_id: UUID) -> UUID:
        return self.get(payout_channel_id).party_id

    def get(self, payout_channel_id: UUID) -> PayoutChannel:
        if payout_channel_id not in self.held:
            raise NotFound
        return deepcopy(self.held[payout_channel_id])

    def agreed_of(self, party_id: UUID) -> PayoutChannel | None:
        return next((deepcopy(c) for c in self.held.values() if (c.party_id, c.state) == (party_id, "agreed")), None)

    def using(self, account_id: str) -> PayoutChannel | None:
        return next(
            (deepcopy(c) for c in self.held.values() if (c.account_id, c.state) == (account_id, "agreed")), None
        )

    def save(self, channel: PayoutChannel) -> None:
        self.held[channel.payout_channel_id] = deepcopy(channel)


class FakeBankOrders:
    def __init__(self) -> None:
        self.held: dict[UUID, BankOrder] = {}

    def add(self, order: BankOrder) -> None:
        order.number = f"BO-2026-{len(self.held) + 1:06d}"
        self.held[order.bank_order_id] = deepcopy(order)

    def get(self, bank_order_id: UUID) -> BankOrder:
        if bank_order_id not in self.held:
            raise NotFound
        return deepcopy(self.held[bank_order_id])

    def find(self, number: str) -> BankOrder | None:
        return next((deepcopy(each) for each in self.held.values() if each.number == number), None)

    def ids_of(self, numbers: Iterable[str]) -> Mapping[str, UUID]:
        wanted = set(numbers)
        return {each.number: each.bank_order_id for each in self.held.values() if each.number in wanted}

    def save(self, order: BankOrder) -> None:
        self.held[order.bank_order_id] = deepcopy(order)


class FakeAdjustments:
    def __init__(self) -> None:
        self.held: dict[UUID, Adjustment] = {}

    def add(self, adjustment: Adjustment) -> None:
        adjustment.number = f"AJ-2026-{len(self.held) + 1:06d}"
        self.held[adjustment.adjustment_id] = deepcopy(adjustment)

    def get(self, adjustment_id: UUID) -> Adjustment:
        if adjustment_id not in self.held:
            raise NotFound
        return deepcopy(self.held[adjustment_id])

    def books_item(self, item_id: UUID, since: datetime, but: UUID | None = None) -> bool:
        return any(
            each.item_id == item_id and each.adjustment_id != but
            and (each.state == "proposed" or (each.decided_at is not None and each.decided_at >= since))
            for each in self.held.values()
        )  # fmt: skip

    def save(self, adjustment: Adjustment) -> None:
        self.held[adjustment.adjustment_id] = deepcopy(adjustment)


class FakeLedger:
    """The reference ledger: a hundred lines that anybody can check by eye."""

    def __init__(self) -> None:
        self.transactions: dict[str, Transaction] = {}
        self.before: dict[str, int] = {}  # what stood before the test, credit less debit
        self.closed_until = datetime.min.replace(tzinfo=UTC)
        self.broken: dict[str, list[str]] = {}

    def post(self, transaction: Transaction) -> datetime | None:
        earlier = self.transactions.get(transaction.key)
        if earlier is not None:
            if earlier.request_hash != transaction.request_hash:
                raise BookedOtherwise
            return None
        check_balanced(transaction.entries)
        for account in {entry.account for entry in transaction.entries}:
            least = min_balance(account)
            after = self.balance(account) + _credit(transaction.entries, account)
            if least is not None and after < least:
                raise AccountOverdrawn
        counts_at = max(transaction.effective_at, self.closed_until)
        self.transactions[transaction.key] = replace(transaction, effective_at=counts_at)
        return counts_at

    def post_all(self, transactions: Sequence[Transaction]) -> Sequence[datetime | None]:
        return [self.post(transaction) for transaction in transactions]

    def find(self, transaction_id: UUID) -> Transaction | None:
        return next((each for each in self.transactions.values() if each.transaction_id == transaction_id), None)

    def standing(self, account: str, currency: str) -> int:
        del currency
        return self.balance(account) + self.before.get(account, 0)

    def balance(self, account: str) -> int:
        """Credit less debit."""
        return sum(_credit(transaction.entries, account) for transaction in self.transactions.values())

    def check(self) -> tuple[int, Mapping[str, Sequence[str]]]:
        return len(self.transactions), self.broken

    def check_at_leisure(self) -> Mapping[str, Sequence[str]]:
        return self.broken

    def check_recent(self, now: datetime) -> Mapping[str, Sequence[str]]:
        del now
        return self.broken

    def red_letters_awaited(self, now: datetime) -> Sequence[str]:
        """Nothing is invoiced here."""
        del now
        return ()


class FakeInvoiceCopies:
    def __init__(self) -> None:
        self.kept: dict[tuple[UUID, UUID], InvoiceCopy] = {}

    def keep(self, copy: InvoiceCopy) -> None:
        self.kept.setdefault((copy.invoice_id, copy.order_id), copy)

    def references_on(self, numbers: Collection[str]) -> Mapping[str, Sequence[str]]:
        """None: invoices that a line names are tested on the real database."""
        del numbers
        return {}


def _credit(entries: Iterable[Entry], account: str) -> int:
    return sum(entry.amount if entry.side == "C" else -entry.amount for entry in entries if entry.account == account)


class FakePeriods:
    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.closed: list[ClosedPeriod] = []
        self.waiting: list[str] = []
        self.held = False

    def hold_books(self) -> None:
        self.held = True

    def keep_open(self) -> None:
        """Nobody else is here."""

    def last_until(self) -> datetime | None:
        return self.closed[-1].until if self.closed else None

    def open_items(self, until: datetime) -> Sequence[str]:
        del until
        return self.waiting

    def vat_currencies(self) -> Sequence[str]:
        posted = self.ledger.transactions.values()
        return sorted({e.currency for t in posted for e in t.entries if e.account == "L:vat:output"})

    def stands(self, account: str, currency: str, until: datetime) -> int:
        return -sum(
            _credit([entry], account)
            for transaction in self.ledger.transactions.values() if transaction.effective_at < until
            for entry in transaction.entries if entry.currency == currency
        )  # fmt: skip

    def close(self, period: Period, closed_by: str, now: datetime) -> ClosedPeriod:
        assert self.held
        self.ledger.closed_until = period.until
        self.closed.append(ClosedPeriod(period.name, period.until, now, closed_by, "0" * 64, 1))
        return self.closed[-1]


class FakeInputVats:
    """Fees are tested on the real database."""

    def __init__(self) -> None:
        self.held: dict[UUID, InputVat] = {}

    def add(self, made: InputVat) -> bool:
        return self.held.setdefault(made.input_vat_id, deepcopy(made)) == made

    def of_settlement(self, settlement_id: UUID) -> InputVat | None:
        return deepcopy(next((each for each in self.held.values() if each.settlement_id == settlement_id), None))

    def get_all(self, input_vat_ids: Iterable[UUID]) -> Sequence[InputVat]:
        wanted = set(input_vat_ids)
        if not wanted <= self.held.keys():
            raise NotFound
        return [deepcopy(self.held[each]) for each in sorted(wanted)]

    def fee_month(self, period: Period, currency: str) -> FeeMonth:
        return FeeMonth(period, currency, 0, 0)

    def save(self, input_vat: InputVat) -> None:
        self.held[input_vat.input_vat_id] = deepcopy(input_vat)


class FakeLedgerChain:
    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.blocks: list[Block] = []

    def seal(self, now: datetime, *, books_held: bool) -> Sequence[Block]:
        del now, books_held
        last = self.blocks[-1] if self.blocks else None
        done = last.last_seq if last is not None else 0
        keys = list(self.ledger.transactions)
        made = list(seal(last, [Recorded(n, (keys[n - 1],)) for n in range(done + 1, len(keys) + 1)], len(keys)))
        self.blocks += made
        return made


class FakeBillingUnitOfWork:
    """Everything a use case did is in the attributes afterwards."""

    caused_by = "test"

    def __init__(self) -> None:
        self.organisations = FakeOrganisations()
        self.refunds = FakeRefunds()
        self.credit_paybacks = FakeCreditPaybacks()
        self.orders = FakeOrders(self.refunds)
        self.plans = FakePlans()
        self.referrals = FakeReferrals()
        self.placed_orders = FakePlacedOrders()
        self.offerings = FakeOfferings()
        self.relations = FakeRelations()
        self.programmes = FakeProgrammes()
        self.vouchers = FakeVouchers()
        self.claims = FakeClaims()
        self.subsidies = FakeSubsidies()
        self.evidence = FakeEvidence()
        self.payments = FakePayments()
        self.receivables = FakeReceivables()
        self.credit = FakeCredit(self.receivables)
        self.fundings = FakeFundings()
        self.invoices = FakeInvoiceCopies()
        self.checkouts = FakeCheckouts()
        self.chargebacks = FakeChargebacks()
        self.channel_orders = FakeChannelOrders()
        self.split_orders = FakeSplitOrders()
        self.direct_movements = FakeDirectMovements()
        self.stripe_events = FakeStripeEvents()
        self.bank_lines = FakeBankLines()
        self.stripe_payouts = FakeStripePayouts()
        self.csv_maps = FakeCsvMaps()
        self.payers = FakePayers(self.organisations)
        self.accruals = FakeAccruals(self.orders)
        self.clawbacks = FakeClawbacks()
        self.commission_debts = FakeCommissionDebts()
        self.settlements = FakeSettlements(self.orders, self.accruals, self.organisations)
        self.small_enterprises = FakeSmallEnterprises()
        self.income_allocations = FakeIncomeAllocations()
        self.payouts = FakePayouts()
        self.payout_channels = FakePayoutChannels()
        self.bank_orders = FakeBankOrders()
        self.adjustments = FakeAdjustments()
        self.ledger = FakeLedger()
        self.periods = FakePeriods(self.ledger)
        self.input_vat = FakeInputVats()
        self.ledger_chain = FakeLedgerChain(self.ledger)
        self.reconciliations = FakeReconciliations()
        self.published: list[Event] = []
        self.outside: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.timers: dict[tuple[str, str], datetime] = {}
        for organisation_id in (CUSTOMER_ID, PROVIDER_ID, STATION_ID, OTHER_STATION_ID):
            self.organisations.put(an_organisation(organisation_id))

    def publish(self, event: Event) -> UUID:
        self.published.append(event)
        return new_id()

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        self.outside.setdefault(key, (kind, payload))

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None:
        self.timers[kind, str(subject)] = due_at

    def cancel_timer(self, kind: str, subject: object) -> None:
        self.timers.pop((kind, str(subject)), None)

    def events(self, kind: type[E]) -> list[E]:
        return [event for event in self.published if isinstance(event, kind)]

    def calls(self, kind: str) -> list[Mapping[str, Any]]:
        return [payload for called, payload in self.outside.values() if called == kind]


LATER = NOW + timedelta(days=8)
"""After the hold period."""
