"""What the command line decides for one run of the stand-in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """
    Args:
        webhook_url: Where events are posted; empty for none.
        fee_bps: Processing fee in 1/10,000 of the amount.
        fee_fixed_minor: Fixed part of the fee, minor units of the charge's currency.
        fee_vat_bps: VAT on the fee, 1/10,000.
        fee_includes_vat: The fee is the price with VAT in it; else VAT comes on top.
        dispute_fee_minor: Charged when a dispute opens, minor units of the charge's currency; never given back.
        available_after_s: How long a charge stays pending before transfers and payouts may spend it.
        webhook_retry_s: First pause after a delivery that was not answered 2xx; doubles each time, at most a minute.
        webhook_attempts_max: Deliveries tried per event before it is given up.
    """

    api_key: str
    webhook_url: str
    webhook_secret: str
    public_url: str
    state_path: str
    fee_bps: int = 60
    fee_fixed_minor: int = 0
    fee_vat_bps: int = 600
    fee_includes_vat: bool = False
    dispute_fee_minor: int = 1500
    available_after_s: int = 172_800
    webhook_retry_s: float = 0.5
    webhook_attempts_max: int = 10
    webhook_timeout_s: float = 10.0
