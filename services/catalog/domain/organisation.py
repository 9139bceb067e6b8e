"""What catalog keeps of an organisation: only what it decides by."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class OrganisationCopy:
    """As identity last told it."""

    organisation_id: UUID
    kind: str
    legal_name: str
    legal_name_en: str
    verified: bool
    has_bank_account: bool
