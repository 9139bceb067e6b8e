"""Rows ⇄ offerings, and the listings they are found by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from services.catalog.adapters import tables
from services.catalog.adapters.repositories import provider_of
from services.catalog.domain.offering import Content, Offering, Price, VolumeDiscount
from services.catalog.domain.provider import Provider
from services.catalog.domain.search import Listing
from services.shared.chassis.database import save_versioned
from services.shared.kernel.errors import NotFound
from services.shared.kernel.money import Money
from services.shared.kernel.times import calendar_days, rfc3339, working_days

# The provider's columns under names of their own; its lock is named first and so taken first.
_WITH_SELLER = text("""
    SELECT o.*, to_jsonb(p) AS seller
    FROM provider p JOIN offering o USING (provider_id)
    WHERE o.offering_id = :offering_id
    FOR SHARE OF p FOR UPDATE OF o
""").columns(*tables.offering.c, seller=tables.offering.c.content.type)


class SqlOfferings:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, offering: Offering) -> None:
        values = _row(offering) | {"number": func.next_number("OF", offering.drafted_at)}
        offering.number = self.connection.execute(
            insert(tables.offering).values(values).returning(tables.offering.c.number)
        ).scalar_one()

    def get_with_seller(self, offering_id: UUID) -> tuple[Offering, Provider]:
        row = self.connection.execute(_WITH_SELLER, {"offering_id": offering_id}).one_or_none()
        if row is None:
            raise NotFound
        fields = dict(row._mapping)
        seller = fields.pop("seller")
        seller["provider_id"] = UUID(seller["provider_id"])
        seller["applied_at"] = datetime.fromisoformat(seller["applied_at"])
        return _offering(fields), provider_of(seller)

    def save(self, offering: Offering) -> None:
        save_versioned(self.connection, tables.offering, {"offering_id": offering.offering_id}, _row(offering))

    def hide_all(self, provider_id: UUID, reason: str) -> Sequence[Offering]:
        return self._move_all(provider_id, {"state": "published", "hidden_by": ""},
                              {"state": "hidden", "hidden_by": "suspension", "reason": reason})  # fmt: skip

    def show_all(self, provider_id: UUID) -> Sequence[Offering]:
        return self._move_all(provider_id, {"state": "hidden", "hidden_by": "suspension"},
                              {"state": "published", "hidden_by": "", "reason": ""})  # fmt: skip

    def _move_all(self, provider_id: UUID, of: dict[str, str], to: dict[str, str]) -> list[Offering]:
        table = tables.offering
        # In one order, so that two that move many of the same offerings queue up instead of blocking each other.
        ids = (
            select(table.c.offering_id)
            .where(table.c.provider_id == provider_id, *(table.c[name] == value for name, value in of.items()))
            .order_by(table.c.offering_id)
            .with_for_update()
            .cte("ids")
        )
        rows = self.connection.execute(
            table.update()
            .where(table.c.offering_id == ids.c.offering_id)
            .values({**to, "version": table.c.version + 1})
            .returning(*table.c)
        )
        return sorted((_offering(dict(row._mapping)) for row in rows), key=lambda offering: offering.offering_id)


class SqlListings:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, listings: Sequence[Listing]) -> None:
        if not listings:
            return
        for table in (tables.listing, tables.listing_text):
            statement = insert(table).values(
                [{column.name: getattr(listing, column.name) for column in table.c} for listing in listings]
            )
            self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["offering_id"],
                    set_={column.name: column for column in statement.excluded if not column.primary_key},
                )
            )

    def remove(self, offering_ids: Sequence[UUID]) -> None:
        if offering_ids:
            table = tables.listing
            self.connection.execute(table.delete().where(table.c.offering_id.in_(offering_ids)))


def _row(offering: Offering) -> dict[str, Any]:
    return {
        **{name: getattr(offering, name) for name in tables.offering.c.keys()},  # noqa: SIM118
        "content": stored_content(offering.content),
        "prices": [
            {
                "valid_from": rfc3339(price.valid_from),
                "unit_price": {"amount": price.unit_price.amount, "currency": price.unit_price.currency},
                "includes_tax": price.includes_tax,
                "volume_discounts": [
                    {"quantity": one.quantity, "discount_bps": one.discount_bps} for one in price.volume_discounts
                ],
                "charge_basis": price.charge_basis,
            }
            for price in offering.prices
        ],
    }


def _offering(fields: dict[str, Any] | Row[Any]) -> Offering:
    values = dict(fields)
    values["content"] = read_content(values["content"])
    values["prices"] = tuple(_price(price) for price in values["prices"])
    return Offering(**values)


def stored_content(content: Content) -> dict[str, Any]:
    """
    As the column holds it. The turnaround stands there in calendar days, as it did when that was what a provider
    said: both versions of this service read it, and `working_days` gives back exactly what was put in.
    """
    said = {name: getattr(content, name) for name in Content.__slots__}
    return {**said, "turnaround_days": calendar_days(said.pop("turnaround_working_days"))}


def read_content(stored: dict[str, Any]) -> Content:
    """What `stored_content` wrote, now or before there were working days."""
    said = dict(stored)
    turnaround = working_days(said.pop("turnaround_days"))
    return Content(**said | {"method_codes": tuple(said["method_codes"]), "turnaround_working_days": turnaround})


def _price(stored: dict[str, Any]) -> Price:
    return Price(
        valid_from=datetime.fromisoformat(stored["valid_from"]),
        unit_price=Money(**stored["unit_price"]),
        includes_tax=stored["includes_tax"],
        volume_discounts=tuple(VolumeDiscount(**one) for one in stored["volume_discounts"]),
        charge_basis=stored["charge_basis"],
    )
