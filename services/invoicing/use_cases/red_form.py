"""Red-letter forms that staff enter at the bureau: one records what it says, another confirms."""

from datetime import datetime
from uuid import UUID

from services.invoicing.domain.red_letter import RedLetter
from services.invoicing.use_cases import red_letter
from services.invoicing.use_cases.ports import InvoicingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.lifecycle import WrongState
from services.shared.messages.invoicing.red_letter import (
    ConfirmRedForm,
    RecordRedForm,
    RedLetterView,
    RefuseRedForm,
    RequestRedForm,
)


def record_red_form(command: RecordRedForm, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> RedLetterView:
    """
    Staff entered the form at the bureau.

    Raises:
        WrongState: The red letter waits for no form.
        FormNotByHand: See RedForm.record.
    """
    require(actor, command.grants, {})
    made = _awaiting_form(command.red_letter_id, uow, "record")
    made.form.record(command.number, command.state, hand_of(actor), now)
    made.recorded()
    lapses_at = made.form.lapses_at
    if lapses_at is not None:
        uow.set_timer(red_letter.CHECK_TIMER, made.red_letter_id, lapses_at)
    uow.red_letters.save(made)
    return red_letter.view(made)


def confirm_red_form(
    command: ConfirmRedForm, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime
) -> RedLetterView:
    """
    The second pair of eyes: the red-letter invoice is issued.

    Raises:
        WrongState: The red letter waits for no form.
        FormNotByHand, SameHands, FormNumberDiffers: See RedForm.confirm.
    """
    require(actor, command.grants, {})
    made = _awaiting_form(command.red_letter_id, uow, "confirm")
    made.form.confirm(command.number, hand_of(actor))
    red_letter.give_number(made, uow, now)
    uow.red_letters.save(made)
    return red_letter.view(made)


def refuse_red_form(command: RefuseRedForm, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime) -> RedLetterView:
    """
    Staff read that a form they recorded is void.

    Raises:
        WrongState: The red letter waits for no form.
        FormNotByHand: It is the platform's, or nobody has recorded it.
    """
    require(actor, command.grants, {})
    made = _awaiting_form(command.red_letter_id, uow, "refuse")
    made.form.void(command.state)
    red_letter.follow(made, uow, now)
    uow.red_letters.save(made)
    return red_letter.view(made)


def request_red_form(
    command: RequestRedForm, *, actor: Actor, uow: InvoicingUnitOfWork, now: datetime, platform: bool
) -> RedLetterView:
    """Another form, after one was refused. Raises WrongState: None was."""
    del now
    require(actor, command.grants, {})
    made = uow.red_letters.get(command.red_letter_id)
    if made.state != "refused":
        raise WrongState(noun="red_letter", state=made.state, verb="request")
    red_letter.request(made, uow.invoices.contents_of(made.invoice_id), uow, platform=platform)
    uow.red_letters.save(made)
    return red_letter.view(made)


def _awaiting_form(red_letter_id: UUID, uow: InvoicingUnitOfWork, verb: str) -> RedLetter:
    """Raises NotFound, WrongState."""
    made = uow.red_letters.get(red_letter_id)
    if made.state not in {"requested", "unconfirmed"}:
        raise WrongState(noun="red_letter", state=made.state, verb=verb)
    return made
