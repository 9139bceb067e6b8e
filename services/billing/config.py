"""Every environment variable that billing reads (prefix YIQI_BILLING_; Stripe's: YIQI_STRIPE_)."""

from datetime import time
from functools import cache
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.billing.domain.credit import BLOCK_OVERDUE_DAYS
from services.billing.domain.funding import FundingAgreement
from services.billing.domain.receivable import REMINDER_DAYS
from services.billing.domain.small_enterprise import NOTICE_DAYS, PAYMENT_DAYS
from services.billing.domain.stripe_payout import NAMES
from services.shared.chassis.settings import StoringSettings, load


class FinanceSystem(BaseModel):
    """A university's finance system, and what was agreed about orders of its own people."""

    url: str
    secret: SecretStr
    """The university's finance system knows us by it."""
    fee_bps: int = Field(default=0, ge=0, le=10_000)
    """The company's fee, of the internal net."""
    fee_tax_bps: int = Field(default=600, ge=0, le=10_000)
    """VAT on that fee."""
    cost_category: str = "testing"
    """What projects must allow money for, in that system's word."""

    @field_validator("url")
    @classmethod
    def _secret_stays_secret(cls, url: str) -> str:
        host = urlsplit(url).hostname
        if not url.startswith("https://") and not (url.startswith("http://") and host in {"127.0.0.1", "localhost"}):
            raise ValueError("https, or http to this machine itself")
        return url


class BillingSettings(StoringSettings):
    """Defaults of the company's particulars are those of the demonstration."""

    model_config = SettingsConfigDict(env_prefix="YIQI_BILLING_", frozen=True)

    stripe_api_key: str = Field(validation_alias="YIQI_STRIPE_API_KEY")
    stripe_api_base: str = Field(default="https://api.stripe.com", validation_alias="YIQI_STRIPE_API_BASE")
    stripe_webhook_secret: str = Field(validation_alias="YIQI_STRIPE_WEBHOOK_SECRET")
    """
    Signs the webhooks; empty refuses them all. Several, separated by commas: the old one while a new one is brought
    in, and that of the endpoint for connected accounts, which has its own.
    """

    @property
    def stripe_live(self) -> bool:
        """Whether real money moves: what the other mode says is refused."""
        return self.stripe_api_key.startswith(("sk_live_", "rk_live_"))

    environment: str = "dev"
    """Begins every idempotency key at Stripe: two installations on one account must differ."""

    channel_api_base: str = ""
    """Of the splitting channel, without a slash at the end; empty: none is connected, nobody can pay by it."""
    channel_merchant: str = ""
    """The company's number there."""
    channel_secret: str = ""
    """Signs our requests to it."""
    channel_webhook_secret: str = ""
    """Signs its notices (Standard Webhooks, whsec_…); empty refuses them all. Two, with a comma, while one changes."""

    public_url: str = Field(validation_alias="YIQI_GATEWAY_PUBLIC_URL")
    """Where the portal is: whoever pays on the payment institution's page comes back to it."""

    company_name: str = "示例科学仪器服务有限公司"
    company_credit_code: str = "91110000MA0DEMO00X"
    company_address: str = ""
    bank_account_name: str = "示例科学仪器服务有限公司"
    """The account that customers pay to, statements are of and payouts leave from."""
    bank_account_number: str = "0000000000000000000"
    bank_name: str = "示例银行"
    bank_clearing_code: str = ""
    """Of the account's bank in the national clearing (12 digits of CNAPS); empty leaves it out of bank orders."""

    custody_account_name: str = ""
    """In a bank's custody; customers of `agent_bank_custody` pay to it. Never the company's. Empty: there is none."""
    custody_account_number: str = ""
    custody_bank_name: str = ""

    bank_order_format: Literal["pain.001.001.03", "pain.001.001.09", "csv"] = "pain.001.001.09"
    """Of the files by which the bank is told to pay: payouts and refunds."""
    payout_cooling_off_days: int = Field(default=3, ge=0, le=90)
    """How long after a change of its bank account nothing is paid to a party, so that somebody can object."""

    resolve_alone_max: int = Field(default=5_000_000, ge=0)
    """Bank lines above so many minor units are matched by hand only when a second person confirms it."""

    psp_names: tuple[str, ...] = NAMES
    """With which words the payment institution's name on our bank's statement begins (JSON)."""

    referral_protection_days: int = Field(default=365, ge=1, le=3650)
    """How long a confirmed referral earns, from its claim on."""

    credit_block_overdue_days: int = Field(default=BLOCK_OVERDUE_DAYS, ge=1, le=365)
    """No new credit is granted to a customer once something of it is overdue for this long."""
    small_enterprise_payment_days: int = Field(default=PAYMENT_DAYS, ge=1, le=PAYMENT_DAYS)
    """
    Days from the acceptance of a small enterprise's work within which it is paid, whoever has paid us. A statement
    keeps the day that it was closed with.
    """

    small_enterprise_notice_days: int = Field(default=NOTICE_DAYS, ge=1, le=30)
    """Days before that last day on which finance is told; once more on the day after it."""

    dunning_days: tuple[Annotated[int, Field(ge=1, le=365)], ...] = REMINDER_DAYS
    """Days after the due date on which a customer is reminded, ascending; with the last one its credit ends."""

    reconciliation_at: time = time(6)
    """
    When each day yesterday is compared with Stripe, the bank and the splitting channel (Asia/Shanghai). A bill that the
    channel has later than that is an item until the next day.
    """
    reconciliation_overdue_days: int = Field(default=3, ge=0, le=90)
    """How old what is not in order may become before it is an alarm."""
    finance_systems: dict[str, FinanceSystem] = Field(default_factory=dict)
    """
    Of universities whose own people order: JSON, {unified social credit code: {"url", "secret", "fee_bps",
    "fee_tax_bps", "cost_category"}}. It holds secrets: it comes from where the platform's passwords come from.
    """

    def funding_agreements(self) -> dict[str, FundingAgreement]:
        """By unified social credit code."""
        return {
            code: FundingAgreement(each.fee_bps, each.fee_tax_bps, each.cost_category)
            for code, each in self.finance_systems.items()
        }


@cache
def settings() -> BillingSettings:
    """For the ways in by RPC: read by the first call and not at import, which tests do without an environment."""
    return load(BillingSettings)[0]
