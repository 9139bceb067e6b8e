"""The journal as a file."""

from typing import Annotated

from pydantic import Field

from gateway.schemas.base import Asked
from services.shared.messages.base import Instant


class JournalAsked(Asked):
    since: Annotated[Instant | None, Field(description="what counts from this instant on; default all")] = None
    until: Annotated[Instant | None, Field(description="what counts before this instant; default all")] = None
