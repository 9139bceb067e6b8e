"""Every environment variable that notify reads (prefix YIQI_NOTIFY_, save where the name is written out)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.shared.chassis.settings import ServiceSettings


class NotifySettings(ServiceSettings):
    """Notify speaks to people by mail and to machines by webhooks; it keeps no files."""

    model_config = SettingsConfigDict(env_prefix="YIQI_NOTIFY_", frozen=True)

    smtp_url: str = Field(validation_alias="YIQI_SMTP_URL")
    """smtp://[user:password@]host:port, or smtps:// where TLS comes first."""
    mail_from: str = Field(validation_alias="YIQI_MAIL_FROM")
    """*Yiqi <no-reply@example.org>*."""
    public_url: str = Field(validation_alias="YIQI_GATEWAY_PUBLIC_URL")
    """Where the portal is: links in mails begin with it."""
    allow_insecure_webhooks: bool = False
    """Demo and tests only: webhooks may go to http and to this machine."""
