"""Offerings: what a provider sells, and at what price from when."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.times import working_days
from services.shared.messages.base import (
    BasisPoints,
    Command,
    Event,
    Instant,
    Message,
    Name,
    Page,
    PositiveMoney,
    Quantity,
    Query,
    Text,
    Unit,
    View,
)  # fmt: skip

OfferingState = Literal["draft", "in_review", "published", "hidden", "retired"]

# A year of them; its calendar days are within what the earlier field may say.
TURNAROUND_WORKING_DAYS_MAX = 260

_PROVIDER: Grants = {"provider": frozenset({"lab_manager"})}
_OPERATOR: Grants = {"operator": frozenset({"catalogue_operator", "administrator"})}


class VolumeDiscount(Message):
    """From *quantity* units on, *discount_bps* off the whole line."""

    quantity: Quantity
    discount_bps: BasisPoints


class Price(Message):
    """
    One entry of the price list. It holds from *valid_from* until the next entry's: no gap, no overlap.

    Attributes:
        unit_price: Net, or with VAT where *includes_tax*.
        charge_basis: 收费依据: which body approved it, in which document, published where.
    """

    valid_from: Instant
    unit_price: PositiveMoney
    includes_tax: bool = False
    volume_discounts: tuple[VolumeDiscount, ...] = ()
    charge_basis: Name


class OfferingContent(Message):
    """
    What a provider says of an offering.

    Attributes:
        method_codes: Standards, e.g. "GB/T 228.1-2021", "ISO 6892-1".
        turnaround_working_days: Working days from the release of the order and complete samples to the report: what
            is promised. None only from a sender that does not know the field yet.
        turnaround_days: The calendar days in which they are sure to pass, public holidays apart. Kept for readers
            of before; not a promise.
        orderable: May be ordered at the published price without a quotation.
    """

    title_zh: Name
    title_en: Name
    description_zh: Text = ""
    description_en: Text = ""
    method_zh: Name
    method_en: Name
    method_codes: tuple[Name, ...] = ()
    instrument: Text = ""
    instrument_class: Annotated[str, StringConstraints(pattern=r"^([0-9]{4,6})?$")] = ""
    unit: Unit
    turnaround_days: Annotated[int, Field(ge=1, le=365)]
    turnaround_working_days: Annotated[int, Field(ge=1, le=TURNAROUND_WORKING_DAYS_MAX)] | None = None
    orderable: bool = True

    @property
    def working_days(self) -> int:
        """The turnaround in working days, whichever of the two fields the sender knew."""
        return self.turnaround_working_days or working_days(self.turnaround_days)


class OfferingView(View):
    """An offering with its whole price list, oldest entry first. *price*: the entry in force, if any."""

    offering_id: UUID
    number: str
    provider_id: UUID
    provider_name_zh: str
    provider_name_en: str
    region: str
    state: OfferingState
    content: OfferingContent
    prices: tuple[Price, ...]
    price: Price | None
    reason: str = ""


class DraftOffering(Command):
    """→ OfferingView"""

    wire_name: ClassVar = "catalog.draft_offering"
    grants: ClassVar[Grants] = {"self": frozenset({"lab_manager"})}

    content: OfferingContent
    prices: tuple[Price, ...] = ()


class SetPrice(Command):
    """
    Adds an entry to the price list, from a time not before now. → OfferingView

    While a draft: from any time, and an entry of the same instant is replaced. All entries are in one currency.
    """

    wire_name: ClassVar = "catalog.set_price"
    grants: ClassVar[Grants] = _PROVIDER

    offering_id: UUID
    price: Price


class ChangeOffering(Command):
    """Replaces the content, except under review. The unit stays once it was published. → OfferingView"""

    wire_name: ClassVar = "catalog.change_offering"
    grants: ClassVar[Grants] = _PROVIDER

    offering_id: UUID
    content: OfferingContent


class MoveOffering(Command):
    """
    A step of the offering's life. → OfferingView

    The provider may submit, hide and retire its own, and show what it hid itself; the operating company publishes,
    sends back, hides, shows. Sending back and hiding by the operating company need a reason.
    """

    wire_name: ClassVar = "catalog.move_offering"
    grants: ClassVar[Grants] = {**_PROVIDER, **_OPERATOR}

    offering_id: UUID
    step: Literal["submit", "publish", "send_back", "hide", "show", "retire"]
    reason: Text = ""


class GetOffering(Query):
    """Published ones for anyone; its own provider and the operating company see every state. → OfferingView"""

    wire_name: ClassVar = "catalog.get_offering"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    offering_id: UUID


class ListOfferings(Query):
    """Of one's own organisation, or all for the operating company. → OfferingPage"""

    wire_name: ClassVar = "catalog.list_offerings"
    grants: ClassVar[Grants] = {"self": frozenset({"lab_manager"}), **_OPERATOR}

    state: OfferingState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OfferingPage(Page):
    items: tuple[OfferingView, ...]


class SearchCatalogue(Query):
    """Published offerings that contain every word, Chinese or English, best first. → CataloguePage"""

    wire_name: ClassVar = "catalog.search_catalogue"
    grants: ClassVar[Grants] = {"anyone": frozenset()}

    text: Annotated[str, StringConstraints(max_length=200)] = ""
    region: str | None = None
    provider_id: UUID | None = None
    unit: Unit | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Hit(Message):
    """*turnaround_working_days*, *turnaround_days*: as in `OfferingContent`."""

    offering_id: UUID
    number: str
    title_zh: str
    title_en: str
    method_zh: str
    method_en: str
    method_codes: tuple[str, ...]
    provider_id: UUID
    provider_name_zh: str
    provider_name_en: str
    region: str
    unit: Unit
    turnaround_days: int
    turnaround_working_days: int | None = None
    price: Price | None
    orderable: bool


class CataloguePage(Page):
    """*total*: how many there are in all, up to 10,000."""

    items: tuple[Hit, ...]
    total: int


class _OfferingEvent(Event):
    """Carries the whole offering: a consumer's copy needs no call back."""

    source: ClassVar = "catalog"
    stream_of: ClassVar = ("offering", "offering_id")

    offering_id: UUID
    number: str
    provider_id: UUID
    content: OfferingContent
    prices: tuple[Price, ...]


class OfferingPublished(_OfferingEvent):
    """May be found and ordered from now on."""

    wire_name: ClassVar = "offering.published.v1"


class OfferingChanged(_OfferingEvent):
    """A published offering's content or price list changed."""

    wire_name: ClassVar = "offering.changed.v1"


class OfferingHidden(_OfferingEvent):
    """May no longer be found or ordered; running orders go on."""

    wire_name: ClassVar = "offering.hidden.v1"
