from collections.abc import Callable, Iterator

import pytest

from gateway.identity.config import IdentitySettings
from gateway.identity.service import Identity
from tests.kit.fakes_identity import SECRET
from tests.kit.platform import ServiceDatabase


@pytest.fixture
def database(service_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return service_database("identity")


@pytest.fixture
def identity(database: ServiceDatabase) -> Iterator[Identity]:
    """Identity over the real database, emptied."""
    settings = IdentitySettings.model_validate(
        {"database_url": database.url, "relay_broker_url": "amqp://nowhere.invalid", "pool_size": 12}
    )
    made = Identity(settings, SECRET)
    yield made
    made.engine.dispose()
