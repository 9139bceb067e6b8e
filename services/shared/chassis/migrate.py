"""Migrations of one service's database, by Alembic, as the owner of the tables."""

from typing import Any
from urllib.parse import unquote, urlsplit

from alembic import command as alembic_command
from alembic import context
from alembic.config import Config
from sqlalchemy import create_engine, text

from services.shared.chassis.definition import Definition
from services.shared.chassis.settings import EXIT_CONFIG, SettingsWrong, SourceSettings

MIGRATION_LOCK = 0x594D4947  # two migrations of one database wait for each other


def upgrade(definition: Definition, settings: SourceSettings) -> None:
    """Bring the database of *definition* to its newest migration."""
    if settings.owner_database_url is None:
        raise SettingsWrong(EXIT_CONFIG)
    config = Config()
    config.set_main_option("script_location", str(definition.migrations))
    config.attributes["owner_url"] = settings.owner_database_url
    config.attributes["run_time_role"] = unquote(urlsplit(settings.database_url).username or "")
    alembic_command.upgrade(config, "head")


def run_env() -> None:
    """What each `migrations/env.py` consists of."""
    attributes: dict[str, Any] = context.config.attributes
    url = attributes["owner_url"].replace("postgresql://", "postgresql+psycopg2://", 1)
    source = create_engine(url, connect_args={"options": "-c timezone=UTC"})
    with source.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.execute(
            text("SELECT set_config('yiqi.run_time_role', :role, false), set_config('lock_timeout', '4s', false)"),
            {"role": attributes["run_time_role"]},
        )
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    source.dispose()
