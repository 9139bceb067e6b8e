"""Work at the bench, line by line."""

from datetime import datetime
from uuid import UUID

from services.orders.domain.analysis import Analysis
from services.orders.domain.order import LIFECYCLE, Order
from services.orders.domain.report import checked_lines
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import derived_id
from services.shared.messages.orders.analysis import (
    AnalysisFinished,
    AnalysisStarted,
    AnalysisView,
    FinishAnalysis,
    StartAnalysis,
)


def start_analysis(command: StartAnalysis, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> AnalysisView:
    """Work on a line begins. There is one analysis per line, so a second start finds it running."""
    order = uow.orders.get(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    checked_lines([command.line], (line.line for line in order.lines))
    LIFECYCLE.after("work_on", order.state)
    received = any(sample.state == "received" for sample in uow.samples.of_order(order.order_id))
    analysis_id = derived_id("analysis", order.order_id, command.line)
    known = {each.analysis_id: each for each in uow.analyses.of_order(order.order_id)}
    analysis = known.get(analysis_id) or Analysis(analysis_id, order.order_id, command.line)
    analysis.start(sample_received=received, now=now)
    _save(analysis, order, "analysis_started", uow, now)
    uow.publish(
        AnalysisStarted(
            analysis_id=analysis.analysis_id,
            order_id=order.order_id,
            line=analysis.line,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
        )
    )
    return view(analysis)


def finish_analysis(command: FinishAnalysis, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> AnalysisView:
    """Work on a line is done; its report may follow."""
    order = uow.orders.of("analysis", command.analysis_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    LIFECYCLE.after("work_on", order.state)
    analysis = _one(uow.analyses.of_order(order.order_id), command.analysis_id)
    analysis.finish(command.machine_minutes, command.note, now)
    _save(analysis, order, "analysis_finished", uow, now)
    uow.publish(
        AnalysisFinished(
            analysis_id=analysis.analysis_id,
            order_id=order.order_id,
            line=analysis.line,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
            machine_minutes=command.machine_minutes,
        )
    )
    return view(analysis)


def _save(analysis: Analysis, order: Order, what: str, uow: OrdersUnitOfWork, now: datetime) -> None:
    uow.analyses.save(analysis)
    order.note(what, now)
    uow.orders.save(order)


def _one(analyses: list[Analysis], analysis_id: UUID) -> Analysis:
    return next(analysis for analysis in analyses if analysis.analysis_id == analysis_id)


def view(analysis: Analysis) -> AnalysisView:
    return AnalysisView(**{name: getattr(analysis, name) for name in AnalysisView.model_fields})
