"""What the use cases of funding need from outside."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.billing.domain.funding import Funding


class Fundings(Protocol):
    """Reservations of project funds. Whoever asks for one to change it holds its order's row."""

    def add(self, funding: Funding) -> None: ...

    def order_of(self, funding_id: UUID) -> UUID:
        """Not locked: it never changes. Raises NotFound."""

    def get(self, funding_id: UUID) -> Funding:
        """Locked. Raises NotFound."""

    def of_order(self, order_id: UUID) -> Sequence[Funding]:
        """Locked, the first first."""

    def save(self, funding: Funding) -> None: ...
