"""Reports: declared, uploaded, checked, issued. With the last one the order is delivered."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.order import LIFECYCLE, Order
from services.orders.domain.report import Report, checked_lines, covered
from services.orders.use_cases import shapes
from services.orders.use_cases.order import ACCEPT_TIMER
from services.orders.use_cases.ports import OrdersUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import new_id
from services.shared.messages.orders.order import OrderDelivered
from services.shared.messages.orders.report import DraftReport, IssueReport, ReportIssued, ReportView

CHECK_REPORT = "check_report"


def draft_report(command: DraftReport, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ReportView:
    """Declare the file that will be uploaded, and learn where to."""
    order = uow.orders.get(command.order_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    LIFECYCLE.after("work_on", order.state)
    report = Report(
        report_id=new_id(),
        number="",
        order_id=order.order_id,
        lines=checked_lines(command.lines, (line.line for line in order.lines)),
        title=command.title,
        sha256=command.sha256,
        size_bytes=command.size_bytes,
        media_type=command.media_type,
        check_code=new_check_code(),
        drafted_at=now,
    )
    uow.reports.add(report)
    return view(report, uow.files.upload_url(report.upload_key))


def new_check_code() -> str:
    """*K7QX-4MZA-…*: 80 random bits, so that nobody finds a report by trying; none of 0, 1, 8 and 9."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def issue_report(command: IssueReport, *, actor: Actor, uow: OrdersUnitOfWork, now: datetime) -> ReportView:
    """The file is uploaded: have it checked. What was found out comes by `record_issued` or `record_refused`."""
    order = uow.orders.of("report", command.report_id)
    require(actor, command.grants, {"customer": order.customer_id, "provider": order.provider_id})
    LIFECYCLE.after("work_on", order.state)
    report = _one(uow.reports.of_order(order.order_id), command.report_id)
    report.issue(each.line for each in uow.analyses.of_order(order.order_id) if each.state == "finished")
    uow.reports.save(report)
    order.note("report_submitted", now)
    uow.orders.save(order)
    uow.call_outside(
        CHECK_REPORT,
        f"{CHECK_REPORT}:{report.report_id}:{report.attempts}",
        {
            "order_id": str(order.order_id),
            "report_id": str(report.report_id),
            "upload_key": report.upload_key,
            "record_key": report.record_key,
            "sha256": report.sha256,
            "size_bytes": report.size_bytes,
            "media_type": report.media_type,
        },
    )
    return view(report, None)


def record_issued(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: OrdersUnitOfWork, now: datetime
) -> None:
    """The file is what was declared, and is kept: the report is out. The last line's report delivers the order."""
    order = uow.orders.get(UUID(payload["order_id"]))
    reports = uow.reports.of_order(order.order_id)
    report = _one(reports, UUID(payload["report_id"]))
    report.passed(str(outcome["key"]), now)
    uow.reports.save(report)
    order.note("report_issued", now)
    uow.publish(
        ReportIssued(
            report_id=report.report_id,
            number=report.number,
            order_id=order.order_id,
            customer_id=order.customer_id,
            provider_id=order.provider_id,
            lines=report.lines,
            sha256=report.sha256,
            issued_at=now,
        )
    )
    if covered(reports) >= {line.line for line in order.lines} and LIFECYCLE.allows("deliver", order.state):
        _deliver(order, uow, now)
    uow.orders.save(order)


def _deliver(order: Order, uow: OrdersUnitOfWork, now: datetime) -> None:
    accept_by = order.deliver(now)
    uow.set_timer(ACCEPT_TIMER, order.order_id, accept_by)
    uow.publish(OrderDelivered(**shapes.named(order), delivered_at=now, accept_by=accept_by))


def record_refused(payload: Mapping[str, Any], code: str, *, uow: OrdersUnitOfWork, now: datetime) -> None:
    """The upload is not what was declared: the report is a draft again, and says what is wrong with it."""
    order = uow.orders.get(UUID(payload["order_id"]))
    report = _one(uow.reports.of_order(order.order_id), UUID(payload["report_id"]))
    report.failed(code)
    uow.reports.save(report)
    order.note("report_refused", now, by_platform=True)
    uow.orders.save(order)


def _one(reports: list[Report], report_id: UUID) -> Report:
    return next(report for report in reports if report.report_id == report_id)


def view(report: Report, upload_url: str | None) -> ReportView:
    return ReportView(
        report_id=report.report_id,
        number=report.number,
        state=report.state,
        order_id=report.order_id,
        lines=report.lines,
        title=report.title,
        sha256=report.sha256,
        size_bytes=report.size_bytes,
        check_code=report.check_code,
        upload_url=upload_url,
        issued_at=report.issued_at,
        problem=report.problem,
    )
