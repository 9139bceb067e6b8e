"""What is suggested for a line without scoring every payment is what scoring every payment finds."""

from datetime import date, timedelta
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

MOST = 3
NAMES = (
    "江淮新材料（合肥）有限公司",
    "江淮新材料(合肥)有限责任公司",
    "江淮新材料(合肥)",
    "江淮",
    "青城集团有限公司",
    "",
)
ACCOUNTS = ("6217-0001", "62170001", "6217 0002", "")
REFERENCES = tuple(reference_of(f"OR-2026-00012{n}") for n in range(4))
CUSTOMERS = tuple(UUID(int=n) for n in range(1, 5))
days = st.integers(-3, 3).map(lambda n: NOW + timedelta(days=n))
currencies = st.sampled_from(("CNY", "CNY", "CNY", "EUR"))


@st.composite
def payments(draw: st.DrawFn) -> list[Payment]:
    return [
        Payment(
            payment_id=UUID(int=100 + n),
            order_id=UUID(int=200 + n),
            order_number=f"OR-{n}",
            customer_id=draw(st.sampled_from(CUSTOMERS)),
            method="bank_transfer",
            state="pending",
            currency=draw(currencies),
            amount=2,
            received=draw(st.integers(0, 2)),
            opened_at=draw(days),
            reference=draw(st.sampled_from((*REFERENCES, None))),
        )
        for n in range(draw(st.integers(0, 25)))
    ]


@st.composite
def payers(draw: st.DrawFn) -> dict[UUID, Payer]:
    return {
        each: Payer(
            frozenset(one_form(name) for name in draw(st.sets(st.sampled_from(NAMES), max_size=2)) if name),
            frozenset({one_account(draw(st.sampled_from(ACCOUNTS)))} - {""}),
            tuple(
                PayerAgreement(
                    UUID(int=300), each, draw(st.sampled_from(NAMES[:-1])), draw(st.sampled_from(ACCOUNTS)), "e",
                    date(2026, 11, 1), draw(st.sampled_from((None, NOW.date()))), "a", "in_force",
                )
                for _ in range(draw(st.integers(0, 1)))
            ),
        )
        for each in draw(st.sets(st.sampled_from(CUSTOMERS)))
    }  # fmt: skip


lines = st.builds(
    BankLine,
    bank_line_id=st.just(UUID(int=1)),
    account=st.just("1"),
    serial_number=st.just("s"),
    booked_at=days,
    direction=st.just("in"),
    amount=st.integers(1, 3),
    currency=currencies,
    counterparty=st.sampled_from(NAMES),
    remittance=st.sampled_from((*REFERENCES, " ".join(REFERENCES), REFERENCES[0].removeprefix("YQ"), "货款")),
    counterparty_account=st.sampled_from(ACCOUNTS),
)


@settings(max_examples=500)
@given(payments(), payers(), lines)
def test_nothing_better_is_left_out(open_payments: list[Payment], known: dict[UUID, Payer], line: BankLine) -> None:
    """The same payments in the same order with the same points, and the best of them."""
    every = scored(line, references_in(line.remittance), open_payments, known)
    worth = [each for each in every if each.score >= WORTH_SHOWING_MIN]
    assert Suggestions(open_payments, known, MOST).of(line) == worth[:MOST]
