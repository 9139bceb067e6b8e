"""Typed settings from the environment. A process set wrongly says everything that is wrong, and ends."""

import sys
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import AnyUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h: a supervisor must not start this again and again."""


class ProcessSettings(BaseSettings):
    """What every process reads, whichever services it hosts."""

    model_config = SettingsConfigDict(env_prefix="YIQI_", frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    clock_settable: bool = False
    """Demo and tests only: business time may be moved."""
    serve_port: int | None = None
    """Loopback port of health and metrics of `serve`; none: not served."""
    work_port: int | None = None
    """Likewise of `work`."""
    work_nice: int = 10
    """How much `work` yields to what answers people, where both want the same core; 0: not at all."""
    health_host: str = "127.0.0.1"
    grace_s: float = 25.0
    """How long a stopping process may take to finish what it has begun."""
    otlp_endpoint: str | None = None
    """Where traces go (OTLP over HTTP); none: they are made and dropped."""


class SourceSettings(BaseSettings):
    """
    What everything that states events reads: the five services, and identity in the gateway.

    Each one's `config.py` sets its own prefix and adds its own. Secrets have no default.
    """

    model_config = SettingsConfigDict(frozen=True)

    database_url: str
    """PostgreSQL, as the run-time role: may not change what is append-only."""
    owner_database_url: str | None = None
    """PostgreSQL, as the owner of the tables; needed by `migrate` alone."""
    relay_broker_url: AnyUrl
    """AMQP, as the relay: the only user that may publish this source's events."""


class ServiceSettings(SourceSettings):
    """What each of the five services reads."""

    broker_url: AnyUrl
    """AMQP, as the service."""
    max_workers: int = 10
    """RPC calls served at the same time, and connections to the database in `serve`."""
    handler_batch: int = 100
    """Events handled in one transaction; 1 gives each its own."""


class StoringSettings(ServiceSettings):
    """A service that keeps files."""

    object_store_url: AnyUrl
    """http(s)://ACCESS:SECRET@host:port of the S3 store."""
    bucket: str
    """Uploads under way; emptied by age."""
    records_bucket: str
    """What is kept: versioned, under object lock."""


S = TypeVar("S", bound=BaseSettings)


class SettingsWrong(SystemExit):
    """Raised with the list of everything that is wrong."""


def load(*classes: type[S]) -> list[S]:
    """
    Read all *classes* from the environment.

    Raises:
        SettingsWrong: One line per missing or wrong variable, over all classes, on standard error.
    """
    problems: list[str] = []
    loaded: list[S] = []
    for cls in classes:
        try:
            loaded.append(cls())
        except ValidationError as error:
            prefix = str(cls.model_config.get("env_prefix", ""))
            problems += [_problem(prefix, dict(detail)) for detail in error.errors()]
    if problems:
        _fail(problems)
    return loaded


def _problem(prefix: str, detail: dict[str, Any]) -> str:
    # The value is left out: a wrong secret is still a secret. A field with an alias names its whole variable.
    name = str(detail["loc"][0]).upper() if detail["loc"] else ""
    return f"{name if name.startswith('YIQI_') else prefix + name}: {detail['msg']}"


def _fail(problems: list[str]) -> NoReturn:
    sys.stderr.write("\n".join(["The settings are wrong:", *(f"  {line}" for line in problems)]) + "\n")
    raise SettingsWrong(EXIT_CONFIG)
