"""
Funding: a university's own people pay from a project of the university, by a transfer within it.

The university's finance system sets money aside (reserves), transfers it (executes), and transfers a part back after
refunds. It may answer late, twice or never: what we want of it (*wanted*) and what it last told (*state*) are kept
apart, and it is asked until they agree. The money is on no account of the company; memo accounts follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.shared.kernel.errors import Conflict
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.money import Money

FundingState = Literal["requested", "reserved", "refused", "executed", "released", "lapsed", "unknown"]
Wanted = Literal["reserved", "executed", "released"]
Refusal = Literal[
    "no_finance_system", "project_unknown", "project_closed", "project_frozen", "wrong_person", "category_not_allowed",
    "currency_differs", "period_closed", "over_budget", "refused_otherwise",
]  # fmt: skip

LIFECYCLE: Lifecycle[FundingState] = Lifecycle(
    "funding",
    {
        # a request that was given up may have had its effect after the release that found nothing
        "reserve": {
            "requested": "reserved", "unknown": "reserved", "reserved": "reserved", "released": "reserved",
        },
        "refuse": {"requested": "refused", "unknown": "refused"},
        "execute": {"reserved": "executed", "unknown": "executed", "executed": "executed"},
        "release": {
            "requested": "released", "reserved": "released", "unknown": "released", "released": "released",
        },
        "lapse": {"requested": "lapsed", "reserved": "lapsed", "unknown": "lapsed"},
        # nobody answers, or what is answered contradicts what was asked
        "doubt": {
            "requested": "unknown", "reserved": "unknown", "executed": "unknown", "unknown": "unknown",
            "released": "released", "refused": "refused", "lapsed": "lapsed",
        },
    },
)  # fmt: skip
OVER: frozenset[FundingState] = frozenset({"refused", "released", "lapsed"})
"""Nothing is set aside under it any more."""

LOOKS_BEFORE_ABSENT = 2


class ProjectStillAsked(Conflict):
    """The project named before is still being asked, or has the money set aside."""

    code = "billing.project_still_asked"


class NotPaidFromProject(Conflict):
    """Project funds do not pay this order, or it is cancelled."""

    code = "billing.order_not_paid_from_project"


class FundingNotInDoubt(Conflict):
    """The finance system has answered."""

    code = "billing.funding_not_in_doubt"


class VoucherNotWithProject(Conflict):
    """Project funds pay the order: no programme does."""

    code = "billing.voucher_not_with_project_funds"


@dataclass(frozen=True)
class FundingAgreement:
    """
    What the company agreed with a university about orders of its own people; frozen when the contract is signed.

    Attributes:
        fee_bps: The company's fee, of the internal net; the university owes it, none: 0.
        fee_tax_bps: VAT on that fee.
        cost_category: What projects must allow money for, in the word of the university's finance system.
    """

    fee_bps: int = 0
    fee_tax_bps: int = 600
    cost_category: str = "testing"


@dataclass(frozen=True)
class FundingFacts:
    """
    What the finance system tells of a reservation; amounts in minor units of its currency.

    Attributes:
        status: *absent*: it knows none under our key; *refused*: it makes none, for *reason*.
        executed: Transferred to the provider; *returned*: of that transferred back.
        expires_at: When it lapses by itself; none: never.
    """

    status: Literal["absent", "refused", "reserved", "executed", "released", "lapsed"]
    reason: Refusal | Literal[""] = ""
    executed: int = 0
    returned: int = 0
    expires_at: datetime | None = None


@dataclass
class Funding:
    """
    A reservation under our key `funding:{order}:{n}`; amounts in minor units of *currency*.

    Attributes:
        legal_entity: The university's unified social credit code: whose finance system is asked.
        amount: To be set aside.
        to_execute: Of that to be transferred when the work is accepted: less after a refund before it.
        to_return: Of what was transferred to go back, after all refunds.
        reserved_at: When we first knew that it was set aside.
        asked: How often the finance system was asked; with it each call has a key of its own.
        checks: How many looks there were since it last answered.
        fee_bps, fee_tax_bps: As agreed when the contract was signed.
    """

    funding_id: UUID
    order_id: UUID
    order_number: str
    n: int
    customer_id: UUID
    provider_id: UUID
    legal_entity: str
    project_number: str
    responsible_person: str
    cost_category: str
    state: FundingState
    wanted: Wanted
    currency: str
    amount: int
    fee_bps: int
    fee_tax_bps: int
    requested_at: datetime
    to_execute: int = 0
    to_return: int = 0
    executed: int = 0
    returned: int = 0
    reason: Refusal | Literal[""] = ""
    expires_at: datetime | None = None
    reserved_at: datetime | None = None
    asked: int = 0
    checks: int = 0
    version: int = 0

    @property
    def key(self) -> str:
        """What the finance system knows it by."""
        return f"funding:{self.order_id}:{self.n}"

    @property
    def held(self) -> int:
        """What of the order's price is, or may be, set aside or transferred under it."""
        if self.state in OVER:
            return 0
        return self.executed or self.amount

    @property
    def settled(self) -> bool:
        """It stands as it is wanted: there is nothing to ask for."""
        if self.state in {"refused", "lapsed"}:
            return True
        if self.state == "executed":
            return self.returned >= self.to_return
        return self.state == self.wanted

    @property
    def next_wanted(self) -> Wanted:
        """What the finance system is to be asked for next: it transfers only what it has set aside."""
        return "reserved" if self.wanted == "executed" and self.reserved_at is None else self.wanted

    def money(self, amount: int) -> Money:
        return Money(amount, self.currency)

    def execute(self, amount: int) -> None:
        """The work is accepted: *amount* of it is to be transferred, or, where that is nothing, none."""
        self.to_execute = min(amount, self.amount)
        self.wanted = "executed" if self.to_execute else "released"

    def release(self) -> None:
        """Nothing of it is wanted any more. What was transferred stays so."""
        if not self.executed:
            self.wanted = "released"

    def give_back(self, amount: int) -> int:
        """Let at most *amount* of what is, or is to be, transferred go back. Returns how much."""
        taken = min(amount, self.to_execute - self.to_return)
        self.to_return += taken
        return taken

    def doubt(self) -> None:
        """It is not known how it stands."""
        self.state = LIFECYCLE.after("doubt", self.state)

    def learn(self, facts: FundingFacts) -> None:
        """
        What the finance system tells. What it told before and no longer holds is passed over: answers overtake.

        Raises:
            WrongState: It tells what cannot be.
        """
        if facts.status == "refused":
            # A request that came after the one that made the reservation was refused for want of money, say.
            if self.state in {"requested", "unknown"}:
                self.state, self.reason = LIFECYCLE.after("refuse", self.state), facts.reason or "refused_otherwise"
            return
        if facts.status == "absent":
            if self.wanted == "released":
                # What was given up a moment ago may yet have its effect: it is looked for a second time.
                if self.state != "unknown" or self.checks >= LOOKS_BEFORE_ABSENT:
                    self.state = LIFECYCLE.after("release", self.state)
            elif self.state in {"reserved", "unknown"}:
                self.state = LIFECYCLE.after("lapse", self.state)
            return
        if facts.status == "lapsed":
            if self.state not in OVER:
                self.state = LIFECYCLE.after("lapse", self.state)
            return
        self._learn_made(facts)

    def _learn_made(self, facts: FundingFacts) -> None:
        if facts.status == "reserved":
            if self.executed or (self.state == "released" and self.wanted != "released"):
                return
            self.state, self.expires_at = LIFECYCLE.after("reserve", self.state), facts.expires_at
        elif facts.status == "released":
            # by somebody at the university, where we do not want it
            self.state = LIFECYCLE.after("release" if self.wanted == "released" else "lapse", self.state)
        else:
            self.state = LIFECYCLE.after("execute", self.state)
            self.executed = max(self.executed, facts.executed)
            self.returned = max(self.returned, facts.returned)
            if self.to_return <= self.executed:  # of what was transferred less than asked, the rest is asked for anew
                self.to_execute = min(self.to_execute, self.executed)


def transferred(order_id: UUID, customer_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    """Outside our books, inside the university: memo accounts, in no trial balance."""
    return ledger.entries(("D", ledger.memo_funding(customer_id), amount), ("C", ledger.held_for(order_id), amount))


def transferred_back(order_id: UUID, customer_id: UUID, amount: Money) -> tuple[ledger.Entry, ...]:
    return ledger.entries(("D", ledger.held_for(order_id), amount), ("C", ledger.memo_funding(customer_id), amount))


def held_of(fundings: Sequence[Funding]) -> int:
    """Set aside or transferred for an order, all its reservations together; never more than its gross."""
    return sum(each.held for each in fundings)
