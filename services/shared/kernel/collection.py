"""
How the money of an order is collected, and why so (trade rules §1; CAS 14).

As principal the company sells: it collects on its own account and owes the provider. As agent the provider sells and
the company earns a commission; the customer's money never stands on an account of the company. Of the models in which
it is agent the payment institution splits at source (*psp_split*), the bank keeps the money in custody (存管), or the
customer pays the provider (*direct*) and the company bills its commission.
"""

from dataclasses import dataclass
from typing import Literal

from services.shared.kernel.channel import CollectionModel

CollectingAccount = Literal[
    "company_account", "stripe_separate_transfers", "stripe_destination_charge", "splitting_channel", "custody_account",
    "provider_account",
]  # fmt: skip
"""Where the customer's money arrives."""
ContractKind = Literal["testing", "technology_development", "technology_transfer"]
"""*technology_…*: exempt from VAT once the contract is registered; never as principal."""
InWhoseHands = Literal["company", "provider"]

TEXT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class CollectionReason:
    """
    Why the company is principal or agent: the indicators of CAS 14, and what the staff found.

    Attributes:
        control: Who controls the service before the customer has it.
        named_performer: The customer is told who performs, and accepts that one only.
        price_discretion: Who sets the price.
        text: In words.
    """

    control: InWhoseHands
    named_performer: bool
    price_discretion: InWhoseHands
    text: str


def is_agent(model: CollectionModel) -> bool:
    """Whether the provider is the seller of record."""
    return model != "principal_own_account"
