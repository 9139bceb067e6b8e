"""A bank that books several payouts as one line: by the order's number or all of theirs, if it is exactly their sum."""

import pytest

from services.billing.adapters.bank_xml import read_camt
from services.billing.domain.bank_order import PaymentStatus
from services.billing.domain.ledger import BANK, SUSPENSE, payout_transit
from services.shared.messages.billing.payout import PayoutView
from tests.kit.bank_statement_files import camt053
from tests.kit.fakes_billing import OWN_ACCOUNT, FakeBillingUnitOfWork
from tests.unit.billing.test_bank_order_use_cases import answers, two_released
from tests.unit.billing.test_payout_use_cases import state_of
from tests.unit.billing.test_settlement_use_cases import bank_says, order_of_bank


def ordered() -> tuple[FakeBillingUnitOfWork, list[PayoutView], str]:
    uow, released = two_released()
    return uow, released, order_of_bank(uow, *released).number


def states(uow: FakeBillingUnitOfWork, payouts: list[PayoutView]) -> set[str]:
    return {state_of(uow, each) for each in payouts}


@pytest.mark.parametrize("by", ["the order", "its payouts"])
def test_one_line_pays_all(by: str) -> None:
    """954.00 and 74.20 as one debit; the same line again, or another one, pays nothing more."""
    uow, both, number = ordered()
    text = number if by == "the order" else f"{both[0].number} {both[1].number}"
    for _ in range(2):
        view = bank_says(uow, "b1", "1028.20", text)
    assert set(view.target.split(", ")) == {f"payout/{each.payout_id}" for each in both}
    assert states(uow, both) == {"paid"}
    assert uow.ledger.balance(BANK) == 102_820
    again = bank_says(uow, "b2", "1028.20", text)
    assert again.state == "suspense"
    assert uow.ledger.balance(BANK) == 2 * 102_820


@pytest.mark.parametrize("amount", ["1028.19", "954.00", "1028.21"])
def test_another_sum_is_for_a_person(amount: str) -> None:
    """Nothing of the order is paid by a line that is not all of it."""
    uow, both, number = ordered()
    view = bank_says(uow, "b1", amount, number)
    assert view.reason == "several_payouts"
    assert states(uow, both) == {"in_transit"}
    assert uow.ledger.balance(SUSPENSE) == -int(amount.replace(".", ""))


def test_what_the_bank_rejected_is_not_in_the_sum() -> None:
    """One is rejected by the bank's answer, the rest is booked as one line."""
    uow, both, number = ordered()
    answers(uow, PaymentStatus(both[1].number, "RJCT", "AC04"), number=number)
    assert bank_says(uow, "b1", "954.00", number).state == "matched"
    assert [state_of(uow, each) for each in both] == ["paid", "failed"]
    assert uow.ledger.balance(payout_transit(both[0].payout_id)) == 0


def test_a_line_of_one_payment_names_it_and_its_order() -> None:
    """What the line says itself counts: the order beside it pays nothing else."""
    uow, both, number = ordered()
    bank_says(uow, "b1", "954.00", f"{number} {both[0].number}")
    assert [state_of(uow, each) for each in both] == ["paid", "in_transit"]


def test_the_order_is_read_where_banks_tell_it() -> None:
    """camt.053: the batch's id, or a transaction's; not beside a payment's own number, nor on money that came in."""
    plain = '<Ntry><Amt Ccy="CNY">10.28</Amt><CdtDbtInd>{}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt><NtryDtls>{}</NtryDtls></Ntry>'  # noqa: E501
    batch = "<Btch><PmtInfId>BO-2026-000001</PmtInfId></Btch>"
    refs = "<TxDtls><Refs>{}<PmtInfId>BO-2026-000001</PmtInfId></Refs></TxDtls>"
    own = refs.format("<EndToEndId>PO-2026-000001</EndToEndId>")
    entries = [
        plain.format(*each)
        for each in (("DBIT", batch), ("DBIT", refs.format("")), ("DBIT", own), ("CRDT", batch), ("DBIT", ""))
    ]
    read = read_camt(OWN_ACCOUNT, camt053(*entries)).lines
    assert [line.remittance for line in read] == ["BO-2026-000001", "BO-2026-000001", "PO-2026-000001", "", ""]
