"""The whole platform, once for all journeys, and everybody who takes part."""

from collections.abc import Iterator

import pytest

from infra.demo.platform import Platform
from tests.kit.journey import Stage, running_platform, set_stage


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with running_platform() as running:
        yield running


@pytest.fixture(scope="session")
def stage(platform: Platform) -> Stage:
    return set_stage(platform)
