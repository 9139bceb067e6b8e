"""What orders keep of an organisation: what stands on contracts, and how it invoices."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.shared.kernel.tax import RATE_BPS, TaxProfile

DEFAULT_COMPANY_RATE_BPS = RATE_BPS["general_6"]
"""Of the operating company, until identity has told its tax profile."""


@dataclass(frozen=True)
class OrganisationCopy:
    """As identity last told it. *bank*: printed on contracts, empty strings when there is none."""

    organisation_id: UUID
    kind: str
    legal_name: str
    legal_name_en: str
    credit_code: str
    address: str
    mail: str
    phone: str
    tax_profile: TaxProfile
    bank_name: str
    bank_account: str
    registered_at: datetime
