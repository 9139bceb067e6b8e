"""Payouts with a bank that others wrote on the other side, and with everybody at once on real PostgreSQL."""

import base64
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
import requests

from services.billing.adapters import bank_order_queries
from services.billing.adapters.bank_status_xml import read_pain_002
from services.billing.adapters.bank_xml import read_camt
from services.billing.adapters.unit_of_work import BillingUnitOfWork
from services.billing.config import settings
from services.billing.domain.bank_order import BankOrderFormat, PaymentStatus, StatusReport
from services.billing.domain.ledger import BANK, SUSPENSE, owed, payout_transit
from services.billing.domain.organisation import OrganisationCopy
from services.billing.subscriptions import work
from services.billing.use_cases import bank_order, bank_statement, organisation, payout, settlement
from services.shared.chassis.object_store import ObjectStore
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.bank_order import (
    BankOrderDocument,
    GetBankOrderDocument,
    ListBankOrders,
    ReadStatusReport,
)
from services.shared.messages.billing.bank_statement import BankStatementView, ImportBankFile, ImportBankStatement
from services.shared.messages.billing.payout import CancelPayout, PayoutView
from services.shared.messages.billing.settlement import CloseSettlements, SettlementView
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    FINANCE,
    LATER,
    NOW,
    OWN_ACCOUNT,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    STATION_ID,
    an_organisation,
    cny,
    statement,
)
from tests.kit.mock_bank import CLOSED, COMPANY, MockBank, mock_bank
from tests.kit.real_service import together
from tests.unit.billing.test_settlement_use_cases import changed_account, match

PAYABLE = owed("provider", PROVIDER_ID, "payable")


def _match(stated: SettlementView, uow: BillingUnitOfWork) -> object:
    return match(uow, stated)  # type: ignore[arg-type] # any unit of work


def payable(billing: Billing, **how: Any) -> list[SettlementView]:
    """TV01 accepted, stated and invoiced; provider before station."""
    billing.accepted(**how)
    closed = billing.run(settlement.close_settlements, CloseSettlements(until=date(2026, 11, 23))).items
    for stated in closed:
        billing.within(partial(_match, stated))
    return sorted(closed, key=lambda each: each.party_kind)


def put(billing: Billing, party: OrganisationCopy) -> None:
    billing.within(lambda uow: uow.organisations.put(party))


def state_of(billing: Billing, started: PayoutView) -> str:
    ((state,),) = billing.rows("SELECT state FROM payout WHERE payout_id = %s", (str(started.payout_id),))
    return str(state)


# with a bank


@pytest.fixture
def bank() -> Iterator[MockBank]:
    with mock_bank(f"{LATER:%Y-%m-%dT%H:%M}") as opened:
        yield opened


def tell(
    billing: Billing,
    bank: MockBank,
    *released: PayoutView,
    file_format: BankOrderFormat = "pain.001.001.09",
    taken: bool = True,
) -> None:
    """Order them, fetch the file as finance does, and give it to the bank."""
    billing.work = work(settings().model_copy(update={"bank_account_number": COMPANY}))
    ordered = billing.make_bank_order(*(each.payout_id for each in released), file_format=file_format)
    store = ObjectStore(str(settings().object_store_url), settings().bucket, settings().records_bucket)
    wanted = GetBankOrderDocument(bank_order_id=ordered.bank_order_id)

    def document() -> BankOrderDocument:
        return billing.within(
            lambda uow: bank_order_queries.get_bank_order_document(
                wanted, actor=FINANCE, uow=uow, now=LATER, download_url=store.download_url
            )
        )

    assert document().url is None
    billing.do_outside()
    kept = document()
    assert kept.url is not None
    assert kept.filename == f"{ordered.number}.xml"
    body = requests.get(kept.url, timeout=10).content
    assert sha256(body).hexdigest() == kept.sha256
    assert bank.pay(body) == (202 if taken else 422)


def hears(billing: Billing, bank: MockBank) -> list[str]:
    """Takes in all that the bank has sent. Returns what came of each line and each answer."""
    outcomes: list[str] = []
    for body in bank.messages("pain.002"):
        report = ReadStatusReport(content=base64.b64encode(body).decode())
        view = billing.run(partial(bank_order.read_status_report, read=read_pain_002), report, now=LATER)
        outcomes += [each.outcome for each in view.payments]
    for body in [*bank.messages("camt.054"), *bank.messages("camt.053")]:
        wanted = ImportBankFile(account=COMPANY, content=base64.b64encode(body).decode())
        importing = partial(bank_statement.import_bank_file, own_account=COMPANY, read=read_camt)
        read: BankStatementView = billing.run(importing, wanted, now=LATER)
        outcomes += [f"{line.state} {line.reason}".strip() for line in read.lines] if not read.repeated else []
    return outcomes


@pytest.mark.parametrize("file_format", ["pain.001.001.09", "pain.001.001.03"])
def test_a_bank_pays_one_rejects_another_and_sends_the_first_back(
    billing: Billing, bank: MockBank, file_format: BankOrderFormat
) -> None:
    """One file, partly accepted; told in two files of the bank and booked once; back again, and paid anew."""
    provider, station = payable(billing)
    put(billing, an_organisation(STATION_ID, account_number=CLOSED))
    both = [billing.start_payout(each.settlement_id) for each in (provider, station)]
    for each in both:
        billing.release_payout(each.payout_id)
    bank.send_back(both[0].number, days=1)
    tell(billing, bank, *both, file_format=file_format)
    assert Counter(hears(billing, bank)) == Counter(["noted", "failed", "matched"])
    assert [state_of(billing, each) for each in both] == ["paid", "failed"]
    ((why,),) = billing.rows("SELECT failure FROM payout WHERE state = 'failed'")
    assert str(why).startswith("AC04 ")
    assert billing.balance(owed("station", STATION_ID, "payable")) == 7_420
    assert billing.violations() == ()
    bank.advance(1)
    assert "matched returned" in hears(billing, bank)
    bank.advance(1)
    assert hears(billing, bank) == []  # the statement of the day tells the same again
    assert (state_of(billing, both[0]), billing.balance(PAYABLE), billing.balance(BANK)) == ("returned", 95_400, 0)
    assert billing.violations() == ()
    put(billing, an_organisation(STATION_ID))
    bank.change("ACME", behaviour="accept", parameters={})
    again = [billing.start_payout(each.settlement_id) for each in (provider, station)]
    for each in again:
        billing.release_payout(each.payout_id)
    tell(billing, bank, *again, file_format=file_format)
    hears(billing, bank)
    bank.advance(1)
    hears(billing, bank)
    assert [state_of(billing, each) for each in again] == ["paid", "paid"]
    assert billing.balance(BANK) == 102_820
    assert billing.balance(PAYABLE) == 0
    assert billing.violations() == ()


def test_a_bank_that_does_not_take_the_file(billing: Billing, bank: MockBank) -> None:
    """It says so of the whole: everything in it is payable again, and nothing has left."""
    both = [billing.start_payout(each.settlement_id) for each in payable(billing)]
    for each in both:
        billing.release_payout(each.payout_id)
    bank.change("ACME", behaviour="reject-file")
    tell(billing, bank, *both, taken=False)
    assert hears(billing, bank) == ["failed", "failed"]
    assert (billing.balance(PAYABLE), billing.balance(BANK)) == (95_400, 0)
    assert billing.violations() == ()


# everybody at once


def released(billing: Billing) -> PayoutView:
    (stated,) = payable(billing, station=False)
    started = billing.start_payout(stated.settlement_id)
    billing.release_payout(started.payout_id)
    return started


def bank_says(billing: Billing, *lines: tuple[str, str, str, str]) -> None:
    wanted = ImportBankStatement(account=OWN_ACCOUNT, csv=statement(*lines))
    billing.within(
        lambda uow: bank_statement.import_bank_statement(
            wanted, actor=FINANCE, uow=uow, now=LATER, own_account=OWN_ACCOUNT
        )
    )


def cancel(billing: Billing, started: PayoutView) -> None:
    billing.run(payout.cancel_payout, CancelPayout(payout_id=started.payout_id), now=LATER)


def refusals(answers: list[object]) -> list[object]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def test_two_starts_two_releases_two_orders(billing: Billing) -> None:
    """Of those who do the same at once, one does it."""
    (stated,) = payable(billing, station=False)
    answers = together([partial(billing.start_payout, stated.settlement_id)] * 4)
    assert len(refusals(answers)) == 3
    (started,) = (answer for answer in answers if isinstance(answer, PayoutView))
    assert len(refusals(together([partial(billing.release_payout, started.payout_id)] * 4))) == 3
    assert len(refusals(together([partial(billing.make_bank_order, started.payout_id)] * 4))) == 3
    assert billing.rows("SELECT count(*) FROM bank_order") == [(1,)]
    assert billing.balance(payout_transit(started.payout_id)) == 95_400
    assert billing.violations() == ()


@pytest.mark.parametrize("round_", range(4))
def test_release_and_order_race_with_a_changed_account(billing: Billing, round_: int) -> None:
    """M12: either the bank was told before the change, or nobody is paid; never the old account after it."""
    del round_
    (stated,) = payable(billing, station=False)
    started = billing.start_payout(stated.settlement_id)

    def pays() -> None:
        billing.release_payout(started.payout_id)
        billing.make_bank_order(started.payout_id)

    def changes() -> None:
        billing.handle(organisation.keep_copy, changed_account("6217999999999999"), LATER)

    together([pays, changes])
    state = state_of(billing, started)
    assert state in {"in_transit", "cancelled"}
    assert billing.balance(PAYABLE) == (0 if state == "in_transit" else 95_400)
    assert billing.violations() == ()


@pytest.mark.parametrize("round_", range(4))
def test_cancel_races_with_the_order(billing: Billing, round_: int) -> None:
    """Either the bank is told or it is taken back."""
    del round_
    started = released(billing)
    answers = together([partial(cancel, billing, started), partial(billing.make_bank_order, started.payout_id)])
    assert len(refusals(answers)) == 1
    state = state_of(billing, started)
    assert (state, billing.balance(PAYABLE)) in {("in_transit", 0), ("cancelled", 95_400)}
    assert billing.violations() == ()


def test_the_same_return_many_times_at_once(billing: Billing) -> None:
    """M13: several files tell of it at once, and of the payment; it is credited once."""
    started = released(billing)
    billing.make_bank_order(started.payout_id)
    told = [("paid", "out", "954.00", started.number), ("back", "in", "954.00", started.number)]
    deeds: list[Callable[[], object]] = []
    for number in range(4):
        more = (f"in{number}", "in", "1.00", "x")  # each file is another one
        deeds += [partial(bank_says, billing, *told, more), partial(bank_says, billing, told[1], more)]
    assert together(deeds) == [None] * len(deeds)
    assert (state_of(billing, started), billing.balance(PAYABLE)) == ("returned", 95_400)
    assert billing.told.count("payout.returned.v1") == 1
    assert billing.violations() == ()


def test_rejected_and_paid_at_once(billing: Billing) -> None:
    """The bank's answer and its statement contradict each other: one counts, and the money adds up."""
    started = released(billing)
    ordered = billing.make_bank_order(started.payout_id)
    rejected = StatusReport(ordered.number, (PaymentStatus(started.number, "RJCT", "AC04"),))

    def rejects() -> object:
        return billing.within(
            lambda uow: bank_order.read_status_report(
                ReadStatusReport(content="eA=="), actor=FINANCE, uow=uow, now=LATER, read=lambda _: rejected
            )
        )

    pays = partial(bank_says, billing, ("paid", "out", "954.00", started.number))
    assert refusals(together([rejects, pays, rejects, rejects])) == []
    state = state_of(billing, started)
    assert (state, billing.balance(PAYABLE), billing.balance(SUSPENSE)) in {
        ("paid", 0, 0), ("failed", 95_400, -95_400),
    }  # fmt: skip
    assert billing.violations() == ()


def test_bank_orders_are_the_operating_companys(billing: Billing) -> None:
    """Who is paid by one does not see it; finance sees the newest first, in pages."""
    started = [billing.start_payout(each.settlement_id) for each in payable(billing)]
    for each in started:
        billing.release_payout(each.payout_id)
    first, second = (billing.make_bank_order(each.payout_id, now=LATER + timedelta(hours=hours))
                     for hours, each in enumerate(started))  # fmt: skip
    page = billing.run(bank_order_queries.list_bank_orders, ListBankOrders(limit=1))
    assert (page.items[0].number, page.items[0].total) == (second.number, cny(7_420))
    (rest,) = billing.run(bank_order_queries.list_bank_orders, ListBankOrders(after=page.next_cursor)).items
    assert rest.number == first.number
    with pytest.raises(NotFound):
        billing.run(bank_order_queries.list_bank_orders, ListBankOrders(), PROVIDER_FINANCE)
    with pytest.raises(NotFound):
        billing.within(
            lambda uow: bank_order_queries.get_bank_order_document(
                GetBankOrderDocument(bank_order_id=page.items[0].bank_order_id), actor=PROVIDER_FINANCE, uow=uow,
                now=NOW, download_url=lambda key, name: key + name,
            )
        )  # fmt: skip
