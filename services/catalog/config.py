"""Every environment variable that catalog reads (prefix YIQI_CATALOG_)."""

from pydantic_settings import SettingsConfigDict

from services.shared.chassis.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    """Catalog keeps no files yet, so it reads no object store."""

    model_config = SettingsConfigDict(env_prefix="YIQI_CATALOG_", frozen=True)
