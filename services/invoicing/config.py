"""Every environment variable that invoicing reads (prefix YIQI_INVOICING_)."""

from pydantic_settings import SettingsConfigDict

from services.shared.chassis.settings import StoringSettings


class InvoicingSettings(StoringSettings):
    """Invoicing keeps the invoices it issued, as PDF and as XML."""

    model_config = SettingsConfigDict(env_prefix="YIQI_INVOICING_", frozen=True)
