"""Programmes and vouchers in memory, with the same refusals as the real ones; and things to fill them with."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.billing.domain.claim import Claim, Evidence
from services.billing.domain.offering import ListPrice, OfferingCopy
from services.billing.domain.order import PlacedOrder
from services.billing.domain.programme import Programme, ProgrammeVersion, Rules, Tier, VersionExists
from services.billing.domain.related_party import DeclaredRelation, PricedLine
from services.billing.domain.subsidy import Candidate, SubsidisedOrder, Subsidy, SubsidyExists
from services.billing.domain.voucher import OrderAlreadyClaimed, Voucher, VoucherAlreadyOnOrder, VoucherUse
from services.shared.kernel.errors import NotFound
from services.shared.kernel.ids import derived_id

AUTHORITY_ID = derived_id("organisation", "authority")
PROGRAMME_ID = derived_id("programme", "one")
OFFERING_ID = derived_id("offering", "one")
OPENED = datetime(2026, 1, 1, tzinfo=UTC)

# Enterprises: in Hangzhou (Zhejiang) and in Hefei (Anhui).
HANGZHOU_CODE = "913301060000000017"
HEFEI_CODE = "913401000000000025"


def some_rules(**changes: Any) -> Rules:
    """TV06: 30 % of the net, at most 20,000.00 an order and 50,000.00 a year, claimed by the company."""
    rules = Rules(
        base="net",
        tiers=(Tier(None, 3_000),),
        redeem_to="company",
        shortfall_payer="customer",
        holder_kinds=("enterprise",),
        cap_order=2_000_000,
        cap_holder_year=5_000_000,
        four_eyes_above=10_000_000,
    )
    return replace(rules, **changes)


def subsidy_rules(**changes: Any) -> Rules:
    """Of a programme for providers: 20 % of a quarter's net, at most 50,000.00 a claim and 150,000.00 a year."""
    return some_rules(
        **{"tiers": (Tier(None, 2_000),), "redeem_to": "provider", "shortfall_payer": "provider", "period": "quarter",
           "cap_order": 5_000_000, "cap_holder_year": 15_000_000, "holder_kinds": ("enterprise", "university"),
           "claim_days": 60, **changes}
    )  # fmt: skip


def a_programme(programme_id: UUID = PROGRAMME_ID, **changes: Any) -> Programme:
    programme = Programme(
        programme_id=programme_id, number="PG-2026-000001", code="zj-2026", title_zh="浙江科技创新券",
        title_en="Zhejiang innovation vouchers", authority_id=AUTHORITY_ID, side="customer", currency="CNY",
        budget=100_000_000, opened_at=OPENED,
    )  # fmt: skip
    return replace(programme, **changes)


def a_version(programme_id: UUID = PROGRAMME_ID, rules: Rules | None = None, at: datetime = OPENED) -> ProgrammeVersion:
    return ProgrammeVersion(derived_id("version", programme_id, at), programme_id, at, rules or some_rules(), at)


def an_offering(offering_id: UUID = OFFERING_ID, unit_price: int = 100_000, kind: str = "050101") -> OfferingCopy:
    return OfferingCopy(offering_id, kind, (ListPrice(OPENED, unit_price, "CNY", False),))


def a_line(offering_id: UUID | None = OFFERING_ID, unit_price: int = 100_000) -> PricedLine:
    return PricedLine(offering_id, unit_price, "CNY", False)


class FakePlacedOrders:
    def __init__(self) -> None:
        self.held: dict[UUID, PlacedOrder] = {}

    def add(self, order: PlacedOrder) -> None:
        self.held.setdefault(order.order_id, deepcopy(order))

    def find(self, order_id: UUID) -> PlacedOrder | None:
        return deepcopy(self.held.get(order_id))

    def save(self, order: PlacedOrder) -> None:
        self.held[order.order_id] = deepcopy(order)


class FakeOfferings:
    def __init__(self) -> None:
        self.held: dict[UUID, OfferingCopy] = {}

    def put(self, offering: OfferingCopy) -> None:
        self.held[offering.offering_id] = offering

    def find_all(self, offering_ids: Iterable[UUID]) -> Sequence[OfferingCopy]:
        return [self.held[each] for each in offering_ids if each in self.held]


class FakeRelations:
    def __init__(self) -> None:
        self.held: list[DeclaredRelation] = []

    def add(self, relation: DeclaredRelation) -> DeclaredRelation:
        key = (relation.owner_id, relation.owned_id, relation.kind)
        for each in self.of([relation.owner_id]):
            if (each.owner_id, each.owned_id, each.kind) == key:
                return each
        self.held.append(relation)
        return relation

    def get(self, relation_id: UUID) -> DeclaredRelation:
        for each in self.held:
            if each.relation_id == relation_id:
                return each
        raise NotFound

    def save(self, relation: DeclaredRelation) -> None:
        assert self.get(relation.relation_id) is relation

    def of(self, organisation_ids: Iterable[UUID]) -> Sequence[DeclaredRelation]:
        wanted = set(organisation_ids)
        return [each for each in self.held if {each.owner_id, each.owned_id} & wanted and each.withdrawn_at is None]


class FakeProgrammes:
    """As the database's CHECK constraints, it refuses what the code above should never ask."""

    def __init__(self) -> None:
        self.held: dict[UUID, Programme] = {}
        self.stored_versions: list[ProgrammeVersion] = []
        self.years: dict[tuple[UUID, UUID, int], int] = {}
        self.caps: dict[tuple[UUID, UUID, int], int | None] = {}

    def of_code(self, code: str) -> Programme | None:
        return next((deepcopy(each) for each in self.held.values() if each.code == code), None)

    def find(self, programme_id: UUID, *, lock: bool = False) -> Programme | None:
        del lock
        return deepcopy(self.held.get(programme_id))

    def add(self, programme: Programme) -> None:
        programme.number = programme.number or f"PG-2026-{len(self.held) + 1:06d}"
        self.save(programme)

    def save(self, programme: Programme) -> None:
        if not 0 <= programme.committed <= programme.budget:
            raise AssertionError("the budget is passed")
        self.held[programme.programme_id] = deepcopy(programme)

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Programme]:
        wanted = set(numbers)
        return [deepcopy(each) for each in self.held.values() if each.number in wanted]

    def lock_debtor(self, account: str) -> None: ...

    def awaited(self, programme_id: UUID) -> int:
        del programme_id
        return 0

    def add_version(self, version: ProgrammeVersion) -> None:
        if any(each.valid_from == version.valid_from for each in self.versions(version.programme_id)):
            raise VersionExists
        self.stored_versions.append(version)

    def versions(self, programme_id: UUID) -> tuple[ProgrammeVersion, ...]:
        return tuple(each for each in self.stored_versions if each.programme_id == programme_id)

    def version(self, programme_version_id: UUID) -> ProgrammeVersion:
        return next(each for each in self.stored_versions if each.programme_version_id == programme_version_id)

    def committed_in(self, programme_id: UUID, holder_id: UUID, year: int) -> int:
        return self.years.get((programme_id, holder_id, year), 0)

    def open_year(self, programme_id: UUID, holder_id: UUID, year: int, cap: int | None) -> int:
        key = (programme_id, holder_id, year)
        committed = self.years.setdefault(key, 0)
        self.caps[key] = None if cap is None else max(cap, committed)
        return committed

    def commit_in(self, programme_id: UUID, holder_id: UUID, year: int, change: int) -> None:
        key = (programme_id, holder_id, year)
        self.years[key] += change
        cap = self.caps[key]
        if self.years[key] < 0 or (cap is not None and self.years[key] > cap):
            raise AssertionError("the cap of the year is passed")


class FakeVouchers:
    def __init__(self) -> None:
        self.held: dict[UUID, Voucher] = {}
        self.uses: dict[UUID, VoucherUse] = {}

    def add(self, voucher: Voucher) -> None:
        voucher.number = f"VO-2026-{len(self.held) + 1:06d}"
        self.save(voucher)

    def find(self, voucher_id: UUID, *, lock: bool = False) -> Voucher | None:
        del lock
        return deepcopy(self.held.get(voucher_id))

    def save(self, voucher: Voucher) -> None:
        if min(voucher.reserved, voucher.spent, voucher.left) < 0:
            raise AssertionError("more is spent than granted")
        self.held[voucher.voucher_id] = deepcopy(voucher)

    def add_use(self, use: VoucherUse) -> None:
        if self.use_on(use.order_id) is not None:
            raise VoucherAlreadyOnOrder
        self.save_use(use)

    def use_on(self, order_id: UUID) -> VoucherUse | None:
        found = (each for each in self.uses.values() if each.order_id == order_id and each.state != "returned")
        return deepcopy(next(found, None))

    def orders_reserving(self, voucher_id: UUID) -> Sequence[UUID]:
        return sorted(
            each.order_id for each in self.uses.values() if each.voucher_id == voucher_id and each.state == "reserved"
        )

    def find_use(self, use_id: UUID) -> VoucherUse | None:
        return deepcopy(self.uses.get(use_id))

    def save_use(self, use: VoucherUse) -> None:
        self.uses[use.use_id] = deepcopy(use)


class FakeClaims:
    def __init__(self) -> None:
        self.held: dict[UUID, Claim] = {}

    def add(self, claim: Claim) -> None:
        if any(each.order_id == claim.order_id and each.state != "rejected" for each in self.held.values()):
            raise OrderAlreadyClaimed
        claim.number = f"VC-2026-{len(self.held) + 1:06d}"
        self.save(claim)

    def find(self, claim_id: UUID) -> Claim | None:
        return deepcopy(self.held.get(claim_id))

    def get(self, claim_id: UUID) -> Claim:
        if claim_id not in self.held:
            raise NotFound
        return deepcopy(self.held[claim_id])

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Claim]:
        wanted = set(numbers)
        return [deepcopy(each) for each in self.held.values() if each.number in wanted]

    def save(self, claim: Claim) -> None:
        self.held[claim.claim_id] = deepcopy(claim)


class FakeSubsidies:
    """Without the orders of a period: what gathers them runs on the real database."""

    def __init__(self) -> None:
        self.held: dict[UUID, Subsidy] = {}
        self.orders: dict[UUID, list[SubsidisedOrder]] = {}

    def lock_orders(self, subsidy: Subsidy) -> None: ...

    def claimed(self, subsidy: Subsidy) -> bool:
        mine = (subsidy.programme_id, subsidy.provider_id, subsidy.first_on)
        return any(
            (each.programme_id, each.provider_id, each.first_on) == mine and each.state != "rejected"
            for each in self.held.values()
        )

    def candidates(self, subsidy: Subsidy) -> Sequence[Candidate]:
        del subsidy
        return []

    def add(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        if self.claimed(subsidy):
            raise SubsidyExists
        subsidy.number = f"SB-2026-{len(self.held) + 1:06d}"
        self.save(subsidy)
        self.put_orders(subsidy, orders)

    def put_orders(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        self.orders[subsidy.subsidy_id] = list(orders)

    def put_order(self, subsidy_id: UUID, order: SubsidisedOrder) -> None:
        kept = self.orders[subsidy_id]
        self.orders[subsidy_id] = [order if each.order_id == order.order_id else each for each in kept]

    def free_orders(self, subsidy_id: UUID) -> None: ...

    def orders_of(self, subsidy_id: UUID) -> Sequence[SubsidisedOrder]:
        return self.orders.get(subsidy_id, [])

    def find(self, subsidy_id: UUID) -> Subsidy | None:
        return deepcopy(self.held.get(subsidy_id))

    def get(self, subsidy_id: UUID) -> Subsidy:
        if subsidy_id not in self.held:
            raise NotFound
        return deepcopy(self.held[subsidy_id])

    def counting(self, order_id: UUID) -> Subsidy | None:
        for subsidy_id, orders in self.orders.items():
            if self.held[subsidy_id].state != "rejected" and any(each.order_id == order_id for each in orders):
                return self.get(subsidy_id)
        return None

    def save(self, subsidy: Subsidy) -> None:
        self.held[subsidy.subsidy_id] = deepcopy(subsidy)


class FakeEvidence:
    """Of no test that asks for repeated reports: those run on the real database."""

    def __init__(self) -> None:
        self.held: dict[tuple[UUID, str, UUID], Evidence] = {}

    def add(self, order_id: UUID, evidence: Evidence) -> None:
        self.held.setdefault((order_id, evidence.kind, evidence.reference), evidence)

    def of(self, order_id: UUID) -> Sequence[Evidence]:
        return sorted((each for key, each in self.held.items() if key[0] == order_id), key=lambda each: each.at)

    def reports_claimed_elsewhere(self, order_id: UUID) -> Sequence[tuple[str, str]]:
        del order_id
        return []
