"""
A red-letter invoice (红字发票): takes back what a refund gives back of an invoice.

It is issued once the form before the tax bureau is confirmed; until then the refund's money waits, in billing.
Amounts here are what is taken back, above zero; what it says to others is below zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.invoicing.domain.invoice import Contents, Credited, Invoice, KeptFile, MoreThanInvoiced, NotIssued
from services.invoicing.domain.order import OrderLine
from services.invoicing.domain.red_form import CONFIRMED, LAPSED, UNCONFIRMED, FormSource, FormState, RedForm
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

RedLetterState = Literal["waiting", "requested", "unconfirmed", "issuing", "issued", "refused", "failed"]

LIFECYCLE: Lifecycle[RedLetterState] = Lifecycle(
    "red_letter",
    {
        # a form that was refused may be asked for anew
        "request": {"waiting": "requested", "refused": "requested"},
        "await": {"requested": "unconfirmed"},
        "lapse": {"requested": "requested", "unconfirmed": "requested"},
        "confirm": {"requested": "issuing", "unconfirmed": "issuing"},
        "refuse": {"requested": "refused", "unconfirmed": "refused"},
        "issue": {"issuing": "issued"},
        "fail": {"issuing": "failed"},
        "make_again": {"failed": "issuing"},
    },
)

SERIES = "RED"
"""Our own series of red-letter invoices; gapless like that of the invoices."""

ESCALATE_AFTER = 2
"""So many forms of one red letter have lapsed: somebody must speak to the buyer."""

_REASONS = {
    "dispute": "异议处理退款 Refund decided in a dispute",
    "manual": "销售退款 Refund",
    "chargeback": "拒付退款 Chargeback",
    "cancellation": "服务中止 Service cancelled",
}


@dataclass
class RedLetter:
    """
    Attributes:
        cause: Of the refund.
        parts: How many red letters take the refund back: one for each invoice that it takes of.
        forms: One for each attempt, the last one counts.
        contents: None until it is numbered.
        issued_at: What the documents are dated; none until they exist.
        problem: Why the form was refused, or the documents could not be made.
        failed_at: Since when they cannot be made, tried again or not; none once they are.
    """

    red_letter_id: UUID
    refund_id: UUID
    invoice_id: UUID
    invoice_number: str
    order_id: UUID
    order_number: str
    customer_id: UUID
    cause: str
    net: Money
    tax: Money
    requested_at: datetime
    state: RedLetterState = "waiting"
    forms: tuple[RedForm, ...] = ()
    contents: Contents | None = None
    issued_at: datetime | None = None
    pdf: KeptFile | None = None
    xml: KeptFile | None = None
    problem: str = ""
    failed_at: datetime | None = None
    parts: int = 1
    version: int = 0

    @property
    def number(self) -> str:
        """Empty until the form is confirmed."""
        return self.contents.number if self.contents is not None else ""

    @property
    def frozen(self) -> Contents:
        """Raises RuntimeError (a bug) before it is numbered."""
        if self.contents is None:
            raise RuntimeError("the red letter has no number yet")
        return self.contents

    @property
    def form(self) -> RedForm:
        """Raises RuntimeError (a bug) before one was asked for."""
        if not self.forms:
            raise RuntimeError("no form was asked for yet")
        return self.forms[-1]

    @property
    def lapses(self) -> int:
        return sum(form.state == LAPSED for form in self.forms)

    def request(self, source: FormSource) -> RedForm:
        """A form is to be had, from now on by *source*. Raises WrongState: One is under way, or it is issued."""
        self.state = LIFECYCLE.after("request", self.state)
        return self._next(source)

    def recorded(self) -> None:
        """Staff have entered the form, and a second of them has not looked yet. Raises WrongState."""
        self.state = LIFECYCLE.after("await", self.state)

    def heard(self) -> FormState | None:
        """
        Follow the state of the form. Returns it.

        Raises:
            WrongState: It does not wait for a form any more.
        """
        state = self.form.state
        if state in UNCONFIRMED:
            self.state = LIFECYCLE.after("await", self.state)
        elif state == LAPSED:
            self.state = LIFECYCLE.after("lapse", self.state)
            self._next(self.form.source)
        elif state is not None and state not in CONFIRMED:
            self.refuse(state)
        return state

    def refuse(self, problem: str) -> None:
        """There will be no form unless it is asked for anew. Raises WrongState."""
        self.state = LIFECYCLE.after("refuse", self.state)
        self.problem = problem

    def take_number(self, number: str, invoice: Contents, now: datetime) -> Contents:
        """
        The form is confirmed: freeze what the red-letter invoice to *invoice* says under *number*.

        One line for all that is taken back, because a refund is of an order's net and not of its lines.

        Raises:
            WrongState: It does not wait for a form.
        """
        self.state = LIFECYCLE.after("confirm", self.state)
        self.problem = ""
        zero = Money(0, self.net.currency)
        own = [line for line in invoice.lines if line.order_number in {"", self.order_number}] or invoice.lines
        first, others = own[0], len(own) - 1
        self.contents = replace(
            invoice,
            number=number,
            dated_at=now,
            order_number=self.order_number,
            lines=(
                OrderLine(
                    title_zh=f"冲减：{first.title_zh}" + (f" 等 {others + 1} 项" if others else ""),
                    title_en=f"Taken back of: {first.title_en}" + (f" and {others} more" if others else ""),
                    unit="item",
                    quantity=1,
                    unit_price=self.net,
                    includes_tax=False,
                    discount=zero,
                    net=self.net,
                    order_number=first.order_number,
                ),
            ),
            net=self.net,
            tax=self.tax,
            paid=zero,
            net_days=0,
            reduced=None,
            orders=(),
            credits=Credited(invoice.number, invoice.dated_at, self.form.number, _REASONS.get(self.cause, self.cause)),
        )
        return self.contents

    def issue(self, pdf: KeptFile, xml: KeptFile) -> None:
        """Its documents exist, pass the official rules and are kept. Raises WrongState."""
        self.state = LIFECYCLE.after("issue", self.state)
        self.issued_at = self.frozen.dated_at
        self.pdf, self.xml = pdf, xml
        self.failed_at = None

    def fail(self, problem: str, now: datetime) -> None:
        """Its documents cannot be made. The number stays taken. Raises WrongState."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.problem = problem
        self.failed_at = self.failed_at or now

    def make_again(self, now: datetime) -> None:
        """
        Its documents failed: the same, under the same number, dated *now*. The parties stay those of the invoice.

        Raises:
            WrongState: They have not failed, or are being made.
        """
        self.state = LIFECYCLE.after("make_again", self.state)
        self.problem = ""
        self.contents = replace(self.frozen, dated_at=now)

    def file(self, form: Literal["pdf", "xml"]) -> KeptFile:
        """Raises NotIssued."""
        found = self.pdf if form == "pdf" else self.xml
        if found is None:
            raise NotIssued
        return found

    def _next(self, source: FormSource) -> RedForm:
        made = RedForm(attempt=len(self.forms) + 1, source=source)
        self.forms = (*self.forms, made)
        return made


def spread(invoices: Sequence[Invoice], net: Money, tax: Money) -> list[tuple[Invoice, Money, Money]]:
    """
    What a refund of *net* and *tax* takes of each of *invoices*: of the oldest, which stands first, as much as it goes.

    Nothing takes back tax without net: where an invoice's net would be taken wholly and its tax not, a fen stays for
    that tax; where it would take all of the net and not all of the tax, a fen goes on with the rest. Which is more than
    the invoices say, the last is asked for, and refuses.

    Raises:
        MoreThanInvoiced: There is tax that no net is left for.
    """
    parts: list[tuple[Invoice, Money, Money]] = []
    *earlier, last = invoices
    for place, invoice in enumerate(earlier):
        left, behind = invoice.left, sum(each.left.net for each in invoices[place + 1 :])
        taken_net, taken_tax = min(net.amount, left.net), min(tax.amount, left.tax)
        stays, goes_on = (
            taken_net == left.net and taken_tax < left.tax,
            taken_net == net.amount and taken_tax < tax.amount,
        )
        if (stays or goes_on) and net.amount - taken_net < behind:
            taken_net -= 1
        if taken_net > 0:
            parts.append((invoice, Money(taken_net, net.currency), Money(taken_tax, net.currency)))
            net, tax = net - parts[-1][1], tax - parts[-1][2]
    if net.amount:
        parts.append((last, net, tax))
    elif tax.amount:
        raise MoreThanInvoiced(last.number)
    return parts
