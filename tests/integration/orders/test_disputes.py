"""Disputes on real PostgreSQL and object store: who may say what when, and what waits meanwhile."""

import hashlib
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import urllib3

from services.orders.adapters import dispute_queries
from services.orders.domain.dispute import InDispute, LineUnknown, ObjectionTooLate, RefundTooLarge, RefundUndecided
from services.orders.use_cases import dispute, order
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, Refused
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.messages.billing.refund import RefundSucceeded
from services.shared.messages.orders.dispute import (
    AnswerDispute,
    CommentOnDispute,
    DecideDispute,
    DeclareEvidence,
    DisputeView,
    GetDispute,
    ListDisputes,
    OpenDispute,
    SubmitEvidence,
    WithdrawDispute,
)
from services.shared.messages.orders.order import AcceptOrder, CancelOrder
from tests.integration.orders.conftest import Orders
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    CUSTOMER_ID,
    LAB_MANAGER,
    NOW,
    OPERATOR_ID,
    OTHER_LAB_MANAGER,
    OTHER_REQUESTER,
    REQUESTER,
    STATION_MANAGER,
    TECHNICIAN,
    an_actor,
    an_order,
    cny,
    some_terms,
)

DISPUTE_OPERATOR = an_actor(OPERATOR_ID, "dispute_operator", operator=True)


def an_order_in(orders: Orders, state: Any, **changes: Any) -> UUID:
    """Stored as it is, with everything frozen."""
    made = an_order("placed", **{key: value for key, value in changes.items() if key == "amounts"})
    orders.within(lambda uow: uow.orders.place(made, new_id()))
    late = an_order(state, **{**changes, "order_id": made.order_id, "number": made.number})
    orders.within(lambda uow: uow.orders.save(late))
    return made.order_id


def opened(orders: Orders, order_id: UUID, *, days: int = 1, actor: Actor = REQUESTER, **more: Any) -> DisputeView:
    wanted = OpenDispute(order_id=order_id, reason="result_wrong", text="The values cannot be.", **more)
    return orders.run(dispute.open_dispute, wanted, actor, NOW + timedelta(days=days))


def decided(orders: Orders, found: DisputeView, outcome: Any, actor: Actor = DISPUTE_OPERATOR, **more: Any) -> Any:
    wanted = DecideDispute(dispute_id=found.dispute_id, outcome=outcome, reason="as the raw data show", **more)
    return orders.run(dispute.decide_dispute, wanted, actor, NOW + timedelta(days=5))


def state_of(orders: Orders, order_id: UUID) -> tuple[str, Any]:
    ((state, accept_by),) = orders.rows("SELECT state, accept_by FROM orders WHERE order_id = %s", (str(order_id),))
    return state, accept_by


def test_from_objection_to_the_refund(orders: Orders) -> None:
    """Opened, answered, commented, decided; the days to accept stop and go on; executed when the refund arrives."""
    order_id = an_order_in(orders, "delivered")
    orders.within(lambda uow: uow.set_timer(order.ACCEPT_TIMER, order_id, NOW + timedelta(days=10)))
    found = opened(orders, order_id, days=4, lines=(1,))
    assert (found.state, found.number[:8], found.lines) == ("opened", "DP-2026-", (1,))
    assert orders.rows("SELECT count(*) FROM timer") == [(0,)]
    assert state_of(orders, order_id) == ("delivered", None)
    with pytest.raises(InDispute):
        orders.run(order.accept_order, AcceptOrder(order_id=order_id), REQUESTER)
    with pytest.raises(InDispute):
        orders.within(lambda uow: order.accept_order_in_time(str(order_id), uow=uow, now=NOW))
    for text in ("We measured again.", "Here are the raw data."):
        wanted = AnswerDispute(dispute_id=found.dispute_id, text=text)
        assert orders.run(dispute.answer_dispute, wanted, LAB_MANAGER).state == "answered"
    orders.run(dispute.comment_on_dispute, CommentOnDispute(dispute_id=found.dispute_id, text="No."), REQUESTER)
    view = decided(orders, found, "refund", net=cny(100_000), burden="company")
    assert [comment.party for comment in view.comments] == ["provider", "provider", "customer"]
    assert state_of(orders, order_id) == ("delivered", NOW + timedelta(days=5 + 6))  # six of the ten days were left
    assert orders.rows("SELECT due_at FROM timer") == [(NOW + timedelta(days=11),)]
    for _ in range(2):
        orders.handle(dispute.refund_arrived, refund_succeeded(order_id, found.dispute_id))
    read = orders.run(dispute_queries.get_dispute, GetDispute(dispute_id=found.dispute_id), LAB_MANAGER)
    assert read.state == "executed"
    told = [name for name in orders.told if name.startswith("dispute.")]
    assert told == ["dispute.opened.v1", "dispute.answered.v1", "dispute.decided.v1"]
    orders.run(order.accept_order, AcceptOrder(order_id=order_id), REQUESTER)


def refund_succeeded(order_id: UUID, dispute_id: UUID | None) -> RefundSucceeded:
    return RefundSucceeded(
        refund_id=derived_id("refund", 1), number="RF-2026-000001", order_id=order_id, order_number="OR-2026-000001",
        customer_id=CUSTOMER_ID, cause="dispute", net=cny(1), tax=cny(0), gross=cny(1), on_account=cny(0),
        paid_back=cny(1), dispute_id=dispute_id, succeeded_at=NOW,
    )  # fmt: skip


def test_when_one_may_object(orders: Orders) -> None:
    """To what is delivered, accepted or closed, within the objection days after delivery, to lines that there are."""
    for state in ("placed", "contracted", "released", "in_progress", "cancelled"):
        with pytest.raises(WrongState):
            opened(orders, an_order_in(orders, state))
    for state in ("delivered", "accepted", "closed"):
        order_id = an_order_in(orders, state)
        with pytest.raises(ObjectionTooLate):
            opened(orders, order_id, days=15)
        with pytest.raises(LineUnknown):
            opened(orders, order_id, lines=(1, 2))
        found = opened(orders, order_id, days=14)
        with pytest.raises(InDispute):
            opened(orders, order_id)
        orders.run(dispute.withdraw_dispute, WithdrawDispute(dispute_id=found.dispute_id), REQUESTER)
        opened(orders, order_id)


def test_who_may(orders: Orders) -> None:
    """The customer opens and withdraws, the provider answers, a dispute operator decides; others learn of nothing."""
    order_id = an_order_in(orders, "accepted")
    for stranger in (OTHER_REQUESTER, OTHER_LAB_MANAGER, STATION_MANAGER):
        with pytest.raises(NotFound):
            opened(orders, order_id, actor=stranger)
    with pytest.raises(NotAllowed):
        opened(orders, order_id, actor=LAB_MANAGER)
    found = opened(orders, order_id)
    dispute_id = found.dispute_id
    for actor in (REQUESTER, LAB_MANAGER, CONTRACT_OPERATOR):
        with pytest.raises(NotAllowed):
            decided(orders, found, "rejected", actor)
    with pytest.raises(NotAllowed):
        orders.run(dispute.answer_dispute, AnswerDispute(dispute_id=dispute_id, text="x"), TECHNICIAN)
    for stranger in (OTHER_REQUESTER, OTHER_LAB_MANAGER, STATION_MANAGER):
        for use_case, wanted in (
            (dispute.answer_dispute, AnswerDispute(dispute_id=dispute_id, text="x")),
            (dispute.comment_on_dispute, CommentOnDispute(dispute_id=dispute_id, text="x")),
            (dispute.withdraw_dispute, WithdrawDispute(dispute_id=dispute_id)),
            (dispute_queries.get_dispute, GetDispute(dispute_id=dispute_id)),
        ):
            with pytest.raises(NotFound):
                orders.run(use_case, wanted, stranger)
        assert orders.run(dispute_queries.list_disputes, ListDisputes(), stranger).items == ()
    for reader in (REQUESTER, LAB_MANAGER, DISPUTE_OPERATOR):
        (listed,) = orders.run(dispute_queries.list_disputes, ListDisputes(order_id=order_id), reader).items
        assert listed.dispute_id == dispute_id


def test_what_may_be_decided(orders: Orders) -> None:
    """A refund says how much, at most the order's net; only one decision counts; what is accepted is not retested."""
    order_id = an_order_in(orders, "accepted")
    found = opened(orders, order_id)
    with pytest.raises(RefundUndecided):
        decided(orders, found, "refund")
    with pytest.raises(RefundUndecided):
        decided(orders, found, "rejected", net=cny(1))
    with pytest.raises(RefundTooLarge):
        decided(orders, found, "refund", net=cny(316_801))
    with pytest.raises(Refused):
        decided(orders, found, "refund", net=Money(1, "USD"))
    with pytest.raises(WrongState):
        decided(orders, found, "retest")
    decided(orders, found, "rejected")
    for late in (
        lambda: decided(orders, found, "refund", net=cny(1)),
        lambda: orders.run(dispute.withdraw_dispute, WithdrawDispute(dispute_id=found.dispute_id), REQUESTER),
        lambda: orders.run(dispute.answer_dispute, AnswerDispute(dispute_id=found.dispute_id, text="x"), LAB_MANAGER),
    ):
        with pytest.raises(WrongState):
            late()


def test_retest_sends_it_back_to_the_laboratory(orders: Orders) -> None:
    """The order is in progress again and will be delivered again."""
    order_id = an_order_in(orders, "delivered")
    decided(orders, opened(orders, order_id), "retest")
    assert state_of(orders, order_id) == ("in_progress", None)


def test_evidence_is_kept_or_refused(orders: Orders) -> None:
    """A party's file is what was declared, or it is refused and may be uploaded again; nobody submits another's."""
    found = opened(orders, an_order_in(orders, "accepted"))
    body = b"%PDF-1.7\n% raw data\n"
    wanted = DeclareEvidence(
        dispute_id=found.dispute_id, title="Raw data", sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body),
        media_type="application/pdf",
    )  # fmt: skip
    (declared,) = orders.run(dispute.declare_evidence, wanted, REQUESTER).evidence
    assert declared.upload_url is not None
    submit = SubmitEvidence(dispute_id=found.dispute_id, evidence_id=declared.evidence_id)
    with pytest.raises(NotFound):
        orders.run(dispute.submit_evidence, submit, LAB_MANAGER)
    for upload, state in ((b"%PDF-1.7\n% other data\n", "refused"), (body, "kept")):
        assert urllib3.request("PUT", declared.upload_url, body=upload).status == 200
        orders.run(dispute.submit_evidence, submit, REQUESTER)
        with pytest.raises(WrongState):
            orders.run(dispute.submit_evidence, submit, REQUESTER)
        assert orders.do_outside() >= 1
        (read,) = orders.run(dispute_queries.get_dispute, GetDispute(dispute_id=found.dispute_id), LAB_MANAGER).evidence
        assert (read.state, bool(read.problem)) == (state, state == "refused")


def test_decided_and_withdrawn_at_once(orders: Orders) -> None:
    """Of two who end a dispute at the same time one does (M7)."""
    found = opened(orders, an_order_in(orders, "accepted"))
    gate = threading.Barrier(6)
    ended: list[str] = []

    def one(number: int) -> None:
        gate.wait()
        try:
            if number % 2:
                decided(orders, found, "refund", net=cny(100))
            else:
                orders.run(dispute.withdraw_dispute, WithdrawDispute(dispute_id=found.dispute_id), REQUESTER)
        except WrongState:
            return
        ended.append(str(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 1
    assert len([name for name in orders.told if name in {"dispute.decided.v1", "dispute.withdrawn.v1"}]) == 1


def test_cancelled_after_release_costs_the_agreed_fee(orders: Orders) -> None:
    """TV22: 20 % of the gross, nine tenths of it the provider's; free only where the operating company says so."""
    terms = some_terms(cancellation_fee_bps=2_000, cancellation_provider_bps=9_000)
    order_id = an_order_in(orders, "released", terms=terms)
    with pytest.raises(NotAllowed):
        orders.run(order.cancel_order, CancelOrder(order_id=order_id, free=True), REQUESTER)
    orders.run(order.cancel_order, CancelOrder(order_id=order_id, reason="not needed"), REQUESTER)
    ((data,),) = orders.rows("SELECT data::jsonb FROM outbox WHERE type = 'order.cancelled.v1'")
    assert (data["kept"]["amount"], data["to_provider"]["amount"]) == (67_162, 60_446)
    free = an_order_in(orders, "released", terms=terms)
    orders.run(order.cancel_order, CancelOrder(order_id=free, free=True), CONTRACT_OPERATOR)
    early = an_order_in(orders, "contracted", terms=terms)
    orders.run(order.cancel_order, CancelOrder(order_id=early), REQUESTER)
    rows = orders.rows("SELECT data::jsonb -> 'kept' FROM outbox WHERE type = 'order.cancelled.v1' ORDER BY id")
    assert [row[0] for row in rows[1:]] == [None, None]
