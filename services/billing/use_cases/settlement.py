"""Settlements: closing statements, and learning that the party's invoice matches."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.billing.domain.ledger import claw_back
from services.billing.domain.organisation import OrganisationCopy, PartyKind
from services.billing.domain.settlement import Settlement, clawed_back, received_invoice_matched
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date, end_of_business_day
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    SettledOrder,
    SettlementClosed,
    SettlementPage,
    SettlementPaid,
    SettlementPayable,
    SettlementView,
)
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched

E = TypeVar("E", SettlementClosed, SettlementPayable, SettlementPaid)


def close_settlements(
    command: CloseSettlements, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> SettlementPage:
    """
    State what is owed to each provider and station for what was accepted up to the end of a day.

    A party whose orders differ in currency or in the invoice that was agreed gets a statement for each,
    because it sends an invoice for each; one of very many orders is cut into several.
    """
    require(actor, command.grants, {})
    closed = uow.settlements.close(command.until, end_of_business_day(command.until), now)
    parties = uow.organisations.find_all({settlement.party_id for settlement in closed}) if closed else {}
    for settlement in closed:
        party = parties.get(settlement.party_id)
        if party is None:
            raise NotYet("a party is not known here yet")
        uow.publish(
            event(
                SettlementClosed,
                settlement,
                until=settlement.until,
                closed_at=settlement.closed_at,
                tax_rate_bps=settlement.tax_rate_bps,
                special_invoice=settlement.special_invoice,
            )
        )
        uow.call_outside(
            "render_settlement", f"settlement_statement:{settlement.settlement_id}", _statement(settlement, party)
        )
    return SettlementPage(items=tuple(view(settlement) for settlement in closed))


def statement_kept(settlement_id: UUID, key: str, sha256: str, size: int, *, uow: BillingUnitOfWork) -> None:
    """The statement is printed and kept."""
    settlement = uow.settlements.get(settlement_id)
    settlement.issue(key, sha256, size)
    uow.settlements.save(settlement)


def invoice_matched(event_: ReceivedInvoiceMatched, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """The party's invoice says what the statement says: what was accrued becomes payable, with its tax."""
    try:
        # The party before its settlement: whoever changes what we owe it, or it owes us, waits here.
        uow.organisations.find(uow.settlements.party_of(event_.settlement_id), lock=True)
        settlement = uow.settlements.get(event_.settlement_id)
    except NotFound:
        raise NotYet("the settlement is not known here") from None
    if settlement.received_invoice_id == event_.received_invoice_id:
        return
    settlement.match(event_.received_invoice_id, event_.net, event_.tax)
    uow.settlements.save(settlement)
    post_transaction(
        uow,
        key=f"received_invoice:{event_.received_invoice_id}",
        kind="received_invoice",
        # The settlement's own amounts: the tax inside an ordinary invoice is cost to us, not input VAT.
        entries=received_invoice_matched(
            settlement.party_kind,
            settlement.party_id,
            Money(settlement.net, settlement.currency),
            Money(settlement.tax, settlement.currency),
        ),
        effective_at=now,
        now=now,
    )
    uow.publish(event(SettlementPayable, settlement, payable_from=settlement.payable_from))
    _claw_back(settlement, uow, now)


def _claw_back(settlement: Settlement, uow: BillingUnitOfWork, now: datetime) -> None:
    """What the party owes us is kept of this settlement first."""
    owed = -uow.ledger.balance(claw_back(settlement.party_kind, settlement.party_id), settlement.currency)
    kept = min(owed, settlement.due.amount)
    if kept > 0:
        post_transaction(
            uow,
            key=f"settlement:{settlement.settlement_id}:claw_back",
            kind="claw_back",
            entries=clawed_back(settlement.party_kind, settlement.party_id, Money(kept, settlement.currency)),
            effective_at=now,
            now=now,
        )
        _deduct(settlement, kept, uow, now)


def keep(kind: PartyKind, party_id: UUID, amount: Money, *, uow: BillingUnitOfWork, now: datetime) -> Money:
    """
    Keep up to *amount* of what is payable to a party and not on its way, the oldest statement first.

    Returns:
        How much is kept; the caller books it.
    """
    uow.organisations.find(party_id, lock=True)
    missing = amount.amount
    for settlement in uow.settlements.payable_to(kind, party_id, amount.currency):
        kept = min(missing, settlement.due.amount)
        if kept:
            missing -= kept
            _deduct(settlement, kept, uow, now)
    return amount - Money(missing, amount.currency)


def _deduct(settlement: Settlement, amount: int, uow: BillingUnitOfWork, now: datetime) -> None:
    settlement.deduct(amount)
    uow.settlements.save(settlement)
    if settlement.state == "paid":
        uow.publish(event(SettlementPaid, settlement, payout_id=None, paid_at=now))


def event(kind: type[E], settlement: Settlement, **more: Any) -> E:
    """An event about *settlement* with what all of them carry."""
    return kind(
        settlement_id=settlement.settlement_id,
        number=settlement.number,
        party_kind=settlement.party_kind,
        party_id=settlement.party_id,
        net=Money(settlement.net, settlement.currency),
        tax=Money(settlement.tax, settlement.currency),
        gross=settlement.gross,
        order_ids=settlement.order_ids,
        **more,
    )


def _statement(settlement: Settlement, party: OrganisationCopy) -> dict[str, Any]:
    """Everything the printed statement says, as JSON values: who prints it has no database."""
    return {
        "settlement_id": str(settlement.settlement_id),
        "number": settlement.number,
        "party_kind": settlement.party_kind,
        "party": {
            "name": party.legal_name,
            "credit_code": party.unified_social_credit_code,
            "address": party.address,
            "bank": party.bank_name,
            # The paper goes through many hands: enough to recognise the account by, not to use it.
            "account": f"•••• {party.account_number[-4:]}" if party.account_number else "",
        },
        "first_on": min(business_date(line.accepted_at) for line in settlement.lines).isoformat(),
        "last_on": settlement.until.isoformat(),
        "closed_at": settlement.closed_at.isoformat(),
        "payable_on": business_date(settlement.payable_from).isoformat(),
        "currency": settlement.currency,
        "tax_rate_bps": settlement.tax_rate_bps,
        "special_invoice": settlement.special_invoice,
        "lines": [
            {
                "order_number": line.order_number,
                "accepted_on": business_date(line.accepted_at).isoformat(),
                "title": line.title,
                "base": line.order_net if settlement.party_kind == "provider" else line.fee,
                "net": line.net,
                "tax": line.tax,
            }
            for line in settlement.lines
        ],
    }


def view(settlement: Settlement) -> SettlementView:
    def money(amount: int) -> Money:
        return Money(amount, settlement.currency)

    return SettlementView(
        settlement_id=settlement.settlement_id,
        number=settlement.number,
        state=settlement.state,
        party_kind=settlement.party_kind,
        party_id=settlement.party_id,
        party_name=settlement.party_name,
        until=settlement.until,
        orders=tuple(
            SettledOrder(
                order_id=line.order_id,
                order_number=line.order_number,
                order_net=money(line.order_net),
                fee=money(line.fee),
                net=money(line.net),
                tax=money(line.tax),
                accepted_at=line.accepted_at,
            )
            for line in settlement.lines
        ),
        net=money(settlement.net),
        tax=money(settlement.tax),
        gross=settlement.gross,
        deducted=Money(settlement.deducted, settlement.currency),
        payable_from=settlement.payable_from,
        closed_at=settlement.closed_at,
        payout_id=settlement.payout_id,
    )
