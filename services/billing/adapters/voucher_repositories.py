"""Rows ⇄ programmes, vouchers and what they follow: placed orders, offerings."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from services.billing.adapters import voucher_tables as tables
from services.billing.adapters.tables import refund
from services.billing.domain.ledger import voucher_fund
from services.billing.domain.offering import OfferingCopy
from services.billing.domain.order import PlacedOrder
from services.billing.domain.programme import Programme, ProgrammeVersion, VersionExists
from services.billing.domain.voucher import Voucher, VoucherAlreadyOnOrder, VoucherUse
from services.shared.chassis.database import ChangedMeanwhile, save_versioned

T = TypeVar("T")

_PLACED = TypeAdapter(PlacedOrder)
_OFFERING = TypeAdapter(OfferingCopy)
_VERSION = TypeAdapter(ProgrammeVersion)
_USE = TypeAdapter(VoucherUse)

# Made once: every order of the platform comes through here.
_ADD_PLACED = insert(tables.placed_order).on_conflict_do_nothing()


class SqlPlacedOrders:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, order: PlacedOrder) -> None:
        self.connection.execute(_ADD_PLACED, values_of(order, tables.placed_order))

    def find(self, order_id: UUID) -> PlacedOrder | None:
        table = tables.placed_order
        row = self.connection.execute(select(table).where(table.c.order_id == order_id).with_for_update()).one_or_none()
        return _PLACED.validate_python(dict(row._mapping)) if row is not None else None

    def save(self, order: PlacedOrder) -> None:
        table = tables.placed_order
        self.connection.execute(table.update().where(table.c.order_id == order.order_id).values(state=order.state))


class SqlOfferings:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, offering: OfferingCopy) -> None:
        values = values_of(offering, tables.offering)
        self.connection.execute(
            insert(tables.offering).values(values).on_conflict_do_update(index_elements=["offering_id"], set_=values)
        )

    def find_all(self, offering_ids: Iterable[UUID]) -> Sequence[OfferingCopy]:
        table = tables.offering
        rows = self.connection.execute(select(table).where(table.c.offering_id.in_(list(offering_ids))))
        return [_OFFERING.validate_python(dict(row._mapping)) for row in rows]


class SqlProgrammes:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def of_code(self, code: str) -> Programme | None:
        table = tables.programme
        row = self.connection.execute(select(table).where(table.c.code == code).with_for_update()).one_or_none()
        return Programme(**row._mapping) if row is not None else None

    def find(self, programme_id: UUID, *, lock: bool = False) -> Programme | None:
        statement = select(tables.programme).where(tables.programme.c.programme_id == programme_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        return Programme(**row._mapping) if row is not None else None

    def add(self, programme: Programme) -> None:
        values = vars(programme) | {"number": text("next_number('PG', :at)").bindparams(at=programme.opened_at)}
        number = self.connection.execute(
            insert(tables.programme).values(values).on_conflict_do_nothing().returning(tables.programme.c.number)
        ).scalar_one_or_none()
        if number is None:
            raise ChangedMeanwhile
        programme.number = number

    def save(self, programme: Programme) -> None:
        table = tables.programme
        self.connection.execute(
            table.update().where(table.c.programme_id == programme.programme_id).values(vars(programme))
        )

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Programme]:
        table = tables.programme
        wanted = list(numbers)
        if not wanted:
            return []
        rows = self.connection.execute(
            select(table).where(table.c.number.in_(wanted)).order_by(table.c.programme_id).with_for_update()
        )
        return [Programme(**row._mapping) for row in rows]

    def lock_debtor(self, account: str) -> None:
        table = tables.programme
        named = func.concat("A:ar:voucher_programme:", table.c.programme_id)
        self.connection.execute(select(table.c.programme_id).where(named == account).with_for_update())

    def awaited(self, programme_id: UUID) -> int:
        found = self.connection.execute(
            select(func.sum(refund.c.to_programme)).where(
                refund.c.state == "awaiting_red_letter", refund.c.programme_account == voucher_fund(programme_id)
            )
        ).scalar_one()
        return int(found or 0)

    def add_version(self, version: ProgrammeVersion) -> None:
        values = values_of(version, tables.programme_version)
        added = self.connection.execute(insert(tables.programme_version).values(values).on_conflict_do_nothing())
        if added.rowcount == 0:
            raise VersionExists

    def versions(self, programme_id: UUID) -> tuple[ProgrammeVersion, ...]:
        table = tables.programme_version
        rows = self.connection.execute(select(table).where(table.c.programme_id == programme_id))
        return tuple(version_of(row) for row in rows)

    def version(self, programme_version_id: UUID) -> ProgrammeVersion:
        table = tables.programme_version
        return version_of(
            self.connection.execute(select(table).where(table.c.programme_version_id == programme_version_id)).one()
        )

    def committed_in(self, programme_id: UUID, holder_id: UUID, year: int) -> int:
        table = tables.programme_year
        found = self.connection.execute(
            select(table.c.committed).where(
                table.c.programme_id == programme_id, table.c.holder_id == holder_id, table.c.year == year
            )
        ).scalar_one_or_none()
        return int(found or 0)

    def open_year(self, programme_id: UUID, holder_id: UUID, year: int, cap: int | None) -> int:
        table = tables.programme_year
        new = insert(table).values(programme_id=programme_id, holder_id=holder_id, year=year, committed=0, cap=cap)
        # A cap that was lowered does not unmake what was promised under the higher one.
        kept = func.greatest(new.excluded.cap, table.c.committed) if cap is not None else None
        committed: int = self.connection.execute(
            new.on_conflict_do_update(
                index_elements=["programme_id", "holder_id", "year"], set_={"cap": kept}
            ).returning(table.c.committed)
        ).scalar_one()
        return committed

    def commit_in(self, programme_id: UUID, holder_id: UUID, year: int, change: int) -> None:
        table = tables.programme_year
        self.connection.execute(
            table.update()
            .where(table.c.programme_id == programme_id, table.c.holder_id == holder_id, table.c.year == year)
            .values(committed=table.c.committed + change)
        )


class SqlVouchers:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, voucher: Voucher) -> None:
        values = vars(voucher) | {"number": text("next_number('VO', :at)").bindparams(at=voucher.proposed_at)}
        voucher.number = self.connection.execute(
            insert(tables.voucher).values(values).returning(tables.voucher.c.number)
        ).scalar_one()

    def find(self, voucher_id: UUID, *, lock: bool = False) -> Voucher | None:
        statement = select(tables.voucher).where(tables.voucher.c.voucher_id == voucher_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        return Voucher(**row._mapping) if row is not None else None

    def save(self, voucher: Voucher) -> None:
        save_versioned(self.connection, tables.voucher, {"voucher_id": voucher.voucher_id}, vars(voucher))
        voucher.version += 1  # several uses of one voucher may return at once

    def add_use(self, use: VoucherUse) -> None:
        added = self.connection.execute(
            insert(tables.voucher_use).values(values_of(use, tables.voucher_use)).on_conflict_do_nothing()
        )
        if added.rowcount == 0:
            raise VoucherAlreadyOnOrder

    def use_on(self, order_id: UUID) -> VoucherUse | None:
        table = tables.voucher_use
        row = self.connection.execute(
            select(table).where(table.c.order_id == order_id, table.c.state != "returned").with_for_update()
        ).one_or_none()
        return use_of(row) if row is not None else None

    def orders_reserving(self, voucher_id: UUID) -> Sequence[UUID]:
        table = tables.voucher_use
        return list(
            self.connection.execute(
                select(table.c.order_id)
                .where(table.c.voucher_id == voucher_id, table.c.state == "reserved")
                .order_by(table.c.order_id)
            ).scalars()
        )

    def find_use(self, use_id: UUID) -> VoucherUse | None:
        table = tables.voucher_use
        row = self.connection.execute(select(table).where(table.c.use_id == use_id).with_for_update()).one_or_none()
        return use_of(row) if row is not None else None

    def save_use(self, use: VoucherUse) -> None:
        save_versioned(
            self.connection, tables.voucher_use, {"use_id": use.use_id}, values_of(use, tables.voucher_use)
        )  # fmt: skip
        use.version += 1


def version_of(row: Any) -> ProgrammeVersion:
    return _VERSION.validate_python(dict(row._mapping))


def use_of(row: Any) -> VoucherUse:
    return _USE.validate_python(dict(row._mapping))


def values_of(thing: object, table: Table) -> dict[str, Any]:
    """For an INSERT or UPDATE of all columns; what is nested stands as JSON."""
    nested = {column.name for column in table.c if isinstance(column.type, JSONB)}
    return {
        name: to_jsonable_python(value) if name in nested else value
        for name, value in vars(thing).items()
    }  # fmt: skip
