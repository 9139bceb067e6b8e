from collections.abc import Iterator

import pytest

from tests.kit.fakes_identity import (
    ADMINISTRATOR,
    CUSTOMER_ID,
    OPERATOR_ID,
    PROVIDER_ID,
    STATION_ID,
    an_actor,
    an_organisation,
)
from tests.unit.gateway.asgi import Site

CUSTOMER_KEY = "yiqi_customer"
PROVIDER_KEY = "yiqi_provider"
STATION_KEY = "yiqi_station"
OPERATOR_KEY = "yiqi_operator"


@pytest.fixture
def site() -> Iterator[Site]:
    """The application, with one API key per kind of organisation."""
    made = Site()
    made.identity.let_in(CUSTOMER_KEY, an_actor(CUSTOMER_ID, "requester", "approver", "customer_finance"))
    made.identity.let_in(PROVIDER_KEY, an_actor(PROVIDER_ID, "lab_manager", "technician", "provider_finance"))
    made.identity.let_in(STATION_KEY, an_actor(STATION_ID, "station_manager"))
    made.identity.let_in(OPERATOR_KEY, ADMINISTRATOR)
    for organisation_id, kind in ((CUSTOMER_ID, "customer"), (PROVIDER_ID, "provider"), (OPERATOR_ID, "operator")):
        made.identity.uow.organisations.save(an_organisation(organisation_id=organisation_id, kind=kind))
    yield made
    made.close()
