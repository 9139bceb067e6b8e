from collections.abc import Iterator

import pytest

from tests.integration.infra.local_stack import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The parts of one private stack, shared by these tests; a blank in its path, because users have those."""
    made = LocalStack(tmp_path_factory.mktemp("a stack"))
    try:
        made.must("up", "--no-platform")
        yield made
    finally:
        made.run("clean")
