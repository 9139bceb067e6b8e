"""
Whatever happens in whatever order, and however often it is told: every invariant holds after every step.

Orders, prices, rates, ways to pay and the course of events are Hypothesis's; the books are real. Beside the
invariants a few figures are kept here by hand, which know nothing of accounts: what came in, what went out.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.adapters.refund_queries import get_refund
from services.billing.domain.commission import Burden, StationBase
from services.billing.use_cases import order, payment, receivable, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.errors import Refused
from services.shared.kernel.ids import derived_id
from services.shared.kernel.payment_reference import reference_of
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.refund import GetRefund
from services.shared.messages.billing.settlement import CloseSettlements, SettlementView
from tests.integration.billing.conftest import Billing, with_vouchers
from tests.integration.billing.on_credit import DEPOSIT, INVOICED_ON, ON_CREDIT, REMINDING, a_line, invoiced
from tests.integration.billing.refunding import approve, ask, card_says, red_letter
from tests.integration.billing.voucher_books import a_programme, a_voucher, reserve
from tests.kit.fakes_billing import (
    FINANCE,
    LATER,
    NOW,
    OWN_ACCOUNT,
    amounts,
    card_facts,
    cny,
    order_accepted,
    order_placed,
    statement,
)
from tests.kit.fakes_voucher import some_rules
from tests.unit.billing.test_settlement_use_cases import match

EXAMPLES = 10
FUND = 1_500_000
Route = Literal["company", "provider", "customer", "prefunded"]

taxpayers = st.builds(
    TaxProfile,
    st.sampled_from(["general_6", "general_simplified_3", "small_scale_3_reduced_1", "exempt"]),
    st.booleans(),
)


def _agreement(net: int, *, station: bool, pays: str, voucher: Route | None, **how: Any) -> dict[str, Any]:
    without = {} if station else {"station_bps": 0, "station_tax": None}
    ways = {"credit": ON_CREDIT, "deposit": DEPOSIT}.get(pays, {"method": pays})
    return {"money": amounts(net, share(net, 600)), "voucher": voucher, "station": station, **how, **without, **ways}


agreements = st.lists(
    st.builds(
        _agreement, st.integers(1, 10_000_000), station=st.booleans(),
        pays=st.sampled_from(["card", "bank_transfer", "credit", "deposit"]),
        voucher=st.sampled_from([None, "company", "provider", "customer", "prefunded"]),
        fee_bps=st.integers(0, 10_000), station_bps=st.integers(0, 10_000), provider_tax=taxpayers,
        station_tax=taxpayers,
    ),
    min_size=2, max_size=4,
)  # fmt: skip


@dataclass
class Agreed:
    """An order of the course: its number, what was agreed, and the voucher that is to pay a part of it."""

    order_id: UUID
    number: str
    how: dict[str, Any]
    voucher: Route | None
    accepted: bool = False


class Course:
    """
    Of events, on *billing*, which begins anew.

    Attributes:
        told: Everything that was told to billing, to be told again.
        came_in: Minor units; likewise *went_out*.
    """

    def __init__(self, billing: Billing, agreements: list[dict[str, Any]]) -> None:
        billing.begin_anew()
        self.billing = billing
        self.told: list[Callable[[], object]] = []
        self.stated: list[SettlementView] = []
        self.started: list[tuple[str, int]] = []
        self.came_in = 0
        self.went_out = 0
        self.lines = 0
        with_vouchers(billing)
        a_line(billing, 4 * max(each["money"]["gross"].amount for each in agreements), before_work_bps=3_000)
        self.orders = [
            Agreed(derived_id("order", each), f"OR-2026-{each:06d}", how, how.pop("voucher"))
            for each, how in enumerate((dict(each) for each in agreements), 1)
        ]
        for agreed in self.orders:
            self._reserve(agreed)
            self.happens(partial(billing.contracted, agreed.order_id, agreed.number, **agreed.how))

    def happens(self, deed: Callable[[], object]) -> None:
        """Now, and perhaps again later."""
        self.told.append(deed)
        deed()

    def goes_on(self, pick: int) -> None:
        """The next step of an order's story; by chance alone hardly a course gets as far as a payout."""
        agreed = self._order(pick)
        if asked := self._asked(agreed):
            self._pay(agreed, asked)
        elif not agreed.accepted:
            self._accept(agreed)
        elif self._uninvoiced(agreed):
            self.happens(lambda: self._invoiced(agreed))
        elif not self.stated:
            self.closes(pick)
        elif not self.started:
            self.pays_out(pick)
        else:
            number, amount = self.started.pop()
            self.went_out += amount
            self._bank_says("out", amount, f"代付 {number}")

    def pays_some(self, pick: int) -> None:
        """Too little, enough or too much."""
        agreed = self._order(pick)
        self._pay(agreed, self._asked(agreed) // (1 + pick % 3) + pick % 200)

    def goes_back(self, pick: int) -> None:
        """A part of what was paid, borne by one or the other, by the ways it came; or it is refused."""
        agreed = self._order(pick)
        net = 1 + pick % agreed.how["money"]["net"].amount
        burdens: tuple[Burden, ...] = ("provider", "company")
        bases: tuple[StationBase, ...] = ("remaining", "original")
        try:
            asked = ask(self.billing, net, agreed.order_id, burdens[pick % 2], bases[pick // 2 % 2])
            agreed_to = approve(self.billing, asked)
        except Refused:
            return
        if agreed_to.state == "awaiting_red_letter":
            self.happens(partial(red_letter, self.billing, asked))
        for part in self.billing.run(get_refund, GetRefund(refund_id=asked.refund_id)).parts:
            self.went_out += part.amount.amount
            if part.route == "card":
                self.happens(partial(card_says, self.billing, asked, order_id=agreed.order_id))
            else:
                self._bank_says("out", part.amount.amount, f"退款 {asked.number}")

    def a_stranger_pays(self, pick: int) -> None:
        self.came_in += 1 + pick
        self._bank_says("in", 1 + pick, "谢谢")

    def is_accepted_unpaid(self, pick: int) -> None:
        agreed = self._order(pick)
        if not agreed.accepted and self._asked(agreed):
            with pytest.raises(order.NotCovered):
                self._accepted(agreed)

    def closes(self, pick: int) -> None:
        del pick
        wanted = CloseSettlements(until=date(2026, 11, 23))
        self.stated += self.billing.run(settlement.close_settlements, wanted).items

    def pays_out(self, pick: int) -> None:
        """A statement's invoice matches, and one starts and another releases its payout."""
        if self.stated:
            self.happens(partial(self._pay_out, self.stated[pick % len(self.stated)]))

    def is_told_again(self, pick: int) -> None:
        self.told[pick % len(self.told)]()

    def check(self) -> None:
        assert self.billing.violations() == ()
        there = -self.billing.balance("A:bank:main") - self.billing.balance("A:psp:stripe")
        assert there == self.came_in - self.went_out

    def _order(self, pick: int) -> Agreed:
        return self.orders[pick % len(self.orders)]

    def _reserve(self, agreed: Agreed) -> None:
        """The voucher is put on the order before anybody signs; where the rules do not allow it, it pays nothing."""
        if agreed.voucher is None:
            return
        bears = "provider" if agreed.voucher == "provider" else "customer"
        rules = some_rules(redeem_to=agreed.voucher, shortfall_payer=bears)
        programme = a_programme(self.billing, f"p-{agreed.number[-6:]}", rules=rules)
        if agreed.voucher == "prefunded":
            self.came_in += FUND
            self._bank_says("in", FUND, programme.number)
        voucher = a_voucher(self.billing, programme)
        placed = order_placed(agreed.order_id, agreed.number, money=agreed.how["money"])
        self.billing.handle(order.placed, placed)
        with suppress(Refused):
            reserve(self.billing, voucher, agreed.order_id)

    def _asked(self, agreed: Agreed) -> int:
        """What the customer is asked for just now, by whichever way."""
        rows = self.billing.rows(
            "SELECT amount - received FROM payment WHERE order_id = %s AND state IN ('created', 'pending')",
            (str(agreed.order_id),),
        )
        return sum(int(asked) for (asked,) in rows)

    def _uninvoiced(self, agreed: Agreed) -> bool:
        where = "SELECT 1 FROM receivable WHERE order_id = %s AND state = 'uninvoiced'"
        return bool(self.billing.rows(where, (str(agreed.order_id),)))

    def _invoiced(self, agreed: Agreed) -> None:
        self.billing.handle(receivable.invoiced, invoiced(agreed.order_id), INVOICED_ON, **REMINDING)

    def _pay(self, agreed: Agreed, amount: int) -> None:
        if agreed.how["method"] != "card":
            if amount:
                self.came_in += amount
                self._bank_says("in", amount, f"测试费 {reference_of(agreed.number)}")
        elif asked := self._asked(agreed):
            # A card pays what is asked, by one charge, of which we are told as often as it pleases.
            self.came_in += asked
            facts = card_facts(
                intent_id=f"pi_{agreed.order_id}", received=cny(asked), charge_id=f"ch_{agreed.order_id}",
                balance=None,
            )  # fmt: skip
            known = payment_id_of(agreed.order_id)
            self.happens(lambda: self.billing.within(lambda uow: payment.learn(known, facts, uow=uow, now=NOW)))

    def _accept(self, agreed: Agreed) -> None:
        agreed.accepted = True
        self.happens(lambda: self._accepted(agreed))

    def _accepted(self, agreed: Agreed) -> None:
        self.billing.handle(order.accepted, order_accepted(agreed.order_id, agreed.number, **agreed.how))

    def _pay_out(self, stated: SettlementView) -> None:
        try:
            self.billing.within(lambda uow: match(uow, stated))  # type: ignore[arg-type] # any unit of work
            started = self.billing.pay_out(stated.settlement_id)
        except Refused:
            return  # the second time
        self.started.append((started.number, started.amount.amount))

    def _bank_says(self, direction: str, amount: int, text: str) -> None:
        self.lines += 1
        row = (f"b{self.lines}", direction, f"{amount // 100}.{amount % 100:02d}", text)
        wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(row))
        self.happens(
            lambda: self.billing.within(
                lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
            )
        )


EVENTS = [
    *[Course.goes_on] * 8, Course.pays_some, Course.a_stranger_pays, Course.is_accepted_unpaid, Course.closes,
    Course.pays_out, *[Course.goes_back] * 2, *[Course.is_told_again] * 3,
]  # fmt: skip


courses = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 1_000_000)), min_size=30, max_size=50)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(agreed=agreements, events=courses)
def test_the_books_hold_in_any_course_of_events(
    billing: Billing, agreed: list[dict[str, Any]], events: list[tuple[Callable[[Course, int], None], int]]
) -> None:
    """A stranger's money, too little, too much, twice; statements, payouts and refunds in between."""
    course = Course(billing, agreed)
    for event, pick in events:
        event(course, pick)
        course.check()
