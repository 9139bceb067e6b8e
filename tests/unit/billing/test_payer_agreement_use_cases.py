"""Who may pay for whom: seen by two, to its last day, by one form of account numbers."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from services.billing.domain.bank_line import BankLine
from services.billing.domain.payer_agreement import (
    AgreementEndsBefore,
    AgreementEndsEarlier,
    PayerAgreement,
    SameHands,
    one_account,
)
from services.billing.use_cases.payer_agreement import end_payer_agreement, refuse_payer_agreement
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import new_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.billing.payer_agreement import (
    EndPayerAgreement,
    PayerAgreementView,
    RefusePayerAgreement,
)
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    DISPUTE_OPERATOR,
    FINANCE,
    NOW,
    OTHER_FINANCE,
    PROVIDER_ID,
    REQUESTER,
    an_organisation,
)
from tests.kit.finance_desk import Desk

MOTHER = "青城集团有限公司"
TODAY = date(2026, 11, 23)  # of the lines that a desk reads, in Asia/Shanghai


def end(desk: Desk, made: UUID, last_day: date, actor: Actor = FINANCE) -> PayerAgreementView:
    command = EndPayerAgreement(payer_agreement_id=made, last_day=last_day)
    return end_payer_agreement(command, actor=actor, uow=desk.uow, now=NOW)


def refuse(desk: Desk, made: UUID, actor: Actor = FINANCE) -> PayerAgreementView:
    return refuse_payer_agreement(RefusePayerAgreement(payer_agreement_id=made), actor=actor, uow=desk.uow, now=NOW)


def test_two_see_it() -> None:
    """Who recorded it does not put it in force; until another does, it matches nothing, and refused never."""
    desk = Desk()
    desk.came("1060.00", desk.reference(), payer=MOTHER)
    made = desk.recorded(MOTHER)
    with pytest.raises(SameHands):
        desk.confirm_payer(made, FINANCE)
    assert desk.missing() == 106_000
    assert desk.came("1.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    other = desk.recorded(MOTHER)
    assert refuse(desk, other).state == "refused"
    with pytest.raises(WrongState):
        desk.confirm_payer(other)
    assert desk.missing() == 106_000
    confirmed = desk.confirm_payer(made)
    assert (confirmed.state, confirmed.recorded_by == confirmed.decided_by) == ("in_force", False)
    assert desk.missing() == 0
    for again in (desk.confirm_payer, lambda each: refuse(desk, each)):
        with pytest.raises(WrongState):
            again(made)


def test_only_finance() -> None:
    """Nobody else records, confirms, refuses or ends one, nor for a customer that is none."""
    desk = Desk()
    made = desk.recorded(MOTHER)
    for actor, refusal in ((DISPUTE_OPERATOR, NotAllowed), (REQUESTER, NotFound)):
        with pytest.raises(refusal):
            desk.recorded(MOTHER, actor=actor)
        with pytest.raises(refusal):
            desk.confirm_payer(made, actor)
        with pytest.raises(refusal):
            refuse(desk, made, actor)
        with pytest.raises(refusal):
            end(desk, made, TODAY, actor)
    with pytest.raises(NotFound):
        desk.recorded(MOTHER, customer_id=PROVIDER_ID)
    with pytest.raises(AgreementEndsBefore):
        desk.recorded(MOTHER, until=date(2026, 10, 31))
    for verb in (desk.confirm_payer, lambda each: refuse(desk, each), lambda each: end(desk, each, TODAY)):
        with pytest.raises(NotFound):
            verb(new_id())


def test_an_ended_agreement() -> None:
    """Ended, it still matches money of its last day, and nothing that comes later; what it matched stays."""
    desk = Desk()
    made = desk.agreed(MOTHER)
    assert desk.came("1.00", desk.reference(), payer=MOTHER).state == "matched"
    assert end(desk, made, TODAY).state == "in_force"
    assert desk.came("2.00", desk.reference(), payer=MOTHER).state == "matched"
    ended = end(desk, made, TODAY - timedelta(days=1), OTHER_FINANCE)
    assert (ended.valid_until, ended.ended_by != ended.recorded_by) == (TODAY - timedelta(days=1), True)
    assert desk.came("3.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    assert desk.missing() == 105_700
    with pytest.raises(AgreementEndsEarlier):
        end(desk, made, TODAY)
    assert desk.came("4.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"


def test_withdrawn() -> None:
    """Ended before its first day it holds on no day, and cannot come back; one that nobody confirmed is not ended."""
    desk = Desk()
    made = desk.agreed(MOTHER, until=date(2026, 12, 31))
    assert end(desk, made, date(2026, 10, 31)).state == "withdrawn"
    assert desk.came("1060.00", desk.reference(), payer=MOTHER).reason == "payer_mismatch"
    for day in (TODAY, date(2026, 10, 31)):
        with pytest.raises(WrongState):
            end(desk, made, day)
    with pytest.raises(WrongState):
        desk.confirm_payer(made)
    with pytest.raises(WrongState):
        end(desk, desk.recorded(MOTHER), TODAY)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("6217 0001-2345", "621700012345", True),
        ("６２１７０００１２３４５", "621700012345", True),
        ("de89 3704 0044", "DE8937040044", True),
        ("621700012345", "621700012346", False),
        ("0621700012345", "621700012345", False),
        ("", "  - ", True),
    ],
)
def test_account_numbers(one: str, other: str, *, same: bool) -> None:
    """Spaces, dashes, case and width make no other account; digits do, also such before it."""
    assert (one_account(one) == one_account(other)) is same


@pytest.mark.parametrize(("written", "covered"), [("6217 0001", True), ("", True), ("62170002", False)])
def test_an_agreement_for_one_account(written: str, *, covered: bool) -> None:
    """Where it names an account, money from another one of the same payer is not covered."""
    agreement = PayerAgreement(
        new_id(), CUSTOMER_ID, MOTHER, "6217-0001", "合同室 2026-17", date(2026, 11, 1), None, "a", "in_force"
    )
    line = BankLine(
        new_id(), "1", "s1", NOW, "in", 100, "CNY", MOTHER, "货款", counterparty_account=written
    )  # fmt: skip
    assert agreement.covers(line) is covered


def test_the_customers_account_in_another_writing() -> None:
    """Its own account number with dashes and full-width digits is its own."""
    desk = Desk()
    number = an_organisation(CUSTOMER_ID).account_number
    (known,) = desk.uow.payers.of([CUSTOMER_ID]).values()
    assert {one_account(f"{number[:3]}-{number[3:]}")} == known.accounts
