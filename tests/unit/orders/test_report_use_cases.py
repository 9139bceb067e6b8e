"""From the bench to the report, and from the last report to delivery."""

from datetime import timedelta

import pytest

from services.orders.domain.analysis import NoSampleYet
from services.orders.domain.order import Order, OrderState
from services.orders.domain.pricing import priced
from services.orders.domain.report import AnalysisNotFinished, NoSuchLine
from services.orders.use_cases import analysis as analysis_use_cases
from services.orders.use_cases import report as use_cases
from services.orders.use_cases.order import ACCEPT_TIMER
from services.shared.kernel.actor import Actor
from services.shared.kernel.errors import NotAllowed, NotFound
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.orders.analysis import FinishAnalysis, StartAnalysis
from services.shared.messages.orders.report import DraftReport, IssueReport, ReportView
from tests.kit.fakes_orders import (
    LAB_MANAGER,
    NOW,
    OTHER_LAB_MANAGER,
    REQUESTER,
    TECHNICIAN,
    FakeOrdersService,
    a_line_asked,
    a_shop,
    an_order,
    some_terms,
)


def at_the_bench(state: OrderState = "in_progress", *, received: bool = True) -> tuple[FakeOrdersService, Order]:
    """Two lines, and a sample in hand."""
    lines, amounts = priced([a_line_asked(), a_line_asked(5)], 600)
    order = an_order(state, lines=lines, amounts=amounts, terms=some_terms())
    shop = a_shop(order)
    (sample,) = shop.samples.of_order(order.order_id)
    if received:
        sample.receive("good", 1, "A1", "", NOW)
    shop.samples.save([sample])
    return shop, order


def start(shop: FakeOrdersService, order: Order, line: int = 1, actor: Actor = TECHNICIAN) -> None:
    command = StartAnalysis(order_id=order.order_id, line=line)
    analysis_use_cases.start_analysis(command, actor=actor, uow=shop, now=NOW)


def finish(shop: FakeOrdersService, order: Order, line: int = 1, actor: Actor = TECHNICIAN) -> None:
    command = FinishAnalysis(analysis_id=derived_id("analysis", order.order_id, line), machine_minutes=30)
    analysis_use_cases.finish_analysis(command, actor=actor, uow=shop, now=NOW)


def draft(shop: FakeOrdersService, order: Order, *lines: int, actor: Actor = TECHNICIAN) -> ReportView:
    command = DraftReport(order_id=order.order_id, lines=lines, title="SEM", sha256="ab" * 32, size_bytes=10)
    return use_cases.draft_report(command, actor=actor, uow=shop, now=NOW)


def issue(shop: FakeOrdersService, report: ReportView, actor: Actor = LAB_MANAGER) -> dict[str, object]:
    """Answers the payload of the check that was asked for."""
    use_cases.issue_report(IssueReport(report_id=report.report_id), actor=actor, uow=shop, now=NOW)
    _, payload = list(shop.asked.values())[-1]
    return dict(payload)


def after_tests(*lines: int) -> tuple[FakeOrdersService, Order]:
    shop, order = at_the_bench()
    for line in lines:
        start(shop, order, line)
        finish(shop, order, line)
    shop.events.clear()
    return shop, order


def test_work_needs_a_sample_a_released_order_and_a_line() -> None:
    """Steps are not skipped."""
    with pytest.raises(NoSampleYet):
        start(*at_the_bench(received=False))
    for state in ("contracted", "released", "delivered", "cancelled"):
        with pytest.raises(WrongState):
            start(*at_the_bench(state))
    with pytest.raises(NoSuchLine):
        start(*at_the_bench(), line=3)


def test_a_line_is_started_and_finished_once() -> None:
    """A second time finds it running, or done."""
    shop, order = at_the_bench()
    with pytest.raises(NotFound):
        finish(shop, order)
    start(shop, order)
    with pytest.raises(WrongState):
        start(shop, order)
    finish(shop, order)
    with pytest.raises(WrongState):
        finish(shop, order)
    assert shop.told == ["analysis.started.v1", "analysis.finished.v1"]


def test_the_bench_belongs_to_the_provider() -> None:
    """The customer watches; strangers see nothing."""
    shop, order = at_the_bench()
    for actor, error in ((REQUESTER, NotAllowed), (OTHER_LAB_MANAGER, NotFound)):
        with pytest.raises(error):
            start(shop, order, actor=actor)
        with pytest.raises(error):
            draft(shop, order, 1, actor=actor)


def test_a_report_follows_finished_work_on_lines_of_the_order() -> None:
    """Nothing is issued for a line that is still on the instrument."""
    shop, order = after_tests(1)
    with pytest.raises(NoSuchLine):
        draft(shop, order, 1, 9)
    with pytest.raises(AnalysisNotFinished):
        issue(shop, draft(shop, order, 1, 2))


def test_a_technician_drafts_and_the_lab_manager_issues() -> None:
    """The name under a report is the manager's."""
    shop, order = after_tests(1)
    report = draft(shop, order, 1)
    assert report.upload_url is not None
    with pytest.raises(NotAllowed):
        issue(shop, report, TECHNICIAN)
    with pytest.raises(NotFound):
        issue(shop, report, OTHER_LAB_MANAGER)
    issue(shop, report)
    with pytest.raises(WrongState):
        issue(shop, report)


def test_the_order_is_delivered_with_the_report_on_its_last_line() -> None:
    """Not before; then the customer's days run."""
    shop, order = after_tests(1, 2)
    use_cases.record_issued(issue(shop, draft(shop, order, 1)), {"key": "k"}, uow=shop, now=NOW)
    assert shop.told == ["report.issued.v1"]
    use_cases.record_issued(issue(shop, draft(shop, order, 2, 2)), {"key": "k"}, uow=shop, now=NOW)
    assert shop.told[1:] == ["report.issued.v1", "order.delivered.v1"]
    assert shop.timers == {(ACCEPT_TIMER, str(order.order_id)): NOW + timedelta(days=10)}


def test_a_refused_upload_is_a_draft_with_its_problem_and_may_be_issued_again() -> None:
    """The second check is another call: the first one's key is used up."""
    shop, order = after_tests(1, 2)
    report = draft(shop, order, 1, 2)
    use_cases.record_refused(issue(shop, report), "upload_mismatch", uow=shop, now=NOW)
    kept = shop.reports.rows[report.report_id]
    assert (kept.state, kept.problem) == ("draft", "upload_mismatch")
    payload = issue(shop, report)
    checks = [key for key, (kind, _) in shop.asked.items() if kind == use_cases.CHECK_REPORT]
    assert len(checks) == 2
    use_cases.record_issued(payload, {"key": "k"}, uow=shop, now=NOW)
    assert shop.told == ["report.issued.v1", "order.delivered.v1"]
    with pytest.raises(WrongState):
        use_cases.record_issued(payload, {"key": "k"}, uow=shop, now=NOW)


def test_check_codes_cannot_be_guessed() -> None:
    """80 bits, a new one each time."""
    codes = {use_cases.new_check_code() for _ in range(1_000)}
    assert len(codes) == 1_000
    assert all(len(code) == 19 for code in codes)
