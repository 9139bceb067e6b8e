"""
What public schemas have in common.

What goes out is listed field by field and taken from a view by `of`: a field that a service adds to a
view reaches nobody until a schema names it. What comes in is checked strictly and knows no other fields.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

TURNAROUND = "working days from the release of the order and complete samples to the report"


class Schema(BaseModel):
    """Frozen, strict, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Shown(Schema):
    """Something that goes out."""

    model_config = ConfigDict(from_attributes=True, strict=False)

    @classmethod
    def of(cls, view: object) -> Self:
        """Take over the fields that this schema names."""
        return cls.model_validate(view, from_attributes=True)


class Asked(BaseModel):
    """What stands behind the question mark: frozen, no unknown names. Text, so numbers and days are read from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listed(Asked):
    """Which page of a list."""

    after: Annotated[str | None, Field(max_length=500, description="`next_cursor` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def fields(self) -> dict[str, Any]:
        return dict(self)


class Problem(BaseModel):
    """RFC 9457, as `application/problem+json`."""

    type: Annotated[str, Field(examples=["urn:yiqi:problem:orders.quotation_expired"])]
    title: Annotated[str, Field(examples=["This quotation has expired."])]
    status: int
    detail: str
    code: Annotated[str, Field(examples=["orders.quotation_expired"], description="stable; programs read this")]
    fields: list["FieldProblem"]
    facts: dict[str, str | int | bool | list[str] | None]
    correlation_id: str


class FieldProblem(BaseModel):
    field: Annotated[str, Field(examples=["lines.0.unit_price.amount"])]
    code: str
    text: str
