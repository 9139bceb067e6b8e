"""A provider: an organisation that the operating company lets sell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

ProviderState = Literal["applied", "under_review", "approved", "suspended", "terminated", "rejected"]
Decision = Literal["take_up", "approve", "reject", "suspend", "resume", "terminate"]

LIFECYCLE: Lifecycle[ProviderState] = Lifecycle(
    "provider",
    {
        "take_up": {"applied": "under_review"},
        "approve": {"under_review": "approved"},
        "reject": {"applied": "rejected", "under_review": "rejected"},
        "suspend": {"approved": "suspended"},
        "resume": {"suspended": "approved"},
        "terminate": {"approved": "terminated", "suspended": "terminated"},
    },
)


class AlreadyApplied(Conflict):
    """This organisation has applied already."""

    code = "catalog.provider_already_applied"


class NotOfProviderKind(Conflict):
    """Only an organisation that signed up as a provider may apply to sell."""

    code = "catalog.not_of_provider_kind"


class NotReadyForApproval(Conflict):
    """Something that approval needs is missing."""

    code = "catalog.provider_not_ready"


class ReasonRequired(Invalid):
    """Whoever is refused or stopped is told why."""

    code = "catalog.reason_required"


@dataclass
class Provider:
    """
    Attributes:
        provider_id: The organisation's id: one organisation is one provider.
        framework_agreement_number: Of the agreement under which it takes orders; empty until it is approved.
    """

    provider_id: UUID
    number: str
    state: ProviderState
    name_zh: str
    name_en: str
    region: str
    introduction: str
    entry_standards: tuple[str, ...]
    applied_at: datetime
    reason: str = ""
    framework_agreement_number: str = ""
    version: int = 0

    def decide(self, decision: Decision, reason: str, missing: Sequence[str]) -> None:
        """
        Take the operating company's decision.

        Args:
            decision: A verb of `LIFECYCLE`.
            reason: Required for every decision against the provider.
            missing: What approval still lacks, as codes; empty: nothing.

        Raises:
            WrongState: Not possible from the present state.
            ReasonRequired: A decision against it without a word.
            NotReadyForApproval: *missing* is not empty and the decision is to let it sell.
        """
        state = LIFECYCLE.after(decision, self.state)
        if decision in {"reject", "suspend", "terminate"} and not reason:
            raise ReasonRequired
        if state == "approved" and missing:
            raise NotReadyForApproval(missing=list(missing))
        self.state = state
        self.reason = reason
