"""A customer's credit: what it paid and no order waited for."""

from services.shared.kernel.errors import Conflict


class CreditDiffers(Conflict):
    """The order waits for less, in another currency, or is paid by card."""

    code = "billing.credit_differs"
