"""What orders' use cases need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from services.orders.domain.analysis import Analysis
from services.orders.domain.collection_agreement import CollectionAgreement
from services.orders.domain.commission import CommissionPlanCopy, ReferralCopy
from services.orders.domain.contract import Contract
from services.orders.domain.credit import CreditLineCopy
from services.orders.domain.dispute import Dispute
from services.orders.domain.offering import OfferingCopy
from services.orders.domain.order import Order
from services.orders.domain.organisation import OrganisationCopy
from services.orders.domain.policy import Policy
from services.orders.domain.provider import ProviderCopy
from services.orders.domain.quotation import Quotation
from services.orders.domain.quotation_request import QuotationRequest
from services.orders.domain.report import Report
from services.orders.domain.sample import Sample
from services.orders.domain.shipment import Shipment
from services.shared.kernel.actor import Relation
from services.shared.messages.base import Event
from services.shared.messages.orders.order import OrderView

Hanging = Literal["contract", "sample", "analysis", "report", "dispute"]
"""What hangs on an order: whoever changes it holds the order's row, so that no two lock in different order."""


@dataclass(frozen=True)
class Shelf:
    """
    What one look at the shelf tells: the offerings that are known, at which VAT rate the company sells, and what was
    agreed with their providers on collecting.
    """

    offerings: Mapping[UUID, OfferingCopy]
    company_rate_bps: int
    agreements: Sequence[CollectionAgreement] = ()


class Organisations(Protocol):
    def put(self, organisation: OrganisationCopy) -> None: ...

    def find(self, organisation_ids: Sequence[UUID]) -> Mapping[UUID, OrganisationCopy]: ...

    def company_rate_bps(self) -> int:
        """The operating company's VAT rate; the general one until it is known."""


class Providers(Protocol):
    def put(self, provider: ProviderCopy) -> None: ...

    def find(self, provider_ids: Sequence[UUID]) -> Mapping[UUID, ProviderCopy]: ...


class Offerings(Protocol):
    def put(self, offering: OfferingCopy) -> None: ...

    def shelf(self, offering_ids: Sequence[UUID]) -> Shelf:
        """In one round trip: placing orders is measured."""


class Commission(Protocol):
    def put_plan(self, plan: CommissionPlanCopy) -> None: ...

    def put_referral(self, referral: ReferralCopy) -> None: ...

    def plans_for(self, provider_id: UUID) -> Sequence[CommissionPlanCopy]:
        """Those made for this provider and those made for all."""

    def volume_since(self, since: datetime, provider_id: UUID, currency: str) -> int:
        """
        Net (minor units) of the provider's orders contracted since then and not cancelled.

        Other orders of this provider whose volume is asked for wait until the end of the transaction.
        """

    def end_referral(self, referral_id: UUID, protected_until: datetime) -> None: ...

    def referral_for(self, customer_id: UUID, placed_at: datetime) -> ReferralCopy | None:
        """The first that protected the customer when the order was placed: a later claim did not bring it."""


class CollectionAgreements(Protocol):
    def add(self, agreement: CollectionAgreement) -> None:
        """Raises CollectionAgreementExists: One that is not withdrawn begins at that instant."""

    def get(self, collection_agreement_id: UUID) -> CollectionAgreement:
        """Locked until the end of the transaction. Raises NotFound."""

    def save(self, agreement: CollectionAgreement) -> None: ...

    def of_provider(self, provider_id: UUID) -> Sequence[CollectionAgreement]:
        """The approved ones."""


class CreditLines(Protocol):
    def put(self, line: CreditLineCopy) -> None: ...

    def suspend(self, credit_line_id: UUID) -> None: ...

    def find(self, customer_id: UUID, currency: str) -> CreditLineCopy | None: ...


class QuotationRequests(Protocol):
    def add(self, request: QuotationRequest) -> None:
        """Give it its number and store it."""

    def get(self, quotation_request_id: UUID) -> QuotationRequest:
        """Locked until the end of the transaction, and with it its quotations. Raises NotFound."""

    def of_quotation(self, quotation_id: UUID) -> QuotationRequest:
        """Likewise. Raises NotFound."""

    def save(self, request: QuotationRequest) -> None: ...


class Quotations(Protocol):
    def add(self, quotation: Quotation) -> None:
        """Give it its number and store it."""

    def of_request(self, quotation_request_id: UUID) -> list[Quotation]:
        """All, earliest first; ask only while holding the request."""

    def save(self, quotation: Quotation) -> None: ...


class Orders(Protocol):
    def place(self, order: Order, contract_id: UUID) -> None:
        """Give it its number; store it with the samples it declares and the draft of its contract."""

    def get(self, order_id: UUID) -> Order:
        """Locked until the end of the transaction, and with it all that hangs on it. Raises NotFound."""

    def of(self, noun: Hanging, thing_id: UUID) -> Order:
        """The order that *noun* with *thing_id* hangs on, locked likewise. Raises NotFound."""

    def save(self, order: Order) -> None:
        """With its new steps."""


class Contracts(Protocol):
    def of_order(self, order_id: UUID) -> Contract: ...

    def save(self, contract: Contract) -> None: ...


class Samples(Protocol):
    def of_order(self, order_id: UUID) -> list[Sample]:
        """In the order of their labels."""

    def save(self, samples: Sequence[Sample]) -> None: ...


class Shipments(Protocol):
    def reserve_number(self, now: datetime) -> str:
        """A number for a shipment to come."""

    def add(self, shipment: Shipment) -> None:
        """Store it, with a number of its own where none was reserved for it."""

    def of_order(self, order_id: UUID) -> list[Shipment]: ...

    def save(self, shipment: Shipment) -> None: ...


class Analyses(Protocol):
    def of_order(self, order_id: UUID) -> list[Analysis]: ...

    def save(self, analysis: Analysis) -> None:
        """Store it, whether it is known or not."""


class Reports(Protocol):
    def add(self, report: Report) -> None:
        """Give it its number and store it."""

    def of_order(self, order_id: UUID) -> list[Report]: ...

    def save(self, report: Report) -> None: ...


class Disputes(Protocol):
    def add(self, dispute: Dispute) -> None:
        """Give it its number and store it."""

    def get(self, dispute_id: UUID) -> Dispute:
        """Ask only while holding the order. Raises NotFound."""

    def open_of(self, order_id: UUID) -> Dispute | None:
        """The one that is neither decided nor withdrawn."""

    def save(self, dispute: Dispute) -> None: ...


class Files(Protocol):
    def upload_url(self, key: str) -> str:
        """Where one file may be PUT. Makes no request."""
        ...


class OrdersUnitOfWork(Protocol):
    @property
    def organisations(self) -> Organisations: ...

    @property
    def providers(self) -> Providers: ...

    @property
    def offerings(self) -> Offerings: ...

    @property
    def commission(self) -> Commission: ...

    @property
    def collection_agreements(self) -> CollectionAgreements: ...

    @property
    def credit_lines(self) -> CreditLines: ...

    @property
    def quotation_requests(self) -> QuotationRequests: ...

    @property
    def quotations(self) -> Quotations: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def contracts(self) -> Contracts: ...

    @property
    def samples(self) -> Samples: ...

    @property
    def shipments(self) -> Shipments: ...

    @property
    def analyses(self) -> Analyses: ...

    @property
    def reports(self) -> Reports: ...

    @property
    def disputes(self) -> Disputes: ...

    @property
    def files(self) -> Files: ...

    @property
    def policy(self) -> Policy: ...

    def order_view(self, order_id: UUID, seen_as: Relation) -> OrderView:
        """The order as this transaction sees it."""

    def publish(self, event: Event) -> UUID: ...

    def call_outside(self, kind: str, key: str, payload: Mapping[str, Any]) -> None: ...

    def set_timer(self, kind: str, subject: object, due_at: datetime) -> None: ...

    def cancel_timer(self, kind: str, subject: object) -> None: ...
