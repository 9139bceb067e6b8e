"""Taxpayer profiles: at which rate a party invoices, and whether the other side may deduct it."""

from dataclasses import dataclass
from typing import Literal

Taxpayer = Literal["general_6", "general_simplified_3", "small_scale_3_reduced_1", "exempt"]

# Dated settings of the operating company's accountant one day (the 1 % is a reduction until 2027-12-31).
RATE_BPS: dict[str, int] = {
    "general_6": 600,
    "general_simplified_3": 300,
    "small_scale_3_reduced_1": 100,
    "exempt": 0,
}


@dataclass(frozen=True, slots=True)
class TaxProfile:
    """
    Attributes:
        taxpayer: The kind of VAT payer.
        can_issue_special: Issues special invoices, whose tax the buyer deducts; an ordinary invoice is all-in.
    """

    taxpayer: Taxpayer
    can_issue_special: bool

    @property
    def rate_bps(self) -> int:
        return RATE_BPS[self.taxpayer]

    @property
    def deductible_bps(self) -> int:
        """The rate that is paid on top of a net amount because the payer gets it back; 0 when all-in."""
        return self.rate_bps if self.can_issue_special else 0
