"""The whole platform, once for all journeys, and everybody who takes part."""

from collections.abc import Iterator

import pytest

from infra.demo.platform import Platform
from tests.kit.journey import Outside, Stage, running_platform, set_stage


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Platform, Outside]]:
    with running_platform() as running:
        yield running


@pytest.fixture(scope="session")
def platform(running: tuple[Platform, Outside]) -> Platform:
    return running[0]


@pytest.fixture(scope="session")
def outside(running: tuple[Platform, Outside]) -> Outside:
    return running[1]


@pytest.fixture(scope="session")
def stage(platform: Platform) -> Stage:
    return set_stage(platform)
