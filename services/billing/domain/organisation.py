"""What billing keeps of an organisation: who it is on paper and where its money goes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

PartyKind = Literal["provider", "station"]
"""Those to whom the company owes a part of an order."""


@dataclass(frozen=True)
class OrganisationCopy:
    """
    As identity last told it. The three of the bank account are empty while none is known.

    Attributes:
        verified: The operating company has confirmed name and account; a change of either takes that away.
        account_changed_at: When the account last became another one; none: it is the first that was told.
    """

    organisation_id: UUID
    kind: str
    legal_name: str
    unified_social_credit_code: str
    address: str
    bank_name: str
    account_name: str
    account_number: str
    verified: bool
    phone: str = ""
    account_changed_at: datetime | None = None

    @property
    def bank_account(self) -> tuple[str, str, str] | None:
        """Bank, holder and number, or none."""
        return (self.bank_name, self.account_name, self.account_number) if self.account_number else None
