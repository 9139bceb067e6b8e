"""Why an order does not move."""

from collections.abc import Iterable

from services.orders.domain.funding import ProjectFunds
from services.orders.domain.order import OrderState


def blocked_by(
    state: OrderState,
    awaiting_signature: Iterable[str],
    sample_states: Iterable[str],
    *,
    in_dispute: bool = False,
    project_funds: ProjectFunds | None = None,
) -> tuple[str, ...]:
    """
    Why an order does not move, as codes.

    *awaiting_signature*: the parties that have yet to sign, none while the papers are being made;
    *sample_states*: of all its samples; *project_funds*: of the project that is to pay it, if one is.
    """
    if in_dispute:
        return ("in_dispute",)
    if state == "placed":
        return tuple(f"awaiting_signature_{party}" for party in awaiting_signature) or ("awaiting_papers",)
    if state == "in_progress":
        missing = any(each in {"expected", "in_transit", "rejected"} for each in sample_states)
        return ("awaiting_samples", "awaiting_report") if missing else ("awaiting_report",)
    if state == "contracted" and project_funds is not None:
        return ("funding_refused",) if project_funds.refused else ("awaiting_funding",)
    waits: dict[OrderState, tuple[str, ...]] = {
        "contracted": ("awaiting_payment",),
        "released": ("awaiting_samples",),
        "delivered": ("awaiting_acceptance",),
        "accepted": ("awaiting_settlement",),
    }
    return waits.get(state, ())
