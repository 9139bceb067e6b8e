"""Files that are evidence for a chargeback: kept with us, then given to the payment institution, each once."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from services.billing.domain.chargeback_file import ChargebackFile
from services.billing.use_cases.chargeback import one, view
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.chargeback import ChargebackView, DeclareChargebackFile, SubmitChargebackFile

log = structlog.get_logger("chargeback_file")

KEEP_FILE = "keep_chargeback_file"
GIVE_FILE = "create_dispute_file"


def declare_chargeback_file(
    command: DeclareChargebackFile, *, actor: Actor, uow: BillingUnitOfWork, now: datetime,
    upload_url: Callable[[str], str],
) -> ChargebackView:  # fmt: skip
    """
    A file is to be uploaded. *upload_url*: key → where it may be put.

    Raises: NotFound, and as Chargeback.declare.
    """
    require(actor, command.grants, {})
    chargeback = one(command.chargeback_id, uow)
    file = ChargebackFile(**dict(command.file), file_id=str(new_id()))
    chargeback.declare(command.name, file, now)
    uow.chargebacks.save(chargeback)
    return view(chargeback, (command.name, upload_url(file.upload_key)))


def submit_chargeback_file(
    command: SubmitChargebackFile, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ChargebackView:
    """It is uploaded: have it looked at. Raises NotFound, and as Chargeback.uploaded."""
    require(actor, command.grants, {})
    chargeback = one(command.chargeback_id, uow)
    file = chargeback.uploaded(command.name, now)
    uow.chargebacks.save(chargeback)
    uow.call_outside(
        KEEP_FILE,
        f"{KEEP_FILE}:{file.file_id}:{file.attempts}",
        {
            "chargeback_id": str(chargeback.chargeback_id),
            "file_id": file.file_id,
            "upload_key": file.upload_key,
            "record_key": file.record_key(chargeback.chargeback_id),
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "media_type": file.media_type,
        },
    )
    return view(chargeback)


def file_kept(chargeback_id: UUID, file_id: str, key: str, *, uow: BillingUnitOfWork, now: datetime) -> None:
    """It is the declared file and kept: the institution is given it, whatever else is written."""
    file = _learn(chargeback_id, file_id, uow, key=key)
    if file is not None:
        uow.call_outside(
            GIVE_FILE,
            f"{GIVE_FILE}:{file_id}",
            {
                "chargeback_id": str(chargeback_id), "file_id": file_id, "filename": file.filename, "key": key,
                "since": now.isoformat(),
            },
        )  # fmt: skip


def file_given(chargeback_id: UUID, file_id: str, stripe_file_id: str, *, uow: BillingUnitOfWork) -> None:
    """The institution has it."""
    _learn(chargeback_id, file_id, uow, stripe_file_id=stripe_file_id)


def file_refused(chargeback_id: UUID, file_id: str, problem: str, *, uow: BillingUnitOfWork) -> None:
    """What was uploaded is not the declared file, or the institution does not take it."""
    log.warning("a file for a chargeback was refused", file_id=file_id, problem=problem)
    _learn(chargeback_id, file_id, uow, problem=problem)


def _learn(
    chargeback_id: UUID, file_id: str, uow: BillingUnitOfWork, *, key: str | None = None, stripe_file_id: str = "",
    problem: str = "",
) -> ChargebackFile | None:  # fmt: skip
    chargeback = one(chargeback_id, uow)
    file = chargeback.learn_of_file(file_id, key=key, stripe_file_id=stripe_file_id, problem=problem)
    if file is not None:
        uow.chargebacks.save(chargeback)
    return file
