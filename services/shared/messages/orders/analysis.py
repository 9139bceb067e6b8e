"""Analyses: one line of an order done on its samples by the provider."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Text, View

AnalysisState = Literal["waiting", "running", "finished", "verified", "repeated", "withdrawn"]

_BENCH: Grants = {"provider": frozenset({"technician", "lab_manager"})}


class AnalysisView(View):
    """*machine_minutes*: time on the instrument, as the technician states it."""

    analysis_id: UUID
    order_id: UUID
    line: int
    state: AnalysisState
    started_at: Instant | None
    finished_at: Instant | None
    machine_minutes: int | None


class StartAnalysis(Command):
    """Work on a line begins; needs a received sample. → AnalysisView"""

    wire_name: ClassVar = "orders.start_analysis"
    grants: ClassVar[Grants] = _BENCH

    order_id: UUID
    line: Annotated[int, Field(ge=1)]


class FinishAnalysis(Command):
    """→ AnalysisView"""

    wire_name: ClassVar = "orders.finish_analysis"
    grants: ClassVar[Grants] = _BENCH

    analysis_id: UUID
    machine_minutes: Annotated[int, Field(ge=0, le=1_000_000)]
    note: Text = ""


class _AnalysisEvent(Event):
    source: ClassVar = "orders"
    stream_of: ClassVar = ("order", "order_id")

    analysis_id: UUID
    order_id: UUID
    line: int
    customer_id: UUID
    provider_id: UUID


class AnalysisStarted(_AnalysisEvent):
    """Work on a line has begun."""

    wire_name: ClassVar = "analysis.started.v1"


class AnalysisFinished(_AnalysisEvent):
    """Work on a line is done; its report follows."""

    wire_name: ClassVar = "analysis.finished.v1"

    machine_minutes: int
