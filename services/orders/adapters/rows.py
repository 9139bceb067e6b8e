"""A row of a table ⇄ a dataclass of the domain with the same field names; value lists stand as JSON."""

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

T = TypeVar("T")


class Rows(Generic[T]):
    """
    How *kind* stands in *table*.

    Fields without a column (what happened in this transaction) and columns without a field are left out.
    """

    def __init__(self, kind: type[T], table: Table) -> None:
        self.table = table
        self._adapter = TypeAdapter(kind)
        self._json = frozenset(column.name for column in table.c if isinstance(column.type, JSONB))
        self._columns = tuple(column.name for column in table.c)

    def read(self, row: Any) -> T:
        """From a row of SQLAlchemy, or a mapping of columns as the driver gives them."""
        mapping = row._mapping if hasattr(row, "_mapping") else row
        return self._adapter.validate_python(dict(mapping))

    def values(self, thing: T) -> dict[str, Any]:
        """For an INSERT or UPDATE of all columns."""
        return {name: self._value(name, getattr(thing, name)) for name in self._columns}

    def _value(self, name: str, value: Any) -> Any:
        if name in self._json:
            return to_jsonable_python(value)
        return list(value) if isinstance(value, tuple) else value
