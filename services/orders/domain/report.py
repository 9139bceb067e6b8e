"""A report: a file that says what was found; once issued it is never overwritten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

ReportState = Literal["draft", "checking", "issued", "amended", "withdrawn"]

LIFECYCLE: Lifecycle[ReportState] = Lifecycle(
    "report",
    {
        "issue": {"draft": "checking"},
        "pass": {"checking": "issued"},
        "fail": {"checking": "draft"},
    },
)


class NoSuchLine(Invalid):
    """The order has no such line."""

    code = "orders.no_such_line"


class AnalysisNotFinished(Conflict):
    """A report follows the work: an analysis of its lines is not finished."""

    code = "orders.analysis_not_finished"


@dataclass
class Report:
    """
    Attributes:
        lines: The order's lines it covers.
        sha256, size_bytes, media_type: As declared; what was uploaded must agree before it is issued.
        check_code: Printed on it; opens the public check.
        attempts: How often its upload was given to be checked.
        problem: Why the upload was refused, as a code; empty if it was not.
        object_key: Where the record is kept; empty before it is issued.
    """

    report_id: UUID
    number: str
    order_id: UUID
    lines: tuple[int, ...]
    title: str
    sha256: str
    size_bytes: int
    media_type: str
    check_code: str
    drafted_at: datetime
    state: ReportState = "draft"
    attempts: int = 0
    problem: str = ""
    object_key: str = ""
    issued_at: datetime | None = None

    @property
    def upload_key(self) -> str:
        """Says nothing of what it is: keys show up in logs of others."""
        return f"uploads/{self.report_id}"

    @property
    def record_key(self) -> str:
        return f"reports/{self.report_id}.pdf"

    def issue(self, finished_lines: Iterable[int]) -> None:
        """
        Have the upload checked.

        Raises:
            AnalysisNotFinished: A line it covers is not among *finished_lines*.
            WrongState: It is no draft.
        """
        open_lines = set(self.lines) - set(finished_lines)
        if open_lines:
            raise AnalysisNotFinished(lines=[str(line) for line in sorted(open_lines)])
        self.state = LIFECYCLE.after("issue", self.state)
        self.attempts += 1
        self.problem = ""

    def passed(self, object_key: str, now: datetime) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("pass", self.state)
        self.object_key = object_key
        self.issued_at = now

    def failed(self, problem: str) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.problem = problem


def checked_lines(wanted: Sequence[int], of_order: Iterable[int]) -> tuple[int, ...]:
    """*wanted* in order, each once. Raises: NoSuchLine."""
    lines = tuple(sorted(set(wanted)))
    if not set(lines) <= set(of_order):
        raise NoSuchLine(lines=[str(line) for line in lines])
    return lines


def covered(reports: Iterable[Report]) -> set[int]:
    """The lines that have an issued report."""
    return {line for report in reports if report.state == "issued" for line in report.lines}
