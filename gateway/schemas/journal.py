"""The journal as a file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.shared.messages.base import Instant


class JournalAsked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[Instant | None, Field(description="what counts from this instant on; default all")] = None
    until: Annotated[Instant | None, Field(description="what counts before this instant; default all")] = None
