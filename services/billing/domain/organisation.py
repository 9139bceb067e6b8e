"""What billing keeps of an organisation: who it is on paper and where its money goes."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

PartyKind = Literal["provider", "station"]
"""Those to whom the company owes a part of an order."""


@dataclass(frozen=True)
class OrganisationCopy:
    """As identity last told it. The three of the bank account are empty while none is known."""

    organisation_id: UUID
    kind: str
    legal_name: str
    unified_social_credit_code: str
    address: str
    bank_name: str
    account_name: str
    account_number: str
    phone: str = ""

    @property
    def bank_account(self) -> tuple[str, str, str] | None:
        """Bank, holder and number, or none."""
        return (self.bank_name, self.account_name, self.account_number) if self.account_number else None
