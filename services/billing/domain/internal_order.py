"""
An internal order: user and provider are one legal entity. The university has its money; the company earns its fee.

Nothing is sold by the company: no revenue of the service, no VAT on it, no invoice to the customer, nothing owed to the
provider. The university owes the agreed fee, which is netted with what its laboratory is to be paid for other orders.
"""

from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.commission import SplitTerms
from services.billing.domain.funding import FundingAgreement
from services.shared.kernel.fee import Fee, Percentage
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile

EXEMPT = TaxProfile("exempt", can_issue_special=False)


def internal_split_terms(net: int, agreement: FundingAgreement, station_bps: int,
                         station_tax: TaxProfile | None) -> SplitTerms:  # fmt: skip
    """
    The split of an internal order: the university keeps the net, the company's fee of it is owed by the university.

    There is no VAT on an internal transfer, and no invoice of the provider; the station has its share of the fee.
    """
    return SplitTerms(
        net=net, tax=0, tax_rate_bps=0, fee=Fee((Percentage(agreement.fee_bps),)), station_bps=station_bps,
        provider_tax=EXEMPT, station_tax=station_tax,
    )  # fmt: skip


def fee_tax(fee: int, fee_tax_bps: int) -> int:
    """The VAT on *fee*, minor units."""
    return share(fee, fee_tax_bps)


def acceptance_internal(
    provider_id: UUID, station_id: UUID | None, fee: Money, tax: Money, station_share: Money
) -> tuple[ledger.Entry, ...]:
    """The work is accepted: the company has earned its fee, and the station its share of that."""
    entries: list[tuple[ledger.Side, str, Money]] = [
        ("D", ledger.receivable("provider", provider_id), fee + tax),
        ("C", ledger.COMMISSION, fee),
        ("C", ledger.OUTPUT_VAT, tax),
    ]
    if station_id is not None:
        entries += [
            ("D", ledger.STATION_COST, station_share),
            ("C", ledger.owed("station", station_id, "accrued"), station_share),
        ]
    return ledger.entries(*entries)


def fee_given_back(provider_id: UUID, fee: Money, tax: Money, from_owed: Money) -> tuple[ledger.Entry, ...]:
    """After a refund the fee is less: *from_owed* is owed less; the rest was netted already, and we owe it."""
    return ledger.entries(
        ("D", ledger.COMMISSION, fee),
        ("D", ledger.OUTPUT_VAT, tax),
        ("C", ledger.receivable("provider", provider_id), from_owed),
        ("C", ledger.owed("provider", provider_id, "accrued"), fee + tax - from_owed),
    )
