"""By which ways a refund goes back, who must have seen it, and that it happens once; on real PostgreSQL."""

from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib.resources import files
from uuid import UUID

import pytest
from lxml import etree

from services.billing.adapters import refund_queries
from services.billing.config import settings
from services.billing.domain.bank_order import (
    PaymentStatus,
    StatusReport,
    StatusReportContradicts,
    StatusReportUnknown,
)
from services.billing.domain.commission import MoreThanLeft
from services.billing.domain.ledger import contract
from services.billing.domain.refund import (
    NothingWaits,
    PayerWithoutBankAccount,
    RefundExceedsPaid,
    SameHands,
)
from services.billing.use_cases import bank_order, order, refund
from services.billing.use_cases.payment import payment_id_of
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import CurrencyMismatch, Money
from services.shared.kernel.payment_reference import reference_of
from services.shared.messages.billing.bank_order import ReadStatusReport
from services.shared.messages.billing.refund import (
    ApproveRefund,
    CancelRefund,
    FailRefund,
    GetRefund,
    GetRefundDocuments,
    ListRefunds,
    RefundDocuments,
    RefundView,
    RerouteRefund,
    WaiveRedLetter,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.refunding import (
    PROVIDER_ACCRUED,
    approve,
    approve_refund,
    ask,
    bank_says,
    card_says,
    entries,
    order_cancelled,
    paid,
    red_letter,
    waive_red_letter,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    REQUESTER,
    an_organisation,
    cny,
    order_accepted,
)
from tests.kit.real_service import together


def store() -> ObjectStore:
    own = settings()
    return ObjectStore(str(own.object_store_url), own.bucket, own.records_bucket)


def documents(billing: Billing, refund_id: UUID, actor: Actor = FINANCE) -> RefundDocuments:
    read = partial(refund_queries.get_refund_documents, download_url=lambda key, name: f"{key}#{name}")
    return billing.run(read, GetRefundDocuments(refund_id=refund_id), actor)


def test_transfer_goes_back_to_its_payer(billing: Billing) -> None:
    """A bank payment goes back by an order to the bank, once a second pair of eyes has seen it; the bank confirms."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    asked = ask(billing, 10_000)
    with pytest.raises(SameHands):
        billing.run(approve_refund, ApproveRefund(refund_id=asked.refund_id))
    made = approve(billing, asked)
    assert (made.parts[0].state, made.parts[0].account_number) == ("sent", "6217000000008810")
    assert documents(billing, made.refund_id).items[0].url is None, "it is being written"
    assert billing.do_outside() == 1
    (told,) = documents(billing, made.refund_id).items
    body = store().fetch(str(told.url).split("#")[0])
    assert (sha256(body).hexdigest(), len(body), told.filename) == (
        told.sha256, told.size_bytes, f"{made.number}-1.xml",
    )  # fmt: skip
    assert [(each.text, each.get("Ccy")) for each in etree.fromstring(body).iterfind(".//{*}InstdAmt")] == [
        ("106.00", "CNY")
    ]
    schema = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_bytes()))
    schema.assertValid(etree.fromstring(body))
    for actor in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises(NotFound):
            documents(billing, made.refund_id, actor)
    line = ("b2", "out", "106.01", f"refund {made.number}")
    assert bank_says(billing, line).lines[0].reason == "refund_differs"
    view = bank_says(billing, ("b3", "out", "106.00", f"退款 {made.number.lower()}"))
    assert view.lines[0].target == f"refund/{made.refund_id}"
    assert entries(billing, f":b3:{made.refund_id}:{payment_id_of(ORDER_ID)}") == [
        ("D", f"L:refund:{made.refund_id}", 10_600), ("C", "A:bank:main", 10_600),
    ]  # fmt: skip
    read = billing.run(refund_queries.get_refund, GetRefund(refund_id=made.refund_id), REQUESTER)
    assert read.state == "succeeded"
    again = bank_says(billing, ("b4", "out", "106.00", made.number))  # a second transfer is nobody's
    assert again.lines[0].reason == "refund_differs"
    assert billing.violations() == ()


def test_a_transfer_that_the_bank_does_not_make(billing: Billing) -> None:
    """Said by another one than who let it go; it goes once more, by an order of its own, or into credit."""
    made = _ordered(billing)
    wanted = FailRefund(refund_id=made.refund_id, reason="account closed")
    with pytest.raises(SameHands):
        billing.run(refund.fail_refund, wanted, OTHER_FINANCE)
    for stranger in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises((NotFound, NotAllowed)):
            billing.run(refund.fail_refund, wanted, stranger)
    with pytest.raises(WrongState):
        billing.run(refund.fail_refund, wanted.model_copy(update={"payment_id": new_id()}))
    failed = billing.run(refund.fail_refund, wanted)
    assert (failed.state, failed.parts[0].failure) == ("failed", "account closed")
    with pytest.raises(WrongState):
        billing.run(refund.fail_refund, wanted)
    assert bank_says(billing, ("b2", "out", "106.00", made.number)).lines[0].reason == "refund_differs"
    _rerouted(billing, made, "bank_transfer")
    assert documents(billing, made.refund_id).items[0].url is None, "the order of the first time says nothing now"
    billing.do_outside()
    assert str(documents(billing, made.refund_id).items[0].url).split("#")[0].endswith("-1-2.xml")
    bank_says(billing, ("b3", "out", "106.00", made.number))
    assert billing.balance(f"L:refund:{made.refund_id}") == 0
    assert (billing.told.count("refund.failed.v1"), billing.told.count("refund.succeeded.v1")) == (1, 1)
    assert billing.violations() == ()


@pytest.mark.parametrize("route", ["bank_transfer", "customer_credit"])
def test_a_transfer_that_comes_back(billing: Billing, route: str) -> None:
    """It is credited once, however many files tell of it; the money goes out again, or into credit, once."""
    made = _ordered(billing)
    early = bank_says(billing, ("r0", "in", "106.00", f"退汇 {made.number}"))
    assert early.lines[0].reason == "refund_differs", "nothing has left yet"
    bank_says(billing, ("b2", "out", "106.00", made.number))
    for _ in range(2):
        back = bank_says(billing, ("r1", "in", "106.00", f"退汇 {made.number}"))
    assert (back.lines[0].target, back.lines[0].reason) == (f"refund/{made.refund_id}", "returned")
    assert billing.balance(f"L:refund:{made.refund_id}") == 10_600
    again = bank_says(billing, ("r2", "in", "106.00", made.number))
    assert again.lines[0].reason == "refund_differs"
    assert billing.told.count("refund.failed.v1") == 1
    _rerouted(billing, made, route)
    if route == "bank_transfer":
        bank_says(billing, ("b3", "out", "106.00", made.number))
        back = bank_says(billing, ("r3", "in", "106.00", made.number))
        assert back.lines[0].reason == "returned"
        assert billing.balance(f"L:refund:{made.refund_id}") == 10_600
        _rerouted(billing, made, "customer_credit")
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 10_600
    assert billing.balance(f"L:refund:{made.refund_id}") == 0
    assert billing.violations() == ()


def test_what_the_bank_answers_to_a_refunds_order(billing: Billing) -> None:
    """Taken, then rejected: it may go another way; an answer to the first order says nothing of the second."""
    made = _ordered(billing)
    assert _bank_answers(billing, f"{made.number}-1", "", "ACCP") == ["noted"]
    for number, name, amount in ((f"{made.number}-2", "", None), ("RF-2026-099999-1", "", None)):
        with pytest.raises(StatusReportUnknown):
            _bank_answers(billing, number, name, "RJCT", amount)
    for name, amount in (("PO-2026-000001", None), (made.number, cny(10_601))):
        with pytest.raises(StatusReportContradicts):
            _bank_answers(billing, f"{made.number}-1", name, "RJCT", amount)
    assert _bank_answers(billing, f"{made.number}-1", made.number, "RJCT", cny(10_600)) == ["failed"]
    assert _bank_answers(billing, f"{made.number}-1", made.number, "RJCT") == ["known"]
    assert _bank_answers(billing, f"{made.number}-1", made.number, "ACSC") == ["contradicts"]
    _rerouted(billing, made, "bank_transfer")
    with pytest.raises(StatusReportUnknown):
        _bank_answers(billing, f"{made.number}-1", made.number, "RJCT")
    bank_says(billing, ("b2", "out", "106.00", made.number))
    assert _bank_answers(billing, f"{made.number}-1-2", made.number, "RJCT") == ["contradicts"]
    assert billing.violations() == ()


def _bank_answers(billing: Billing, order: str, name: str, status: str, amount: Money | None = None) -> list[str]:
    said = StatusReport(order, (PaymentStatus(name, status, "AC04", amount),))
    wanted = ReadStatusReport(content="eA==")
    view = billing.run(partial(bank_order.read_status_report, read=lambda _: said), wanted)
    return [each.outcome for each in view.payments]


def test_one_line_of_the_bank_pays_several(billing: Billing) -> None:
    """Two refunds booked as one debit: by both their numbers, if it is exactly their sum; read twice, paid once."""
    first = _ordered(billing)
    second = approve(billing, ask(billing, 20_000))
    text = f"{first.number} {second.number}"
    assert bank_says(billing, ("b2", "out", "318.01", text)).lines[0].reason == "several_refunds"
    answers = together([partial(bank_says, billing, ("b3", "out", "318.00", text))] * 4)
    assert {each.lines[0].state for each in answers} == {"matched"}  # type: ignore[attr-defined]
    assert billing.told.count("refund.succeeded.v1") == 2
    assert [billing.balance(f"L:refund:{each.refund_id}") for each in (first, second)] == [0, 0]
    assert billing.violations() == ()


def test_failed_and_made_at_once(billing: Billing) -> None:
    """Of many who say that it failed while the bank's file shows it made, one is right; the money adds up."""
    made = _ordered(billing)
    fails = partial(billing.run, refund.fail_refund, FailRefund(refund_id=made.refund_id, reason="?"))
    pays = partial(bank_says, billing, ("b2", "out", "106.00", made.number))
    answers = together([fails, fails, pays, fails])
    ((state,),) = billing.rows("SELECT state FROM refund")
    assert len([each for each in answers if isinstance(each, WrongState)]) == (3 if state == "succeeded" else 2)
    assert billing.balance(f"L:refund:{made.refund_id}") == (0 if state == "succeeded" else 10_600)
    assert billing.violations() == ()


def _ordered(billing: Billing) -> RefundView:
    """A refund of 106.00, of whose transfer the bank is told."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    made = approve(billing, ask(billing, 10_000))
    billing.do_outside()
    return made


def _rerouted(billing: Billing, made: RefundView, route: str) -> None:
    wanted = RerouteRefund.model_validate({"refund_id": made.refund_id, "route": route})
    billing.run(refund.reroute_refund, wanted)
    approve(billing, made)


def test_payer_without_account(billing: Billing) -> None:
    """Without an account to which it could go nothing is booked; the request stays."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    bare = an_organisation(CUSTOMER_ID, bank_name="", account_name="", account_number="")
    billing.within(lambda uow: uow.organisations.put(bare))
    asked = ask(billing, 10_000)
    with pytest.raises(PayerWithoutBankAccount):
        approve(billing, asked)
    assert billing.balance(contract(ORDER_ID)) == 106_000
    billing.run(refund.cancel_refund, CancelRefund(refund_id=asked.refund_id))
    with pytest.raises(WrongState):
        billing.run(refund.cancel_refund, CancelRefund(refund_id=asked.refund_id))
    with pytest.raises(NothingWaits):
        approve(billing, asked)
    assert billing.violations() == ()


def test_a_payer_without_account_holds_up_no_red_letter(billing: Billing) -> None:
    """What it had to confirm is booked; the transfer waits until an account is told and somebody approves it."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "1060.00", reference_of("OR-2026-000123")))
    billing.handle(order.accepted, order_accepted(method="bank_transfer"))
    made = approve(billing, ask(billing, 10_000))
    account = an_organisation(CUSTOMER_ID)
    billing.within(
        lambda uow: uow.organisations.put(replace(account, bank_name="", account_name="", account_number=""))
    )
    red_letter(billing, made)
    assert billing.balance(f"L:refund:{made.refund_id}") == 10_600
    assert billing.rows("SELECT state FROM refund") == [("pending",)]
    with pytest.raises(PayerWithoutBankAccount):
        approve(billing, made)
    billing.within(lambda uow: uow.organisations.put(account))
    assert approve(billing, made).parts[0].state == "sent"
    bank_says(billing, ("b2", "out", "106.00", made.number))
    assert billing.rows("SELECT state FROM refund") == [("succeeded",)]
    assert billing.violations() == ()


def test_card_that_fails_goes_another_way(billing: Billing) -> None:
    """A refund that the card's bank sends back, even after it had succeeded, goes another way with four eyes."""
    paid(billing)
    made = approve(billing, ask(billing, 10_000))
    assert card_says(billing, made) == "refunded"
    assert card_says(billing, made, succeeded=False) == "refund_failed"
    assert card_says(billing, made, succeeded=False) == card_says(billing, made) == "nothing_new"
    assert billing.balance("A:psp:stripe") == -106_000
    assert billing.balance(f"L:refund:{made.refund_id}") == 10_600
    rerouted = billing.run(
        refund.reroute_refund, RerouteRefund(refund_id=made.refund_id, route="customer_credit"), OTHER_FINANCE
    )
    assert (rerouted.state, rerouted.parts[0].state) == ("pending", "waiting")
    with pytest.raises(SameHands):
        approve(billing, made)
    done = billing.run(approve_refund, ApproveRefund(refund_id=made.refund_id))
    assert done.state == "succeeded"
    assert billing.balance(f"L:customer_credit:{CUSTOMER_ID}") == 10_600
    assert (billing.told.count("refund.failed.v1"), billing.told.count("refund.succeeded.v1")) == (1, 2)
    assert billing.violations() == ()


def test_money_waits_for_the_red_letter(billing: Billing) -> None:
    """Of an accepted order nothing leaves before the red-letter form is confirmed, or two people waive it."""
    billing.accepted()
    first, second = approve(billing, ask(billing, 10_000)), approve(billing, ask(billing, 20_000))
    assert (first.state, second.state) == ("awaiting_red_letter", "awaiting_red_letter")
    assert billing.rows("SELECT count(*) FROM outside_call WHERE kind = 'create_stripe_refund'") == [(0,)]
    assert billing.balance("R:service") == 100_000
    assert billing.balance(PROVIDER_ACCRUED) == 63_000  # what the parties have comes down at once
    assert billing.violations() == ()
    red_letter(billing, first)
    red_letter(billing, first)
    assert billing.balance("R:service") == 90_000
    waive = WaiveRedLetter(refund_id=second.refund_id)
    assert billing.run(waive_red_letter, waive).state == "awaiting_red_letter"
    with pytest.raises(SameHands):
        billing.run(waive_red_letter, waive)
    assert billing.run(waive_red_letter, waive, OTHER_FINANCE).state == "pending"
    with pytest.raises(WrongState):
        billing.run(waive_red_letter, waive, OTHER_FINANCE)
    red_letter(billing, second)  # comes after all, and changes nothing
    assert billing.balance("R:service") == 70_000
    assert billing.violations() == ()


def test_never_more_than_was_paid(billing: Billing) -> None:
    """I6: neither more than the order's net nor more than came in; foreign currency and strangers are refused."""
    paid(billing)
    with pytest.raises(MoreThanLeft):
        ask(billing, 100_001)
    with pytest.raises(CurrencyMismatch):
        ask(billing, 100, currency="USD")
    with pytest.raises(NotFound):
        ask(billing, 100, order_id=new_id())
    first, second = ask(billing, 60_000), ask(billing, 60_000)
    approve(billing, first)
    with pytest.raises(MoreThanLeft):
        approve(billing, second)
    unpaid = derived_id("order", "unpaid")
    billing.contracted(unpaid, "OR-2026-000126")
    with pytest.raises(RefundExceedsPaid):
        ask(billing, 100, order_id=unpaid)
    for stranger in (REQUESTER, PROVIDER_FINANCE):
        with pytest.raises((NotFound, NotAllowed)):
            billing.run(
                approve_refund,
                ApproveRefund(refund_id=first.refund_id),
                stranger,
            )
    assert billing.violations() == ()


def test_customer_sees_its_own(billing: Billing) -> None:
    """A customer sees its refunds, nobody else's; providers learn of none."""
    paid(billing)
    made = ask(billing, 10_000)
    (own,) = billing.run(
        refund_queries.list_refunds, ListRefunds(order_id=ORDER_ID, state="requested"), REQUESTER
    ).items
    assert own.refund_id == made.refund_id
    assert billing.run(refund_queries.list_refunds, ListRefunds(), PROVIDER_FINANCE).items == ()
    for unknown in (made.refund_id, new_id()):
        with pytest.raises(NotFound):
            billing.run(refund_queries.get_refund, GetRefund(refund_id=unknown), PROVIDER_FINANCE)
    assert len(billing.run(refund_queries.list_refunds, ListRefunds()).items) == 1


def test_cancelled_order_gives_back_what_was_paid(billing: Billing) -> None:
    """A partly paid order is cancelled: what came in goes back to its payer, once, after a second pair of eyes."""
    billing.contracted(method="bank_transfer")
    bank_says(billing, ("b1", "in", "500.00", reference_of("OR-2026-000123")))
    for _ in range(2):
        billing.handle(order.cancelled, order_cancelled())
    (made,) = billing.run(refund_queries.list_refunds, ListRefunds()).items
    assert (made.cause, made.state, made.gross, made.tax) == ("cancellation", "pending", cny(50_000), cny(0))
    assert made.parts[0].state == "waiting"
    approve(billing, made)
    bank_says(billing, ("b2", "out", "500.00", made.number))
    assert billing.balance(contract(ORDER_ID)) == 0
    assert billing.balance("A:bank:main") == 0
    assert billing.violations() == ()


def test_order_cancelled_before_anything_was_paid(billing: Billing) -> None:
    """Nothing is refunded of nothing, neither of an order that was contracted nor of one that never was."""
    billing.contracted()
    billing.handle(order.cancelled, order_cancelled())
    billing.handle(order.cancelled, order_cancelled(new_id()))
    assert billing.run(refund_queries.list_refunds, ListRefunds()).items == ()
    assert "refund.agreed.v1" not in billing.told
