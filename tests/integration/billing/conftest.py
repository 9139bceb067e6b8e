"""Billing on real PostgreSQL, object store and Stripe stand-in: each call in a transaction, as the chassis does it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import pytest

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import settings
from services.billing.domain.bank_order import BankOrderFormat
from services.billing.subscriptions import work
from services.billing.use_cases import bank_order, order, payout
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.messages.base import Command, Query, View
from services.shared.messages.billing.bank_order import BankOrderView, MakeBankOrder
from services.shared.messages.billing.ledger import CheckInvariants
from services.shared.messages.billing.payout import PayoutView, ReleasePayout, StartPayout
from tests.kit.channel_control import ChannelControl, ChannelStandIn
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OTHER_STATION_ID,
    OWN_ACCOUNT,
    PROVIDER_ID,
    STATION_ID,
    amounts,
    an_organisation,
    card_facts,
    order_accepted,
    order_contracted,
)
from tests.kit.fakes_voucher import AUTHORITY_ID, HANGZHOU_CODE, an_offering
from tests.kit.platform import ServiceDatabase, fresh_database, still_there
from tests.kit.real_service import RealService
from tests.kit.stripe_control import StripeControl, StripeStandIn

V = TypeVar("V", bound=View)

LEDGER_TABLES = ("ledger_entry", "ledger_tx", "ledger_block", "ledger_period", "ledger_period_balance")
TABLES = (
    "account",
    "account_balance",
    "accrual",
    "adjustment",
    "bank_balance",
    "bank_csv_map",
    "bank_file",
    "bank_file_line",
    "bank_line",
    "bank_line_reference",
    "bank_order",
    "channel_bill",
    "channel_movement",
    "channel_order",
    "chargeback",
    "checkout",
    "claim",
    "clawback",
    "command_log",
    "commission_debt",
    "commission_plan",
    "contracted_order",
    "credit",
    "credit_line",
    "credit_payback",
    "declared_relation",
    "direct_movement",
    "funding",
    "income_allocation",
    "input_vat",
    "invoice_copy",
    "order_evidence",
    "order_hold",
    "offering",
    "organisation",
    "outbox",
    "outside_call",
    "payer_agreement",
    "payment",
    "payout",
    "payout_channel",
    "receivable",
    "reconciliation_finding",
    "reconciliation_item",
    "reconciliation_run",
    "placed_order",
    "programme",
    "programme_statement",
    "programme_statement_line",
    "programme_version",
    "programme_year",
    "referral",
    "refund",
    "settlement",
    "small_enterprise",
    "split_order",
    "split_return",
    "stated_sale",
    "subsidy",
    "subsidy_order",
    "stripe_event",
    "stripe_movement",
    "stripe_payout",
    "timer",
    "voucher",
    "voucher_use",
)

AS_NEW = (
    "UPDATE ledger_closed SET until = 'epoch'; UPDATE ledger_horizon SET seq_seen = 0, xid_seen = '0', seq_noted = 0;"
    "ALTER SEQUENCE ledger_seq RESTART"
)


class Billing(RealService[BillingUnitOfWork]):
    """As finance acts where nobody else is named."""

    def run(
        self, use_case: Callable[..., V], wanted: Command | Query, actor: Actor = FINANCE, now: datetime | None = None
    ) -> V:
        return super().run(use_case, wanted, actor, now)

    def begin_anew(self) -> None:
        """Nothing is left but the organisations."""
        self.database.clear(TABLES + LEDGER_TABLES, AS_NEW)
        self.told.clear()

        def fill(uow: BillingUnitOfWork) -> None:
            for organisation_id in (CUSTOMER_ID, PROVIDER_ID, STATION_ID, OTHER_STATION_ID):
                uow.organisations.put(an_organisation(organisation_id))

        self.within(fill)

    def contracted(self, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", **how: Any) -> None:
        self.handle(order.contracted, order_contracted(order_id, number, **how), instructions=INSTRUCTIONS)

    def accepted(
        self, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123", at: datetime = NOW, **how: Any
    ) -> None:
        """An order contracted, paid by a card nobody asked Stripe about, and accepted."""
        from services.billing.use_cases import payment

        self.contracted(order_id, number, **how)
        gross = (how.get("money") or amounts())["gross"]
        facts = card_facts(intent_id=f"pi_{order_id}", received=gross, charge_id=f"ch_{order_id}", balance=None)
        self.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))
        self.handle(order.accepted, order_accepted(order_id, number, at=at, **how))

    def start_payout(self, settlement_id: UUID, now: datetime = LATER) -> PayoutView:
        wanted = StartPayout(settlement_id=settlement_id)
        return self.within(
            lambda uow: payout.start_payout(wanted, actor=FINANCE, uow=uow, now=now, cooling_off=COOLING_OFF), now
        )

    def release_payout(self, payout_id: UUID, now: datetime = LATER) -> PayoutView:
        wanted = ReleasePayout(payout_id=payout_id)
        return self.within(
            lambda uow: payout.release_payout(wanted, actor=OTHER_FINANCE, uow=uow, now=now, cooling_off=COOLING_OFF),
            now,
        )

    def make_bank_order(
        self, *payout_ids: UUID, now: datetime = LATER, file_format: BankOrderFormat = "pain.001.001.09"
    ) -> BankOrderView:
        wanted = MakeBankOrder(payout_ids=payout_ids)
        return self.within(
            lambda uow: bank_order.make_bank_order(wanted, actor=FINANCE, uow=uow, now=now, file_format=file_format),
            now,
        )

    def pay_out(self, settlement_id: UUID, now: datetime = LATER) -> PayoutView:
        """Started by one, released by another, and the bank is told."""
        started = self.start_payout(settlement_id, now)
        self.release_payout(started.payout_id, now)
        self.make_bank_order(started.payout_id, now=now)
        return started

    def balance(self, account: str) -> int:
        """Credit less debit."""
        ((found,),) = self.rows("SELECT sum(posted_c - posted_d) FROM account_balance WHERE account = %s", (account,))
        return int(found or 0)

    def violations(self) -> tuple[str, ...]:
        from services.billing.use_cases.ledger import check_invariants

        return self.run(check_invariants, CheckInvariants()).violations


@pytest.fixture(scope="session")
def stand_in(stack: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandIn]:
    """Stripe, for every test of billing; its address and secrets are in the environment from here on."""
    state = tmp_path_factory.mktemp("stripe") / "state.sqlite"
    with StripeStandIn(state) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("YIQI_STRIPE_API_BASE", started.url)
        patch.setenv("YIQI_STRIPE_API_KEY", started.api_key)
        patch.setenv("YIQI_STRIPE_WEBHOOK_SECRET", started.webhook_secret)
        patch.setenv("YIQI_BILLING_BANK_ACCOUNT_NUMBER", OWN_ACCOUNT)
        settings.cache_clear()
        yield started


@pytest.fixture
def stripe_control(stand_in: StripeStandIn) -> Iterator[StripeControl]:
    """The stand-in's control interface; empty at the start, and whatever the machine's clock says not before NOW."""
    made = StripeControl(stand_in.url)
    made.reset()
    made.advance_clock(max(0, NOW.timestamp() - time.time()))
    yield made
    made.close()


@pytest.fixture(scope="session")
def channel_stand_in(stack: dict[str, str]) -> Iterator[ChannelStandIn]:
    """The splitting channel, likewise. Its notices go nowhere: tests take them from its state."""
    with ChannelStandIn() as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("YIQI_BILLING_CHANNEL_API_BASE", started.url)
        patch.setenv("YIQI_BILLING_CHANNEL_MERCHANT", started.merchant)
        patch.setenv("YIQI_BILLING_CHANNEL_SECRET", started.secret)
        patch.setenv("YIQI_BILLING_CHANNEL_WEBHOOK_SECRET", started.webhook_secret)
        settings.cache_clear()
        yield started


@pytest.fixture
def channel(channel_stand_in: ChannelStandIn) -> Iterator[ChannelControl]:
    """The splitting channel's control interface; empty at the start."""
    made = ChannelControl(channel_stand_in.url)
    made.reset()
    yield made
    made.close()


@pytest.fixture(scope="session")
def billing_database(
    stack: dict[str, str], stand_in: StripeStandIn, channel_stand_in: ChannelStandIn
) -> ServiceDatabase:
    return fresh_database(stack, "billing")


@pytest.fixture
def billing(billing_database: ServiceDatabase, stack: dict[str, str]) -> Iterator[Billing]:
    """Empty but for the organisations."""
    still_there(billing_database, "ledger_entry", stack)
    engine = billing_database.engine(30)
    made = Billing(billing_database, engine, BillingUnitOfWork, NOW, work(settings()))
    made.begin_anew()
    yield made
    engine.dispose()


@pytest.fixture
def books(billing: Billing) -> Billing:
    """Where the customer is an enterprise of Hangzhou, and an authority is known."""
    with_vouchers(billing)
    return billing


def with_vouchers(billing: Billing) -> None:
    """What vouchers need to know of is there."""

    def fill(uow: BillingUnitOfWork) -> None:
        holder = an_organisation(CUSTOMER_ID, unified_social_credit_code=HANGZHOU_CODE, address="余杭路2号")
        uow.organisations.put(replace(holder, account_number="6217000000000001"))
        uow.organisations.put(an_organisation(AUTHORITY_ID, kind="authority"))
        uow.offerings.put(an_offering())

    billing.within(fill)
