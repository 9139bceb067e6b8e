"""Maps of the banks' CSV: tried on a file, declared, and chosen."""

import base64
import binascii
from datetime import datetime

from services.billing.domain.bank_csv import CsvMap, CsvMapMissing, DeclaredMap, read_bank_csv, try_bank_csv
from services.billing.domain.bank_statement import StatementFile, StatementUnreadable, UnknownAccount
from services.billing.use_cases.bank_line_view import line_message
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, hand_of, require
from services.shared.kernel.ids import new_id
from services.shared.messages.billing.bank_csv import (
    BankCsvMapView,
    BankCsvPreview,
    CsvColumns,
    CsvProblem,
    DeclareBankCsvMap,
    PreviewBankCsv,
)

SHOWN_MAX = 20


def declare_bank_csv_map(
    command: DeclareBankCsvMap, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, own_account: str
) -> BankCsvMapView:
    """
    From an instant on files of an own account are read by this map, which has been tried on one.

    Raises:
        UnknownAccount: It is not of *own_account*.
        CsvMapInvalid, CsvMapExists: See there.
        StatementUnreadable: The map does not read the sample.
    """
    require(actor, command.grants, {})
    if command.account != own_account:
        raise UnknownAccount
    columns = csv_map(command.columns)
    read_bank_csv(command.account, decoded(command.sample), columns)
    declared = DeclaredMap(
        bank_csv_map_id=new_id(),
        account=command.account,
        valid_from=command.valid_from,
        name=command.name,
        columns=columns,
        declared_at=now,
        declared_by=hand_of(actor),
    )
    uow.csv_maps.add(declared)
    return view(declared)


def preview_bank_csv(
    query: PreviewBankCsv, *, actor: Actor, uow: BillingUnitOfWork, now: datetime, own_account: str
) -> BankCsvPreview:
    """
    The first lines as a map reads them, and every problem.

    Raises:
        UnknownAccount, CsvMapInvalid: See there.
    """
    del uow, now
    require(actor, query.grants, {})
    if query.account != own_account:
        raise UnknownAccount
    reading = try_bank_csv(query.account, decoded(query.content), csv_map(query.columns))
    return BankCsvPreview(
        header_line=reading.header_line,
        lines=tuple(line_message(line) for line in reading.lines[:SHOWN_MAX]),
        line_count=len(reading.lines),
        problems=tuple(CsvProblem(line=p.line, column=p.column, problem=p.problem) for p in reading.problems),
    )


def read_by_map(account: str, content: bytes, *, uow: BillingUnitOfWork, now: datetime) -> StatementFile:
    """
    The lines of a bank's CSV file by the map in force.

    Raises:
        CsvMapMissing: There is none.
        StatementUnreadable: Nothing of it is taken.
    """
    declared = uow.csv_maps.in_force(account, now)
    if declared is None:
        raise CsvMapMissing
    return read_bank_csv(account, content, declared.columns)


def decoded(content: str) -> bytes:
    """Raises StatementUnreadable: It is no base64."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise StatementUnreadable("the content is no base64", line=1, problem="base64") from None


def csv_map(columns: CsvColumns) -> CsvMap:
    """Raises CsvMapInvalid."""
    made = CsvMap(**dict(columns))
    made.check()
    return made


def view(declared: DeclaredMap) -> BankCsvMapView:
    return BankCsvMapView(
        bank_csv_map_id=declared.bank_csv_map_id,
        account=declared.account,
        valid_from=declared.valid_from,
        name=declared.name,
        columns=CsvColumns.model_validate(declared.columns, from_attributes=True),
    )
