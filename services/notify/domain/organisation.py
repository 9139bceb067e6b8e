"""What notify keeps of organisations: whom to name, and where to write when nobody in it holds the role."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class OrganisationCopy:
    """
    As identity last told it.

    Attributes:
        account_name, account_number, bank_name: Of its bank account, empty where it has none: the
            operating company's is where customers transfer to.
    """

    organisation_id: UUID
    kind: str
    legal_name: str
    legal_name_en: str
    mail: str
    account_name: str = ""
    account_number: str = ""
    bank_name: str = ""

    def name(self, language: str) -> str:
        """In *language*, or in the other where it has none in that."""
        return (self.legal_name_en if language == "en" else self.legal_name) or self.legal_name
