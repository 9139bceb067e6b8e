"""
M6, M7: fifty workers refund, settle, dispute and pay out the same twenty orders at once, on real PostgreSQL.

Each deed has one legal outcome or is refused; the books hold, no contract liability is negative, and a deadlock is
done again and never seen.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import settings
from services.billing.subscriptions import work
from services.billing.use_cases import card_refund, dispute, order, payment, refund, settlement
from services.billing.use_cases.payment import payment_id_of
from services.shared.chassis import database
from services.shared.chassis.clock import SystemClock
from services.shared.chassis.commands import TRIES_MAX as TRIES_OF_A_COMMAND
from services.shared.chassis.commands import Host, serve_command
from services.shared.kernel.errors import NotYet, Refused, Unavailable
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.base import Command
from services.shared.messages.billing.ledger import CheckInvariants, InvariantsView
from services.shared.messages.billing.refund import ApproveRefund, CancelRefund, RequestRefund
from services.shared.messages.billing.settlement import CloseSettlements
from services.shared.messages.orders.dispute import DisputeDecided, DisputeOpened, DisputeWithdrawn
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import approve_refund
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    NOW,
    OTHER_FINANCE,
    PROVIDER_ID,
    card_facts,
    cny,
    order_accepted,
)
from tests.kit.platform import ServiceDatabase
from tests.unit.billing.test_settlement_use_cases import match

WORKERS, ORDERS, DEEDS = 50, 20, 12
TRIES_MAX = 10


@pytest.fixture
def crowd(billing: Billing, billing_database: ServiceDatabase) -> Iterator[Billing]:
    """Billing with a connection for each worker."""
    engine = billing_database.engine(WORKERS + 5)
    yield Billing(billing_database, engine, BillingUnitOfWork, NOW, work(settings()))
    engine.dispose()


class Worker:
    """Does what chance says to orders that all the others work on too."""

    def __init__(self, crowd: Billing, orders: list[UUID], seed: int) -> None:
        self.crowd = crowd
        self.orders = orders
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.bugs: list[BaseException] = []

    def run(self, gate: threading.Barrier) -> None:
        gate.wait()
        for _ in range(DEEDS):
            deed = self.chance.choice(
                [self.ask, self.approve, self.cancel, self.settle, self.match, self.start, self.release,
                 self.order_from_bank, self.dispute, self.decide, self.withdraw, self.confirm, self.card, self.accept]
            )  # fmt: skip
            self._do(deed)

    def _do(self, deed: Callable[[], None]) -> None:
        for tries in range(1, TRIES_MAX + 1):
            try:
                deed()
            except (Refused, NotYet):
                self.done[f"{deed.__name__} refused"] += 1
            except Exception as error:  # noqa: BLE001 # what nobody foresaw is what this test looks for
                if (isinstance(error, Unavailable) or database.world_failed(error)) and tries < TRIES_MAX:
                    self.done["done again"] += 1
                    continue
                self.bugs.append(error)
            else:
                self.done[deed.__name__] += 1
            return

    def _one(self, statement: str) -> Any:
        rows = self.crowd.rows(statement)
        return UUID(str(self.chance.choice(rows)[0])) if rows else new_id()

    @property
    def order_id(self) -> UUID:
        return self.chance.choice(self.orders)

    def ask(self) -> None:
        wanted = RequestRefund(
            order_id=self.order_id, net=cny(self.chance.choice([1, 33_333, 50_000, 100_000])),
            burden=self.chance.choice(["provider", "company"]), reason="why not",
        )  # fmt: skip
        self.crowd.run(refund.request_refund, wanted)

    def approve(self) -> None:
        wanted = ApproveRefund(refund_id=self._one("SELECT refund_id FROM refund WHERE state = 'requested'"))
        self.crowd.run(approve_refund, wanted, OTHER_FINANCE)

    def cancel(self) -> None:
        wanted = CancelRefund(refund_id=self._one("SELECT refund_id FROM refund WHERE state = 'requested'"))
        self.crowd.run(refund.cancel_refund, wanted)

    def settle(self) -> None:
        self.crowd.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23)))

    def match(self) -> None:
        rows = self.crowd.rows(
            "SELECT settlement_id::text FROM settlement WHERE state IN ('closed', 'awaiting_invoice')"
        )
        if rows:
            wanted = UUID(str(self.chance.choice(rows)[0]))
            # Read first, in a transaction of its own: an invoice that comes in locks the party before its settlement.
            stated = self.crowd.within(lambda uow: settlement.view(uow.settlements.get(wanted)))
            self.crowd.within(lambda uow: match(uow, stated))  # type: ignore[arg-type] # any unit of work

    def start(self) -> None:
        self.crowd.start_payout(self._one("SELECT settlement_id FROM settlement WHERE state = 'payable'"))

    def release(self) -> None:
        self.crowd.release_payout(self._one("SELECT payout_id FROM payout WHERE state = 'created'"))

    def order_from_bank(self) -> None:
        self.crowd.make_bank_order(self._one("SELECT payout_id FROM payout WHERE state = 'released'"))

    def _named(self, order_id: UUID) -> dict[str, Any]:
        return {
            "dispute_id": derived_id("dispute", order_id), "number": "DP-2026-000001", "order_id": order_id,
            "customer_id": CUSTOMER_ID, "provider_id": PROVIDER_ID,
        }  # fmt: skip

    def dispute(self) -> None:
        event = DisputeOpened(**self._named(self.order_id), reason="late", lines=(), opened_at=NOW)
        self.crowd.handle(dispute.opened, event)

    def withdraw(self) -> None:
        self.crowd.handle(dispute.withdrawn, DisputeWithdrawn(**self._named(self.order_id), withdrawn_at=NOW))

    def decide(self) -> None:
        event = DisputeDecided(
            **self._named(self.order_id), outcome="refund", net=cny(25_000), burden="provider",
            station_base="remaining", decided_by="member/1", decided_at=NOW,
        )  # fmt: skip
        self.crowd.handle(dispute.decided, event)

    def confirm(self) -> None:
        wanted = self._one("SELECT refund_id FROM refund WHERE state = 'awaiting_red_letter'")
        self.crowd.within(lambda uow: refund.red_letter_confirmed(wanted, uow=uow, now=NOW, cooling_off=COOLING_OFF))

    def card(self) -> None:
        rows = self.crowd.rows("SELECT refund_id::text, order_id::text FROM refund WHERE state = 'pending'")
        if rows:
            refund_id, order_id = (UUID(str(each)) for each in self.chance.choice(rows))
            self.crowd.within(
                lambda uow: card_refund.card_refund_settled(
                    refund_id, payment_id_of(order_id), succeeded=True, reference="re", uow=uow, now=NOW
                )
            )

    def accept(self) -> None:
        number = self.chance.randrange(len(self.orders))
        self.crowd.handle(order.accepted, order_accepted(self.orders[number], f"OR-2026-{number:06d}"))


@pytest.mark.parametrize("seed", [1, 2])
def test_fifty_workers_on_twenty_orders(crowd: Billing, seed: int) -> None:
    """Nothing but legal outcomes, and all invariants afterwards."""
    orders = [derived_id("order", seed, number) for number in range(ORDERS)]
    for number, order_id in enumerate(orders):
        crowd.contracted(order_id, f"OR-2026-{number:06d}")
        facts = card_facts(intent_id=f"pi_{order_id}", charge_id=f"ch_{order_id}", balance=None)
        crowd.within(lambda uow, order_id=order_id, facts=facts: payment.learn(  # type: ignore[misc]
            payment_id_of(order_id), facts, uow=uow, now=NOW))  # fmt: skip
        if number % 4:
            crowd.handle(order.accepted, order_accepted(order_id, f"OR-2026-{number:06d}"))
    workers = [Worker(crowd, orders, seed * 1_000 + number) for number in range(WORKERS)]
    gate = threading.Barrier(WORKERS)
    threads = [threading.Thread(target=worker.run, args=(gate,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bugs = [error for worker in workers for error in worker.bugs]
    assert [repr(bug) for bug in bugs] == []
    done = sum((worker.done for worker in workers), Counter())
    assert {"ask", "approve", "settle", "dispute", "decide", "confirm"} <= set(done), done  # the rest is left to chance
    assert crowd.violations() == ()
    ((negative,),) = crowd.rows(
        "SELECT count(*) FROM account_balance WHERE account LIKE 'L:%%' AND posted_c < posted_d"
        " AND (account LIKE 'L:contract:%%' OR account LIKE 'L:provider:%%' OR account LIKE 'L:refund:%%')"
    )
    assert negative == 0


@pytest.mark.parametrize(("deadlocks", "outcome"), [(TRIES_OF_A_COMMAND - 1, "view"), (TRIES_OF_A_COMMAND, "error")])
def test_a_command_that_loses_a_deadlock_is_done_again(billing: Billing, deadlocks: int, outcome: str) -> None:
    """Whoever asked sees nothing of it, until there is no end to it; then they may ask again."""
    runs = 0

    def close(wanted: Command, *, uow: BillingUnitOfWork, **_: Any) -> InvariantsView:
        nonlocal runs
        runs += 1
        if runs <= deadlocks:
            uow.connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
        return InvariantsView(transactions=runs, checked=(), violations=())

    actor = {"organisation_id": str(new_id()), "roles": [], "kind": "member", "operator": False}
    request = {"body": "{}", "key": "k", "actor": actor}
    host = Host("billing", billing.engine, SystemClock(), BillingUnitOfWork)
    assert set(serve_command(host, CheckInvariants, close, request)) == {outcome}
    assert runs == TRIES_OF_A_COMMAND
