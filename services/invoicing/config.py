"""Every environment variable that invoicing reads (prefix YIQI_INVOICING_)."""

from functools import cache

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.shared.chassis.settings import StoringSettings, load


class InvoicingSettings(StoringSettings):
    """Invoicing keeps the invoices it issued, as PDF and as XML."""

    model_config = SettingsConfigDict(env_prefix="YIQI_INVOICING_", frozen=True)

    tax_platform_url: str = ""
    """Where red-letter forms are entered and asked for; empty: two of staff record each by hand."""
    tax_platform_token: SecretStr = SecretStr("")

    commission_net_days: int = Field(default=15, ge=0, le=365)
    """Days from the invoice over commission that a provider owes until it is due."""

    @property
    def has_tax_platform(self) -> bool:
        return bool(self.tax_platform_url)


@cache
def settings() -> InvoicingSettings:
    """For the ways in by RPC: read by the first call and not at import, which tests do without an environment."""
    return load(InvoicingSettings)[0]
