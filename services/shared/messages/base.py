"""
What all messages have in common.

A message's name on the wire is written down as a string, never derived from a Python name: moving
or renaming code moves no queue and breaks no consumer.

The sender forbids unknown fields (building a message with one is an error); the reader ignores them
(`parse`), so a sender may add an optional field without asking anybody.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.shared.kernel.actor import Grants
from services.shared.kernel.money import Money
from services.shared.kernel.times import in_calendar


def _no_control(text: str) -> str:
    if any(ord(character) < 32 and character not in "\n\t" for character in text):  # PostgreSQL's text holds no NUL
        raise ValueError("control characters are not allowed")
    return text


def _positive(amount: Money) -> Money:
    if amount.amount <= 0:
        raise ValueError("the amount must be above zero")
    return amount


def _not_negative(amount: Money) -> Money:
    if amount.amount < 0:
        raise ValueError("the amount must be zero or more")
    return amount


def _in_calendar(instant: datetime) -> datetime:
    if not in_calendar(instant):
        raise ValueError("the time is out of the calendar")
    return instant


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_no_control)
]
"""A line of text that is not empty."""

Text = Annotated[str, StringConstraints(max_length=4_000, strip_whitespace=True), AfterValidator(_no_control)]
"""Some lines of text, may be empty."""

Remark = Annotated[
    str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True), AfterValidator(_no_control)
]
"""Some lines of text that are not empty."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""A short machine name: a standard, a carrier, a tracking number."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""In hexadecimal, lower case."""

PositiveMoney = Annotated[Money, AfterValidator(_positive)]
MoneyOrZero = Annotated[Money, AfterValidator(_not_negative)]
Quantity = Annotated[int, Field(ge=1, le=100_000)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
"""1 bp = 0.01 %."""
Instant = Annotated[AwareDatetime, AfterValidator(_in_calendar)]

Unit = Literal["sample", "hour", "half_hour", "day", "element", "component", "scan", "block", "set", "batch", "item"]
"""What an offering is counted in."""


class Message(BaseModel):
    """Frozen, strict: "5" is no number and 5.5 no amount."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """
        Read what came over the wire, ignoring fields this version does not know.

        Raises:
            pydantic.ValidationError: The JSON is broken or a field is missing or wrong.
        """
        return cls.model_validate_json(body, extra="ignore")


class Event(Message):
    """
    A fact one service states, past tense.

    Attributes:
        wire_name: `<aggregate>.<fact>.v<major>`: routing key, and the type without its prefix.
        source: The service that owns and states it.
        stream_of: Noun and field of what it must stay in order with: ("order", "order_id").
    """

    wire_name: ClassVar[str]
    source: ClassVar[str]
    stream_of: ClassVar[tuple[str, str]]

    @property
    def stream(self) -> str:
        noun, field = self.stream_of
        return f"{noun}/{getattr(self, field)}"

    @property
    def subject(self) -> str:
        """What the fact is about: the aggregate in the wire name and its id where the event names one."""
        noun = self.wire_name.partition(".")[0]
        value: UUID | None = getattr(self, f"{noun}_id", None)
        return f"{noun}/{value}" if value is not None else self.stream


class View(Message):
    """What a command or a query answers."""


class Command(Message):
    """
    A request to change something, from the gateway to the service that owns it.

    Attributes:
        wire_name: `<service>.<verb_noun>`: RPC routing key and the method's name.
        grants: Who may: relation to the thing → roles. Code, documents and the cross-tenant test read it.
    """

    wire_name: ClassVar[str]
    grants: ClassVar[Grants]


class Query(Message):
    """A request to read. Same attributes as `Command`."""

    wire_name: ClassVar[str]
    grants: ClassVar[Grants]


class Page(View):
    """
    One page of a list.

    Attributes:
        next_cursor: Give it back to get the next page; none at the end.
    """

    items: tuple[Any, ...]
    next_cursor: str | None = None


class Parked(Message):
    """
    An event that could not be handled and is set aside, or one that waits for another try.

    Attributes:
        reason: Last error, with its traceback where it was a bug.
    """

    source: str
    seq: int
    type: str
    stream: str
    status: str
    attempts: int
    received_at: Instant
    reason: str


class DeadLetter(Message):
    """A message that never became an event here: refused by the broker or from a sender it could not be from."""

    dead_letter_id: UUID
    received_at: Instant
    reason: str
    exchange: str
    routing_key: str
    user_id: str | None
    size_bytes: int
    excerpt: str


OPERATION: Grants = {"operator": frozenset({"administrator"})}


class ListParked(Query):
    """Every service answers it. → ParkedPage"""

    wire_name: ClassVar = "operation.list_parked"
    grants: ClassVar[Grants] = OPERATION

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ParkedPage(Page):
    """*ready*: rows not yet handled; *contiguous*: source → all up to this number has been received."""

    items: tuple[Parked, ...]
    ready: int
    contiguous: dict[str, int]


class ReplayParked(Command):
    """Handle a parked event again, after what was wrong is mended. Every service answers it. → ReplayReceipt"""

    wire_name: ClassVar = "operation.replay_parked"
    grants: ClassVar[Grants] = OPERATION

    from_source: str
    seq: Annotated[int, Field(ge=1)]


class ReplayReceipt(View):
    replayed: int


class ListDeadLetters(Query):
    """Every service answers it. → DeadLetterPage"""

    wire_name: ClassVar = "operation.list_dead_letters"
    grants: ClassVar[Grants] = OPERATION

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class DeadLetterPage(Page):
    items: tuple[DeadLetter, ...]
