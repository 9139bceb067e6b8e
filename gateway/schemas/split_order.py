"""What the splitting channel and the operating company's finance are answered."""

from uuid import UUID

from gateway.schemas.base import Shown
from services.shared.kernel.money import Money


class NoticeReceipt(Shown):
    """*notice_id* is stored and will be acted on; *seen_before*: it was stored earlier."""

    notice_id: str
    seen_before: bool


class SplitReturn(Shown):
    """Commission that goes back to the provider because of a refund. *state*: processing, success, failed."""

    refund_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    state: str
    failure: str
