"""What stands beside statements: the sizes that parties declare, and how providers divide their income."""

from typing import Protocol
from uuid import UUID

from services.billing.domain.income_allocation import IncomeAllocation
from services.billing.domain.small_enterprise import SmallEnterprise


class SmallEnterprises(Protocol):
    def hold_closing(self) -> None:
        """To the end of the transaction no statement is closed."""

    def add(self, declared: SmallEnterprise) -> None: ...

    def get(self, declaration_id: UUID) -> SmallEnterprise:
        """Locked. Raises NotFound."""

    def save(self, declared: SmallEnterprise) -> None: ...


class IncomeAllocations(Protocol):
    def add(self, rule: IncomeAllocation) -> None: ...
