"""From acceptance to the money leaving: what is booked, stated, invoiced, started, released and paid."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.ledger import BANK, contract, owed, payout_transit
from services.billing.domain.payout import BankAccountChanged, BankAccountUnknown, SameHands
from services.billing.domain.settlement import DayToCome, HoldNotOver, InvoiceContradicts, NotPayable, PayoutExists
from services.billing.use_cases import bank_order, order, organisation, payment, payout, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound, NotYet
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.billing.bank_order import BankOrderView, MakeBankOrder
from services.shared.messages.billing.bank_statement import ImportBankStatement
from services.shared.messages.billing.ledger import LedgerPosted
from services.shared.messages.billing.payout import PayoutPaid, PayoutReleased, PayoutView, ReleasePayout, StartPayout
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    SettlementClosed,
    SettlementOrdersPaid,
    SettlementPage,
    SettlementPaid,
    SettlementPayable,
    SettlementView,
)
from services.shared.messages.identity.organisation import OrganisationChanged
from services.shared.messages.invoicing.received_invoice import ReceivedInvoiceMatched
from tests.kit.fakes_billing import (
    COOLING_OFF,
    FINANCE,
    GENERAL_6,
    INSTRUCTIONS,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    STATION_ID,
    FakeBillingUnitOfWork,
    amounts,
    an_organisation,
    card_facts,
    cny,
    order_accepted,
    order_contracted,
    statement,
)


def accepted(uow: FakeBillingUnitOfWork | None = None, order_id: UUID = ORDER_ID, number: str = "OR-2026-000123",
             **how: Any) -> FakeBillingUnitOfWork:  # fmt: skip
    """An order that is contracted, paid by card and accepted."""
    uow = uow or FakeBillingUnitOfWork()
    contracted = {key: value for key, value in how.items() if key != "at"}
    order.contracted(order_contracted(order_id, number, **contracted), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    gross = (how.get("money") or amounts())["gross"]
    facts = card_facts(received=gross, charge_id=f"ch_{number}", balance=None)
    payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW)
    order.accepted(order_accepted(order_id, number, **how), uow=uow, now=NOW)
    return uow


def on_day(until: date) -> datetime:
    """At the hour of NOW on that day; NOW, for one before."""
    return max(NOW, datetime.combine(until, NOW.timetz()))


def close(uow: FakeBillingUnitOfWork, until: date = date(2026, 11, 23), actor: Actor = FINANCE) -> SettlementPage:
    return settlement.close_settlements(CloseSettlements(until=until), actor=actor, uow=uow, now=on_day(until))


def of_kind(page: SettlementPage, kind: str) -> SettlementView:
    (found,) = [each for each in page.items if each.party_kind == kind]
    return found


def match(uow: FakeBillingUnitOfWork, stated: SettlementView, **changes: Any) -> ReceivedInvoiceMatched:
    event = ReceivedInvoiceMatched.model_validate(
        {
            "received_invoice_id": derived_id("received_invoice", stated.settlement_id),
            "number": "12345678",
            "kind": "special",
            "settlement_id": stated.settlement_id,
            "party_id": stated.party_id,
            "net": stated.net,
            "tax": stated.tax,
            "gross": stated.gross,
            "issued_on": date(2026, 11, 23),
            **changes,
        }
    )
    settlement.invoice_matched(event, uow=uow, now=NOW)
    return event


def start(uow: FakeBillingUnitOfWork, stated: SettlementView, actor: Actor = FINANCE, now: Any = LATER) -> PayoutView:
    wanted = StartPayout(settlement_id=stated.settlement_id)
    return payout.start_payout(wanted, actor=actor, uow=uow, now=now, cooling_off=COOLING_OFF)


def release(uow: FakeBillingUnitOfWork, started: PayoutView, actor: Actor = OTHER_FINANCE) -> PayoutView:
    wanted = ReleasePayout(payout_id=started.payout_id)
    return payout.release_payout(wanted, actor=actor, uow=uow, now=LATER, cooling_off=COOLING_OFF)


def order_of_bank(uow: FakeBillingUnitOfWork, *released: PayoutView) -> BankOrderView:
    wanted = MakeBankOrder(payout_ids=tuple(each.payout_id for each in released))
    return bank_order.make_bank_order(wanted, actor=FINANCE, uow=uow, now=LATER, file_format="pain.001.001.09")


def bank_says(uow: FakeBillingUnitOfWork, serial: str, amount: str, text: str, currency: str = "CNY") -> Any:
    command = ImportBankStatement(account=OWN_ACCOUNT, csv=statement((serial, "out", amount, text), currency=currency))
    view = import_bank_statement(command, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
    return view.lines[0]


def payable() -> tuple[FakeBillingUnitOfWork, SettlementView]:
    uow = accepted()
    stated = of_kind(close(uow), "provider")
    match(uow, stated)
    return uow, stated


@pytest.mark.parametrize(
    ("money", "provider", "station", "provider_due", "station_due"),
    [
        (amounts(), GENERAL_6, True, (90_000, 5_400), (7_000, 420)),
        (amounts(), TaxProfile("small_scale_3_reduced_1", can_issue_special=True), False, (90_000, 900), None),
        (amounts(), TaxProfile("small_scale_3_reduced_1", can_issue_special=False), False, (90_000, 0), None),
        (amounts(), TaxProfile("general_simplified_3", can_issue_special=True), False, (90_000, 2_700), None),
        (amounts(316_800, 19_008), GENERAL_6, True, (285_120, 17_107), (22_176, 1_331)),
    ],
    ids=["TV01", "TV03a", "TV03b", "TV03c", "TV14"],
)
def test_acceptance_books_the_vectors(
    money: dict[str, Any], provider: TaxProfile, station: bool, provider_due: tuple[int, int],  # noqa: FBT001
    station_due: tuple[int, int] | None,
) -> None:  # fmt: skip
    """Revenue, VAT, cost and accruals are those of the trade rules, to the cent; the contract account is empty."""
    uow = accepted(money=money, provider_tax=provider, station=station)
    ledger = uow.ledger
    assert ledger.balance(contract(ORDER_ID)) == 0
    assert ledger.balance("R:service") == money["net"].amount
    assert ledger.balance("L:vat:output") == money["tax"].amount
    assert ledger.balance("E:provider_service") == -provider_due[0]
    assert ledger.balance(owed("provider", PROVIDER_ID, "accrued")) == provider_due[0]
    assert ledger.balance(owed("station", STATION_ID, "accrued")) == (station_due[0] if station_due else 0)
    page = close(uow)
    stated = of_kind(page, "provider")
    assert (stated.net, stated.tax) == (cny(provider_due[0]), cny(provider_due[1]))
    if station_due:
        assert (of_kind(page, "station").net, of_kind(page, "station").tax) == (
            cny(station_due[0]),
            cny(station_due[1]),
        )
    else:
        assert len(page.items) == 1


def test_accepted_twice_is_booked_once() -> None:
    """A second delivery of the acceptance changes nothing."""
    uow = accepted()
    before = (dict(uow.ledger.transactions), len(uow.published))
    order.accepted(order_accepted(), uow=uow, now=NOW)
    assert (uow.ledger.transactions, len(uow.published)) == before


def test_accepted_without_money_is_a_bug() -> None:
    """An accepted order that is not paid books no revenue, and is set aside for a person."""
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    with pytest.raises(order.NotCovered):
        order.accepted(order_accepted(), uow=uow, now=NOW)
    assert not uow.ledger.transactions


def test_accepted_before_known_waits() -> None:
    """An order that is not known here yet is waited for."""
    with pytest.raises(NotYet):
        order.accepted(order_accepted(), uow=FakeBillingUnitOfWork(), now=NOW)


def test_a_day_to_come_is_not_closed() -> None:
    """By the day in Shanghai: at 16:00 UTC the next one has begun there. Nothing is stated by what is refused."""
    uow = accepted()
    evening = NOW.replace(hour=15, minute=59)
    for until in (date(2026, 11, 24), date(2999, 12, 31)):
        with pytest.raises(DayToCome):
            settlement.close_settlements(CloseSettlements(until=until), actor=FINANCE, uow=uow, now=evening)
    assert not uow.settlements.held
    midnight = NOW.replace(hour=16)
    wanted = CloseSettlements(until=date(2026, 11, 24))
    assert len(settlement.close_settlements(wanted, actor=FINANCE, uow=uow, now=midnight).items) == 2


def test_statements_are_closed_once_and_by_day() -> None:
    """Each accepted order stands on one statement of each party; days are Shanghai's."""
    uow = accepted(at=NOW.replace(hour=15, minute=59))  # 23:59 in Shanghai
    accepted(uow, new_id(), "OR-2026-000124", at=NOW.replace(hour=16, minute=0))  # the next day there
    first = of_kind(close(uow), "provider")
    assert [line.order_number for line in uow.accruals.lines(first.settlement_id)] == ["OR-2026-000123"]
    assert close(uow).items == ()
    second = of_kind(close(uow, date(2026, 11, 24)), "provider")
    assert [line.order_number for line in uow.accruals.lines(second.settlement_id)] == ["OR-2026-000124"]
    (closed, *_) = uow.events(SettlementClosed)
    assert (closed.tax_rate_bps, closed.special_invoice, closed.net, closed.tax) == (600, True, cny(90_000), cny(5_400))
    assert closed.order_count == 1


def test_orders_of_another_invoice_are_another_statement() -> None:
    """An invoice has one rate: a provider whose profile changed between contracts gets two statements."""
    uow = accepted(station=False)
    ordinary = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)
    accepted(uow, new_id(), "OR-2026-000124", station=False, provider_tax=ordinary)
    assert {(each.net, each.tax) for each in close(uow).items} == {(cny(90_000), cny(5_400)), (cny(90_000), cny(0))}


def test_only_finance_closes() -> None:
    """A provider cannot state what it is owed."""
    with pytest.raises(NotFound):
        close(accepted(), actor=PROVIDER_FINANCE)


def test_matched_invoice_makes_it_payable_once() -> None:
    """Accrued net becomes payable with its tax; a second delivery changes nothing."""
    uow, stated = payable()
    event = match(uow, stated)
    settlement.invoice_matched(event, uow=uow, now=NOW)
    assert uow.ledger.balance(owed("provider", PROVIDER_ID, "accrued")) == 0
    assert uow.ledger.balance(owed("provider", PROVIDER_ID, "payable")) == 95_400
    assert uow.ledger.balance("A:vat:input_pending") == -5_400
    assert len(uow.events(SettlementPayable)) == 1


def test_second_invoice_and_other_amounts() -> None:
    """Another invoice for a matched settlement is refused; one over other amounts is a bug and books nothing."""
    uow, stated = payable()
    with pytest.raises(WrongState):
        match(uow, stated, received_invoice_id=new_id())
    station = next(each for each in uow.settlements.held.values() if each.party_kind == "station")
    before = len(uow.ledger.transactions)
    with pytest.raises(InvoiceContradicts):
        match(uow, settlement.view(station), net=cny(7_001))
    dollars = {"net": Money(7_000, "USD"), "tax": Money(420, "USD"), "gross": Money(7_420, "USD")}
    with pytest.raises(InvoiceContradicts):
        match(uow, settlement.view(station), **dollars)
    assert len(uow.ledger.transactions) == before


def test_an_ordinary_invoice_divides_its_total_as_it_likes() -> None:
    """891.09 + 8.91 is 900.00 all-in (TV03b): nothing of it is input VAT; another total is a bug."""
    ordinary = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)
    uow = accepted(station=False, provider_tax=ordinary)
    stated = of_kind(close(uow), "provider")
    with pytest.raises(InvoiceContradicts):
        match(uow, stated, kind="ordinary", net=cny(89_109), tax=cny(892))
    uow = accepted(station=False, provider_tax=ordinary)
    stated = of_kind(close(uow), "provider")
    match(uow, stated, kind="ordinary", net=cny(89_109), tax=cny(891))
    assert uow.ledger.balance(owed("provider", PROVIDER_ID, "payable")) == 90_000
    assert uow.ledger.balance(owed("provider", PROVIDER_ID, "accrued")) == 0
    assert uow.ledger.balance("A:vat:input_pending") == 0


def test_invoice_of_an_unknown_settlement_waits() -> None:
    """What is matched to a settlement that is not here yet is tried again."""
    uow, stated = payable()
    uow.settlements.held.clear()
    with pytest.raises(NotYet):
        match(uow, stated)


def test_whole_way_to_paid() -> None:
    """Started, released by another, shown by the bank: the money is gone and everything is empty."""
    uow, stated = payable()
    started = start(uow, stated)
    assert (started.amount, started.state, started.account_number) == (cny(95_400), "created", "6217000000008810")
    assert not uow.events(PayoutReleased)
    released = release(uow, started)
    assert released.state == "released"
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 0
    assert order_of_bank(uow, released).total == cny(95_400)
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 95_400
    (written,) = uow.calls("write_bank_order")
    (order_to_bank,) = written["payments"]
    assert (order_to_bank["amount"], order_to_bank["number"]) == (95_400, started.number)
    line = bank_says(uow, "b1", "954.00", f"货款 {started.number}")
    assert line.target == f"payout/{started.payout_id}"
    assert uow.ledger.balance(payout_transit(started.payout_id)) == 0
    assert uow.ledger.balance(BANK) == 95_400
    assert uow.ledger.balance(owed("provider", PROVIDER_ID, "payable")) == 0
    assert len(uow.events(PayoutPaid)) == 1
    (paid,) = uow.events(SettlementPaid)
    assert paid.order_count == 1
    (orders_paid,) = uow.events(SettlementOrdersPaid)
    assert orders_paid.order_ids == (ORDER_ID,)
    assert uow.settlements.held[stated.settlement_id].state == "paid"
    assert len(uow.events(LedgerPosted)) == len(uow.ledger.transactions)
    # the bank shows the same number again: not paid twice, and seen
    assert bank_says(uow, "b2", "954.00", started.number).reason == "payout_paid"


def test_bank_paid_another_amount() -> None:
    """A line with the number and another amount or currency pays nothing; it waits in suspense."""
    uow, stated = payable()
    started = start(uow, stated)
    order_of_bank(uow, release(uow, started))
    assert bank_says(uow, "b1", "953.00", started.number).reason == "amount_differs"
    assert bank_says(uow, "b2", "954.00", started.number, "USD").reason == "amount_differs"
    assert uow.payouts.held[started.payout_id].state == "in_transit"


def test_not_released_is_not_paid() -> None:
    """A bank line for a payout that nobody released pays nothing."""
    uow, stated = payable()
    started = start(uow, stated)
    assert bank_says(uow, "b1", "954.00", started.number).reason == "payout_created"


def test_start_needs_invoice_hold_and_account() -> None:
    """No payout without a matched invoice, before the hold period is over, without an account, or twice."""
    uow = accepted()
    stated = of_kind(close(uow), "provider")
    with pytest.raises(NotPayable):
        start(uow, stated)
    match(uow, stated)
    with pytest.raises(HoldNotOver):
        start(uow, stated, now=NOW + timedelta(days=7) - timedelta(seconds=1))
    uow.organisations.put(an_organisation(account_number=""))
    with pytest.raises(BankAccountUnknown):
        start(uow, stated)
    uow.organisations.put(an_organisation())
    start(uow, stated, now=NOW + timedelta(days=7))
    with pytest.raises(PayoutExists):
        start(uow, stated)


def test_four_eyes() -> None:
    """Who started it does not release it; machines of one organisation count as one."""
    uow, stated = payable()
    with pytest.raises(SameHands):
        release(uow, start(uow, stated), actor=FINANCE)
    uow, stated = payable()
    machine = Actor(FINANCE.organisation_id, FINANCE.roles, None, "machine", operator=True)
    started = start(uow, stated, actor=machine)
    with pytest.raises(SameHands):
        release(uow, started, actor=machine)
    assert release(uow, started, actor=FINANCE).state == "released"
    with pytest.raises(WrongState):
        release(uow, started)


def test_who_is_paid_does_not_pay() -> None:
    """A provider can neither start nor release, not even its own."""
    uow, stated = payable()
    with pytest.raises(NotFound):
        start(uow, stated, actor=PROVIDER_FINANCE)
    with pytest.raises(NotFound):
        release(uow, start(uow, stated), actor=PROVIDER_FINANCE)
    technician = Actor(FINANCE.organisation_id, frozenset({"catalogue_operator"}), new_id(), operator=True)
    with pytest.raises(NotAllowed):
        start(uow, stated, actor=technician)


def changed_account(number: str, **changes: Any) -> OrganisationChanged:
    copy = an_organisation()
    return OrganisationChanged.model_validate(
        {
            "organisation_id": copy.organisation_id,
            "organisation": {
                "organisation_id": copy.organisation_id,
                "number": "ORG-2026-000001",
                "kind": "provider",
                "legal_name": copy.legal_name,
                "legal_name_en": "",
                "unified_social_credit_code": copy.unified_social_credit_code,
                "address": copy.address,
                "mail": "",
                "phone": "",
                "tax_profile": GENERAL_6,
                "bank_account": {
                    "bank_name": copy.bank_name,
                    "account_name": copy.account_name,
                    "account_number": number,
                },
                "verified": True,
                "registered_at": NOW,
                **changes,
            },
        }
    )


def test_changed_account_stops_the_payout() -> None:
    """A payout for an account that changed goes nowhere; one for the new account may be started."""
    uow, stated = payable()
    started = start(uow, stated)
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=NOW)
    assert uow.payouts.held[started.payout_id].state == "cancelled"
    with pytest.raises(WrongState):
        release(uow, started)
    assert start(uow, stated, now=NOW + timedelta(days=7)).account_number == "6217999999999999"


def test_release_looks_at_the_account_again() -> None:
    """Even where the cancellation was missed, the release compares and refuses."""
    uow, stated = payable()
    started = start(uow, stated)
    uow.organisations.put(an_organisation(account_number="6217999999999999"))
    with pytest.raises(BankAccountChanged):
        release(uow, started)


def test_unchanged_account_leaves_the_payout() -> None:
    """Other particulars of the party may change."""
    uow, stated = payable()
    started = start(uow, stated)
    organisation.keep_copy(changed_account("6217000000008810"), uow=uow, now=NOW)
    assert release(uow, started).state == "released"


def test_released_payout_is_not_taken_back() -> None:
    """Once the bank is told, a changed account cancels nothing here."""
    uow, stated = payable()
    started = start(uow, stated)
    order_of_bank(uow, release(uow, started))
    organisation.keep_copy(changed_account("6217999999999999"), uow=uow, now=NOW)
    assert uow.payouts.held[started.payout_id].state == "in_transit"
