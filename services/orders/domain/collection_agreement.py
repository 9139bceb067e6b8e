"""
A collection agreement: how the money of a provider's orders is collected from an instant on, and why so.

Collecting for others into one's own account is unlicensed clearing (二清), and so are separate charges and transfers:
as agent the company never holds the customer's money (trade rules §1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import CollectingAccount, CollectionReason, ContractKind, is_agent
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.tax import TaxProfile

CollectionAgreementState = Literal["proposed", "approved", "withdrawn"]

LIFECYCLE: Lifecycle[CollectionAgreementState] = Lifecycle(
    "collection_agreement",
    {"approve": {"proposed": "approved"}, "withdraw": {"proposed": "withdrawn"}},
)  # fmt: skip

ACCOUNTS: dict[CollectionModel, frozenset[CollectingAccount]] = {
    "principal_own_account": frozenset({"company_account", "stripe_separate_transfers"}),
    "agent_psp_split": frozenset({"splitting_channel", "stripe_destination_charge"}),
    "agent_bank_custody": frozenset({"custody_account"}),
    "agent_direct": frozenset({"provider_account"}),
}

METHODS: dict[CollectionModel, frozenset[str]] = {
    "principal_own_account": frozenset({"card", "bank_transfer", "credit", "project_funds"}),
    "agent_psp_split": frozenset({"platform_channel"}),
    "agent_bank_custody": frozenset({"direct_transfer"}),
    "agent_direct": frozenset({"direct_transfer"}),
}
"""By which methods a customer may pay. A card is charged by separate charges and transfers; credit is the company's."""


class UnlicensedClearing(Invalid):
    """As agent the company never collects on its own account: that is clearing without a licence (二清)."""

    code = "orders.collection_unlicensed_clearing"


class SeparateTransfersAsAgent(Invalid):
    """With separate charges and transfers the money is the company's first: as agent it is a destination charge."""

    code = "orders.collection_needs_destination_charge"


class AccountDiffers(Invalid):
    """The customer's money cannot arrive there in this model."""

    code = "orders.collection_account_differs"


class ReasonContradicts(Invalid):
    """What controls the service and its price says the other: principal or agent follows them (CAS 14)."""

    code = "orders.collection_reason_contradicts"


class SameHands(NotAllowed):
    """Who proposed how the money is collected does not approve it."""

    code = "orders.collection_four_eyes_required"


class CollectionAgreementExists(Conflict):
    """Another agreement with this provider begins at this very instant."""

    code = "orders.collection_agreement_exists"


class MethodNotInModel(Conflict):
    """The money of this provider's orders is not collected that way."""

    code = "orders.payment_method_not_in_model"


class ResaleAsAgent(Conflict):
    """As agent the company sells nothing: the price is the provider's."""

    code = "orders.resale_needs_principal"


class ExemptAsPrincipal(Conflict):
    """Only the provider's own contract on technology development or transfer can be exempt: the company is agent."""

    code = "orders.exempt_needs_agent"


@dataclass(frozen=True)
class Collection:
    """
    How one order's money is collected; frozen with its price, whose tax is the seller's.

    Attributes:
        collection_agreement_id: Which it follows; none: the company sells, as its general terms say.
        reason: Of that agreement; none likewise.
        contract_kind: *technology_…*: exempt from VAT once it is registered.
    """

    collection_model: CollectionModel = "principal_own_account"
    collecting_account: CollectingAccount = "company_account"
    collection_agreement_id: UUID | None = None
    reason: CollectionReason | None = None
    contract_kind: ContractKind = "testing"

    @property
    def agent(self) -> bool:
        return is_agent(self.collection_model)

    @property
    def exempt(self) -> bool:
        return self.contract_kind != "testing"

    def rate_bps(self, company_rate_bps: int, provider_tax: TaxProfile) -> int:
        """The VAT rate of the price: of whoever sells."""
        if self.exempt:
            return 0
        return provider_tax.rate_bps if self.agent else company_rate_bps

    def check_method(self, payment_method: str) -> None:
        """Raises MethodNotInModel."""
        if payment_method not in METHODS[self.collection_model]:
            raise MethodNotInModel(collection_model=self.collection_model)

    def check_pricing(self, pricing: str) -> None:
        """Raises ResaleAsAgent."""
        if self.agent and pricing == "resale":
            raise ResaleAsAgent


SOLD_BY_COMPANY = Collection()
"""Where nothing else was agreed."""


@dataclass
class CollectionAgreement:
    """
    Attributes:
        provider_id: Whose orders.
        valid_from: From when on prices are made by it; what is priced keeps its own.
        proposed_by, approved_by: Two pairs of eyes; empty while it is not approved.
    """

    collection_agreement_id: UUID
    provider_id: UUID
    collection_model: CollectionModel
    collecting_account: CollectingAccount
    reason: CollectionReason
    valid_from: datetime
    state: CollectionAgreementState
    proposed_at: datetime
    proposed_by: str
    approved_at: datetime | None = None
    approved_by: str = ""

    def approve(self, by: str, now: datetime) -> None:
        """Raises: WrongState; SameHands: *by* proposed it."""
        state = LIFECYCLE.after("approve", self.state)
        if by == self.proposed_by:
            raise SameHands
        self.state, self.approved_by, self.approved_at = state, by, now

    def withdraw(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("withdraw", self.state)


def check_agreement(model: CollectionModel, account: CollectingAccount, reason: CollectionReason) -> None:
    """
    Whether money may be collected so.

    Raises:
        UnlicensedClearing, SeparateTransfersAsAgent, AccountDiffers: Not on that account.
        ReasonContradicts: Whoever controls the service, or sets its price, is not the seller.
    """
    if account not in ACCOUNTS[model]:
        if is_agent(model) and account == "company_account":
            raise UnlicensedClearing
        if is_agent(model) and account == "stripe_separate_transfers":
            raise SeparateTransfersAsAgent
        raise AccountDiffers(collection_model=model)
    seller = "provider" if is_agent(model) else "company"
    if reason.control != seller or (
        is_agent(model) and (reason.price_discretion != seller or not reason.named_performer)
    ):
        raise ReasonContradicts


def in_force(agreements: Iterable[CollectionAgreement], at: datetime) -> CollectionAgreement | None:
    """Of a provider's *agreements* the approved one that began last."""
    begun = [each for each in agreements if each.state == "approved" and each.valid_from <= at]
    return max(begun, key=lambda each: each.valid_from, default=None)


def collection_of(
    agreement: CollectionAgreement | None, contract_kind: ContractKind = "testing"
) -> Collection:  # fmt: skip
    """
    How an order is collected that is priced under *agreement*.

    Raises:
        ExemptAsPrincipal: It is to be exempt, and the company would sell it.
    """
    found = Collection(contract_kind=contract_kind)
    if agreement is not None:
        found = replace(
            found,
            collection_model=agreement.collection_model,
            collecting_account=agreement.collecting_account,
            collection_agreement_id=agreement.collection_agreement_id,
            reason=agreement.reason,
        )
    if found.exempt and not found.agent:
        raise ExemptAsPrincipal
    return found
