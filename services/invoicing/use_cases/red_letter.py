"""
Taking back what is invoiced: a form before the tax bureau, then a red-letter invoice.

    refund.agreed → red_letter.requested; a form is asked for: outside call submit_red_form, or two of staff
                  → 02: asked hourly what became of it (ask_red_form); 07 after 72 h: asked for anew, escalated
                  → 05, 06, 08, 10, or not taken: red_letter.refused, somebody must look
                  → 01, 04: number → outside call issue_red_letter → red_letter.issued, and billing lets the money go

Locks, always in this order: order, invoice, red letter, number series.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from services.invoicing.domain.failed_document import TELL_EVERY, TELL_TIMER, subject_of
from services.invoicing.domain.invoice import Contents, Invoice, KeptFile, invoice_number, problem_text
from services.invoicing.domain.red_form import CONFIRMED, LAPSED, UNCONFIRMED, FormState
from services.invoicing.domain.red_letter import ESCALATE_AFTER, SERIES, RedLetter, spread
from services.invoicing.use_cases import collective_invoice
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.kernel.times import business_date
from services.shared.messages.billing.commission import CommissionReduced
from services.shared.messages.billing.refund import RefundAgreed
from services.shared.messages.invoicing.red_letter import (
    RedLetterEscalated,
    RedLetterFailed,
    RedLetterIssued,
    RedLetterRefused,
    RedLetterRequested,
    RedLetterView,
)

SUBMIT_FORM = "submit_red_form"
ASK_FORM = "ask_red_form"
ISSUE_RED_LETTER = "issue_red_letter"
CHECK_TIMER = "check_red_form"

CHECK_EVERY = timedelta(hours=1)
ASK_AGAIN = timedelta(minutes=10)
"""When the form should have lapsed and the platform does not say so yet."""

_CONTENTS = TypeAdapter(Contents)
E = TypeVar("E", RedLetterRequested, RedLetterIssued, RedLetterRefused, RedLetterEscalated, RedLetterFailed)


def refund_agreed(event: RefundAgreed, *, uow: InvoicingUnitOfWork, now: datetime, platform: bool = False) -> None:
    """
    What is invoiced already is given back: it must be taken back by a red-letter invoice, once for each refund.

    *platform*: a tax platform is asked for the form; otherwise staff enter it.

    Raises:
        NotYet: The invoice has no number yet.
        MoreThanInvoiced: A bug.
    """
    if not event.invoiced or collective_invoice.lowered(event, uow=uow):
        return
    take_back(event, event.customer_id, uow, now, platform=platform)


def take_back(
    event: RefundAgreed | CommissionReduced, buyer_id: UUID, uow: InvoicingUnitOfWork, now: datetime, *, platform: bool
) -> None:
    """Of the order's invoice; of a commission that had risen, where one does not suffice, of several. Once a refund."""
    invoices = uow.invoices.of_order(event.order_id)
    if not invoices:
        raise NotYet("the order has no invoice yet")
    if uow.red_letters.exists_for(event.refund_id):
        return
    parts = spread(invoices, event.net, event.tax)
    for n, (invoice, net, tax) in enumerate(parts):
        invoice.ask_red(net, tax)
        made = RedLetter(
            red_letter_id=derived_id("red_letter", event.refund_id, *([n] if n else [])),
            refund_id=event.refund_id,
            invoice_id=invoice.invoice_id,
            invoice_number=invoice.number,
            order_id=event.order_id,
            order_number=event.order_number,
            customer_id=buyer_id,
            cause=event.cause,
            net=net,
            tax=tax,
            requested_at=now,
            parts=len(parts),
        )
        if invoice.pdf is not None:
            request(made, invoice.frozen, uow, platform=platform)
        uow.red_letters.add(made)
        uow.invoices.save(invoice)
        uow.publish(_event(RedLetterRequested, made))


def invoice_issued(invoice: Invoice, *, uow: InvoicingUnitOfWork, platform: bool) -> None:
    """*invoice* has its documents now: what waited for them is asked for."""
    for waiting in uow.red_letters.waiting_for(invoice.invoice_id):
        request(waiting, invoice.frozen, uow, platform=platform)
        uow.red_letters.save(waiting)


def note_form(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: InvoicingUnitOfWork, now: datetime
) -> None:
    """
    What the platform says of a form: *number*, *state*, *entered_at*, or *refused* with its words.

    What it said before, or says of a form that another has followed, changes nothing.
    """
    made = uow.red_letters.get(UUID(payload["red_letter_id"]))
    form = made.form
    if form.attempt != payload["attempt"] or made.state not in {"requested", "unconfirmed"}:
        return
    if outcome.get("refused"):
        _refuse(made, outcome["refused"], uow)
    elif form.number and form.number != outcome["number"]:
        _refuse(made, f"the platform names another form: {outcome['number']}", uow)
    elif form.hear(outcome["number"], outcome["state"], datetime.fromisoformat(outcome["entered_at"])):
        follow(made, uow, now)
    elif form.state in UNCONFIRMED:
        _check_again(made, uow, now)
    uow.red_letters.save(made)


def check_form(subject: str, *, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """Timer: ask the platform what became of the form; one that staff keep lapses by itself."""
    made = uow.red_letters.get(UUID(subject))
    if made.state != "unconfirmed":
        return
    form = made.form
    if form.source == "platform":
        form.asked += 1
        uow.call_outside(
            ASK_FORM,
            f"{ASK_FORM}:{made.red_letter_id}:{form.attempt}:{form.asked}",
            {"red_letter_id": str(made.red_letter_id), "attempt": form.attempt, "reference": _reference(made)},
        )
    elif form.lapses_at is not None and now >= form.lapses_at:
        form.hear(form.number, LAPSED, now)
        follow(made, uow, now)
    else:
        return
    uow.red_letters.save(made)


def record_documents(
    payload: Mapping[str, Any], outcome: Mapping[str, Any], *, uow: InvoicingUnitOfWork, now: datetime
) -> None:
    """What became of `issue_red_letter`: *outcome* holds *findings*, or the kept files *pdf* and *xml*."""
    invoice = uow.invoices.get(UUID(payload["invoice_id"]))
    made = uow.red_letters.get(UUID(payload["red_letter_id"]))
    if made.state != "issuing":  # recorded before; the same call again made the same files
        return
    contents, form = made.frozen, made.form
    if outcome["findings"]:
        made.fail(problem_text(outcome["findings"]), now)
        uow.red_letters.save(made)
        uow.publish(failed_event(made))
        uow.set_timer(TELL_TIMER, subject_of("red_letter", made.red_letter_id), now + TELL_EVERY)
        return
    pdf, xml = KeptFile(**outcome["pdf"]), KeptFile(**outcome["xml"])
    made.issue(pdf, xml)
    invoice.issue_red(made.net, made.tax)
    uow.red_letters.save(made)
    uow.invoices.save(invoice)
    uow.publish(
        _event(
            RedLetterIssued,
            made,
            number=made.number,
            form_number=form.number,
            form_state=form.state,
            tax_rate_bps=contents.tax_rate_bps,
            issued_at=contents.dated_at,
            pdf_sha256=pdf.sha256,
            xml_sha256=xml.sha256,
            parts=made.parts,
        )
    )


def request(made: RedLetter, invoice: Contents, uow: InvoicingUnitOfWork, *, platform: bool) -> None:
    """A form is to be had. Raises WrongState."""
    made.request("platform" if platform else "staff")
    _submit(made, invoice, uow)


def _submit(made: RedLetter, invoice: Contents, uow: InvoicingUnitOfWork) -> None:
    form = made.form
    if form.source != "platform":
        return
    uow.call_outside(
        SUBMIT_FORM,
        f"{SUBMIT_FORM}:{made.red_letter_id}:{form.attempt}",
        {
            "red_letter_id": str(made.red_letter_id),
            "attempt": form.attempt,
            "reference": _reference(made),
            "invoice_number": invoice.number,
            "invoice_dated_on": business_date(invoice.dated_at).isoformat(),
            "seller": invoice.seller.registration,
            "buyer": invoice.buyer.registration,
            "net": made.net.amount,
            "tax": made.tax.amount,
            "currency": made.net.currency,
            "tax_rate_bps": invoice.tax_rate_bps,
            "reason": made.cause,
        },
    )


def _reference(made: RedLetter) -> str:
    """Our own name of the form at the platform: by it one that was entered is found again."""
    return f"{made.red_letter_id}-{made.form.attempt}"


def follow(made: RedLetter, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """Do what the new state of the form asks for."""
    told = made.form
    state: FormState | None = made.heard()
    if state in CONFIRMED:
        give_number(made, uow, now)
    elif state in UNCONFIRMED:
        _check_again(made, uow, now)
    elif state == LAPSED:
        if made.lapses >= ESCALATE_AFTER:
            uow.publish(_event(RedLetterEscalated, made, form_number=told.number, lapses=made.lapses))
        _submit(made, uow.invoices.contents_of(made.invoice_id), uow)
    else:
        uow.publish(_event(RedLetterRefused, made, form_number=told.number, problem=made.problem))


def _refuse(made: RedLetter, problem: str, uow: InvoicingUnitOfWork) -> None:
    made.refuse(problem_text([problem]))
    uow.publish(_event(RedLetterRefused, made, form_number=made.form.number, problem=made.problem))


def _check_again(made: RedLetter, uow: InvoicingUnitOfWork, now: datetime) -> None:
    at, lapses_at = now + CHECK_EVERY, made.form.lapses_at
    if lapses_at is not None and now >= lapses_at:
        at = now + ASK_AGAIN
    elif lapses_at is not None:
        at = min(at, lapses_at)
    uow.set_timer(CHECK_TIMER, made.red_letter_id, at)


def give_number(made: RedLetter, uow: InvoicingUnitOfWork, now: datetime) -> None:
    """The form is confirmed: take the number, ask for the documents."""
    invoice = uow.invoices.contents_of(made.invoice_id)
    year = business_date(now).year
    # Taken last: whoever waits for the series then waits for as little as may be.
    number = invoice_number(SERIES, year, uow.number_series.take(SERIES, year))
    made.take_number(number, invoice, now)
    ask_for_documents(made, uow)


def ask_for_documents(made: RedLetter, uow: InvoicingUnitOfWork, *, again: bool = False) -> None:
    """*again*: they failed, and are made once more; a version of the red letter has them made once."""
    payload = {
        "red_letter_id": str(made.red_letter_id),
        "invoice_id": str(made.invoice_id),
        "contents": _CONTENTS.dump_python(made.frozen, mode="json"),
    }
    key = f"{ISSUE_RED_LETTER}:{made.red_letter_id}" + (f":{made.version}" if again else "")
    uow.call_outside(ISSUE_RED_LETTER, key, payload)


def failed_event(made: RedLetter, days: int = 0) -> RedLetterFailed:
    """*days*: for so long it has been told."""
    return _event(RedLetterFailed, made, number=made.number, problem=made.problem, days=days)


def _event(kind: type[E], made: RedLetter, **more: Any) -> E:
    return kind(
        red_letter_id=made.red_letter_id,
        refund_id=made.refund_id,
        invoice_id=made.invoice_id,
        invoice_number=made.invoice_number,
        order_id=made.order_id,
        order_number=made.order_number,
        customer_id=made.customer_id,
        net=-made.net,
        tax=-made.tax,
        gross=-(made.net + made.tax),
        **more,
    )


def view(made: RedLetter) -> RedLetterView:
    form = made.forms[-1] if made.forms else None
    return RedLetterView(
        red_letter_id=made.red_letter_id,
        number=made.number,
        state=made.state,
        invoice_id=made.invoice_id,
        invoice_number=made.invoice_number,
        order_id=made.order_id,
        order_number=made.order_number,
        customer_id=made.customer_id,
        refund_id=made.refund_id,
        net=-made.net,
        tax=-made.tax,
        gross=-(made.net + made.tax),
        form_number=form.number if form else "",
        form_state=form.state if form else None,
        form_source=form.source if form else None,
        confirm_by=form.lapses_at if form else None,
        lapses=made.lapses,
        requested_at=made.requested_at,
        issued_at=made.issued_at,
        pdf_sha256=made.pdf.sha256 if made.pdf else "",
        xml_sha256=made.xml.sha256 if made.xml else "",
        problem=made.problem,
    )
