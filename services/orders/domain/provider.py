"""What orders keep of a provider: whether it may sell."""

from dataclasses import dataclass
from uuid import UUID

from services.shared.kernel.errors import Conflict, NotFound


class ProviderNotFound(NotFound):
    """No provider of this id has been approved."""

    code = "orders.provider_not_found"


class ProviderNotSelling(Conflict):
    """This provider takes no new work at present."""

    code = "orders.provider_not_selling"


@dataclass(frozen=True)
class ProviderCopy:
    """
    As catalog last told it.

    Attributes:
        framework_agreement_number: Under which it takes our orders; empty where catalog did not tell.
    """

    provider_id: UUID
    name_zh: str
    name_en: str
    sells: bool
    framework_agreement_number: str = ""
