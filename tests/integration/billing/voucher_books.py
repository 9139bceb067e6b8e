"""What tests of vouchers do and look at, each in one line: billing's books with an enterprise and an authority."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.billing.adapters.voucher_queries import get_voucher
from services.billing.domain.programme import Rules
from services.billing.use_cases import order, payment
from services.billing.use_cases.payment import payment_id_of
from services.billing.use_cases.programme import publish_programme, rules_message
from services.billing.use_cases.voucher import grant_voucher
from services.billing.use_cases.voucher_use import reserve_voucher
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import Refused
from services.shared.kernel.ids import derived_id
from services.shared.messages.billing.programme import ProgrammeView, PublishProgramme
from services.shared.messages.billing.voucher import (
    GetVoucher,
    GrantVoucher,
    ReserveVoucher,
    VoucherUseView,
    VoucherView,
)
from tests.integration.billing.conftest import Billing
from tests.kit.fakes_billing import (
    CUSTOMER_ID,
    FINANCE,
    INSTRUCTIONS,
    NOW,
    ORDER_ID,
    REQUESTER,
    amounts,
    an_actor,
    card_facts,
    cny,
    order_accepted,
    order_contracted,
    order_placed,
)
from tests.kit.fakes_voucher import AUTHORITY_ID, some_rules

OTHER_ORDER_ID = derived_id("order", "other")
AUTHORITY = an_actor(AUTHORITY_ID, "authority")
OTHER_AUTHORITY = an_actor(derived_id("organisation", "other authority"), "authority")
EIGHTY = amounts(8_000_000, 480_000)
YEAR_END = datetime(2026, 12, 31, 16, tzinfo=UTC)


def a_programme(books: Billing, code: str = "zj-2026", budget: int = 100_000_000, rules: Rules | None = None,
                at: datetime = NOW - timedelta(days=30), side: str = "customer",
                authority_id: UUID = AUTHORITY_ID) -> ProgrammeView:  # fmt: skip
    told = rules_message(rules or some_rules())
    command = PublishProgramme.model_validate(
        {"code": code, "title_zh": "创新券", "title_en": "Innovation vouchers", "authority_id": authority_id,
         "side": side, "budget": cny(budget), "valid_from": at, "rules": told}
    )  # fmt: skip
    return books.run(publish_programme, command)


def a_voucher(
    books: Billing,
    programme: ProgrammeView,
    amount: int = 5_000_000,
    until: datetime = YEAR_END,
    actor: Actor = FINANCE,
) -> VoucherView:
    command = GrantVoucher(
        programme_id=programme.programme_id, holder_id=CUSTOMER_ID, holder_kind="enterprise", amount=cny(amount),
        valid_until=until,
    )  # fmt: skip
    return books.run(grant_voucher, command, actor)


def place(books: Billing, order_id: UUID = ORDER_ID, money: dict[str, Any] = EIGHTY) -> None:
    books.handle(order.placed, order_placed(order_id, f"OR-{str(order_id)[:8]}", money=money))


def sign(books: Billing, order_id: UUID = ORDER_ID, at: datetime = NOW, money: dict[str, Any] = EIGHTY) -> None:
    event = order_contracted(order_id, "OR-2026-000123", money=money).model_copy(update={"contracted_at": at})
    books.handle(order.contracted, event, instructions=INSTRUCTIONS)


def reserve(
    books: Billing, voucher: VoucherView, order_id: UUID = ORDER_ID, actor: Actor = REQUESTER, now: datetime = NOW
) -> VoucherUseView:
    return books.run(reserve_voucher, ReserveVoucher(voucher_id=voucher.voucher_id, order_id=order_id), actor, now)


def pay(books: Billing, order_id: UUID = ORDER_ID) -> int:
    """Returns what was asked for."""
    ((asked,),) = books.rows("SELECT amount FROM payment WHERE order_id = %s", (str(order_id),))
    facts = card_facts(intent_id=f"pi_{order_id}", received=cny(asked), charge_id=f"ch_{order_id}", balance=None)
    books.within(lambda uow: payment.learn(payment_id_of(order_id), facts, uow=uow, now=NOW))
    return int(asked)


def accept(books: Billing, order_id: UUID = ORDER_ID, money: dict[str, Any] = EIGHTY) -> None:
    books.handle(order.accepted, order_accepted(order_id, "OR-2026-000123", money=money))


def counts(books: Billing, voucher: VoucherView) -> tuple[int, int, int, int, int]:
    """Of the voucher reserved, spent and left; committed of the programme and of the holder's year."""
    seen = books.run(get_voucher, GetVoucher(voucher_id=voucher.voucher_id), REQUESTER)
    ((committed,),) = books.rows(
        "SELECT committed FROM programme WHERE programme_id = %s", (str(voucher.programme_id),)
    )
    in_year = books.rows("SELECT committed FROM programme_year WHERE programme_id = %s", (str(voucher.programme_id),))
    return seen.reserved.amount, seen.spent.amount, seen.left.amount, committed, in_year[0][0] if in_year else 0


def entries(books: Billing, key: str) -> list[tuple[str, str, int]]:
    return books.rows(
        "SELECT side, account, amount FROM ledger_entry JOIN ledger_tx USING (transaction_id) WHERE idem_key LIKE %s"
        " ORDER BY line", (key,),
    )  # fmt: skip


def refusal(deed: Callable[[], object]) -> str:
    try:
        deed()
    except Refused as error:
        return type(error).code
    return ""
