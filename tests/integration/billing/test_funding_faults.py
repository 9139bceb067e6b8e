"""A finance system that fails in every way it can: what it did counts once, what is unclear is looked at again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.funding import ProjectStillAsked
from services.billing.domain.payment import CHECK_DELAYS
from services.billing.use_cases import funding, order
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.funding import AskFundingAgain, NameProject
from tests.integration.billing.conftest import Billing
from tests.integration.billing.on_credit import told
from tests.integration.billing.on_project_funds import (
    AGREEMENT,
    ENTITY,
    INTERNAL,
    PROJECT,
    accept,
    ask,
    contract,
    executed,
    finance,
    reserved,
    states,
    university,
)
from tests.integration.billing.refunding import approve
from tests.integration.billing.refunding import ask as ask_refund
from tests.kit.fakes_billing import NOW, ORDER_ID, REQUESTER, order_accepted, order_cancelled
from tests.kit.finance_control import SECRET, FinanceControl, FinanceStandIn
from tests.kit.real_service import together
from tests.kit.waiting import wait_until

__all__ = ["finance", "university"]

KEY = f"funding:{ORDER_ID}:1"
MEMO = f"M:order:{ORDER_ID}"
ANSWERS = ("timeout_before", "timeout_after", "error_before", "error_after", "garbage", "other", "twice", "huge")
SLOW = {"slow": 1.0, "drip": 0.02}
DONE = {
    "reserve": ("reserved", 100_000, 0, 0, 9_900_000),
    "execute": ("executed", 100_000, 100_000, 0, 9_900_000),
    "release": ("released", 100_000, 0, 0, 10_000_000),
    "return": ("executed", 100_000, 100_000, 40_000, 9_940_000),
}
PATHS = {"reserve": ":1", "execute": "/execution", "release": "/release", "return": "/returned"}


def up_to(billing: Billing, step: str) -> None:
    """Everything before *step* went well."""
    if step == "reserve":
        contract(billing)
    elif step == "execute":
        reserved(billing)
        accept(billing)
    elif step == "release":
        reserved(billing)
        billing.handle(order.cancelled, order_cancelled())
    else:
        executed(billing)
        approve(billing, ask_refund(billing, 40_000))


def stands(billing: Billing, finance: FinanceControl) -> tuple[Any, ...]:
    """As we see it; and what the project has left. Both systems say the same."""
    ((_, state, amount, executed_, returned, _),) = states(billing)
    theirs = finance.reservations[KEY]
    assert (theirs["status"], theirs["executed"], theirs["returned"]) == (state, executed_, returned)
    return state, amount, executed_, returned, finance.available()


@pytest.mark.parametrize("step", PATHS)
@pytest.mark.parametrize("fault", [*ANSWERS, *SLOW])
def test_one_failed_answer_changes_nothing_but_the_time(
    finance: FinanceControl, billing: Billing, step: str, fault: str
) -> None:
    """Whether it had its effect or not: it is looked for, and done once."""
    up_to(billing, step)
    finance.fail(fault, "PUT", PATHS[step], value=SLOW.get(fault, 0))
    ask(billing)
    assert stands(billing, finance) == DONE[step]
    for name in ("reserved", "executed", "released", "returned"):
        assert told(billing, f"funding.{name}.v1") <= 1
    assert billing.violations() == ()


@pytest.mark.parametrize("path", [":1", PROJECT])
@pytest.mark.parametrize("fault", ["timeout_before", "garbage", "other", "error_before"])
def test_a_question_that_is_not_answered_is_asked_again(
    finance: FinanceControl, billing: Billing, fault: str, path: str
) -> None:
    """Nothing is concluded from what is said about another project, or in no words at all."""
    contract(billing)
    finance.fail(fault, "GET", path)
    ask(billing)
    assert stands(billing, finance) == DONE["reserve"]


@pytest.mark.parametrize("step", PATHS)
def test_what_stays_unclear_is_looked_at_after_a_minute(finance: FinanceControl, billing: Billing, step: str) -> None:
    """Every attempt has its effect and no answer; then it answers again."""
    up_to(billing, step)
    finance.fail("timeout_after", "*", "", count=50)
    ask(billing)
    assert states(billing)[0][1] == "unknown"
    finance.reset_faults()
    later = NOW + timedelta(minutes=3)
    assert billing.run_timers(later) >= 1
    ask(billing, later)
    assert stands(billing, finance) == DONE[step]
    assert billing.violations() == ()


def test_eight_looks_then_an_alarm_then_a_person(finance: FinanceControl, billing: Billing) -> None:
    """It is never concluded from silence that the money was or was not set aside."""
    contract(billing)
    finance.fail("status", count=10_000, value=503)
    now = NOW
    ask(billing, now)
    for delay in CHECK_DELAYS:
        now += delay + timedelta(minutes=2)
        billing.run_timers(now)
        ask(billing, now)
        assert states(billing)[0][1] == "unknown"
    billing.run_timers(now + timedelta(days=2))
    ((left,),) = billing.rows("SELECT count(*) FROM timer WHERE kind = 'check_funding'")
    assert left == 0
    other = NameProject(order_id=ORDER_ID, project_number="other", responsible_person="李明")
    with pytest.raises(ProjectStillAsked):
        billing.run(partial(funding.name_project, agreements={}), other, REQUESTER)
    finance.reset_faults()
    ((found,),) = billing.rows("SELECT funding_id FROM funding")
    billing.run(funding.ask_funding_again, AskFundingAgain(funding_id=UUID(str(found))), now=now)
    ask(billing, now)
    assert stands(billing, finance) == DONE["reserve"]


@pytest.mark.parametrize("effect", ["timeout_before", "timeout_after"])
def test_cancelled_while_nobody_knows(finance: FinanceControl, billing: Billing, effect: str) -> None:
    """Set aside or not: in the end nothing is, and the project has all its money."""
    contract(billing)
    finance.fail(effect, "PUT", count=1)
    finance.fail("timeout_before", "*", "", count=50)
    ask(billing)
    assert states(billing)[0][1] == "unknown"
    billing.handle(order.cancelled, order_cancelled())
    finance.reset_faults()
    now = NOW
    for minutes in (3, 10):
        now += timedelta(minutes=minutes)
        billing.run_timers(now)
        ask(billing, now)
    assert states(billing)[0][1] == "released"
    assert finance.available() == 10_000_000
    assert told(billing, "funding.reserved.v1") == 0


def test_cancelled_and_answered_at_the_same_moment(finance: FinanceControl, billing: Billing) -> None:
    """Ten times: whoever comes first, nothing stays set aside."""
    for n in range(10):
        finance.reset()
        finance.project(PROJECT)
        billing.begin_anew()
        contract(billing)
        together([
            lambda: billing.do_outside(NOW),
            lambda: billing.handle(order.cancelled, order_cancelled()),
        ])  # fmt: skip
        ask(billing, NOW + timedelta(seconds=n))
        assert states(billing)[0][1] == "released"
        assert finance.available() == 10_000_000


def test_many_orders_on_one_project_at_once(finance: FinanceControl, billing: Billing) -> None:
    """Five fit; the others are refused, whichever came first."""
    finance.project(PROJECT, available=550_000)
    for n in range(12):
        contract(billing, derived_id("order", n), f"OR-2026-{n:06d}")
    together([lambda: billing.do_outside(NOW)] * 4)
    ask(billing)
    found = [row[1] for row in states(billing)]
    assert (found.count("reserved"), found.count("refused")) == (5, 7)
    assert finance.available() == 50_000
    assert billing.violations() == ()


def test_two_name_another_project_at_once(finance: FinanceControl, billing: Billing) -> None:
    """One of them does; else two projects would pay one order."""
    finance.project(PROJECT, status="closed")
    finance.project("other")
    reserved(billing)
    wanted = NameProject(order_id=ORDER_ID, project_number="other", responsible_person="李明")
    use_case = partial(funding.name_project, agreements={ENTITY: AGREEMENT})
    found = together([lambda: billing.run(use_case, wanted, REQUESTER)] * 6)
    assert sum(isinstance(each, ProjectStillAsked) for each in found) == 5
    ask(billing)
    assert finance.available("other") == 9_900_000


def test_a_reservation_that_lapses_is_made_anew(finance: FinanceControl, billing: Billing) -> None:
    """Noticed when its time is over, before the work is done; the order has a second one of the same project."""
    finance.set(lapses_after_s=0.3)
    reserved(billing)
    assert states(billing)[0][1] == "reserved"
    wait_until(lambda: finance.reservations[KEY]["status"] == "lapsed")
    finance.set(lapses_after_s=None)
    ((due,),) = billing.rows("SELECT due_at FROM timer WHERE kind = 'funding_lapses'")
    billing.run_timers(due)
    ask(billing, due)
    assert [row[1] for row in states(billing)] == ["lapsed", "reserved"]
    assert told(billing, "funding.released.v1") == 1
    assert finance.available() == 9_900_000
    assert billing.violations() == ()


def test_one_that_lapsed_unseen_is_made_anew_and_transferred(finance: FinanceControl, billing: Billing) -> None:
    """The work is accepted; what is asked for anew is transferred as soon as it is set aside."""
    reserved(billing)
    finance.lapse()
    accept(billing)
    ask(billing)
    assert [row[1:4] for row in states(billing)] == [("lapsed", 100_000, 0), ("executed", 100_000, 100_000)]
    assert finance.available() == 9_900_000
    assert billing.violations() == ()


def test_lapsed_and_the_project_is_closed_meanwhile(finance: FinanceControl, billing: Billing) -> None:
    """The work is done and nobody pays: the requester is told, and another project pays at once."""
    reserved(billing)
    finance.lapse()
    finance.project(PROJECT, status="closed")
    finance.project("other")
    accept(billing)
    ask(billing)
    assert [row[1] for row in states(billing)] == ["lapsed", "refused"]
    assert told(billing, "funding.refused.v1") == 1
    wanted = NameProject(order_id=ORDER_ID, project_number="other", responsible_person="李明")
    billing.run(partial(funding.name_project, agreements={ENTITY: AGREEMENT}), wanted, REQUESTER)
    ask(billing)
    assert states(billing)[-1][1:4] == ("executed", 100_000, 100_000)
    assert finance.available("other") == 9_900_000
    assert billing.violations() == ()


def test_what_is_transferred_less_than_asked_is_asked_for_anew(finance: FinanceControl, billing: Billing) -> None:
    """Together they are the order's price, and no more."""
    reserved(billing)
    finance.set(executes_less=30_000)
    accept(billing)
    ask(billing)
    assert [row[1:4] for row in states(billing)] == [("executed", 100_000, 70_000), ("executed", 30_000, 30_000)]
    assert finance.available() == 9_900_000
    left = billing.rows("SELECT data::json #>> '{left,amount}' FROM outbox WHERE type = 'funding.executed.v1'")
    assert sorted(left) == [("0",), ("30000",)]
    assert billing.balance(MEMO) == 100_000
    approve(billing, ask_refund(billing, 90_000))
    ask(billing)
    assert [row[4] for row in states(billing)] == [70_000, 20_000]
    assert told(billing, "refund.succeeded.v1") == 1
    assert billing.violations() == ()


def test_released_by_hand_at_the_university(finance: FinanceControl, billing: Billing) -> None:
    """As one that has lapsed: made anew."""
    reserved(billing)
    assert finance.release(KEY, SECRET) == "released"
    accept(billing)
    ask(billing)
    assert [row[1] for row in states(billing)] == ["lapsed", "executed"]
    assert billing.violations() == ()


def test_the_wrong_secret_and_nobody_at_the_door(
    finance: FinanceControl, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unclear and not refused: it is our setting that is wrong, and not the project."""
    from services.billing.config import settings
    from services.billing.subscriptions import work

    for url, secret in ((finance.url, "wrong"), ("http://127.0.0.1:9", SECRET)):
        billing.begin_anew()
        systems = f'{{"{ENTITY}": {{"url": "{url}", "secret": "{secret}"}}}}'
        monkeypatch.setenv("YIQI_BILLING_FINANCE_SYSTEMS", systems)
        settings.cache_clear()
        billing.work = work(settings())
        contract(billing)
        ask(billing)
        assert states(billing)[0][1] == "unknown"
        ((kept,),) = billing.rows("SELECT string_agg(o::text, ' ') FROM outside_call o")
        assert secret not in kept


@contextmanager
def caller(billing: Billing, failpoint: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "YIQI_BILLING_DATABASE_URL": billing.database.url, "YIQI_FAILPOINT": failpoint}
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.outside_caller", "billing"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("moment", ["outside_call_sent", "outside_call_done"])
@pytest.mark.parametrize("step", PATHS)
def test_killed_over_a_call(
    finance: FinanceControl, university: FinanceStandIn, billing: Billing, step: str, moment: str
) -> None:
    """Before the finance system hears of it, and after it has answered: once."""
    up_to(billing, step)
    with caller(billing, f"{moment}:crash") as process:
        assert process.wait(timeout=30) == 137
    with caller(billing):
        wait_until(lambda: states(billing)[0][1:5] == DONE[step][:4])
    assert stands(billing, finance) == DONE[step]
    assert university.process.poll() is None
    assert billing.violations() == ()


def test_acceptance_comes_twice_while_it_is_unclear(finance: FinanceControl, billing: Billing) -> None:
    """And again afterwards: one transfer."""
    reserved(billing)
    finance.fail("timeout_after", "PUT", "/execution", count=3)
    told_twice = order_accepted(ORDER_ID, "OR-2026-000123", **INTERNAL)
    together([lambda: billing.handle(order.accepted, told_twice)] * 3)
    ask(billing)
    billing.handle(order.accepted, told_twice)
    ask(billing)
    assert stands(billing, finance) == DONE["execute"]
    assert finance.requests.count(f"PUT reservations/{KEY}/execution") == 1
    assert billing.violations() == ()


def test_something_else_stands_under_our_key(finance: FinanceControl, billing: Billing) -> None:
    """Of another amount: neither taken for ours, nor transferred, nor set aside beside it."""
    body = {"project": PROJECT, "responsible": "李明", "cost_category": "testing", "amount": 7, "currency": "CNY",
            "purpose": "x"}  # fmt: skip
    finance.reserve(KEY, SECRET, body)
    contract(billing)
    ask(billing)
    assert states(billing)[0][1] == "unknown"
    assert finance.available() == 10_000_000 - 7
    assert told(billing, "funding.reserved.v1") == 0
