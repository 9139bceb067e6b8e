"""Notify's database, its work, and somebody who takes its webhooks."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from services.notify import subscriptions
from services.notify.config import NotifySettings
from services.shared.chassis.definition import Work
from tests.integration.notify.database import ServiceDatabases
from tests.integration.notify.receiver import Receiver
from tests.kit.platform import ServiceDatabase


@pytest.fixture
def made(service_database: ServiceDatabases) -> ServiceDatabase:
    return service_database("notify")


@pytest.fixture
def engine(made: ServiceDatabase) -> Engine:
    return made.engine()


@pytest.fixture
def work(made: ServiceDatabase, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setenv("YIQI_NOTIFY_ALLOW_INSECURE_WEBHOOKS", "true")
    return subscriptions.work(NotifySettings())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
