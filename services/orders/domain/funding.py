"""Project funds: how the provider's own people pay. Nothing is sold within one legal entity: no invoice, no VAT."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.orders.domain.pricing import Amounts, Line
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.money import Money


class NotInternal(Conflict):
    """Customer and provider are not one legal entity, or the company has set the price."""

    code = "orders.project_funds_not_internal"


class ProjectNotNamed(Invalid):
    """A project and who is responsible for it are named where project funds pay, and nowhere else."""

    code = "orders.project_not_named"


@dataclass(frozen=True)
class ProjectFunds:
    """
    From which of the university's projects an order is paid.

    Attributes:
        project_number: As its finance system knows it.
        responsible_person: Who answers for the project's money.
        refused: Why its finance system did not reserve the money; empty: it has not refused.
    """

    project_number: str
    responsible_person: str
    refused: str = ""


def check_internal(customer_code: str, provider_code: str, *, priced_by_company: bool) -> None:
    """
    *customer_code*, *provider_code*: unified social credit codes; the same code is the same legal entity.

    Raises:
        NotInternal: They differ, or *priced_by_company*: within an entity nobody resells.
    """
    if not customer_code or customer_code != provider_code or priced_by_company:
        raise NotInternal


def untaxed(lines: Sequence[Line], amounts: Amounts) -> tuple[tuple[Line, ...], Amounts]:
    """*lines* and *amounts* without VAT: an internal transfer is no sale."""
    nothing = Money(0, amounts.net.currency)
    return (
        tuple(replace(line, tax=nothing) for line in lines),
        replace(amounts, tax=nothing, gross=amounts.net, tax_rate_bps=0),
    )
