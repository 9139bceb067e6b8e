"""What is suggested for a line without scoring every payment is what scoring every payment finds."""

from datetime import date, timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.billing.domain.bank_line import BankLine
from services.billing.domain.bank_matching import scored
from services.billing.domain.bank_statement import references_in
from services.billing.domain.bank_suggestion import WORTH_SHOWING_MIN, Suggestions
from services.billing.domain.payer_agreement import Payer, PayerAgreement, one_account, one_form
from services.billing.domain.payment import Payment
from services.shared.kernel.payment_reference import reference_of
from tests.kit.fakes_billing import NOW

NAMES = (
    "江淮新材料（合肥）有限公司",
    "江淮新材料(合肥)有限责任公司",
    "江淮新材料(合肥)有限",
    "江淮",
    "青城集团有限公司",
    "",
)
ACCOUNTS = ("6217-0001", "62170001", "6217 0002", "")
REFERENCES = tuple(reference_of(f"OR-2026-00012{n}") for n in range(4))
CURRENCIES = ("CNY", "CNY", "CNY", "EUR")
CUSTOMERS = tuple(UUID(int=n) for n in range(1, 5))


def some_payments(dice: Random) -> list[Payment]:
    return [
        Payment(
            payment_id=UUID(int=100 + n),
            order_id=UUID(int=200 + n),
            order_number=f"OR-{n}",
            customer_id=dice.choice(CUSTOMERS),
            method="bank_transfer",
            state="pending",
            currency=dice.choice(CURRENCIES),
            amount=2,
            received=dice.randint(0, 2),
            opened_at=NOW + timedelta(days=dice.randint(-3, 3)),
            reference=dice.choice((*REFERENCES, None, None, None, None)),
        )
        for n in range(dice.randint(0, 25))
    ]


def some_payers(dice: Random) -> dict[UUID, Payer]:
    def agreement(customer_id: UUID) -> PayerAgreement:
        until = dice.choice((None, NOW.date()))
        payer, account = dice.choice(NAMES[:-1]), dice.choice(ACCOUNTS)
        day = date(2026, 11, 1)
        return PayerAgreement(UUID(int=300), customer_id, payer, account, "e", day, until, "a", "in_force")

    return {
        each: Payer(
            frozenset(one_form(dice.choice(NAMES[:-1])) for _ in range(dice.randint(0, 2))),
            frozenset({one_account(dice.choice(ACCOUNTS))} - {""}),
            tuple(agreement(each) for _ in range(dice.randint(0, 1))),
        )
        for each in CUSTOMERS
    }


def some_line(dice: Random) -> BankLine:
    texts = (*REFERENCES, " ".join(REFERENCES), REFERENCES[0].removeprefix("YQ"), *["货款"] * 6)
    return BankLine(
        bank_line_id=UUID(int=1),
        account="1",
        serial_number="s",
        booked_at=NOW + timedelta(days=dice.randint(-3, 3)),
        direction="in",
        amount=dice.randint(1, 3),
        currency=dice.choice(CURRENCIES),
        counterparty=dice.choice(NAMES),
        remittance=dice.choice(texts),
        counterparty_account=dice.choice(ACCOUNTS),
    )


@settings(max_examples=1_000)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_nothing_better_is_left_out(seed: int, most: int) -> None:
    """The same payments in the same order with the same points, and the best of them."""
    dice = Random(seed)
    open_payments, known, line = some_payments(dice), some_payers(dice), some_line(dice)
    every = scored(line, references_in(line.remittance), open_payments, known)
    worth = [each for each in every if each.score >= WORTH_SHOWING_MIN]
    assert (
        Suggestions(open_payments, known, {line.bank_line_id: references_in(line.remittance)}, most).of(line)
        == worth[:most]
    )
