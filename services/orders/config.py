"""Every environment variable that orders reads (prefix YIQI_ORDERS_)."""

from functools import cache

from pydantic_settings import SettingsConfigDict

from services.orders.domain.policy import Policy
from services.shared.chassis.settings import StoringSettings, load


class OrdersSettings(StoringSettings):
    """Days are calendar days; what they mean stands at `Policy`."""

    model_config = SettingsConfigDict(env_prefix="YIQI_ORDERS_", frozen=True)

    acceptance_days: int = 10
    hold_days: int = 7
    objection_days: int = 15
    quotation_valid_days: int = 30
    unpaid_cancel_days: int = 14
    cancellation_fee_bps: int = 2_000
    cancellation_provider_bps: int = 9_000
    public_url: str = ""
    """Where people reach the platform: sample labels lead there; empty: a label holds the code alone."""

    def policy(self) -> Policy:
        return Policy(
            acceptance_days=self.acceptance_days,
            hold_days=self.hold_days,
            objection_days=self.objection_days,
            quotation_valid_days=self.quotation_valid_days,
            unpaid_cancel_days=self.unpaid_cancel_days,
            cancellation_fee_bps=self.cancellation_fee_bps,
            cancellation_provider_bps=self.cancellation_provider_bps,
        )


@cache
def settings() -> OrdersSettings:
    """Read from the environment once a process, at the first need."""
    (loaded,) = load(OrdersSettings)
    return loaded
