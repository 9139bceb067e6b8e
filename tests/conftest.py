"""Fixtures that several folders share. Unit and property tests get no sockets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NO_SOCKETS = {"unit", "property", "compatibility", "repo"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Close the sockets of every test that claims to need none."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in NO_SOCKETS:
            item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, str]]:
    """The real parts, started once; answers the YIQI_* variables, which are set in the environment too."""
    from tests.kit.platform import running_stack

    with running_stack() as variables:
        yield variables


@pytest.fixture
def service_database(stack: dict[str, str]) -> Callable[[str], object]:
    """`service_database("orders")`: that service's database, emptied and migrated."""
    from tests.kit.platform import fresh_database

    return lambda name: fresh_database(stack, name)
