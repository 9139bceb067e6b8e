"""What customers have paid and no order waited for: theirs, for another order."""

from typing import ClassVar
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.messages.base import Command, Message, Page, PositiveMoney, Query, View
from services.shared.messages.billing.commission_plan import FINANCE


class CustomerCredit(Message):
    customer_id: UUID
    customer_name: str
    amount: Money


class ListCustomerCredit(Query):
    """Every customer that has credit, the largest first. → CustomerCreditPage"""

    wire_name: ClassVar = "billing.list_customer_credit"
    grants: ClassVar[Grants] = FINANCE


class CustomerCreditPage(Page):
    items: tuple[CustomerCredit, ...]


class ApplyCustomerCredit(Command):
    """Pay for another order of the same customer with its credit, as far as the order waits for it. → CreditApplied"""

    wire_name: ClassVar = "billing.apply_customer_credit"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID
    payment_id: UUID
    amount: PositiveMoney


class CreditApplied(View):
    """*missing*: what the order still waits for."""

    payment_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    missing: Money
