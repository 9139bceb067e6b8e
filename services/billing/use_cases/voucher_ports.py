"""What programmes and vouchers need from outside: a part of the ports, which name them."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from services.billing.domain.claim import Claim, Evidence
from services.billing.domain.offering import OfferingCopy
from services.billing.domain.order import PlacedOrder
from services.billing.domain.programme import Programme, ProgrammeVersion
from services.billing.domain.related_party import DeclaredRelation
from services.billing.domain.subsidy import Candidate, SubsidisedOrder, Subsidy
from services.billing.domain.voucher import Voucher, VoucherUse


class PlacedOrders(Protocol):
    def add(self, order: PlacedOrder) -> None:
        """Store it; one that is known already is left alone."""

    def find(self, order_id: UUID) -> PlacedOrder | None:
        """Locked. Whatever concerns an order and its voucher locks the order first."""

    def save(self, order: PlacedOrder) -> None:
        """Its state."""


class Offerings(Protocol):
    def put(self, offering: OfferingCopy) -> None: ...

    def find_all(self, offering_ids: Iterable[UUID]) -> Sequence[OfferingCopy]:
        """Those that are known."""


class Relations(Protocol):
    def add(self, relation: DeclaredRelation) -> DeclaredRelation:
        """Store it, unless the same is declared already; answers the one that stands."""

    def get(self, relation_id: UUID) -> DeclaredRelation:
        """Locked. Raises NotFound."""

    def save(self, relation: DeclaredRelation) -> None: ...

    def of(self, organisation_ids: Iterable[UUID]) -> Sequence[DeclaredRelation]:
        """Those in which any of them stands and that are not withdrawn."""


class Programmes(Protocol):
    def of_code(self, code: str) -> Programme | None:
        """Locked."""

    def find(self, programme_id: UUID, *, lock: bool = False) -> Programme | None: ...

    def add(self, programme: Programme) -> None:
        """Give it its number and store it. Raises ChangedMeanwhile: Its code was taken just now."""

    def save(self, programme: Programme) -> None: ...

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Programme]:
        """Those that exist, locked in the order of their ids."""

    def lock_debtor(self, account: str) -> None:
        """Hold the programme whose receivable *account* is, if there is one."""

    def awaited(self, programme_id: UUID) -> int:
        """What refunds that wait for their red letter will give back to its fund; minor units."""

    def add_version(self, version: ProgrammeVersion) -> None:
        """Raises VersionExists."""

    def versions(self, programme_id: UUID) -> tuple[ProgrammeVersion, ...]: ...

    def version(self, programme_version_id: UUID) -> ProgrammeVersion: ...

    def committed_in(self, programme_id: UUID, holder_id: UUID, year: int) -> int:
        """What counts against a holder's year; minor units."""

    def open_year(self, programme_id: UUID, holder_id: UUID, year: int, cap: int | None) -> int:
        """Likewise, locked; *cap* is what it may not pass from now on."""

    def commit_in(self, programme_id: UUID, holder_id: UUID, year: int, change: int) -> None:
        """Add *change* (minor units, either sign) to it."""


class Vouchers(Protocol):
    def add(self, voucher: Voucher) -> None:
        """Give it its number and store it."""

    def find(self, voucher_id: UUID, *, lock: bool = False) -> Voucher | None: ...

    def save(self, voucher: Voucher) -> None: ...

    def add_use(self, use: VoucherUse) -> None:
        """Raises VoucherAlreadyOnOrder."""

    def use_on(self, order_id: UUID) -> VoucherUse | None:
        """The one that stands on the order, locked; those that returned do not."""

    def orders_reserving(self, voucher_id: UUID) -> Sequence[UUID]:
        """Orders that it is reserved for, in the order of their ids; not locked."""

    def find_use(self, use_id: UUID) -> VoucherUse | None:
        """Locked."""

    def save_use(self, use: VoucherUse) -> None: ...


class Claims(Protocol):
    def add(self, claim: Claim) -> None:
        """Give it its number and store it. Raises OrderAlreadyClaimed."""

    def find(self, claim_id: UUID) -> Claim | None:
        """Not locked."""

    def get(self, claim_id: UUID) -> Claim:
        """Locked. Raises NotFound."""

    def by_numbers(self, numbers: Iterable[str]) -> Sequence[Claim]:
        """Those that exist, locked in the order of their ids, each with the use of its voucher before it."""

    def save(self, claim: Claim) -> None: ...


class Subsidies(Protocol):
    def lock_orders(self, subsidy: Subsidy) -> None:
        """All that its provider has done in its period, in the order of their ids."""

    def claimed(self, subsidy: Subsidy) -> bool:
        """Whether there is one of its programme, provider and period already."""

    def candidates(self, subsidy: Subsidy) -> Sequence[Candidate]:
        """These orders, in the order of acceptance; *counted* by another subsidy than this."""

    def add(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        """Give it its number and store it with *orders*. Raises SubsidyExists."""

    def put_orders(self, subsidy: Subsidy, orders: Sequence[SubsidisedOrder]) -> None:
        """In place of those that it had."""

    def put_order(self, subsidy_id: UUID, order: SubsidisedOrder) -> None:
        """What is left of one."""

    def free_orders(self, subsidy_id: UUID) -> None:
        """Others may count them."""

    def orders_of(self, subsidy_id: UUID) -> Sequence[SubsidisedOrder]:
        """In the order of acceptance."""

    def find(self, subsidy_id: UUID) -> Subsidy | None:
        """Not locked."""

    def get(self, subsidy_id: UUID) -> Subsidy:
        """Locked. Raises NotFound."""

    def counting(self, order_id: UUID) -> Subsidy | None:
        """The one that counts the order, locked."""

    def save(self, subsidy: Subsidy) -> None: ...


class EvidenceStore(Protocol):
    def add(self, order_id: UUID, evidence: Evidence) -> None:
        """Store it; what is there already is left alone."""

    def of(self, order_id: UUID) -> Sequence[Evidence]:
        """Of an order, in the order of instants."""

    def reports_claimed_elsewhere(self, order_id: UUID) -> Sequence[tuple[str, str]]:
        """SHA-256 of reports of this order that a claimed order has too, with the number of that order."""
