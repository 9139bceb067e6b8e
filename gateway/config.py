"""Every environment variable that the gateway reads (prefix YIQI_GATEWAY_)."""

from typing import Annotated

from pydantic import AnyUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Positive = Annotated[int, Field(gt=0)]


class GatewaySettings(BaseSettings):
    """Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="YIQI_GATEWAY_", frozen=True)

    broker_url: AnyUrl
    """AMQP, as the gateway: may call every service and publish no event."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    health_port: Annotated[int, Field(gt=0, le=65_535)] | None = None
    """Of health and metrics, on YIQI_HEALTH_HOST: metrics are nobody's business outside. None: not served."""
    public_url: str
    """What people and machines type; links in answers and mails begin with it. No slash at the end."""
    session_secret: Annotated[SecretStr, Field(min_length=32)]
    """At least 32 characters. One-time links and API keys that are being handed out follow from it."""
    forwarded_allow_ips: str = "127.0.0.1"
    """Proxies whose X-Forwarded-For is believed, comma separated."""

    threads: Positive = 48
    """Requests that may wait for a service at the same time."""
    body_bytes_max: Positive = 1024 * 1024
    statement_bytes_max: Positive = 8 * 1024 * 1024
    """Of a file of a bank or an authority, which comes as JSON."""
    head_timeout_s: Annotated[float, Field(gt=0)] = 15.0
    """For the request line and headers, all of them."""
    body_timeout_s: float = 30.0
    command_deadline_s: float = 10.0
    query_deadline_s: float = 5.0
    checkout_wait_s: float = 5.0
    """How long the asking for a page to pay on waits for it before it answers 202."""
    report_check_wait_s: float = 10.0
    """How long the issuing of a report waits for the check of its file before it answers 202."""

    registrations_per_hour: Positive = 20
    """Per address."""
    sign_ins_per_minute: Positive = 30
    """Per address, and per mail address whoever asks."""

    @property
    def secure(self) -> bool:
        """Whether cookies may travel over TLS only."""
        return self.public_url.startswith("https://")
