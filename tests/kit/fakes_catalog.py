"""Catalog's unit of work in memory, with the same refusals as the real one, and things to fill it with."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.catalog.domain.offering import Content, Offering, Price
from services.catalog.domain.organisation import OrganisationCopy
from services.catalog.domain.provider import AlreadyApplied, Provider
from services.catalog.domain.search import Listing
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id, new_id
from services.shared.kernel.money import Money
from services.shared.messages.base import Event

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

PROVIDER_ID = derived_id("organisation", "provider")
OTHER_PROVIDER_ID = derived_id("organisation", "other provider")
CUSTOMER_ID = derived_id("organisation", "customer")
OPERATOR_ID = derived_id("organisation", "operator")


def an_actor(organisation_id: UUID, *roles: Role, operator: bool = False) -> Actor:
    return Actor(organisation_id=organisation_id, roles=frozenset(roles), member_id=new_id(), operator=operator)


LAB_MANAGER = an_actor(PROVIDER_ID, "lab_manager")
TECHNICIAN = an_actor(PROVIDER_ID, "technician")
OTHER_LAB_MANAGER = an_actor(OTHER_PROVIDER_ID, "lab_manager")
REQUESTER = an_actor(CUSTOMER_ID, "requester")
CATALOGUE_OPERATOR = an_actor(OPERATOR_ID, "catalogue_operator", operator=True)
FINANCE_OPERATOR = an_actor(OPERATOR_ID, "finance_operator", operator=True)


def a_provider(**changes: Any) -> Provider:
    provider = Provider(
        provider_id=PROVIDER_ID,
        number="PR-2026-000001",
        state="approved",
        name_zh="青城材料测试中心",
        name_en="Qingcheng Materials Testing Centre",
        region="150100",
        introduction="",
        entry_standards=("cma",),
        applied_at=NOW - timedelta(days=30),
    )
    return replace(provider, **changes)


def an_organisation(**changes: Any) -> OrganisationCopy:
    organisation = OrganisationCopy(
        organisation_id=PROVIDER_ID,
        kind="provider",
        legal_name="青城材料测试中心",
        legal_name_en="Qingcheng Materials Testing Centre",
        verified=True,
        has_bank_account=True,
    )
    return replace(organisation, **changes)


def a_content(**changes: Any) -> Content:
    content = Content(
        title_zh="扫描电镜形貌观察",
        title_en="Scanning electron microscopy",
        description_zh="断口与表面形貌。",
        description_en="Fracture surfaces and topography.",
        method_zh="微束分析 扫描电镜",
        method_en="Microbeam analysis, SEM",
        method_codes=("GB/T 16594-2008",),
        instrument="EVO-LS10",
        instrument_class="0302",
        unit="sample",
        turnaround_working_days=7,
        orderable=True,
    )
    return replace(content, **changes)


def a_price(amount: int = 30_000, **changes: Any) -> Price:
    price = Price(
        valid_from=NOW - timedelta(days=1),
        unit_price=Money(amount, "CNY"),
        includes_tax=False,
        volume_discounts=(),
        charge_basis="价目 2026-1，官网公示",
    )
    return replace(price, **changes)


def an_offering(**changes: Any) -> Offering:
    offering = Offering(
        offering_id=new_id(),
        provider_id=PROVIDER_ID,
        number="OF-2026-000001",
        content=a_content(),
        drafted_at=NOW - timedelta(days=2),
        prices=(a_price(),),
        state="published",
    )
    return replace(offering, **changes)


@dataclass
class FakeProviders:
    rows: dict[UUID, Provider] = field(default_factory=dict)

    def add(self, provider: Provider) -> None:
        if provider.provider_id in self.rows:
            raise AlreadyApplied
        provider.number = f"PR-2026-{len(self.rows) + 1:06d}"
        self.rows[provider.provider_id] = deepcopy(provider)

    def get(self, provider_id: UUID) -> Provider:
        if provider_id not in self.rows:
            raise NotFound
        return deepcopy(self.rows[provider_id])

    def find_unchanging(self, provider_id: UUID) -> Provider | None:
        return deepcopy(self.rows.get(provider_id))

    def next_agreement_number(self, now: datetime) -> str:
        numbered = [row for row in self.rows.values() if row.framework_agreement_number]
        return f"FA-{now.year}-{len(numbered) + 1:06d}"

    def save(self, provider: Provider) -> None:
        self.rows[provider.provider_id] = replace(provider, version=provider.version + 1)


@dataclass
class FakeOrganisations:
    rows: dict[UUID, OrganisationCopy] = field(default_factory=dict)

    def put(self, organisation: OrganisationCopy) -> None:
        self.rows[organisation.organisation_id] = organisation

    def find(self, organisation_id: UUID) -> OrganisationCopy | None:
        return self.rows.get(organisation_id)


@dataclass
class FakeOfferings:
    providers: FakeProviders
    rows: dict[UUID, Offering] = field(default_factory=dict)

    def add(self, offering: Offering) -> None:
        offering.number = f"OF-2026-{len(self.rows) + 1:06d}"
        self.rows[offering.offering_id] = deepcopy(offering)

    def get_with_seller(self, offering_id: UUID) -> tuple[Offering, Provider]:
        if offering_id not in self.rows:
            raise NotFound
        offering = deepcopy(self.rows[offering_id])
        return offering, self.providers.get(offering.provider_id)

    def save(self, offering: Offering) -> None:
        self.rows[offering.offering_id] = replace(offering, version=offering.version + 1)

    def hide_all(self, provider_id: UUID, reason: str) -> Sequence[Offering]:
        return [
            self._put(replace(offering, state="hidden", hidden_by="suspension", reason=reason))
            for offering in list(self.rows.values())
            if offering.provider_id == provider_id and offering.state == "published"
        ]

    def show_all(self, provider_id: UUID) -> Sequence[Offering]:
        return [
            self._put(replace(offering, state="published", hidden_by="", reason=""))
            for offering in list(self.rows.values())
            if offering.provider_id == provider_id and offering.hidden_by == "suspension"
        ]

    def _put(self, offering: Offering) -> Offering:
        self.rows[offering.offering_id] = replace(offering, version=offering.version + 1)
        return deepcopy(self.rows[offering.offering_id])


@dataclass
class FakeListings:
    rows: dict[UUID, Listing] = field(default_factory=dict)

    def put(self, listings: Sequence[Listing]) -> None:
        self.rows.update({listing.offering_id: listing for listing in listings})

    def remove(self, offering_ids: Sequence[UUID]) -> None:
        for offering_id in offering_ids:
            self.rows.pop(offering_id, None)


class FakeCatalog:
    """A unit of work whose transactions all succeed; *events* holds what was published, in order."""

    def __init__(self, *things: Provider | OrganisationCopy | Offering) -> None:
        self.providers = FakeProviders()
        self.organisations = FakeOrganisations()
        self.offerings = FakeOfferings(self.providers)
        self.listings = FakeListings()
        self.events: list[Event] = []
        for thing in things:
            if isinstance(thing, Provider):
                self.providers.rows[thing.provider_id] = thing
            elif isinstance(thing, OrganisationCopy):
                self.organisations.put(thing)
            else:
                self.offerings.rows[thing.offering_id] = thing

    def publish(self, event: Event) -> UUID:
        self.events.append(event)
        return new_id()

    def told(self) -> list[str]:
        """The wire names of what was published."""
        return [event.wire_name for event in self.events]
