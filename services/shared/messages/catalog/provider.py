"""Providers: organisations that the operating company lets sell."""

from typing import ClassVar, Literal
from uuid import UUID

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Event, Instant, Name, Page, Query, Text, View

ProviderState = Literal["applied", "under_review", "approved", "suspended", "terminated", "rejected"]
EntryStandard = Literal["cma", "cnas", "iso_17025", "national_laboratory", "university_core_facility"]

_OPERATOR: Grants = {"operator": frozenset({"catalogue_operator", "administrator"})}


class ProviderView(View):
    """
    A provider as the operating company keeps it.

    Attributes:
        entry_standards: At least one is needed for approval.
        region: GB/T 2260 code of the administrative division, six digits.
        framework_agreement_number: Of the agreement with the operating company; empty before approval.
    """

    provider_id: UUID
    number: str
    state: ProviderState
    name_zh: str
    name_en: str
    region: str
    introduction: str
    entry_standards: tuple[EntryStandard, ...]
    applied_at: Instant
    reason: str
    framework_agreement_number: str = ""


class ApplyAsProvider(Command):
    """An organisation asks to sell. Its id becomes the provider's id. → ProviderView"""

    wire_name: ClassVar = "catalog.apply_as_provider"
    grants: ClassVar[Grants] = {"self": frozenset({"lab_manager"})}

    name_zh: Name
    name_en: Name
    region: Name
    introduction: Text = ""
    entry_standards: tuple[EntryStandard, ...]


class ReviewProvider(Command):
    """
    The operating company decides. Approval needs a verified organisation, a bank account, an entry standard.

    Attributes:
        framework_agreement_number: Of the agreement that was concluded with the provider. None: on approval it is
            given the next of the platform's own series; the number it has stays.
    """

    wire_name: ClassVar = "catalog.review_provider"
    grants: ClassVar[Grants] = _OPERATOR

    provider_id: UUID
    decision: Literal["take_up", "approve", "reject", "suspend", "resume", "terminate"]
    reason: Text = ""
    framework_agreement_number: Name | None = None


class GetProvider(Query):
    """→ ProviderView"""

    wire_name: ClassVar = "catalog.get_provider"
    grants: ClassVar[Grants] = {**_OPERATOR, "provider": frozenset()}

    provider_id: UUID


class ListProviders(Query):
    """→ ProviderPage, oldest application first."""

    wire_name: ClassVar = "catalog.list_providers"
    grants: ClassVar[Grants] = _OPERATOR

    state: ProviderState | None = None
    after: str | None = None
    limit: int = 50


class ProviderPage(Page):
    items: tuple[ProviderView, ...]


class _ProviderEvent(Event):
    """*framework_agreement_number*: under which it takes orders; none from a sender that does not know it."""

    source: ClassVar = "catalog"
    stream_of: ClassVar = ("provider", "provider_id")

    provider_id: UUID
    name_zh: str
    name_en: str
    region: str
    framework_agreement_number: str | None = None


class ProviderApproved(_ProviderEvent):
    """May sell from now on."""

    wire_name: ClassVar = "provider.approved.v1"


class ProviderSuspended(_ProviderEvent):
    """May not sell for the time being, or never again; running orders go on."""

    wire_name: ClassVar = "provider.suspended.v1"
