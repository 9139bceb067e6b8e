"""What the use cases of credit and of receivables need from outside."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from services.billing.domain.credit import Credit, CreditLine, Exposure
from services.billing.domain.credit_payback import CreditPayback
from services.billing.domain.receivable import Receivable


class CreditBook(Protocol):
    """Credit lines, and what they have given."""

    def line(self, credit_line_id: UUID) -> CreditLine:
        """Locked. Raises NotFound."""

    def line_of(self, customer_id: UUID, currency: str) -> CreditLine | None:
        """Locked; none: there is none."""

    def new_line(self, customer_id: UUID, currency: str, now: datetime) -> CreditLine:
        """That of the customer in this currency, made if there is none; locked."""

    def save_line(self, line: CreditLine) -> None: ...

    def exposure(self, customer_id: UUID, currency: str, today: date, block_overdue_days: int) -> Exposure:
        """What is given, as one look: a credit that falls due meanwhile counts once."""

    def add(self, credit: Credit) -> None: ...

    def of_order(self, order_id: UUID) -> Credit | None:
        """Locked."""

    def save(self, credit: Credit) -> None:
        """Its state and amount."""


class Receivables(Protocol):
    def add(self, receivable: Receivable) -> None:
        """Store it; one that is there is left alone."""

    def find(self, receivable_id: UUID) -> Receivable | None:
        """Locked."""

    def get(self, receivable_id: UUID) -> Receivable:
        """Locked. Raises NotFound."""

    def save(self, receivable: Receivable) -> None: ...


class CreditPaybacks(Protocol):
    def add(self, payback: CreditPayback) -> None:
        """Give it its number and store it."""

    def get(self, credit_payback_id: UUID) -> CreditPayback:
        """Locked. Raises NotFound."""

    def by_numbers(self, numbers: Iterable[str]) -> Mapping[str, CreditPayback]:
        """Those that exist, locked in the order of their ids."""

    def save(self, payback: CreditPayback) -> None: ...
