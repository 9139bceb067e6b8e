"""A sample: one kind of thing that the customer sends, from its declaration to the provider's hands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.lifecycle import Lifecycle

SampleState = Literal[
    "expected", "in_transit", "received", "in_use", "stored", "returned", "destroyed", "rejected", "lost", "recalled"
]
Condition = Literal["good", "damaged", "wrong", "incomplete"]

LIFECYCLE: Lifecycle[SampleState] = Lifecycle(
    "sample",
    {
        # A rejected one may be sent again.
        "dispatch": {"expected": "in_transit", "rejected": "in_transit"},
        # Some are handed over in person and were never on their way.
        "receive": {"expected": "received", "in_transit": "received"},
        "reject": {"expected": "rejected", "in_transit": "rejected", "received": "rejected"},
    },
)

TO_BE_DESCRIBED = "待说明 / to be described"


@dataclass(frozen=True)
class SampleDeclared:
    """As the customer describes it when it orders."""

    customer_code: str
    description: str
    quantity: int
    hazards: str = ""
    after_test: Literal["return", "destroy"] = "destroy"


@dataclass
class Sample:
    """*code*: on its label; *position*: counts from 1 within the order."""

    sample_id: UUID
    order_id: UUID
    position: int
    code: str
    customer_code: str
    description: str
    quantity: int
    hazards: str
    after_test: Literal["return", "destroy"]
    state: SampleState = "expected"
    quantity_received: int | None = None
    condition: Condition | None = None
    note: str = ""
    storage_place: str = ""
    received_at: datetime | None = None

    def dispatch(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("dispatch", self.state)

    def receive(self, condition: Condition, quantity: int, storage_place: str, note: str, now: datetime) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("receive", self.state)
        self.condition = condition
        self.quantity_received = quantity
        self.storage_place = storage_place
        self.note = note
        self.received_at = now

    def reject(self, reason: str) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("reject", self.state)
        self.note = reason


def to_expect(declared: tuple[SampleDeclared, ...]) -> tuple[SampleDeclared, ...]:
    """What will be in the parcel: as declared, or one sample that is still to be described."""
    return declared or (SampleDeclared(customer_code="", description=TO_BE_DESCRIBED, quantity=1),)
