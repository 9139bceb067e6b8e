"""Disputes: opened by the customer, answered by the provider, decided by the operating company."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.orders.domain.dispute import Comment, Decision, Dispute, Evidence, InDispute, Party, check_objection
from services.orders.domain.order import Order
from services.orders.use_cases.order import ACCEPT_TIMER
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, Grants, Relation, hand_of, require
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.refund import RefundSucceeded
from services.shared.messages.orders import dispute as messages

CHECK_EVIDENCE = "check_evidence"

E = TypeVar(
    "E", messages.DisputeOpened, messages.DisputeAnswered, messages.DisputeDecided, messages.DisputeWithdrawn
)  # fmt: skip

_PARTY: dict[Relation, Party] = {"customer": "customer", "provider": "provider", "operator": "operator"}


def open_dispute(
    command: messages.OpenDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """
    Object to what was delivered; the days to accept stop running.

    Raises:
        WrongState: Nothing is delivered.
        LineUnknown, ObjectionTooLate: See check_objection.
        InDispute: One is open already.
    """
    order = uow.orders.get(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    delivered_at = order.object(now)
    check_objection(
        command.lines, [line.line for line in order.lines], delivered_at, order.frozen_terms.objection_days, now
    )
    if uow.disputes.open_of(order.order_id) is not None:
        raise InDispute
    opened = Dispute(
        dispute_id=new_id(),
        number="",
        order_id=order.order_id,
        order_number=order.number,
        customer_id=order.customer_id,
        provider_id=order.provider_id,
        state="opened",
        reason=command.reason,
        lines=tuple(sorted(set(command.lines))),
        text=command.text,
        opened_at=now,
        time_left_s=order.stop_accepting(now),
    )
    uow.disputes.add(opened)
    uow.cancel_timer(ACCEPT_TIMER, order.order_id)
    uow.orders.save(order)
    uow.publish(
        _event(messages.DisputeOpened, opened, reason=opened.reason, lines=opened.lines, opened_at=opened.opened_at)
    )
    return view(opened)


def answer_dispute(
    command: messages.AnswerDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """What the provider says to it. Raises WrongState, TooMuchEvidence."""
    order, found, _ = _heard(command, actor, uow)
    first = found.answered_at is None
    found.answer(command.text, now)
    uow.disputes.save(found)
    if first:
        order.note("dispute_answered", now)
        uow.orders.save(order)
        uow.publish(_event(messages.DisputeAnswered, found, answered_at=now))
    return view(found)


def comment_on_dispute(
    command: messages.CommentOnDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """Raises WrongState, TooMuchEvidence."""
    _, found, party = _heard(command, actor, uow)
    found.say(party, command.text, now)
    uow.disputes.save(found)
    return view(found)


def declare_evidence(
    command: messages.DeclareEvidence, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """Declare a file, and learn where to upload it. Raises WrongState, TooMuchEvidence."""
    del now
    _, found, party = _heard(command, actor, uow)
    evidence = Evidence(
        new_id(), party, command.title, command.sha256, command.size_bytes, command.media_type
    )  # fmt: skip
    found.declare(evidence)
    uow.disputes.save(found)
    return view(found, {evidence.evidence_id: uow.files.upload_url(_upload_key(evidence.evidence_id))})


def submit_evidence(
    command: messages.SubmitEvidence, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """The file is uploaded: have it checked and kept. Raises NotFound, WrongState: See Dispute.submit."""
    del now
    _, found, party = _heard(command, actor, uow)
    evidence = found.submit(command.evidence_id, party)
    uow.disputes.save(found)
    uow.call_outside(
        CHECK_EVIDENCE,
        f"{CHECK_EVIDENCE}:{evidence.evidence_id}:{evidence.attempts}",
        {
            "dispute_id": str(found.dispute_id),
            "evidence_id": str(evidence.evidence_id),
            "upload_key": _upload_key(evidence.evidence_id),
            "record_key": f"disputes/{found.dispute_id}/{evidence.evidence_id}",
            "sha256": evidence.sha256,
            "size_bytes": evidence.size_bytes,
            "media_type": evidence.media_type,
        },
    )
    return view(found)


def record_evidence(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """The file is what was declared, and is kept."""
    del outcome
    record_evidence_refused(payload, "", uow=uow, now=now)


def record_evidence_refused(payload: Mapping[str, Any], code: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The upload is not what was declared."""
    del now
    dispute_id = UUID(payload["dispute_id"])
    uow.orders.of("dispute", dispute_id)
    found = uow.disputes.get(dispute_id)
    found.checked(UUID(payload["evidence_id"]), code)
    uow.disputes.save(found)


def decide_dispute(
    command: messages.DecideDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """
    Decide it. A retest sends the order back to the laboratory; a refund is billing's to pay.

    Raises:
        WrongState: It is closed; or a retest of what is accepted already.
        RefundUndecided, RefundTooLarge, CurrencyMismatch: See Dispute.decide.
    """
    order, found, _ = _heard(command, actor, uow)
    decision = Decision(
        command.outcome, command.net, command.burden, command.station_base, command.reason, now, hand_of(actor)
    )  # fmt: skip
    found.decide(decision, order.amounts.net)
    uow.disputes.save(found)
    if command.outcome == "retest":
        order.retest(now)
    else:
        order.note("dispute_decided", now)
        _go_on_accepting(order, found, uow, now)
    uow.orders.save(order)
    uow.publish(
        _event(
            messages.DisputeDecided, found, outcome=decision.outcome, net=decision.net, burden=decision.burden,
            station_base=decision.station_base, decided_by=decision.decided_by, decided_at=now,
        )
    )  # fmt: skip
    return view(found)


def withdraw_dispute(
    command: messages.WithdrawDispute, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime
) -> messages.DisputeView:
    """Raises WrongState: It is closed."""
    order, found, _ = _heard(command, actor, uow)
    found.withdraw(now)
    uow.disputes.save(found)
    order.note("dispute_withdrawn", now)
    _go_on_accepting(order, found, uow, now)
    uow.orders.save(order)
    uow.publish(_event(messages.DisputeWithdrawn, found, withdrawn_at=now))
    return view(found)


def refund_arrived(event: RefundSucceeded, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """What was decided is done. A second delivery, or a refund that nobody disputed for, does nothing."""
    if event.dispute_id is None:
        return
    try:
        order = uow.orders.of("dispute", event.dispute_id)
    except NotFound:
        raise NotYet("the dispute is not known here") from None
    found = uow.disputes.get(event.dispute_id)
    if found.state == "decided":
        found.execute()
        uow.disputes.save(found)
        order.note("dispute_executed", now, by_platform=True)
        uow.orders.save(order)


def _go_on_accepting(order: Order, closed: Dispute, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The days to accept go on where they stopped."""
    if closed.time_left_s is not None and order.state == "delivered":
        order.accept_by = now + timedelta(seconds=closed.time_left_s)
        uow.set_timer(ACCEPT_TIMER, order.order_id, order.accept_by)


def _heard(command: Any, actor: Actor, uow: OrdersUnitOfWork) -> tuple[Order, Dispute, Party]:
    """The dispute, its order locked, and as what the actor speaks."""
    grants: Grants = command.grants
    order = uow.orders.of("dispute", command.dispute_id)
    relation = require(actor, grants, {"customer": order.customer_id, "provider": order.provider_id})
    party = _PARTY.get(relation)
    if party is None:
        raise NotAllowed
    return order, uow.disputes.get(command.dispute_id), party


def _upload_key(evidence_id: UUID) -> str:
    """Says nothing of what it is: keys show up in logs of others."""
    return f"uploads/{evidence_id}"


def _event(kind: type[E], dispute: Dispute, **more: Any) -> E:
    return kind(
        dispute_id=dispute.dispute_id,
        number=dispute.number,
        order_id=dispute.order_id,
        customer_id=dispute.customer_id,
        provider_id=dispute.provider_id,
        **more,
    )


def view(dispute: Dispute, upload_urls: Mapping[UUID, str] | None = None) -> messages.DisputeView:
    urls = upload_urls or {}
    decision = dispute.decision
    return messages.DisputeView(
        dispute_id=dispute.dispute_id,
        number=dispute.number,
        state=dispute.state,
        order_id=dispute.order_id,
        order_number=dispute.order_number,
        customer_id=dispute.customer_id,
        provider_id=dispute.provider_id,
        reason=dispute.reason,
        lines=dispute.lines,
        text=dispute.text,
        evidence=tuple(_evidence(each, urls.get(each.evidence_id)) for each in dispute.evidence),
        comments=tuple(_comment(each) for each in dispute.comments),
        opened_at=dispute.opened_at,
        answered_at=dispute.answered_at,
        decision=messages.Decision(
            outcome=decision.outcome,
            net=decision.net,
            burden=decision.burden,
            station_base=decision.station_base,
            reason=decision.reason,
            decided_at=decision.decided_at,
        )
        if decision is not None
        else None,
        closed_at=dispute.closed_at,
    )


def _evidence(evidence: Evidence, upload_url: str | None) -> messages.Evidence:
    return messages.Evidence(
        evidence_id=evidence.evidence_id,
        party=evidence.party,
        title=evidence.title,
        sha256=evidence.sha256,
        size_bytes=evidence.size_bytes,
        state=evidence.state,
        upload_url=upload_url,
        problem=evidence.problem,
    )


def _comment(comment: Comment) -> messages.Comment:
    return messages.Comment(party=comment.party, text=comment.text, at=comment.at)
