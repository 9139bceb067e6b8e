"""What invoicing keeps of an organisation: what an invoice says of a party."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class OrganisationCopy:
    """
    As identity last told it.

    Attributes:
        registration: Unified social credit code.
        account_name, account_number, bank_name: Of its bank account; empty where it has none.
    """

    organisation_id: UUID
    kind: str
    legal_name: str
    registration: str
    address: str
    mail: str
    phone: str
    account_name: str
    account_number: str
    bank_name: str
