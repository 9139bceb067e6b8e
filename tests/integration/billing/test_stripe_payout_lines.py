"""The bank's line of what Stripe pays out to us, or takes: matched by itself, whoever tells first, each once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import bank_queries
from services.billing.adapters.outside_calls import LEARNERS
from services.billing.adapters.stripe_access import StripeAccess
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.domain.bank_line_part import PartsDiffer
from services.billing.domain.ledger import BANK, PSP, PSP_TRANSIT, SUSPENSE
from services.billing.use_cases.bank_statement import import_bank_statement
from services.shared.chassis.clock import SystemClock
from services.shared.messages.billing.bank_line import BankLineView, GetBankLine
from services.shared.messages.billing.bank_statement import BankLine, BankStatementView, ImportBankStatement
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import major
from tests.integration.billing.test_bank_targets import says, undo
from tests.integration.billing.test_reconciliation_stripe import reconcile, states
from tests.integration.billing.test_stripe_chargeback import PAID, paid
from tests.kit.fakes_billing import FINANCE, NOW, OWN_ACCOUNT, cny
from tests.kit.real_service import together
from tests.kit.stripe_control import StripeControl, StripeStandIn
from tests.kit.stripe_sdk import sdk

pytestmark = pytest.mark.usefixtures("stripe_control")

HEADER = "serial_number,booked_at,direction,amount,currency,counterparty,remittance"
NAME = "Stripe Payments UK Ltd"
DAY_S = 86_400


class Both:
    """Billing, Stripe and the bank: what Stripe has paid out, and each side telling of it."""

    def __init__(self, billing: Billing, control: StripeControl, stand_in: StripeStandIn) -> None:
        self.billing, self.control, self.stand_in = billing, control, stand_in
        self.gateway = StripeGateway(StripeAccess(stand_in.api_key, stand_in.url, "test", SystemClock()))
        paid(billing, control)
        # The stand-in pays out by its own clock.
        self.afterwards = datetime.fromtimestamp(control.advance_clock(10 * DAY_S), UTC) + timedelta(days=60)

    def sent(self, amount: int) -> dict[str, Any]:
        with sdk(self.stand_in.url, self.stand_in.api_key) as client:
            return client.v1.payouts.create({"amount": amount, "currency": "cny"}).to_dict()

    def all_sent(self) -> dict[str, Any]:
        return self.control.pay_out_automatically("cny")

    def stripe_tells(self, payout: dict[str, Any]) -> str:
        result = self.gateway.fetch({"object": "payout", "id": payout["id"]}, "")
        return self.billing.within(lambda uow: LEARNERS["payout"](result, uow, NOW))

    def bank_tells(self, *rows: str) -> BankStatementView:
        wanted = ImportBankStatement(account=OWN_ACCOUNT, csv="\n".join((HEADER, *rows)))
        return self.billing.within(
            lambda uow: import_bank_statement(
                wanted, actor=FINANCE, uow=uow, now=self.afterwards, own_account=OWN_ACCOUNT
            )
        )

    def line_of(self, *rows: str) -> BankLine:
        (line,) = self.bank_tells(*rows).lines
        return line

    def now(self, line: UUID) -> BankLineView:
        return self.billing.run(bank_queries.get_bank_line, GetBankLine(bank_line_id=line))

    def shown(self) -> list[tuple[UUID | None, UUID | None]]:
        found = self.billing.rows(
            "SELECT line_id::text, return_line_id::text FROM stripe_payout ORDER BY stripe_payout_id"
        )
        return [(_uuid(one), _uuid(other)) for one, other in found]

    def at_rest(self) -> None:
        """Both sides have told all: nothing is between them, and our account with Stripe is what Stripe says."""
        assert [self.billing.balance(each) for each in (PSP_TRANSIT, SUSPENSE)] == [0, 0]
        assert states(self.billing, reconcile(self.billing)) == []
        assert self.billing.violations() == ()


def _uuid(text: object) -> UUID | None:
    return UUID(str(text)) if text is not None else None


@pytest.fixture
def both(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> Both:
    return Both(billing, stripe_control, stand_in)


def row(payout: dict[str, Any], serial: str = "p1", *, late: int = 0, direction: str = "in", name: str = NAME,
        text: str = "STRIPE PAYOUT", amount: int | None = None) -> str:  # fmt: skip
    """The bank's line of *payout*, so many days *late*."""
    day = datetime.fromtimestamp(payout["arrival_date"], UTC).date() + timedelta(days=late)
    shown = major(cny(abs(payout["amount"]) if amount is None else amount))
    return f"{serial},{day}T10:00:00+08:00,{direction},{shown},CNY,{name},{text}"


@pytest.mark.parametrize("bank_first", [True, False])
def test_by_name_amount_and_day(both: Both, *, bank_first: bool) -> None:
    """Whoever tells first and however often: the line is the payout, and nothing is left between the two."""
    payout = both.all_sent()
    line = row(payout, late=2)

    def bank_tells() -> BankLine:
        return both.line_of(line)

    if bank_first:
        assert (bank_tells().state, bank_tells().reason) == ("suspense", "psp_awaited")
        assert both.stripe_tells(payout) == "booked"
        assert both.billing.told.count("bank_line.resolved.v1") == 1
    else:
        both.stripe_tells(payout)
        assert both.billing.balance(PSP_TRANSIT) == -PAID
    found = both.now(bank_tells().bank_line_id)
    assert both.stripe_tells(payout) == "nothing_new"
    assert (found.state, [(part.kind, part.amount) for part in found.parts]) == ("matched", [("psp", cny(PAID))])
    assert both.shown() == [(found.bank_line_id, None)]
    assert (both.billing.balance(BANK), both.billing.balance(PSP)) == (-PAID, 0)
    both.at_rest()


@pytest.mark.parametrize("of", ["id", "trace"])
def test_by_what_the_line_names(both: Both, of: str) -> None:
    """Its id or the bank's trace says it without a name; for another amount a person looks."""
    payout = both.all_sent()
    payout = both.control.settle_payout(payout["id"], "paid")
    both.stripe_tells(payout)
    named = payout["id"] if of == "id" else payout["trace_id"]["value"]
    text = f"REF {named[:9]} {named[9:].lower()}"
    other = both.line_of(row(payout, "p1", name="", text=text, amount=PAID - 100))
    assert (other.state, other.reason) == ("suspense", "psp_differs")
    assert both.now(other.bank_line_id).suggestions == ()
    assert both.line_of(row(payout, "p2", name="", text=text)).state == "matched"


@pytest.mark.parametrize(("how", "reason"), [
    ({"name": "青城材料测试中心"}, "unknown_reference"),
    ({"amount": PAID + 1}, "psp_awaited"),
    ({"late": 15}, "psp_awaited"),
    ({"late": -4}, "psp_awaited"),
    ({"direction": "out"}, "psp_awaited"),
])  # fmt: skip
def test_not_what_it_looks_like(both: Both, how: dict[str, Any], reason: str) -> None:
    """Somebody else's, another amount, far from its day, the other way: it waits, and the payout for its line."""
    payout = both.all_sent()
    both.stripe_tells(payout)
    line = both.line_of(row(payout, "p1", **how))
    assert (line.state, both.now(line.bank_line_id).reason) == ("suspense", reason)
    assert both.shown() == [(None, None)]
    assert both.line_of(row(payout, "p2")).state == "matched"


@pytest.mark.parametrize("bank_first", [True, False])
def test_two_alike_on_one_day(both: Both, *, bank_first: bool) -> None:
    """Each line takes one, never both the same; a third line waits."""
    payouts = [both.sent(30_000), both.sent(30_000)]
    rows = [row(payouts[0], f"p{n}") for n in range(3)]
    if bank_first:
        assert both.bank_tells(*rows).suspense == 3
    for each in payouts:
        both.stripe_tells(each)
    if not bank_first:
        assert both.bank_tells(*rows).matched == 2
    lines = both.billing.rows("SELECT bank_line_id::text, state FROM bank_line WHERE state = 'matched'")
    assert len(lines) == 2
    assert {line for line, _ in both.shown()} == {UUID(str(line)) for line, _ in lines}
    assert (both.billing.balance(PSP_TRANSIT), both.billing.balance(SUSPENSE)) == (0, 30_000)


def test_told_by_both_at_once(both: Both) -> None:
    """Four payouts and their four lines, all told at the same moment: each line is one payout, none is left."""
    payouts = [both.sent(20_000 + n % 2) for n in range(4)]
    told: list[Callable[[], object]] = [partial(both.stripe_tells, each) for each in payouts for _ in range(2)]
    told += [partial(both.bank_tells, row(each, f"p{n}")) for n, each in enumerate(payouts)]
    answers = together(told)
    assert not [each for each in answers if isinstance(each, Exception)]
    assert len({line for line, _ in both.shown() if line is not None}) == 4
    assert both.billing.rows("SELECT count(*) FROM ledger_tx WHERE kind = 'psp_payout_shown'") == [(4,)]
    both.at_rest()


def test_a_file_waits_for_news_whatever_its_lines_say(both: Both) -> None:
    """A line that has nothing but the bank's trace comes while its payout is being kept."""
    payout = both.control.settle_payout(both.all_sent()["id"], "paid")
    line = row(payout, name="", text=payout["trace_id"]["value"])
    result = both.gateway.fetch({"object": "payout", "id": payout["id"]}, "")
    with ThreadPoolExecutor(1) as pool:
        with both.billing.transaction() as uow:
            LEARNERS["payout"](result, uow, NOW)
            told = pool.submit(both.bank_tells, line)
            wait([told], timeout=1)
        assert told.result().matched == 1
    both.at_rest()


def test_two_alike_on_different_days(both: Both) -> None:
    """On its own day each is sure; between them a person clicks one of two suggestions, and the other is sure then."""
    first = both.sent(30_000)
    both.control.advance_clock(3 * DAY_S)
    second = both.sent(30_000)
    for each in (first, second):
        both.stripe_tells(each)
    between = both.line_of(row(second, "p1", late=-1))
    found = both.now(between.bank_line_id)
    assert (found.state, found.reason, len(found.suggestions)) == ("suspense", "psp_ambiguous", 2)
    (part,) = found.suggestions[0].parts
    says(both.billing, between.bank_line_id, ("psp", part.target_id, 30_000))
    again = both.line_of(row(first, "p9", late=20))
    with pytest.raises(PartsDiffer):
        says(both.billing, again.bank_line_id, ("psp", part.target_id, 30_000))
    assert both.line_of(row(second, "p2")).state == "matched"
    assert {line for line, _ in both.shown()} == {
        between.bank_line_id, both.line_of(row(second, "p2")).bank_line_id,
    }  # fmt: skip


@pytest.mark.parametrize("bank_first", [True, False])
def test_one_that_comes_back_after_it_arrived(both: Both, *, bank_first: bool) -> None:
    """Stripe says that it failed, the bank that it went back."""
    payout = both.all_sent()
    both.stripe_tells(payout)
    both.bank_tells(row(payout))
    back = row(payout, "p2", late=3, direction="out")
    if bank_first:
        assert both.line_of(back).reason == "psp_awaited"
    both.control.settle_payout(payout["id"], "failed")
    both.stripe_tells(payout)
    assert both.line_of(back).state == "matched"
    ((came, went),) = both.shown()
    assert None not in {came, went}
    assert came != went
    assert (both.billing.balance(BANK), both.billing.balance(PSP)) == (0, -PAID)
    both.at_rest()


def test_one_that_never_arrives(both: Both) -> None:
    """It failed: a line of as much is not it, and nobody is told that it might be."""
    payout = both.all_sent()
    both.control.settle_payout(payout["id"], "failed")
    both.stripe_tells(payout)
    line = both.now(both.line_of(row(payout)).bank_line_id)
    assert (line.state, line.reason, line.suggestions) == ("suspense", "psp_awaited", ())
    assert both.billing.balance(PSP_TRANSIT) == 0


@pytest.mark.parametrize("bank_first", [True, False])
def test_what_it_takes_from_our_bank(both: Both, *, bank_first: bool) -> None:
    """After refunds our balance there is below zero: Stripe debits our bank, and the line goes the other way."""
    both.stripe_tells(both.all_sent())
    with sdk(both.stand_in.url, both.stand_in.api_key) as client:
        charge = client.v1.charges.list().data[0]
        client.v1.refunds.create({"charge": charge.id, "amount": 40_000})
    both.control.advance_clock(DAY_S)
    taken = both.all_sent()
    assert taken["amount"] == -40_000
    before = both.billing.balance(BANK)
    line = row(taken, "t1", direction="out", text="DIRECT DEBIT")
    if bank_first:
        assert both.line_of(line).state == "suspense"
    both.stripe_tells(taken)
    assert both.line_of(line).state == "matched"
    assert both.billing.balance(BANK) - before == 40_000
    assert both.billing.balance(PSP_TRANSIT) == -PAID  # of the first payout, whose line has not come


def test_said_by_hand_and_taken_back(both: Both) -> None:
    """A person need not say which one; what is taken back is not done again by itself, but by hand."""
    payout = both.all_sent()
    early = both.line_of(row(payout, "p1", name="?", text="?")).bank_line_id
    says(both.billing, early, ("psp", None, PAID))
    assert both.now(early).parts[0].target_id is None
    both.stripe_tells(payout)
    assert both.shown() == [(early, None)]
    assert both.now(early).parts[0].target_id is not None
    undo(both.billing, early)
    both.stripe_tells(payout)
    assert both.shown() == [(None, None)]
    assert (both.now(early).state, both.billing.balance(SUSPENSE)) == ("suspense", PAID)
    says(both.billing, early, ("psp", None, PAID))
    assert both.shown() == [(early, None)]
    both.at_rest()
