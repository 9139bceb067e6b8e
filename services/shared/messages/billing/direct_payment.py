"""Direct payments: the customer paid the provider, or into custody, and who has the money says so."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Name, PositiveMoney

HOLDERS: Grants = {
    "provider": frozenset({"provider_finance", "lab_manager"}),
    "operator": frozenset({"finance_operator", "administrator"}),
}  # fmt: skip


class ConfirmDirectPayment(Command):
    """
    The customer's money is there: in full, it releases the order. By the provider; what is in custody by the operating
    company, as the bank told it. → PaymentView

    Attributes:
        reference: Of the bank that moved it: each movement is confirmed once.
        received_on: The bank's day.
    """

    wire_name: ClassVar = "billing.confirm_direct_payment"
    grants: ClassVar[Grants] = HOLDERS

    order_id: UUID
    amount: PositiveMoney
    reference: Name
    received_on: date


class ConfirmDirectRefund(Command):
    """The customer has its money back from whoever had it. By the same as confirm a payment. → RefundView"""

    wire_name: ClassVar = "billing.confirm_direct_refund"
    grants: ClassVar[Grants] = HOLDERS

    refund_id: UUID
    reference: Name
    paid_on: date
