"""Every environment variable that identity reads (prefix YIQI_IDENTITY_)."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.shared.chassis.settings import SourceSettings


class IdentitySettings(SourceSettings):
    """Identity states events and serves no RPC: the gateway, in whose process it runs, calls it directly."""

    model_config = SettingsConfigDict(env_prefix="YIQI_IDENTITY_", frozen=True)

    pool_size: Annotated[int, Field(gt=0)] = 10
    """Connections to its database per gateway process."""
    session_hours: Annotated[int, Field(gt=0, le=24 * 30)] = 12
    link_days: Annotated[int, Field(gt=0, le=30)] = 7
    """How long a one-time link holds."""
