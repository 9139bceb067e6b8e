"""What happens at the same time happens once: the order's row is the lock of all that hangs on it."""

from datetime import timedelta
from uuid import UUID

from services.orders.adapters import order_rows
from services.orders.use_cases import contract, order, quotation, quotation_request, sample
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import Refused
from services.shared.kernel.fee import Tier, Tiers
from services.shared.kernel.ids import derived_id, new_id
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.orders.contract import Paper, SignContract
from services.shared.messages.orders.order import AcceptOrder, CancelOrder, OrderReceipt
from services.shared.messages.orders.quotation import AcceptQuotation, LineWanted, SendQuotation
from services.shared.messages.orders.quotation_request import OpenQuotationRequest
from services.shared.messages.orders.sample import ReceiveSample
from tests.integration.orders.conftest import Orders
from tests.integration.orders.test_order_journey import see, sign_all
from tests.kit.fakes_orders import (
    CONTRACT_OPERATOR,
    CUSTOMER_ID,
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    OTHER_PROVIDER_ID,
    PROVIDER_ID,
    REQUESTER,
    TECHNICIAN,
    a_plan,
    a_provider,
    cny,
)
from tests.kit.real_service import together

GROSS = 335_808


def contracted(orders: Orders) -> OrderReceipt:
    placed = orders.place()
    orders.do_outside()
    sign_all(orders, placed.order_id)
    orders.told.clear()
    return placed


def payment(placed: OrderReceipt, amount: int, payment_id: UUID) -> PaymentSucceeded:
    return PaymentSucceeded(
        payment_id=payment_id,
        order_id=placed.order_id,
        order_number=placed.number,
        customer_id=CUSTOMER_ID,
        method="card",
        amount=cny(amount),
        channel_transaction_id="ch_1",
        succeeded_at=NOW,
    )


def test_contracts_signed_at_once_count_each_others_volume(orders: Orders) -> None:
    """Whatever the order, one starts from nothing, the next from the first, and so on; cancelled ones count nothing."""
    tiers = Tiers((Tier(0, 1_000), Tier(500_000, 500)), period="month")
    plan = a_plan(commission_plan_id=derived_id("plan", "tiers"), components=(tiers,), provider_id=PROVIDER_ID)
    orders.within(lambda uow: uow.commission.put_plan(plan))
    gone = orders.place()
    placed = [orders.place() for _ in range(4)]
    orders.do_outside()
    sign_all(orders, gone.order_id)
    orders.run(order.cancel_order, CancelOrder(order_id=gone.order_id), REQUESTER)
    together([lambda each=each: sign_all(orders, each.order_id) for each in placed])  # type: ignore[misc]
    frozen = [see(orders, each.order_id, CONTRACT_OPERATOR).terms for each in placed]
    before = sorted(terms.fee.volume_before for terms in frozen if terms is not None and terms.fee is not None)
    assert before == [0, 316_800, 633_600, 950_400]
    earned = sorted(terms.provider_net.amount for terms in frozen if terms is not None and terms.provider_net)
    assert earned == [316_800 - 31_680, 316_800 - 18_320 - 6_680, *[316_800 - 15_840] * 2]


def test_one_payment_told_ten_times_at_once_counts_once(orders: Orders) -> None:
    placed = contracted(orders)
    event = payment(placed, GROSS, new_id())
    together([lambda: orders.handle(order.take_payment, event)] * 10)
    assert orders.told == ["order.released.v1"]
    assert [step.what for step in see(orders, placed.order_id).timeline].count("paid") == 1


def test_two_halves_paid_at_once_release_once(orders: Orders) -> None:
    placed = contracted(orders)
    halves = [payment(placed, GROSS // 2, derived_id("half", number)) for number in range(2)]
    together([lambda half=half: orders.handle(order.take_payment, half) for half in halves])  # type: ignore[misc]
    assert orders.told == ["order.released.v1"]


def test_paid_or_cancelled_for_want_of_payment_but_never_both(orders: Orders) -> None:
    for _ in range(3):
        placed = contracted(orders)
        event = payment(placed, GROSS, new_id())
        together(
            [
                lambda event=event: orders.handle(order.take_payment, event),  # type: ignore[misc]
                lambda: orders.run_timers(NOW + timedelta(days=15)),
            ]
        )
        assert orders.told in (["order.released.v1"], []), "run_timers keeps its own outbox"
        cancelled = orders.rows("SELECT count(*) FROM outbox WHERE type = 'order.cancelled.v1'")[0][0]
        state = see(orders, placed.order_id).state
        assert (state, cancelled, len(orders.told)) in {("released", 0, 1), ("cancelled", 1, 0)}
        orders.database.change("DELETE FROM outbox")


def test_signatures_given_at_once_contract_once(orders: Orders) -> None:
    placed = orders.place()
    orders.do_outside()
    orders.told.clear()
    summary = see(orders, placed.order_id, CONTRACT_OPERATOR).contract
    assert summary is not None
    sha256 = {document.paper: document.sha256 for document in summary.documents}

    def sign(actor: Actor, paper: Paper) -> object:
        command = SignContract(contract_id=summary.contract_id, signatory="王敏", sha256=sha256[paper])
        return orders.run(contract.sign_contract, command, actor)

    answers = together(
        [lambda: sign(REQUESTER, "contract"), lambda: sign(LAB_MANAGER, "order_sheet"),
         lambda: sign(CONTRACT_OPERATOR, "contract")] * 2
    )  # fmt: skip
    assert sum(isinstance(answer, Refused) for answer in answers) == 3
    assert orders.told == ["contract.signed.v1", "order.contracted.v1"]
    assert see(orders, placed.order_id).state == "contracted"


def test_two_quotations_of_one_request_accepted_at_once_make_one_order(orders: Orders) -> None:
    orders.within(lambda uow: uow.providers.put(a_provider(OTHER_PROVIDER_ID)))
    request = orders.run(
        quotation_request.open_quotation_request,
        OpenQuotationRequest(
            provider_ids=(PROVIDER_ID, OTHER_PROVIDER_ID), title="XRD", respond_by=NOW + timedelta(days=1)
        ),
        REQUESTER,
    )
    line = LineWanted(title_zh="x", title_en="x", unit="sample", quantity=1, unit_price=cny(100), reason="new")
    command = SendQuotation(quotation_request_id=request.quotation_request_id, lines=(line,), turnaround_days=1)
    sent = [orders.run(quotation.send_quotation, command, actor) for actor in (LAB_MANAGER, OTHER_LAB_MANAGER)]
    orders.told.clear()

    def accept(quotation_id: UUID) -> object:
        wanted = AcceptQuotation(quotation_id=quotation_id, payment_method="card")
        return orders.run(quotation.accept_quotation, wanted, REQUESTER)

    together([lambda each=each: accept(each.quotation_id) for each in sent * 3])  # type: ignore[misc]
    assert orders.told.count("order.placed.v1") == 1
    assert orders.rows("SELECT count(*) FROM orders") == [(1,)]
    assert sorted(orders.rows("SELECT state FROM quotation")) == [("accepted",), ("declined",)]


def test_customer_and_timer_accept_once_between_them(orders: Orders) -> None:
    """The customer takes the timer away while it runs: neither waits for the other for ever."""
    for _ in range(3):
        placed = contracted(orders)
        orders.database.change(
            "UPDATE orders SET state = 'delivered', accept_by = '2026-12-31' WHERE state = 'contracted'"
        )
        orders.within(lambda uow: uow.set_timer(order.ACCEPT_TIMER, placed.order_id, NOW))  # noqa: B023 - run at once
        command = AcceptOrder(order_id=placed.order_id)
        together(
            [
                lambda command=command: orders.run(order.accept_order, command, REQUESTER),  # type: ignore[misc]
                lambda: orders.run_timers(NOW + timedelta(days=1)),
            ]
        )
        assert orders.rows("SELECT count(*) FROM outbox WHERE type = 'order.accepted.v1'") == [(1,)]
        assert see(orders, placed.order_id).state == "accepted"
        assert orders.rows("SELECT attempts FROM timer WHERE kind = 'accept_order'") == []
        orders.database.change("DELETE FROM outbox")


def test_the_first_of_several_samples_is_the_first_once(orders: Orders) -> None:
    placed = contracted(orders)
    orders.handle(order.take_payment, payment(placed, GROSS, new_id()))
    (known,) = orders.rows("SELECT sample_id FROM sample")
    copies = [new_id() for _ in range(4)]
    for position, sample_id in enumerate(copies, start=2):
        orders.database.change(
            "INSERT INTO sample SELECT %s, order_id, %s, code || %s, customer_code, description, quantity, hazards,"
            " after_test, state, quantity_received, condition, note, storage_place, received_at"
            " FROM sample WHERE sample_id = %s",
            (str(sample_id), position, str(position), str(known[0])),
        )
    orders.told.clear()

    def receive(sample_id: UUID) -> object:
        command = ReceiveSample(sample_id=sample_id, condition="good", quantity=1, storage_place="A1")
        return orders.run(sample.receive_sample, command, TECHNICIAN)

    together([lambda each=each: receive(each) for each in copies])  # type: ignore[misc]
    assert orders.told.count("sample.received.v1") == 4
    assert orders.told.count("order.in_progress.v1") == 1


def test_orders_placed_at_once_have_numbers_of_their_own(orders: Orders) -> None:
    together([orders.place] * 12)
    numbers = [number for (number,) in orders.rows("SELECT number FROM orders")]
    assert len(set(numbers)) == 12
    assert order_rows.PLACE.count("next_number") == 2, "one for the order, one for its contract"
