"""Vouchers on real PostgreSQL: granted, reserved, signed, returned, expired, revoked, each by whoever may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.billing.adapters.voucher_queries import get_voucher, list_programmes, list_vouchers
from services.billing.domain.programme import NotInForce, VersionExists, WrongSide
from services.billing.domain.voucher import (
    HolderKindContradicts,
    OrderNotOpen,
    OtherCurrency,
    SameHands,
    VoucherExpired,
)
from services.billing.use_cases import order
from services.billing.use_cases.voucher import approve_voucher, grant_voucher, revoke_voucher
from services.billing.use_cases.voucher_use import estimate_voucher, withdraw_voucher
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.programme import ListProgrammes
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    EstimateVoucher,
    GetVoucher,
    GrantVoucher,
    ListVouchers,
    RevokeVoucher,
    WithdrawVoucher,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.voucher_books import (
    AUTHORITY,
    OTHER_AUTHORITY,
    OTHER_ORDER_ID,
    YEAR_END,
    a_programme,
    a_voucher,
    counts,
    pay,
    place,
    reserve,
    sign,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    NOW,
    ORDER_ID,
    OTHER_FINANCE,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    STATION_ID,
    an_actor,
    cny,
    order_cancelled,
)
from tests.kit.fakes_voucher import some_rules, subsidy_rules


def test_m11_expired_between_reserving_and_signing(books: Billing) -> None:
    """What counts is when the contract was signed; the reservation of an expired voucher comes back."""
    programme = a_programme(books)
    late, timely = a_voucher(books, programme, until=NOW + timedelta(days=1)), a_voucher(books, programme)
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, late)
    reserve(books, timely, OTHER_ORDER_ID)
    sign(books, at=NOW + timedelta(days=1))
    sign(books, OTHER_ORDER_ID, at=NOW + timedelta(days=1))
    assert (pay(books), pay(books, OTHER_ORDER_ID)) == (8_480_000, 6_480_000)
    assert counts(books, late)[:3] == (0, 0, 5_000_000)
    assert books.told.count("voucher.returned.v1") == 1
    assert books.violations() == ()


def test_the_timer_expires_it(books: Billing) -> None:
    """What is reserved comes back, once; what is signed stays; signed in the last minute and told of later counts."""
    programme = a_programme(books)
    until = NOW + timedelta(days=1)
    voucher = a_voucher(books, programme, until=until)
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher)
    reserve(books, voucher, OTHER_ORDER_ID)
    assert books.run_timers(until + timedelta(minutes=59)) == 0
    sign(books, at=until - timedelta(seconds=1))
    for later in (timedelta(hours=1), timedelta(days=9)):
        books.run_timers(until + later)
    seen = books.run(get_voucher, GetVoucher(voucher_id=voucher.voucher_id), REQUESTER)
    assert (seen.state, seen.reserved.amount, seen.spent.amount) == ("expired", 0, 2_000_000)
    assert [use.state for use in seen.uses] == ["returned", "used"]
    with pytest.raises(WrongState):
        reserve(books, voucher, OTHER_ORDER_ID)
    assert books.rows("SELECT count(*) FROM outbox WHERE type = 'voucher.expired.v1'") == [(1,)]
    assert books.violations() == ()


def test_a_cancelled_order_returns_it(books: Billing) -> None:
    """Before the signature and after it; it can be used again, and a second cancellation returns nothing more."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    reserve(books, voucher)
    for _ in range(2):
        books.handle(order.cancelled, order_cancelled())
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    with pytest.raises(OrderNotOpen):
        reserve(books, voucher)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher, OTHER_ORDER_ID)
    sign(books, OTHER_ORDER_ID)
    books.handle(order.cancelled, order_cancelled(OTHER_ORDER_ID))
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    assert books.told.count("voucher.returned.v1") == 2
    assert books.violations() == ()


def test_taken_off_and_put_on_again(books: Billing) -> None:
    """Until the contract is signed; by its holder only; another one may come instead."""
    programme = a_programme(books)
    voucher, other = a_voucher(books, programme), a_voucher(books, programme)
    place(books)
    reserve(books, voucher)
    command = WithdrawVoucher(voucher_id=voucher.voucher_id, order_id=ORDER_ID)
    with pytest.raises(NotFound):
        books.run(withdraw_voucher, command, an_actor(STATION_ID, "requester"))
    with pytest.raises(NotFound):
        books.run(withdraw_voucher, WithdrawVoucher(voucher_id=other.voucher_id, order_id=ORDER_ID), REQUESTER)
    assert books.run(withdraw_voucher, command, REQUESTER).state == "returned"
    reserve(books, other)
    sign(books)
    with pytest.raises(OrderNotOpen):
        books.run(withdraw_voucher, WithdrawVoucher(voucher_id=other.voucher_id, order_id=ORDER_ID), REQUESTER)
    assert counts(books, voucher)[2] == 5_000_000


def test_signed_is_too_late(books: Billing) -> None:
    """The price has been asked for; and an order that is not known, or another's, is none."""
    voucher = a_voucher(books, a_programme(books))
    for order_id, actor in ((ORDER_ID, REQUESTER), (OTHER_ORDER_ID, an_actor(STATION_ID, "requester"))):
        place(books, OTHER_ORDER_ID)
        with pytest.raises(NotFound):
            reserve(books, voucher, order_id, actor)
    place(books)
    with pytest.raises(NotAllowed):
        reserve(books, voucher, actor=an_actor(CUSTOMER_ID, "lab_manager"))
    sign(books)
    with pytest.raises(OrderNotOpen):
        reserve(books, voucher)


def test_who_grants(books: Billing) -> None:
    """Finance, or the programme's own authority; nobody else learns that the programme is theirs to grant from."""
    programme = a_programme(books)
    assert a_voucher(books, programme, actor=AUTHORITY).state == "granted"
    for actor, error in ((OTHER_AUTHORITY, NotFound), (REQUESTER, NotFound), (PROVIDER_FINANCE, NotFound)):
        with pytest.raises(error):
            a_voucher(books, programme, actor=actor)
    with pytest.raises(NotAllowed):
        a_voucher(books, programme, actor=an_actor(FINANCE.organisation_id, "dispute_operator", operator=True))


def test_four_eyes_above_the_limit(books: Billing) -> None:
    """A fen above it, another person grants; until then it may not be used."""
    programme = a_programme(books, rules=some_rules(four_eyes_above=4_999_999))
    voucher = a_voucher(books, programme)
    assert voucher.state == "proposed"
    place(books)
    with pytest.raises(WrongState):
        reserve(books, voucher)
    approve = ApproveVoucher(voucher_id=voucher.voucher_id)
    with pytest.raises(SameHands):
        books.run(approve_voucher, approve)
    with pytest.raises(NotFound):
        books.run(approve_voucher, approve, OTHER_AUTHORITY)
    assert books.run(approve_voucher, approve, OTHER_FINANCE).state == "granted"
    with pytest.raises(WrongState):
        books.run(approve_voucher, approve, OTHER_FINANCE)
    reserve(books, voucher)
    assert books.told.count("voucher.granted.v1") == 1


def test_what_cannot_be_granted(books: Billing) -> None:
    """Against the credit code, in another currency, before the rules begin, to nobody, for the other side."""
    programme = a_programme(books)
    good = {"programme_id": programme.programme_id, "holder_id": CUSTOMER_ID, "holder_kind": "enterprise",
            "amount": cny(1), "valid_until": YEAR_END}  # fmt: skip
    subsidy = a_programme(books, "sub", rules=subsidy_rules(), side="provider")
    later = a_programme(books, "later", at=NOW + timedelta(days=1))
    for change, error in (
        ({"holder_kind": "university"}, HolderKindContradicts),
        ({"amount": cny(1) * 1, "programme_id": later.programme_id}, NotInForce),
        ({"holder_id": derived_id("nobody")}, NotFound),
        ({"programme_id": derived_id("nothing")}, NotFound),
        ({"programme_id": subsidy.programme_id}, WrongSide),
    ):
        with pytest.raises(error):
            books.run(grant_voucher, GrantVoucher.model_validate({**good, **change}))
    with pytest.raises(OtherCurrency):
        books.run(grant_voucher, GrantVoucher.model_validate({**good, "amount": replace(cny(1), currency="USD")}))


def test_revoked(books: Billing) -> None:
    """What is reserved comes back, what is signed stands; a reason is kept."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    place(books, OTHER_ORDER_ID)
    reserve(books, voucher)
    reserve(books, voucher, OTHER_ORDER_ID)
    sign(books)
    command = RevokeVoucher(voucher_id=voucher.voucher_id, reason="材料不实")
    with pytest.raises(NotFound):
        books.run(revoke_voucher, command, REQUESTER)
    seen = books.run(revoke_voucher, command, AUTHORITY)
    assert (seen.state, seen.reserved.amount, seen.spent.amount, seen.reason) == ("revoked", 0, 2_000_000, "材料不实")
    with pytest.raises(WrongState):
        books.run(revoke_voucher, command, AUTHORITY)
    assert pay(books) == 6_480_000
    assert books.violations() == ()


def test_an_expired_voucher_is_refused_before_its_timer_runs(books: Billing) -> None:
    """To the instant."""
    voucher = a_voucher(books, a_programme(books), until=NOW + timedelta(hours=1))
    place(books)
    with pytest.raises(VoucherExpired):
        reserve(books, voucher, now=NOW + timedelta(hours=1))
    reserve(books, voucher, now=NOW + timedelta(minutes=59))


def test_the_version_is_frozen(books: Billing) -> None:
    """Other rules from tomorrow on change nothing for what is reserved; the same instant twice is refused."""
    voucher = a_voucher(books, a_programme(books))
    place(books)
    use = reserve(books, voucher)
    changed = some_rules(cap_order=1)
    again = a_programme(books, at=NOW + timedelta(seconds=1), rules=changed)
    assert len(again.versions) == 2
    with pytest.raises(VersionExists):
        a_programme(books, at=NOW + timedelta(seconds=1), rules=changed)
    sign(books, at=NOW + timedelta(hours=2))
    assert pay(books) == 6_480_000
    place(books, OTHER_ORDER_ID)
    later = reserve(books, voucher, OTHER_ORDER_ID, now=NOW + timedelta(hours=2))
    assert (later.amount, later.programme_version_id != use.programme_version_id) == (cny(1), True)


def test_estimate_changes_nothing(books: Billing) -> None:
    """Before ordering: amount, what is due, every rule; for the holder only."""
    voucher = a_voucher(books, a_programme(books))
    query = EstimateVoucher(
        voucher_id=voucher.voucher_id, provider_id=PROVIDER_ID, net=cny(8_000_000), gross=cny(8_480_000)
    )
    seen = books.run(estimate_voucher, query, REQUESTER)
    assert (seen.amount, seen.due) == (cny(2_000_000), cny(6_480_000))
    assert counts(books, voucher) == (0, 0, 5_000_000, 0, 0)
    with pytest.raises(NotFound):
        books.run(estimate_voucher, query, PROVIDER_FINANCE)


def test_lists(books: Billing) -> None:
    """A holder its own, an authority its programmes', finance all; programmes are public."""
    programme = a_programme(books)
    made = [a_voucher(books, programme).voucher_id for _ in range(3)]
    for actor in (REQUESTER, AUTHORITY, FINANCE):
        first = books.run(list_vouchers, ListVouchers(limit=2), actor)
        rest = books.run(list_vouchers, ListVouchers(limit=2, after=first.next_cursor), actor)
        assert {each.voucher_id for each in (*first.items, *rest.items)} == set(made)
    assert books.run(list_vouchers, ListVouchers(), PROVIDER_FINANCE).items == ()
    (shown,) = books.run(list_programmes, ListProgrammes(), PROVIDER_FINANCE).items
    assert shown == programme
