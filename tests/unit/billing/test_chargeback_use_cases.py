"""Chargebacks: any order of news, twice, won and lost, before and after acceptance, of the order's money or not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from services.billing.adapters.chargeback_calls import evidence_refused
from services.billing.domain.chargeback import (
    ChargebackDecided,
    ChargebackFacts,
    EvidenceTooLate,
    EvidenceUnderWay,
    EvidenceUnknown,
    Movement,
)
from services.billing.domain.ledger import contract, customer_credit, dispute, owed
from services.billing.use_cases import chargeback, order, payment, refund
from services.billing.use_cases.chargeback_file import declare_chargeback_file
from services.billing.use_cases.payment import payment_id_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.chargeback import (
    ChargebackEvidenceDue,
    ChargebackLost,
    ChargebackOpened,
    ChargebackWon,
    DeclareChargebackFile,
    Evidence,
    FileToUpload,
    SubmitChargebackEvidence,
)
from tests.kit.fakes_billing import (
    COOLING_OFF,
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    PROVIDER_FINANCE,
    PROVIDER_ID,
    STATION_ID,
    FakeBillingUnitOfWork,
    card_facts,
    cny,
    order_accepted,
    order_contracted,
)

PAYMENT_ID = payment_id_of(ORDER_ID)
CHARGEBACK_ID = derived_id("chargeback", "dp_1")
FILE = FileToUpload(sha256="ab" * 32, size_bytes=9, media_type="application/pdf")
DUE = datetime(2026, 12, 1, tzinfo=UTC)
TAKEN = Movement("txn_d", -106_000, 1_500, 90, "CNY")
GIVEN_BACK = Movement("txn_r", 106_000, 0, 0, "CNY")
OPENED = ChargebackFacts("dp_1", "ch_1", "needs_response", "fraudulent", cny(106_000), DUE, 0, (TAKEN,))
WON = replace(OPENED, state="won", submissions=1, movements=(TAKEN, GIVEN_BACK))
LOST = replace(OPENED, state="lost")


def paid(*, accepted: bool = False) -> FakeBillingUnitOfWork:
    uow = FakeBillingUnitOfWork()
    order.contracted(order_contracted(), uow=uow, now=NOW, instructions=INSTRUCTIONS)
    payment.learn(PAYMENT_ID, card_facts(), uow=uow, now=NOW)
    if accepted:
        order.accepted(order_accepted(), uow=uow, now=NOW)
    return uow


def learn(uow: FakeBillingUnitOfWork, facts: ChargebackFacts = OPENED) -> str:
    return chargeback.learn(PAYMENT_ID, ORDER_ID, facts, uow=uow, now=NOW)


def held(uow: FakeBillingUnitOfWork) -> bool:
    return bool(uow.accruals.holds.get(ORDER_ID))


def red_letter(uow: FakeBillingUnitOfWork) -> None:
    """The customer's invoice may be corrected."""
    for refund_id in list(uow.refunds.held):
        refund.red_letter_confirmed(refund_id, uow=uow, now=NOW, cooling_off=COOLING_OFF)


def submit(
    uow: FakeBillingUnitOfWork, evidence: dict[str, str], actor: Actor = FINANCE, *, at_once: bool = True
) -> None:
    texts = tuple(Evidence(name=name, text=text) for name, text in evidence.items())
    wanted = SubmitChargebackEvidence(chargeback_id=CHARGEBACK_ID, evidence=texts, submit=at_once)
    chargeback.submit_evidence(wanted, actor=actor, uow=uow, now=NOW)


def refuse(uow: FakeBillingUnitOfWork, n: int) -> None:
    """The institution refuses what was written for the *n*th time, from 0."""
    payload = uow.calls("submit_dispute_evidence")[n]
    evidence_refused(payload, "billing.stripe_refused", uow=uow, now=NOW)  # type: ignore[arg-type]


def test_opened_takes_the_money_and_the_fee_and_holds_the_parties() -> None:
    """Told three times: booked once, told once; provider and station wait."""
    uow = paid()
    before = uow.ledger.balance("A:psp:stripe")
    for _ in range(3):
        assert learn(uow) == "needs_response"
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == -106_000
    assert (uow.ledger.balance("E:dispute_fee"), uow.ledger.balance("A:vat:input_pending")) == (-1_500, -36 - 90)
    assert uow.ledger.balance("A:psp:stripe") - before == 106_000 + 1_590
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    (event,) = uow.events(ChargebackOpened)
    assert (event.amount, event.evidence_due_at) == (cny(106_000), DUE)
    assert held(uow)


def test_won_gives_the_money_back_and_lets_the_parties_go() -> None:
    """The fee stays with the institution."""
    uow = paid()
    learn(uow)
    for _ in range(2):
        assert learn(uow, WON) == "won"
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0
    assert uow.ledger.balance("E:dispute_fee") == -1_500
    assert len(uow.events(ChargebackWon)) == 1
    assert not held(uow)
    assert not uow.timers.keys() & {(chargeback.CHECK_TIMER, str(CHARGEBACK_ID)),
                                    (chargeback.DUE_TIMER, str(CHARGEBACK_ID))}  # fmt: skip


@pytest.mark.parametrize("end", [WON, LOST], ids=["won", "lost"])
@pytest.mark.parametrize("accepted", [False, True])
def test_news_in_any_order_end_the_same(end: ChargebackFacts, *, accepted: bool) -> None:
    """As fetched at each stage, applied in all orders and twice: the ledger is the same to the fen."""
    early = replace(OPENED, movements=())
    review = replace(OPENED, state="under_review", submissions=1)
    seen = set()
    for told in permutations([early, OPENED, review, end, end]):
        uow = paid(accepted=accepted)
        for facts in told:
            learn(uow, facts)
        red_letter(uow)
        seen.add(tuple(sorted((key, each.request_hash) for key, each in uow.ledger.transactions.items()
                              if "refund" not in key)))  # fmt: skip
        assert uow.chargebacks.held[CHARGEBACK_ID].state == end.state
        assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0
        assert not held(uow)
        assert len(uow.events(ChargebackOpened)) == 1
    assert len(seen) == 1


def test_lost_before_acceptance_takes_the_customers_money_from_the_order() -> None:
    uow = paid()
    learn(uow)
    learn(uow, LOST)
    assert uow.ledger.balance(contract(ORDER_ID)) == 0
    assert uow.ledger.balance("E:bad_debt") == 0
    (event,) = uow.events(ChargebackLost)
    assert event.bad_debt == cny(0)


@pytest.mark.parametrize(("amount", "provider_net"), [(106_000, 0), (53_000, 45_000)])
def test_who_works_on_is_told_that_it_is_paid_less(amount: int, provider_net: int) -> None:
    """Once, of what is left of the order: of all of it nothing, of a half the half of 900.00."""
    uow = paid()
    lost = replace(LOST, amount=cny(amount), movements=(replace(TAKEN, amount=-amount),))
    for _ in range(3):
        learn(uow, lost)
    (event,) = uow.events(ChargebackLost)
    assert (event.provider_id, event.at_work, event.provider_net) == (PROVIDER_ID, True, cny(provider_net))


def test_nobody_works_for_less_by_what_the_order_is_not_less_by() -> None:
    """Once the work is accepted, and where the money was the customer's credit."""
    for accepted, charge_id in ((True, "ch_1"), (False, "ch_2")):
        uow = paid(accepted=accepted)
        learn(uow, replace(LOST, charge_id=charge_id))
        assert [event.at_work for event in uow.events(ChargebackLost)] == [False]


def test_lost_after_acceptance_everybody_earns_less() -> None:
    """As a refund of it all: revenue, tax, provider and station come down to nothing."""
    uow = paid(accepted=True)
    learn(uow)
    for _ in range(3):
        learn(uow, LOST)
    # The money is gone; revenue and tax come down with the red-letter invoice.
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == -106_000
    assert uow.ledger.balance("R:service") == 100_000
    for _ in range(2):
        red_letter(uow)
    for account in ("R:service", "L:vat:output", "E:provider_service", "E:station_share",
                    owed("provider", PROVIDER_ID, "accrued"), owed("station", STATION_ID, "accrued")):  # fmt: skip
        assert uow.ledger.balance(account) == 0, account
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0
    assert uow.ledger.balance("E:bad_debt") == 0


def test_a_part_takes_the_largest_net_and_the_rest_is_a_bad_debt() -> None:
    """1.00 of a 6 % order is a net of 0.94 and its tax of 0.06; of 1.01 a fen is left, which nobody owes us."""
    for amount, bad_debt in ((100, 0), (9, 0), (8, 0), (101, 0), (106_000, 0), (107_000, 1_000)):
        uow = paid(accepted=True)
        movements = (replace(TAKEN, amount=-amount),)
        part = replace(LOST, amount=cny(amount), movements=movements)
        learn(uow, part)
        red_letter(uow)
        lost = uow.chargebacks.held[CHARGEBACK_ID]
        assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0
        assert uow.ledger.balance("E:bad_debt") == -lost.bad_debt
        assert lost.bad_debt <= max(bad_debt, 1)
        assert -uow.ledger.balance("E:bad_debt") + 106_000 - uow.ledger.balance("R:service") \
            - uow.ledger.balance("L:vat:output") == amount  # fmt: skip


def test_lost_of_money_that_no_order_took_is_the_customers_credit() -> None:
    """A second charge was booked to its credit; its chargeback takes it from there and leaves the order alone."""
    uow = paid()
    payment.learn(PAYMENT_ID, card_facts(intent_id="pi_2", charge_id="ch_2", balance=None), uow=uow, now=NOW)
    learn(uow, replace(OPENED, charge_id="ch_2"))
    assert not held(uow)
    learn(uow, replace(LOST, charge_id="ch_2"))
    assert uow.ledger.balance(customer_credit(CUSTOMER_ID)) == 0
    assert uow.ledger.balance(contract(ORDER_ID)) == 106_000
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0


def test_lost_of_credit_that_was_used_is_a_bad_debt() -> None:
    uow = paid()
    learn(uow, replace(LOST, charge_id="ch_2"))
    assert uow.ledger.balance("E:bad_debt") == -106_000
    assert uow.ledger.balance(dispute(CHARGEBACK_ID)) == 0


def test_an_inquiry_moves_and_holds_nothing() -> None:
    """The bank only asks; when it is closed nothing was ever taken."""
    uow = paid()
    inquiry = replace(OPENED, state="inquiry", movements=())
    booked = len(uow.ledger.transactions)
    learn(uow, inquiry)
    assert not held(uow)
    learn(uow, replace(inquiry, state="closed"))
    assert len(uow.ledger.transactions) == booked
    assert len(uow.events(ChargebackWon)) == 1
    learn(uow, OPENED)
    assert uow.chargebacks.held[CHARGEBACK_ID].state == "closed"


def test_another_currency_is_not_guessed() -> None:
    uow = paid()
    booked = len(uow.ledger.transactions)
    learn(uow, replace(OPENED, movements=(replace(TAKEN, currency="USD"),)))
    assert len(uow.ledger.transactions) == booked


def test_a_strangers_dispute_changes_nothing() -> None:
    uow = paid()
    assert chargeback.learn(None, None, OPENED, uow=uow, now=NOW) == "not_ours"
    assert chargeback.learn(PAYMENT_ID, new_id(), OPENED, uow=uow, now=NOW) == "not_ours"
    assert not uow.chargebacks.held


def test_evidence_is_kept_and_added_to_until_the_bank_has_decided() -> None:
    """Each time all of it goes out, under a deed of its own."""
    uow = paid()
    learn(uow)
    submit(uow, {"product_description": "Tensile test"}, at_once=False)
    for wrong in ({"nonsense": "x"}, {"uncategorized_text": ""}, {}):
        with pytest.raises(EvidenceUnknown):
            submit(uow, wrong)
    submit(uow, {"uncategorized_text": "Accepted on 2026-11-20"})
    first, second = uow.calls("submit_dispute_evidence")
    assert (first["submit"], second["submit"]) == (False, True)
    assert second["evidence"] == {"product_description": "Tensile test", "uncategorized_text": "Accepted on 2026-11-20"}
    learn(uow, WON)
    with pytest.raises(ChargebackDecided):
        submit(uow, {"uncategorized_text": "x"})


def test_evidence_goes_out_one_at_a_time() -> None:
    """What is sent while the institution has not answered would be lost; refused, it may be sent anew."""
    uow = paid()
    learn(uow)
    submit(uow, {"uncategorized_text": "first"})
    learn(uow)  # news that say nothing of it
    with pytest.raises(EvidenceUnderWay):
        submit(uow, {"uncategorized_text": "second"})
    refuse(uow, 0)
    submit(uow, {"uncategorized_text": "second"})
    learn(uow, replace(OPENED, state="under_review", submissions=1))
    submit(uow, {"uncategorized_text": "third"})
    assert [call["submissions"] for call in uow.calls("submit_dispute_evidence")] == [0, 0, 1]


def test_what_was_only_to_be_kept_is_refused_while_evidence_goes_out() -> None:
    """It may be told late: what is on its way is on its way, and nothing goes beside it."""
    uow = paid()
    learn(uow)
    submit(uow, {"uncategorized_text": "first"}, at_once=False)
    submit(uow, {"uncategorized_text": "second"})
    refuse(uow, 0)
    with pytest.raises(EvidenceUnderWay):
        submit(uow, {"uncategorized_text": "third"})
    refuse(uow, 1)
    submit(uow, {"uncategorized_text": "third"})


def test_nothing_after_the_deadline() -> None:
    """Neither words nor a file, from the very instant on."""
    uow = paid()
    learn(uow)
    words = SubmitChargebackEvidence(
        chargeback_id=CHARGEBACK_ID, evidence=(Evidence(name="uncategorized_text", text="x"),), submit=False
    )
    file = DeclareChargebackFile(chargeback_id=CHARGEBACK_ID, name="receipt", file=FILE)
    chargeback.submit_evidence(words, actor=FINANCE, uow=uow, now=DUE - timedelta(microseconds=1))
    with pytest.raises(EvidenceTooLate):
        chargeback.submit_evidence(words, actor=FINANCE, uow=uow, now=DUE)
    with pytest.raises(EvidenceTooLate):
        declare_chargeback_file(file, actor=FINANCE, uow=uow, now=DUE, upload_url=str)


def test_only_the_operating_company_answers() -> None:
    uow = paid()
    learn(uow)
    with pytest.raises(NotFound):
        submit(uow, {"uncategorized_text": "x"}, PROVIDER_FINANCE)


def test_the_deadline_is_alarmed_unless_something_was_sent() -> None:
    uow = paid()
    learn(uow)
    assert uow.timers[chargeback.DUE_TIMER, str(CHARGEBACK_ID)] == DUE - timedelta(days=2)
    chargeback.remind_of_evidence(str(CHARGEBACK_ID), uow=uow, now=DUE - timedelta(days=2))
    assert [event.evidence_due_at for event in uow.events(ChargebackEvidenceDue)] == [DUE]
    learn(uow, replace(OPENED, state="under_review", submissions=1))
    chargeback.remind_of_evidence(str(CHARGEBACK_ID), uow=uow, now=DUE)
    assert len(uow.events(ChargebackEvidenceDue)) == 1


def test_an_undecided_one_is_asked_about_every_day() -> None:
    """M3: whatever was told of it, or was not."""
    uow = paid()
    learn(uow)
    for day in range(1, 4):
        chargeback.check_chargeback(str(CHARGEBACK_ID), uow=uow, now=NOW + timedelta(days=day))
    assert [call["id"] for call in uow.calls("fetch_stripe_object")] == ["dp_1"] * 3
    assert uow.timers[chargeback.CHECK_TIMER, str(CHARGEBACK_ID)] == NOW + timedelta(days=4)
    learn(uow, WON)
    chargeback.check_chargeback(str(CHARGEBACK_ID), uow=uow, now=NOW + timedelta(days=9))
    assert len(uow.calls("fetch_stripe_object")) == 3
