"""Settlements and payouts on real PostgreSQL: closing in one statement, twice at once, and the way to paid."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.billing.adapters import queries, settlement_repositories
from services.billing.adapters.documents import Party
from services.billing.adapters.settlement_papers import statement_of
from services.billing.adapters.settlement_queries import preview_settlements
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.domain.commission import refund, whole
from services.billing.domain.ledger import owed
from services.billing.domain.settlement import OrderHeld, PayoutExists
from services.billing.use_cases import clawback, organisation, settlement
from services.billing.use_cases.bank_statement import import_bank_statement
from services.billing.use_cases.ledger import post_transaction
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.bank_statement import ImportBankStatement, ListBankLines
from services.shared.messages.billing.payout import GetPayout, ListPayouts
from services.shared.messages.billing.settlement import (
    CloseSettlements,
    GetSettlement,
    GetSettlementDocument,
    ListSettlementLines,
    ListSettlements,
    PreviewSettlements,
    SettlementDocument,
    SettlementLinePage,
    SettlementPage,
    SettlementView,
)
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    FINANCE,
    LATER,
    NOW,
    ORDER_ID,
    OTHER_STATION_MANAGER,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    STATION_MANAGER,
    amounts,
    an_actor,
    cny,
    statement,
)
from tests.kit.real_service import together
from tests.unit.billing.test_settlement_use_cases import changed_account, match, on_day


def close(billing: Billing, until: date = date(2026, 11, 23)) -> SettlementPage:
    return billing.run(settlement.close_settlements, CloseSettlements(until=until), now=on_day(until))


def lines_of(billing: Billing, stated: SettlementView, actor: Actor = FINANCE) -> SettlementLinePage:
    return billing.run(queries.list_settlement_lines, ListSettlementLines(settlement_id=stated.settlement_id), actor)


def document_of(
    billing: Billing, stated: SettlementView, form: str, actor: Actor = PROVIDER_FINANCE
) -> SettlementDocument:
    wanted = GetSettlementDocument.model_validate({"settlement_id": stated.settlement_id, "form": form})
    return billing.within(
        lambda uow: queries.get_settlement_document(
            wanted, actor=actor, uow=uow, now=NOW, download_url=lambda key, name: f"{key}?{name}"
        )
    )


def matched(billing: Billing, stated: SettlementView) -> None:
    billing.within(lambda uow: match(uow, stated))  # type: ignore[arg-type] # any unit of work


def bank_says(billing: Billing, *lines: tuple[str, str, str, str]) -> Any:
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines))
    return billing.within(
        lambda uow: import_bank_statement(wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT)
    )


def test_from_acceptance_to_paid(billing: Billing) -> None:
    """TV01 all the way: stated, printed, matched, started, released, ordered from the bank, paid; all sums hold."""
    billing.accepted()
    provider, station = sorted(close(billing).items, key=lambda each: each.party_kind)
    assert (provider.gross, station.gross) == (cny(95_400), cny(7_420))
    assert (provider.party_name, provider.state) == ("青城材料测试中心", "closed")
    assert billing.do_outside(most=10) >= 2
    read = billing.run(queries.get_settlement, GetSettlement(settlement_id=provider.settlement_id), PROVIDER_FINANCE)
    assert (read.state, read.order_count) == ("awaiting_invoice", 1)
    (line,) = lines_of(billing, provider, PROVIDER_FINANCE).items
    assert (line.order_id, line.net, line.tax, line.kind) == (ORDER_ID, cny(90_000), cny(5_400), "acceptance")
    for form in ("pdf", "xlsx"):
        document = document_of(billing, provider, form)
        assert document.url == f"settlements/{provider.settlement_id}.{form}?{provider.number}.{form}"
        assert document.size_bytes > 1_000
    matched(billing, provider)
    matched(billing, station)
    started = billing.start_payout(provider.settlement_id)
    billing.release_payout(started.payout_id)
    ordered = billing.make_bank_order(started.payout_id)
    assert billing.violations() == ()
    billing.do_outside()
    ((key,),) = billing.rows("SELECT document_key FROM bank_order")
    assert key == f"bank_orders/{ordered.bank_order_id}.xml"
    view = bank_says(billing, ("b1", "out", "954.00", f"代付 {started.number.lower()}"))
    assert (view.matched, view.lines[0].target) == (1, f"payout/{started.payout_id}")
    assert bank_says(billing, ("b1", "out", "954.00", f"代付 {started.number}")).repeated == 1
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 0
    assert billing.balance(owed("station", STATION_ID, "payable")) == 7_420
    assert billing.balance("A:bank:main") == 95_400
    paid = billing.run(queries.get_settlement, GetSettlement(settlement_id=provider.settlement_id))
    assert (paid.state, paid.payout_id) == ("paid", started.payout_id)
    assert billing.told.count("settlement.paid.v1") == 1
    assert len(billing.run(queries.list_bank_lines, ListBankLines()).items) == 1
    assert billing.violations() == ()


def take_back(billing: Billing, order_id: UUID, key: str, net: int) -> None:
    """The parties' side of a refund of *net* of an order, which is TV01's; the refunds before it were told as keys."""

    def deed(uow: BillingUnitOfWork) -> None:
        order = uow.orders.find(order_id)
        assert order is not None
        _, less = refund(order.split_terms, whole(order.split_terms), net)
        entries = clawback.take_back(order, less, key=key, uow=uow, now=LATER)
        post_transaction(uow, key=key, kind="refund", entries=entries, effective_at=LATER, now=LATER)

    billing.within(deed)


def test_only_the_party_sees_its_own(billing: Billing) -> None:
    """Settlements and payouts are seen by their party and the operating company; others do not learn they exist."""
    billing.accepted()
    provider, _ = sorted(close(billing).items, key=lambda each: each.party_kind)
    matched(billing, provider)
    started = billing.start_payout(provider.settlement_id)
    for stranger in (STATION_MANAGER, OTHER_STATION_MANAGER, REQUESTER, an_actor(new_id(), "provider_finance")):
        with pytest.raises(NotFound):
            billing.run(queries.get_settlement, GetSettlement(settlement_id=provider.settlement_id), stranger)
        with pytest.raises(NotFound):
            lines_of(billing, provider, stranger)
        with pytest.raises(NotFound):
            document_of(billing, provider, "xlsx", stranger)
        with pytest.raises(NotFound):
            billing.run(queries.get_payout, GetPayout(payout_id=started.payout_id), stranger)
    with pytest.raises(NotAllowed):
        billing.run(queries.get_payout, GetPayout(payout_id=started.payout_id), an_actor(PROVIDER_ID, "technician"))
    assert billing.run(queries.get_payout, GetPayout(payout_id=started.payout_id), PROVIDER_FINANCE).amount == cny(
        95_400
    )
    (own,) = billing.run(queries.list_settlements, ListSettlements(), STATION_MANAGER).items
    assert own.party_id == STATION_ID
    assert billing.run(queries.list_settlements, ListSettlements(), OTHER_STATION_MANAGER).items == ()
    assert len(billing.run(queries.list_settlements, ListSettlements()).items) == 2
    assert billing.run(queries.list_payouts, ListPayouts(), STATION_MANAGER).items == ()
    assert len(billing.run(queries.list_payouts, ListPayouts()).items) == 1


def test_closed_twice_at_once_states_each_order_once(billing: Billing) -> None:
    """Two who close at the same time put each order on one statement of each party."""
    for number in range(6):
        billing.accepted(new_id(), f"OR-2026-{number:06d}")
    gate = threading.Barrier(4)
    pages: list[SettlementPage] = []

    def one() -> None:
        gate.wait()
        pages.append(close(billing))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 4
    stated = [
        (each.party_kind, line.order_number)
        for page in pages for each in page.items for line in lines_of(billing, each).items
    ]  # fmt: skip
    assert len(stated) == len(set(stated)) == 12
    assert billing.rows("SELECT count(*) FROM accrual WHERE settlement_id IS NULL") == [(0,)]


def test_very_many_orders_are_cut(billing: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement names a bounded number of orders; the rest go onto the next, and sums stay."""
    monkeypatch.setattr(settlement_repositories, "ORDERS_PER_STATEMENT_MAX", 2)
    for number in range(5):
        billing.accepted(new_id(), f"OR-2026-{number:06d}", station=False)
    items = close(billing).items
    assert sorted(each.order_count for each in items) == [1, 2, 2]
    assert sum(each.net.amount for each in items) == 5 * 90_000
    assert len({each.number for each in items}) == 3


def test_started_twice_at_once(billing: Billing) -> None:
    """Of two who start a payout at the same time one does."""
    billing.accepted(station=False)
    (stated,) = close(billing).items
    matched(billing, stated)
    gate = threading.Barrier(2)
    refused: list[BaseException] = []

    def one() -> None:
        gate.wait()
        try:
            billing.start_payout(stated.settlement_id)
        except PayoutExists as error:
            refused.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert billing.rows("SELECT count(*) FROM payout") == [(1,)]


def test_changed_account_cancels_and_frees(billing: Billing) -> None:
    """After a changed account the payout is cancelled in the same transaction, and another may be started."""
    billing.accepted(station=False)
    (stated,) = close(billing).items
    matched(billing, stated)
    billing.start_payout(stated.settlement_id)
    billing.handle(organisation.keep_copy, changed_account("6217999999999999"))
    assert billing.rows("SELECT state FROM payout") == [("cancelled",)]
    again = billing.start_payout(stated.settlement_id, now=NOW + timedelta(days=7))
    assert again.account_number == "6217999999999999"
    assert billing.violations() == ()


def test_invoice_twice(billing: Billing) -> None:
    """A matched invoice told twice is booked once."""
    billing.accepted(station=False)
    (stated,) = close(billing).items
    matched(billing, stated)
    matched(billing, stated)
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 95_400
    assert billing.told.count("settlement.payable.v1") == 1
    assert billing.rows("SELECT received_invoice_id FROM settlement") == [
        (str(derived_id("received_invoice", stated.settlement_id)),)
    ]


def test_accepted_again_after_settlement(billing: Billing) -> None:
    """A late second delivery of an acceptance neither books nor states the order again."""
    billing.accepted()
    close(billing)
    from services.billing.use_cases import order
    from tests.kit.fakes_billing import order_accepted

    billing.handle(order.accepted, order_accepted(ORDER_ID))
    assert close(billing).items == ()
    assert billing.violations() == ()


def test_corrections_holds_and_claw_backs_in_postgresql(billing: Billing) -> None:
    """As in memory (tests/unit/billing/test_clawback_use_cases.py): stated with its correction, held back, netted."""
    billing.accepted()
    other_id = derived_id("order", "two")
    billing.accepted(other_id, "OR-2026-000124", station=False)
    billing.within(lambda uow: uow.accruals.hold(other_id, "dispute", NOW))
    take_back(billing, ORDER_ID, "refund:1", 33_333)
    provider, station = sorted(close(billing).items, key=lambda each: each.party_kind)
    assert [line.kind for line in lines_of(billing, provider).items] == ["acceptance", "correction"]
    assert (provider.gross, station.gross) == (cny(63_600), cny(7_420 - 2_473))
    matched(billing, provider)
    take_back(billing, ORDER_ID, "refund:2", 66_667)
    assert billing.balance(owed("provider", PROVIDER_ID, "payable")) == 0
    billing.within(lambda uow: uow.accruals.unhold(other_id, "dispute"))
    (second,) = close(billing).items
    matched(billing, second)
    read = billing.run(queries.get_settlement, GetSettlement(settlement_id=second.settlement_id), PROVIDER_FINANCE)
    assert (read.gross, read.to_pay) == (cny(95_400), cny(95_400))
    billing.within(lambda uow: uow.accruals.hold(other_id, "chargeback", NOW))
    with pytest.raises(OrderHeld):
        billing.start_payout(second.settlement_id)
    assert billing.violations() == ()


def test_preview_says_what_closing_then_states(billing: Billing) -> None:
    """With a correction, a held order and a claw-back; and it changes nothing. Finance's alone."""
    billing.accepted()
    close(billing)
    take_back(billing, ORDER_ID, "refund:0", 10_000)  # of what a statement lists: a claw-back of 95.40
    corrected, held = derived_id("order", "two"), derived_id("order", "three")
    billing.accepted(corrected, "OR-2026-000124", station=False)
    billing.accepted(held, "OR-2026-000125", station=False)
    take_back(billing, corrected, "refund:1", 33_333)
    billing.within(lambda uow: uow.accruals.hold(held, "dispute", NOW))
    until = date(2026, 11, 23)
    for _ in range(2):
        (found,) = billing.run(preview_settlements, PreviewSettlements(until=until)).items
    assert (found.order_count, found.correction_count, found.held_count) == (1, 1, 1)
    assert (found.owed_by_party, found.held) == (cny(9_540), cny(95_400))
    assert billing.run(preview_settlements, PreviewSettlements(until=until - timedelta(days=1))).items == ()
    (stated,) = close(billing, until).items
    assert (stated.party_id, stated.net, stated.tax, stated.gross) == (
        found.party_id, found.net, found.tax, found.gross,
    )  # fmt: skip
    assert (stated.order_count, stated.payable_from) == (found.order_count, found.payable_from)
    (left,) = billing.run(preview_settlements, PreviewSettlements(until=until)).items
    assert (left.net, left.order_count, left.held_count, left.payable_from) == (cny(0), 0, 1, None)
    with pytest.raises(NotFound):
        billing.run(preview_settlements, PreviewSettlements(until=until), PROVIDER_FINANCE)


def test_what_is_owed_is_kept_once_however_many_take_back_and_match_at_once(billing: Billing) -> None:
    """Ten refunds of one order race with the invoices of three statements: every fen is kept from one of them."""
    billing.accepted()
    (first,) = [each for each in close(billing).items if each.party_kind == "provider"]
    others: list[SettlementView] = []
    for each in range(3):
        billing.accepted(
            derived_id("order", each), f"OR-2026-0002{each:02d}", station=False, money=amounts(10_000, 600)
        )
        others += close(billing).items
    deeds: list[Callable[[], object]] = [partial(matched, billing, stated) for stated in (first, *others)]
    deeds += [partial(take_back, billing, ORDER_ID, f"refund:{each}", 10_000) for each in range(10)]
    answers = together(deeds)
    assert answers == [None] * len(deeds)
    assert billing.violations() == ()
    ((left, kept),) = billing.rows(
        """SELECT (SELECT sum("left") FROM clawback WHERE party_kind = 'provider'),
           (SELECT sum((k ->> 'amount')::bigint) FROM settlement, jsonb_array_elements(kept) k)"""
    )
    assert left + kept == 95_400
    payable = billing.balance(owed("provider", PROVIDER_ID, "payable"))
    assert payable == 95_400 + 3 * 9_540 - kept


@pytest.mark.parametrize("round_", range(3))
def test_a_statement_has_what_was_taken_back_before_it_or_it_is_a_claw_back(billing: Billing, round_: int) -> None:
    """Refunds race with the close: each is a correction on the statement, or owed; the invoice can always match."""
    orders = [derived_id("order", round_, number) for number in range(6)]
    for number, order_id in enumerate(orders):
        billing.accepted(order_id, f"OR-2026-0003{number:02d}", station=False)
    pages: list[SettlementPage] = []
    deeds: list[Callable[[], object]] = [lambda: pages.append(close(billing))]
    deeds += [partial(take_back, billing, order_id, f"refund:{order_id}", 33_333) for order_id in orders]
    assert together(deeds) == [None] * len(deeds)
    (stated,) = pages[0].items
    matched(billing, stated)
    ((owed_back,),) = billing.rows("SELECT coalesce(sum(amount), 0) FROM clawback")
    assert stated.gross.amount - owed_back == 6 * (95_400 - 31_800)
    assert billing.balance(owed("provider", PROVIDER_ID, "accrued")) == 0
    assert billing.violations() == ()


def printed(billing: Billing, stated: SettlementView) -> int:
    """What the paper of a statement carries over, minor units."""
    with billing.engine.connect() as held:
        return statement_of(held, stated.settlement_id, Party("x", "y")).carried_over.amount


def test_what_is_carried_over_is_frozen_at_closing(billing: Billing) -> None:
    """A claw-back that comes after the closing, and one that is netted meanwhile, change no paper that was made."""
    billing.accepted(station=False)
    (first,) = close(billing).items
    matched(billing, first)
    billing.pay_out(first.settlement_id)
    bank_says(billing, ("b1", "out", "954.00", billing.rows("SELECT number FROM payout")[0][0]))
    take_back(billing, ORDER_ID, "refund:1", 33_333)  # 318.00 of what is paid
    billing.accepted(new_id(), "OR-2026-000124", station=False, money=amounts(20_000, 1_200))
    (second,) = close(billing).items
    billing.accepted(new_id(), "OR-2026-000125", station=False)
    (third,) = close(billing).items
    # 190.80 is all that the second says; the rest is what the third is lower by.
    assert [printed(billing, each) for each in (first, second, third)] == [0, -19_080, -12_720]
    take_back(billing, ORDER_ID, "refund:2", 33_333)
    matched(billing, third)
    assert [printed(billing, each) for each in (first, second, third)] == [0, -19_080, -12_720]
    assert billing.violations() == ()


def test_several_statements_closed_at_once_carry_over_once(billing: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a party owes is not printed on each of them."""
    billing.accepted(station=False)
    (first,) = close(billing).items
    matched(billing, first)
    billing.pay_out(first.settlement_id)
    bank_says(billing, ("b1", "out", "954.00", billing.rows("SELECT number FROM payout")[0][0]))
    take_back(billing, ORDER_ID, "refund:1", 33_333)
    monkeypatch.setattr(settlement_repositories, "ORDERS_PER_STATEMENT_MAX", 1)
    for number in (4, 5, 6):
        billing.accepted(new_id(), f"OR-2026-00012{number}", station=False, money=amounts(20_000, 1_200))
    items = sorted(close(billing).items, key=lambda each: each.number)
    assert [printed(billing, each) for each in items] == [-19_080, -12_720, 0]
