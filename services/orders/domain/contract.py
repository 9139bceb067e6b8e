"""
A contract: two papers, one signed by customer and company, one by the provider. Where the provider sells, and the
company is its agent, there is one paper that all three sign.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.domain.order import Order, Terms
from services.orders.domain.policy import Policy
from services.shared.kernel.channel import check_hold, check_split
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.fee import Fee
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money
from services.shared.kernel.rate import share
from services.shared.kernel.tax import TaxProfile
from services.shared.kernel.times import calendar_days

ContractState = Literal["draft", "awaiting_signatures", "signed", "terminated"]
Paper = Literal["contract", "order_sheet"]
SigningParty = Literal["customer", "provider", "operator"]

LIFECYCLE: Lifecycle[ContractState] = Lifecycle(
    "contract",
    {
        "offer": {"draft": "awaiting_signatures"},
        "sign": {"awaiting_signatures": "awaiting_signatures"},
        "complete": {"awaiting_signatures": "signed"},
        "terminate": {"draft": "terminated", "awaiting_signatures": "terminated", "signed": "terminated"},
    },
)

PAPER_OF: dict[SigningParty, Paper] = {"customer": "contract", "operator": "contract", "provider": "order_sheet"}
"""Which paper each party signs as principal: provider and customer then have no contract with each other."""


class AlreadySigned(Conflict):
    """This party has signed already."""

    code = "orders.already_signed"


class DocumentDiffers(Invalid):
    """The document that was read is not the one to be signed."""

    code = "orders.document_differs"


class ProviderRateChanged(Conflict):
    """The provider sells at another VAT rate than when the order was priced; it is to be ordered anew."""

    code = "orders.provider_rate_changed"


class DiscountAboveCommission(Conflict):
    """As agent the company takes off at most what it earns."""

    code = "orders.discount_above_commission"


@dataclass(frozen=True)
class Document:
    """A file kept for ever; *key*: in the records bucket."""

    paper: Paper
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Signature:
    """*party* put its name under the document with this hash."""

    paper: Paper
    party: SigningParty
    signatory: str
    signed_at: datetime
    sha256: str


@dataclass
class Contract:
    contract_id: UUID
    number: str
    order_id: UUID
    state: ContractState = "draft"
    documents: tuple[Document, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def awaiting(self) -> tuple[SigningParty, ...]:
        """Who has yet to sign, while signatures are awaited."""
        if self.state != "awaiting_signatures":
            return ()
        signed = {signature.party for signature in self.signatures}
        return tuple(party for party in PAPER_OF if party not in signed)

    def offer(self, documents: tuple[Document, ...]) -> None:
        """The papers are made. Raises: WrongState."""
        self.state = LIFECYCLE.after("offer", self.state)
        self.documents = documents

    def document(self, paper: Paper) -> Document | None:
        return next((document for document in self.documents if document.paper == paper), None)

    @property
    def of_three(self) -> bool:
        """One paper binds customer, provider and company."""
        return bool(self.documents) and self.document("order_sheet") is None

    def papers_of(self, relation: str) -> tuple[Paper, ...]:
        """The papers that an organisation in *relation* to the order may see."""
        if relation == "operator":
            return ("contract", "order_sheet")
        if relation == "customer" or (relation == "provider" and self.of_three):
            return ("contract",)
        return ("order_sheet",) if relation == "provider" else ()

    def sign(self, party: SigningParty, signatory: str, sha256: str, now: datetime) -> bool:
        """
        Take a signature.

        Returns:
            Whether it was the last one.

        Raises:
            WrongState: There is nothing to sign, or no longer.
            AlreadySigned: A second time.
            DocumentDiffers: *sha256* is not that of the paper this party signs.
        """
        self.state = LIFECYCLE.after("sign", self.state)
        if party not in self.awaiting:
            raise AlreadySigned
        document = self.document("contract" if self.of_three else PAPER_OF[party])
        if document is None or document.sha256 != sha256:
            raise DocumentDiffers
        self.signatures = (*self.signatures, Signature(document.paper, party, signatory, now, sha256))
        if self.awaiting:
            return False
        self.state = LIFECYCLE.after("complete", self.state)
        return True

    def terminate(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("terminate", self.state)


def holds_money(order: Order) -> bool:
    """Whether the company holds the customer's money and could keep a fee of it: not as agent, nor within an entity."""
    return not order.collection.agent and order.project_funds is None


def freeze_terms(
    order: Order, plan: CommissionPlanCopy, fee: Fee, referral: ReferralCopy | None, provider_tax: TaxProfile,
    station_tax: TaxProfile | None, company_rate_bps: int, policy: Policy,
) -> Terms:  # fmt: skip
    """
    What *order* settles by, from what is in force when its contract is signed; how its money is collected from when it
    was priced.

    Raises:
        ProviderRateChanged, DiscountAboveCommission: The provider sells.
        SplitAboveLimit, HoldTooLong: The splitting channel would not do what it must for this order.
    """
    net, side, collection = order.base.net, order.provider_side, order.collection
    resale = side if side is not None and side.pricing == "resale" else None
    if collection.agent:
        _check_sold_by_provider(order, fee, provider_tax)
    if order.payment_method == "platform_channel":
        _check_channel(order, fee, company_rate_bps, policy)
    holds = holds_money(order)
    return Terms(
        collection_model=collection.collection_model,
        payment_method=order.payment_method,
        fee_bps=plan.fee_bps if order.project_funds is None else 0,
        station_id=referral.station_id if referral is not None else None,
        station_bps=plan.station_bps if referral is not None else 0,
        provider_tax=provider_tax,
        station_tax=station_tax,
        acceptance_days=policy.acceptance_days,
        hold_days=policy.hold_days,
        objection_days=policy.objection_days,
        commission_plan_id=plan.commission_plan_id,
        cancellation_fee_bps=policy.cancellation_fee_bps if holds else 0,
        cancellation_provider_bps=policy.cancellation_provider_bps if holds else 0,
        payment_schedule=order.payment_terms.payment_schedule,
        net_days=order.payment_terms.net_days,
        fee=fee,
        provider_net=resale.amounts.net if resale is not None else net - Money(fee.of(net.amount), net.currency),
        company_discount=net - order.amounts.net if net != order.amounts.net else None,
        buy_net=resale.amounts.net if resale is not None else None,
        station_base=resale.station_base if resale is not None else "fee",
        collection_agreement_id=collection.collection_agreement_id,
        collection_reason=collection.reason,
        commission_rate_bps=company_rate_bps if collection.agent else None,
        contract_kind=collection.contract_kind,
    )


def _check_channel(order: Order, fee: Fee, company_rate_bps: int, policy: Policy) -> None:
    """Its money is there from its payment until it is accepted; a dispute may take until objections are over."""
    net, currency = order.base.net.amount, order.base.net.currency
    commission = fee.of(net) - (net - order.amounts.net.amount)
    ours = Money(commission + share(commission, company_rate_bps), currency) if commission > 0 else Money(0, currency)
    check_split("platform_channel", ours, order.amounts.gross)
    work_days = calendar_days(order.turnaround_days)
    check_hold("platform_channel", work_days + policy.acceptance_days + policy.objection_days)


def _check_sold_by_provider(order: Order, fee: Fee, provider_tax: TaxProfile) -> None:
    if not order.collection.exempt and provider_tax.rate_bps != order.amounts.tax_rate_bps:
        raise ProviderRateChanged
    if (order.base.net - order.amounts.net).amount > fee.of(order.base.net.amount):
        raise DiscountAboveCommission
