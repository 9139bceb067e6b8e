"""What orders keeps of a customer's credit line: whether it may order on credit, and on which terms."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.orders.domain.order import PaymentTerms
from services.shared.kernel.errors import Conflict
from services.shared.kernel.payment_schedule import payment_schedule
from services.shared.kernel.times import business_date


class CreditNotOffered(Conflict):
    """The customer has no credit line that is in force."""

    code = "orders.credit_not_offered"


@dataclass(frozen=True)
class CreditLineCopy:
    """
    As billing last told it; how much of it is used only billing knows.

    Attributes:
        before_work_bps: Of the price, to be paid before work begins; the rest goes on credit.
        net_days: After the invoice, until the rest is to be paid.
    """

    customer_id: UUID
    currency: str
    credit_line_id: UUID
    active: bool
    net_days: int
    before_work_bps: int
    valid_until: date

    def payment_terms(self, now: datetime) -> PaymentTerms:
        """Raises CreditNotOffered: It is suspended, or its time is over."""
        if not self.active or business_date(now) > self.valid_until:
            raise CreditNotOffered
        return PaymentTerms(payment_schedule(self.before_work_bps), self.net_days)
