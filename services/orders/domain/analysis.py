"""An analysis: one line of an order done on its samples by the provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle

AnalysisState = Literal["waiting", "running", "finished", "verified", "repeated", "withdrawn"]

LIFECYCLE: Lifecycle[AnalysisState] = Lifecycle(
    "analysis", {"start": {"waiting": "running"}, "finish": {"running": "finished"}}
)


class NoSampleYet(Conflict):
    """Work cannot begin before a sample was received."""

    code = "orders.no_sample_received"


@dataclass
class Analysis:
    """*machine_minutes*: time on the instrument, as the technician states it."""

    analysis_id: UUID
    order_id: UUID
    line: int
    state: AnalysisState = "waiting"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    machine_minutes: int | None = None
    note: str = ""

    def start(self, *, sample_received: bool, now: datetime) -> None:
        """Raises: NoSampleYet, WrongState."""
        if not sample_received:
            raise NoSampleYet
        self.state = LIFECYCLE.after("start", self.state)
        self.started_at = now

    def finish(self, machine_minutes: int, note: str, now: datetime) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("finish", self.state)
        self.finished_at = now
        self.machine_minutes = machine_minutes
        self.note = note
