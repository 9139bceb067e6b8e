"""
An invoice to a customer.

What its documents say is frozen in `Contents` when it gets its number: making them again, on any day
and whatever has become of the parties' addresses since, gives the same bytes. Only where they failed, so that nobody
has them, does a person have them made of the parties as they are by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.invoicing.domain.order import OrderCopy, OrderLine
from services.invoicing.domain.organisation import OrganisationCopy
from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

InvoiceState = Literal[
    "requested", "issuing", "issued", "delivered", "failed", "red_pending", "partly_reversed", "reversed"
]  # fmt: skip

LIFECYCLE: Lifecycle[InvoiceState] = Lifecycle(
    "invoice",
    {
        "number": {"requested": "issuing"},
        "issue": {"issuing": "issued"},
        "fail": {"issuing": "failed"},
        "make_again": {"failed": "issuing"},
        # What happens before there are documents is kept in the sums, and followed when there are.
        "ask_red": {"issued": "red_pending", "red_pending": "red_pending", "partly_reversed": "red_pending"},
        "await_more": {"red_pending": "red_pending"},
        "reverse_part": {"red_pending": "partly_reversed"},
        "reverse": {"red_pending": "reversed"},
    },
)

SERIES = "INV"
"""Our own series of invoices to customers; the bureau's numbers are the bureau's."""


class NotIssued(Conflict):
    """There is no document of this invoice yet."""

    code = "invoicing.invoice_not_issued"


class MoreThanInvoiced(Exception):
    """Red-letter invoices would take back more than the invoice says: a bug, somebody must look."""


@dataclass(frozen=True)
class PartyOnInvoice:
    """A party as it was when the invoice got its number. *account…*: the seller's, for transfers."""

    name: str
    registration: str
    address: str
    mail: str
    phone: str
    account_name: str = ""
    account_number: str = ""
    bank_name: str = ""


@dataclass(frozen=True)
class Credited:
    """Which invoice a red-letter one takes back, by which form, and why."""

    number: str
    dated_at: datetime
    form_number: str
    reason: str


@dataclass(frozen=True)
class OrderShare:
    """What of an invoice over several orders is of one of them."""

    order_id: UUID
    number: str
    net: Money
    tax: Money


@dataclass(frozen=True)
class Contents:
    """
    Everything both documents say.

    Attributes:
        dated_at: The instant whose Asia/Shanghai day is the issue date; also the file's creation date.
        accepted_at: When the performance was accepted: its day is the delivery date.
        paid: Received before, and not given back.
        reduced: Net that the order comes down by, because it was given back before this; none: nothing was.
        orders: Of an invoice over several; empty: it is over one.
        credits: Of a red-letter invoice, whose amounts are what is taken back, above zero.
        net_days: From the issue date until what is not paid is due.
    """

    number: str
    dated_at: datetime
    accepted_at: datetime
    order_number: str
    contract_number: str
    payment_method: str
    seller: PartyOnInvoice
    buyer: PartyOnInvoice
    lines: tuple[OrderLine, ...]
    net: Money
    tax: Money
    tax_rate_bps: int
    paid: Money
    net_days: int = 0
    reduced: Money | None = None
    credits: Credited | None = None
    orders: tuple[OrderShare, ...] = ()

    @property
    def gross(self) -> Money:
        return self.net + self.tax

    @property
    def due_on(self) -> date | None:
        """The last day to pay what is not paid, Asia/Shanghai; none: all is."""
        if self.paid == self.gross:
            return None
        return business_date(self.dated_at) + timedelta(days=self.net_days)


@dataclass(frozen=True)
class KeptFile:
    """Where it lies in the records bucket. *sha256* in hexadecimal."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Taken:
    """What red-letter invoices take back of an invoice, minor units of its currency, zero or more."""

    net: int = 0
    tax: int = 0

    def plus(self, net: Money, tax: Money) -> "Taken":
        return Taken(self.net + net.amount, self.tax + tax.amount)


@dataclass
class Invoice:
    """
    One order's invoice, or one over several.

    Attributes:
        order_id: Of several the first.
        refund_id: Of what a commission has risen by: the refund that left so little that the rate is higher.
        contents: None until it is numbered.
        issued_at: What the documents are dated; none until they exist.
        problem: Why they could not be made: rule ids and the rules' own words.
        failed_at: Since when they cannot be made, tried again or not; none once they are.
        red_asked: What refunds that are agreed take back of it; *red_issued*: what of that is issued.
    """

    invoice_id: UUID
    order_id: UUID
    customer_id: UUID
    refund_id: UUID | None = None
    state: InvoiceState = "requested"
    contents: Contents | None = None
    issued_at: datetime | None = None
    pdf: KeptFile | None = None
    xml: KeptFile | None = None
    problem: str = ""
    failed_at: datetime | None = None
    red_asked: Taken = Taken()
    red_issued: Taken = Taken()
    version: int = 0

    @property
    def number(self) -> str:
        return self.frozen.number

    @property
    def frozen(self) -> Contents:
        """Raises RuntimeError (a bug) before it is numbered."""
        if self.contents is None:
            raise RuntimeError("the invoice has no number yet")
        return self.contents

    def take_number(
        self,
        number: str,
        *,
        order: OrderCopy,
        seller: OrganisationCopy,
        buyer: OrganisationCopy,
        net: Money,
        tax: Money,
        accepted_at: datetime,
        on_credit: Money,
        net_days: int,
        now: datetime,
        orders: tuple[OrderShare, ...] = (),
    ) -> None:
        """
        Freeze what it will say under *number*: all but what went *on_credit* was sure before work began.

        *net* and *tax* are what was recognised; less than the order's where something was given back before.

        Raises:
            ValueError: More was recognised than the order is for: a bug.
        """
        reduced = order.net - net
        if reduced.amount < 0 or (order.tax - tax).amount < 0:
            raise ValueError("more was recognised than the order is for")
        self.state = LIFECYCLE.after("number", self.state)
        self.contents = Contents(
            number=number,
            dated_at=now,
            accepted_at=accepted_at,
            order_number=order.number,
            contract_number=order.contract_number,
            payment_method=order.payment_method,
            seller=_party(seller),
            buyer=_party(buyer, with_account=False),
            lines=order.lines,
            net=net,
            tax=tax,
            tax_rate_bps=order.tax_rate_bps,
            paid=net + tax - on_credit,
            net_days=net_days,
            reduced=reduced if reduced.amount else None,
            orders=orders,
        )

    def issue(self, pdf: KeptFile, xml: KeptFile) -> None:
        """Its documents exist, pass the official rules and are kept."""
        self.state = LIFECYCLE.after("issue", self.state)
        self.issued_at = self.frozen.dated_at
        self.pdf = pdf
        self.xml = xml
        self.failed_at = None
        if self.red_asked.net:
            self.state = LIFECYCLE.after("ask_red", self.state)

    @property
    def left(self) -> Taken:
        """What refunds may still take back of it."""
        contents = self.frozen
        return Taken(contents.net.amount - self.red_asked.net, contents.tax.amount - self.red_asked.tax)

    def ask_red(self, net: Money, tax: Money) -> None:
        """
        So much of it is to be taken back.

        Raises:
            MoreThanInvoiced: Together with what was asked for before that is more than it says.
        """
        asked, contents = self.red_asked.plus(net, tax), self.frozen
        if net.currency != contents.net.currency or asked.net > contents.net.amount or asked.tax > contents.tax.amount:
            raise MoreThanInvoiced(contents.number)
        self.red_asked = asked
        if LIFECYCLE.allows("ask_red", self.state):
            self.state = LIFECYCLE.after("ask_red", self.state)

    def issue_red(self, net: Money, tax: Money) -> None:
        """So much of what was asked for is taken back. Raises WrongState."""
        self.red_issued = self.red_issued.plus(net, tax)
        if self.red_issued != self.red_asked:
            verb = "await_more"
        else:
            verb = "reverse" if self.red_issued.net == self.frozen.net.amount else "reverse_part"
        self.state = LIFECYCLE.after(verb, self.state)

    def fail(self, problem: str, now: datetime) -> None:
        """Its documents cannot be made. The number stays taken: a series has no gaps."""
        self.state = LIFECYCLE.after("fail", self.state)
        self.problem = problem
        self.failed_at = self.failed_at or now

    def make_again(self, seller: OrganisationCopy, buyer: OrganisationCopy, now: datetime) -> None:
        """
        Its documents failed: the same, under the same number, of the parties as they are now and dated *now*.

        Dated anew because the time to pay runs from its day, and nobody has seen it before.

        Raises:
            WrongState: They have not failed, or are being made.
        """
        self.state = LIFECYCLE.after("make_again", self.state)
        self.problem = ""
        self.contents = replace(
            self.frozen, dated_at=now, seller=_party(seller), buyer=_party(buyer, with_account=False)
        )

    def file(self, form: Literal["pdf", "xml"]) -> KeptFile:
        """Raises NotIssued."""
        found = self.pdf if form == "pdf" else self.xml
        if found is None:
            raise NotIssued
        return found


def invoice_number(series: str, year: int, count: int) -> str:
    """*INV-2026-000001*."""
    return f"{series}-{year}-{count:06d}"


def problem_text(findings: Sequence[str]) -> str:
    """Findings as one text, shortened where a broken invoice breaks every rule."""
    return "; ".join(findings)[:2_000]


def _party(organisation: OrganisationCopy, *, with_account: bool = True) -> PartyOnInvoice:
    return PartyOnInvoice(
        name=organisation.legal_name,
        registration=organisation.registration,
        address=organisation.address,
        mail=organisation.mail,
        phone=organisation.phone,
        account_name=organisation.account_name if with_account else "",
        account_number=organisation.account_number if with_account else "",
        bank_name=organisation.bank_name if with_account else "",
    )
