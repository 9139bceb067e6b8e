"""The operating company's numbers that orders decide by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """
    Attributes:
        acceptance_days: After delivery, until an order counts as accepted.
        hold_days: After acceptance, until it may be paid out.
        objection_days: In which the customer may object to a report.
        quotation_valid_days: How long a quotation binds when the provider says nothing else.
        unpaid_cancel_days: After placing, until an order for which nothing was paid is cancelled.
        cancellation_fee_bps: Of the gross of an order that is cancelled after its release and before its first sample.
        cancellation_provider_bps: The provider's part of that fee.
    """

    acceptance_days: int = 10
    hold_days: int = 7
    objection_days: int = 15
    quotation_valid_days: int = 30
    unpaid_cancel_days: int = 14
    cancellation_fee_bps: int = 2_000
    cancellation_provider_bps: int = 9_000
