"""
A line of the company's bank account, and when two files tell of the same one.

The bank tells of a movement several times: announced, in a notification, in the statement of the day. What it
gives the movement as a reference names it for ever. Where it gives none, a line is what it says: of such lines
that say the same, each kind of file tells every one once, so that two in one kind are two, and one in each of
two kinds is one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.bank_line_part import WAYS, Part, PartsDiffer, Proposal
from services.shared.kernel.errors import Conflict, NotAllowed
from services.shared.kernel.ids import derived_id
from services.shared.kernel.lifecycle import Lifecycle, WrongState
from services.shared.kernel.money import Money
from services.shared.kernel.times import business_date

MADE_UP = "~="
"""How serial numbers begin that are ours, where the bank gives none: of what a line says, of its balance."""

BankLineState = Literal["announced", "matched", "suspense", "withdrawn"]
FileKind = Literal["csv", "camt.053", "camt.054"]


class LineContradicts(Conflict):
    """A line with this serial number was read before and said something else."""

    code = "billing.bank_line_contradicts"


class SameHandsResolve(NotAllowed):
    """Who proposed what a line of this amount is for does not confirm it."""

    code = "billing.four_eyes_required"


class NotUndoable(Conflict):
    """What this line was matched to is not taken back here: a payout by its own steps, a paid order by a refund."""

    code = "billing.bank_line_not_undoable"


LIFECYCLE: Lifecycle[BankLineState] = Lifecycle(
    "bank_line",
    {
        "resolve": {"suspense": "matched"},
        "undo": {"matched": "suspense"},
        "withdraw": {"announced": "withdrawn"},
    },
)


@dataclass
class BankLine:
    """
    Attributes:
        bank_line_id: Of account and serial number.
        serial_number: The bank's own reference; until the line is placed empty where the bank gives none.
        amount: Minor units of *currency*, above zero.
        counterparty_account: The other side's account, empty where the bank does not tell.
        state: *announced* is not booked by the bank yet and moves nothing; *withdrawn* was booked otherwise.
        target: `payment/<id>` or `payout/<id>`; empty while in suspense.
        held: Why it may match nothing by itself; known while its file is read, afterwards it is the reason.
        fingerprint: Of what it says but for the day; alike lines share it.
        entry_reference: The bank's reference of the entry that the line is, or is a part of; may be empty.
        references: Other references of the bank that name only this line.
        parts: What it was matched to, and how much of it to each.
        booked_key: The transaction of the ledger that matched it; empty where something else than it did.
        turn: How often it was booked after the first time.
        proposal: Waits for a second person.
    """

    bank_line_id: UUID
    account: str
    serial_number: str
    booked_at: datetime
    direction: Literal["in", "out"]
    amount: int
    currency: str
    counterparty: str
    remittance: str
    counterparty_account: str = ""
    state: BankLineState = "suspense"
    target: str = ""
    reason: str = ""
    held: str = ""
    fingerprint: str = ""
    entry_reference: str = ""
    references: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    booked_key: str = ""
    turn: int = 0
    proposal: Proposal | None = None

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def key(self) -> str:
        """Names the line among all business facts of the ledger."""
        return f"bank:{self.account}:{self.serial_number}"

    @property
    def announced(self) -> bool:
        return self.state == "announced"

    def name(self, serial_number: str) -> None:
        """Give it the serial number by which it is known from now on."""
        self.serial_number = serial_number
        self.bank_line_id = derived_id("bank_line", self.account, serial_number)

    def next_key(self) -> str:
        """Of the transaction that books it once more."""
        self.turn += 1
        return f"{self.key}:{self.turn}"

    def match(self, target: str, reason: str = "") -> None:
        self.state, self.target, self.reason = "matched", target, reason

    def resolve(self, parts: tuple[Part, ...], reason: str, booked_key: str) -> None:
        """It was booked as *parts* under *booked_key*."""
        self.match(", ".join(dict.fromkeys(part.target for part in parts)), reason)
        self.parts, self.booked_key, self.proposal = parts, booked_key, None

    def check_parts(self, parts: Sequence[Part]) -> None:
        """Raises WrongState, PartsDiffer."""
        LIFECYCLE.after("resolve", self.state)
        fits = all(self.direction in WAYS[part.kind] and part.amount > 0 for part in parts)
        targets = [(part.kind, part.target_id) for part in parts]
        returned_whole = all(part.kind != "returned" for part in parts) or len(parts) == 1
        if not fits or not returned_whole or len(set(targets)) < len(targets):
            raise PartsDiffer
        if sum(part.amount for part in parts) != self.amount:
            raise PartsDiffer

    def propose(self, proposal: Proposal) -> None:
        """Another one is to confirm it; an earlier proposal is replaced. Raises WrongState, PartsDiffer."""
        self.check_parts(proposal.parts)
        self.proposal = proposal

    def confirmed_by(self, hand: str) -> Proposal:
        """Raises WrongState: Nothing was proposed. SameHandsResolve: *hand* proposed it."""
        if self.proposal is None or self.state != "suspense":
            raise WrongState(noun="bank_line", state=self.state, verb="confirm")
        if self.proposal.by == hand:
            raise SameHandsResolve
        return self.proposal

    def undo(self) -> None:
        """It waits in suspense again. Raises WrongState, NotUndoable."""
        state = LIFECYCLE.after("undo", self.state)
        if not self.parts:
            raise NotUndoable
        self.state, self.target, self.reason, self.parts, self.booked_key = state, "", "undone", (), ""

    def book(self, told: "BankLine") -> None:
        """The bank has booked what it had announced, perhaps for another amount or on another day."""
        self.booked_at, self.amount, self.currency = told.booked_at, told.amount, told.currency
        self.direction, self.counterparty, self.remittance = told.direction, told.counterparty, told.remittance
        self.counterparty_account, self.fingerprint = told.counterparty_account, told.fingerprint
        self.held, self.state, self.reason = told.held, "suspense", ""

    def withdraw(self) -> None:
        """It was announced as one and booked as several."""
        self.state, self.reason = LIFECYCLE.after("withdraw", self.state), "booked_in_parts"

    def says_the_same(self, other: "BankLine", days: int = 0) -> bool:
        """As much in the same direction on the same day; *days*: so far apart may two days be."""
        # The day is part of it: a bank that uses a reference again, for as much, would else lose us a line.
        apart = abs(business_date(self.booked_at) - business_date(other.booked_at)).days
        return (self.direction, self.amount, self.currency) == (
            other.direction, other.amount, other.currency,
        ) and apart <= days  # fmt: skip


@dataclass(frozen=True)
class BankFile:
    """A file that was read as one of *account*. *bank_file_id*: of account and content."""

    bank_file_id: UUID
    account: str
    sha256: str
    kind: FileKind
    imported_at: datetime
    imported_by: str


@dataclass
class Placed:
    """
    Which lines of the account a file's lines are.

    Attributes:
        lines: All that the file tells of, each once, in its order.
        fresh: Not known before.
        booked: Announced before and booked by this file.
        withdrawn: Announced before and booked in parts, which are among the fresh.
        told_booked: Those that the file tells as booked.
    """

    lines: list[BankLine] = field(default_factory=list)
    fresh: list[BankLine] = field(default_factory=list)
    booked: list[BankLine] = field(default_factory=list)
    withdrawn: list[BankLine] = field(default_factory=list)
    told_booked: set[UUID] = field(default_factory=set)

    @property
    def to_book(self) -> list[BankLine]:
        return [line for line in [*self.fresh, *self.booked] if not line.announced]


class KnownLines:
    """
    What is known of the lines that a file of *kind* may tell of.

    Args:
        lines: With all their references.
        told_by: Which kinds of files have told of each line as booked.
    """

    def __init__(self, lines: Iterable[BankLine], told_by: Mapping[UUID, frozenset[str]], kind: FileKind) -> None:
        self.kind = kind
        self.told_by = told_by
        self.by_reference: dict[str, BankLine] = {}
        self.by_entry: defaultdict[str, list[BankLine]] = defaultdict(list)
        self.alike: defaultdict[str, list[BankLine]] = defaultdict(list)
        self.taken: set[UUID] = set()
        for line in lines:
            self._keep(line)

    def place(self, told: Sequence[BankLine]) -> Placed:
        """Raises LineContradicts: A reference is known for something else."""
        placed = Placed()
        for line in told:
            found = self._known(line)
            if found and _in_parts(found[0], line):
                found[0].withdraw()
                placed.withdrawn.append(found[0])
                found = []
            if not found:
                self._new(line)
                placed.fresh.append(line)
            for known in found:
                if known.announced and not line.announced:
                    known.book(line)
                    placed.booked.append(known)
                if known.says_the_same(line, days=1):
                    self._learn(known, line)
            for each in found or [line]:
                if not line.announced:
                    placed.told_booked.add(each.bank_line_id)
                if each.bank_line_id not in self.taken:
                    self.taken.add(each.bank_line_id)
                    placed.lines.append(each)
        return placed

    def _keep(self, line: BankLine) -> None:
        for reference in (line.serial_number, *line.references):
            self.by_reference.setdefault(reference, line)
        if line.entry_reference:
            self.by_entry[line.entry_reference].append(line)
        self.alike[line.fingerprint].append(line)

    def _new(self, line: BankLine) -> None:
        if not line.serial_number:
            number = 1 + len(self.alike[line.fingerprint])
            line.name(line.references[0] if line.references else f"~{line.fingerprint}-{number}")
        self._keep(line)

    def _learn(self, known: BankLine, told: BankLine) -> None:
        """By the references of another kind of file the line is known from now on too."""
        names = (known.serial_number, *known.references)
        more = [each for each in (told.serial_number, *told.references) if each and each not in names]
        known.references += tuple(each for each in more if each not in self.by_reference)
        for reference in more:
            self.by_reference.setdefault(reference, known)

    def _known(self, told: BankLine) -> list[BankLine]:
        """The lines that *told* tells of; several where the whole of an entry is told of that is known in parts."""
        if told.serial_number in self.by_reference:
            return [self._same(self.by_reference[told.serial_number], told)]
        family = self.by_entry[told.entry_reference] if told.entry_reference else []
        if told.serial_number == told.entry_reference and family:
            if sum(line.amount for line in family) != told.amount:
                raise LineContradicts(serial_number=told.serial_number)
            return family
        # A part of what is known as a whole: its money is booked.
        whole = [line for line in family if line.serial_number == told.entry_reference and line.state != "withdrawn"]
        if whole:
            return whole
        by_others = (self.by_reference.get(reference) for reference in told.references)
        for line in by_others:
            if line is not None and line.bank_line_id not in self.taken and line.says_the_same(told, days=1):
                return [line]
        return self._alike(told)

    def _alike(self, told: BankLine) -> list[BankLine]:
        """The first that says the same, of which no file of this kind has told yet; announced ones on any day."""
        for line in self.alike[told.fingerprint]:
            if line.bank_line_id in self.taken or line.state == "withdrawn":
                continue
            if _names(line) and _names(told):
                continue  # each has the bank's reference, another one
            if line.announced or (not told.announced and self._told_elsewhere(line) and line.says_the_same(told)):
                return [line]
        return []

    def _told_elsewhere(self, line: BankLine) -> bool:
        return self.kind not in self.told_by.get(line.bank_line_id, frozenset())

    def _same(self, known: BankLine, told: BankLine) -> BankLine:
        if known.announced or told.announced:
            return known
        # Kinds of files differ in whether they tell an hour, and of which zone: by a day at most.
        if not known.says_the_same(told, days=1 if self._told_elsewhere(known) else 0):
            raise LineContradicts(serial_number=told.serial_number)
        return known


def _in_parts(known: BankLine, told: BankLine) -> bool:
    """Whether *told* is a part of what was announced as one."""
    return known.announced and told.entry_reference == known.serial_number != told.serial_number


def _names(line: BankLine) -> bool:
    """Whether the bank gives it a reference of its own."""
    return bool(line.references) or bool(line.serial_number and line.serial_number[0] not in MADE_UP)


def suspense(amount: Money, direction: Literal["in", "out"]) -> tuple[ledger.Entry, ...]:
    """A line of the bank's statement of which nobody knows what it is for."""
    if direction == "in":
        return ledger.entries(("D", ledger.BANK, amount), ("C", ledger.SUSPENSE, amount))
    return ledger.entries(("D", ledger.SUSPENSE, amount), ("C", ledger.BANK, amount))
