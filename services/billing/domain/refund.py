"""
A refund: money that goes back to who paid it, by the way it came.

What the parties have of the order comes down when it is agreed. The customer's side, and with it the money,
waits where the order is invoiced until the red-letter invoice may be issued.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.billing.domain import ledger
from services.billing.domain.commission import Burden, Split, StationBase
from services.billing.domain.payment import Payment
from services.billing.domain.refund_part import BY_HAND, RefundPart, RefundRoute
from services.shared.kernel.errors import Conflict, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle, WrongState
from services.shared.kernel.money import Money, allocate

RefundState = Literal["requested", "awaiting_red_letter", "pending", "succeeded", "failed", "cancelled"]
RefundCause = Literal["cancellation", "dispute", "manual", "chargeback"]

LIFECYCLE: Lifecycle[RefundState] = Lifecycle(
    "refund",
    {
        "await_red_letter": {"requested": "awaiting_red_letter"},
        "pay": {"requested": "pending", "awaiting_red_letter": "pending"},
        # from failed: a person finds on the bank's statement that it was transferred after all
        "succeed": {"pending": "succeeded", "failed": "succeeded"},
        # the payment institution, or the bank, may find only days later that it cannot pay
        "fail": {"pending": "failed", "succeeded": "failed"},
        "reroute": {"failed": "pending"},
        "cancel": {"requested": "cancelled"},
    },
)


class SameHands(NotAllowed):
    """Who asked for a refund, or decided it, does not let it go; who let it go does not say that it failed."""

    code = "billing.refund_four_eyes_required"


class RefundExceedsPaid(Conflict):
    """More would go back than was paid."""

    code = "billing.refund_exceeds_paid"


class NothingWaits(Conflict):
    """Nothing of this refund waits for approval."""

    code = "billing.refund_waits_for_nobody"


class ProvidersMoney(Conflict):
    """What the provider sold is given back by the channel or by bank, and is no credit with the company."""

    code = "billing.refund_of_providers_money"


class PayerWithoutBankAccount(Conflict):
    """The payer has told no bank account to which its money could go back."""

    code = "billing.payer_without_bank_account"


@dataclass
class Refund:
    """
    Amounts in minor units of *currency*, gross = net + tax.

    Attributes:
        n: Which refund of its order it is.
        asked: What of N goes back; 0 where the order was not performed. *net* is what the customer is invoiced less.
        takes: What it takes from each part of the order's split; none where the order was not performed.
        performed: The order was accepted when this was agreed.
        to_programme: What of the gross goes back to the programme of a voucher, and not to the payer.
        programme_account: Credited with it; empty: nothing of it stands in the ledger yet.
        on_account: What of the gross the customer had not paid and does not owe any more: it was on credit.
        requested_by: The first pair of eyes: who asked for it, or decided what it follows from.
        waived_by: Who first wanted it paid before the red-letter form is confirmed.
    """

    refund_id: UUID
    number: str
    order_id: UUID
    order_number: str
    n: int
    customer_id: UUID
    cause: RefundCause
    state: RefundState
    currency: str
    burden: Burden
    station_base: StationBase
    reason: str
    requested_at: datetime
    requested_by: str
    asked: int = 0
    net: int = 0
    tax: int = 0
    dispute_id: UUID | None = None
    performed: bool = False
    takes: Split | None = None
    to_programme: int = 0
    programme_account: str = ""
    on_account: int = 0
    parts: tuple[RefundPart, ...] = ()
    approved_by: str = ""
    waived_by: str = ""
    agreed_at: datetime | None = None
    succeeded_at: datetime | None = None
    version: int = 0

    @property
    def by_provider(self) -> bool:
        """The provider has the money and gives it back: nothing of it is in our ledger."""
        return any(part.at_channel or part.route == "direct_transfer" for part in self.parts)

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def to_payer(self) -> int:
        """What goes back in money."""
        return self.gross - self.to_programme - self.on_account

    def money(self, amount: int) -> Money:
        return Money(amount, self.currency)

    def agree(self, parts: Sequence[RefundPart], now: datetime, *, performed: bool, invoiced: bool) -> None:
        """
        It is fixed what goes back and by which ways. Raises WrongState.

        Args:
            parts: They sum to what goes back to the payer.
            performed: The order is accepted.
            invoiced: A red-letter invoice comes first.
            now: When.
        """
        if sum(part.amount for part in parts) != self.to_payer:
            raise ValueError("the parts of a refund sum to what goes back to the payer")
        self.state = LIFECYCLE.after("await_red_letter" if invoiced else "pay", self.state)
        self.parts, self.agreed_at, self.performed = tuple(parts), now, performed

    def pay(self) -> None:
        """Nothing more is awaited: the money may leave. Raises WrongState."""
        self.state = LIFECYCLE.after("pay", self.state)

    def approve(self, by: str) -> None:
        """
        The second pair of eyes.

        Raises:
            SameHands: *by* is the first.
        """
        if by == self.requested_by:
            raise SameHands
        self.approved_by = by

    def cancel(self) -> None:
        """Raises WrongState."""
        self.state = LIFECYCLE.after("cancel", self.state)

    def waive_red_letter(self, by: str) -> bool:
        """
        Somebody wants it paid before the form is confirmed. Returns whether two have said so.

        Raises:
            WrongState: No red letter is awaited.
            SameHands: *by* said it already.
        """
        if self.state != "awaiting_red_letter":
            raise WrongState(noun="refund", state=self.state, verb="waive_red_letter")
        if not self.waived_by:
            self.waived_by = by
            return False
        if self.waived_by == by:
            raise SameHands
        return True

    @property
    def waits_for_approval(self) -> bool:
        """Somebody is to let a part of it go."""
        return self.state == "pending" and any(_by_hand(part) for part in self.parts)

    def reroute(self, route: RefundRoute, by: str) -> None:
        """
        What failed goes another way, once somebody else than *by* approves it; where nothing did, what waits for that.

        Raises:
            WrongState: Nothing failed, and nothing waits to be approved: the bank is told, or it goes by itself.
            ProvidersMoney: It is to be credit, and the provider's.
        """
        moved = [part.name for part in self.parts if part.state == "failed"]
        if moved:
            self.state = LIFECYCLE.after("reroute", self.state)
        elif self.waits_for_approval:
            moved = [part.name for part in self.parts if _by_hand(part)]
        else:
            raise WrongState(noun="refund", state=self.state, verb="reroute")
        if route == "customer_credit" and any(part.at_channel for part in self.parts if part.name in moved):
            raise ProvidersMoney
        self.parts = tuple(
            replace(
                part, route=route, state="waiting", failure="", turn=part.turn + 1,
                order_key="", order_sha256="", order_size=0,
            )
            if part.name in moved else part
            for part in self.parts
        )  # fmt: skip
        self.requested_by, self.approved_by = by, ""

    def take_by_chargeback(self, part: RefundPart, chargeback_id: UUID, at_most: int) -> RefundPart:
        """
        The payer's bank has taken *at_most* (minor units) of *part*, which is `chargeable`.

        Returns what is taken: all of the part, or a piece of it, the rest of which stands as before.
        """
        if part.state == "failed":
            self.state = LIFECYCLE.after("reroute", self.state)
        if part.amount <= at_most:
            taken = part.taken(chargeback_id)
            self._put(taken)
        else:
            rest, taken = part.divide(at_most, chargeback_id)
            self._put(rest)
            self.parts = (*self.parts, taken)
        return taken

    def _put(self, part: RefundPart) -> None:
        self.parts = tuple(part if each.name == part.name else each for each in self.parts)

    def keep_order(self, payment_id: UUID, key: str, sha256: str, size: int) -> None:
        """The file is written by which the bank is told of the part of *payment_id*."""
        self.parts = tuple(
            replace(each, order_key=key, order_sha256=sha256, order_size=size)
            if each.name == (payment_id, "") else each
            for each in self.parts
        )  # fmt: skip

    def succeed(self, now: datetime) -> None:
        """Everything has gone back. Raises WrongState."""
        self.state, self.succeeded_at = LIFECYCLE.after("succeed", self.state), now

    def part(self, payment_id: UUID) -> RefundPart | None:
        """What goes back to the payer of *payment_id*; without the pieces that chargebacks have taken of it."""
        return next((part for part in self.parts if part.name == (payment_id, "")), None)

    def transfer_of(self, amount: Money) -> RefundPart | None:
        """The transfer over *amount* that the bank has been told to make."""
        sent = (part for part in self.parts if part.route == "bank_transfer" and part.state == "sent")
        return next((part for part in sent if self.money(part.amount) == amount), None)

    def order_name(self, part: RefundPart) -> str:
        """Of the file by which the bank is told of *part*: each time another one, at most 35 characters."""
        place = 1 + [each.name for each in self.parts].index(part.name)
        return f"{self.number}-{place}" + (f"-{part.turn + 1}" if part.turn else "")

    @property
    def transfers_sent(self) -> Money:
        """What the bank has been told to transfer and has not."""
        return self.money(sum(part.amount for part in self.transfers_under_way(None)))

    def transfers_under_way(self, payment_id: UUID | None) -> tuple[RefundPart, ...]:
        """The transfers that the bank has been told to make; *payment_id*: only that to its payer."""
        sent = [part for part in self.parts if (part.route, part.state) == ("bank_transfer", "sent")]
        return tuple(part for part in sent if payment_id in {None, part.payment_id})

    def transfers_to_fail(self, payment_id: UUID | None, by: str) -> tuple[RefundPart, ...]:
        """
        Those of which *by* says that the bank does not make them; *payment_id*: only that to its payer.

        Raises:
            WrongState: The bank was told of none.
            SameHands: *by* let it go.
        """
        found = self.transfers_under_way(payment_id)
        if not found:
            raise WrongState(noun="refund", state=self.state, verb="fail")
        if by == self.approved_by:
            raise SameHands
        return found

    def transfer_made(self, amount: Money) -> RefundPart | None:
        """The transfer over *amount* that the bank has made."""
        made = (part for part in self.parts if (part.route, part.state) == ("bank_transfer", "succeeded"))
        return next((part for part in made if self.money(part.amount) == amount), None)

    def transfer_failed(self, amount: Money, failure: str = "") -> RefundPart | None:
        """The transfer over *amount* that the bank has not made, or (*failure*: returned) sent back."""
        failed = (part for part in self.parts if (part.route, part.state) == ("bank_transfer", "failed"))
        fits = (part for part in failed if self.money(part.amount) == amount and failure in {"", part.failure})
        return next(fits, None)

    def move(self, part: RefundPart, now: datetime) -> None:
        """*part* as it stands now. The refund succeeds with the last of its parts, and fails with any."""
        self._put(part)
        states = {each.state for each in self.parts}
        if "failed" in states and LIFECYCLE.allows("fail", self.state):
            self.state, self.succeeded_at = LIFECYCLE.after("fail", self.state), None
        elif states == {"succeeded"}:
            self.succeed(now)


def _by_hand(part: RefundPart) -> bool:
    return part.state == "waiting" and part.route in BY_HAND


def parts_of(gross: int, payments: Sequence[Payment]) -> tuple[RefundPart, ...]:
    """
    By which ways *gross* (minor units) goes back: in proportion to what is left of each payment, largest remainder.

    *payments*: of the order, in the order of their ids.

    Raises:
        RefundExceedsPaid: More than is left of all of them.
    """
    left = [payment.received - payment.refunded for payment in payments]
    if gross > sum(left):
        raise RefundExceedsPaid(left=sum(left))
    if gross == 0:
        return ()
    return tuple(
        RefundPart(
            payment.payment_id,
            payment.method,
            amount,
            charge_id=payment.charge_id,
            at_channel=payment.method == "platform_channel",
        )
        for payment, amount in zip(payments, allocate(gross, left), strict=True)
        if amount
    )


def not_performed(order_id: UUID, made: Refund) -> tuple[ledger.Entry, ...]:
    """Before acceptance: what the customer paid, and no more, goes back; and what a voucher's fund did."""
    payer, programme = made.money(made.to_payer), made.money(made.to_programme)
    if not made.programme_account:
        return ledger.entries(("D", ledger.contract(order_id), payer), ("C", ledger.refund(made.refund_id), payer))
    return ledger.entries(
        ("D", ledger.contract(order_id), payer + programme),
        ("C", ledger.refund(made.refund_id), payer),
        ("C", made.programme_account, programme),
    )


def customers_side(made: Refund, lowered: Sequence[tuple[str, int]] = ()) -> tuple[ledger.Entry, ...]:
    """
    After acceptance: revenue and output VAT come down by the red-letter invoice; the programme's part with them.

    *lowered*: on which accounts how much (minor units) of the part on account is not owed any more. The customer has
    paid the rest of it since the refund was agreed: it stays theirs as credit.
    """
    return ledger.entries(
        ("D", ledger.SERVICE_REVENUE, made.money(made.net)),
        ("D", ledger.OUTPUT_VAT, made.money(made.tax)),
        ("C", ledger.refund(made.refund_id), made.money(made.to_payer)),
        ("C", made.programme_account, made.money(made.to_programme)),
        *(("C", account, made.money(amount)) for account, amount in lowered),
        ("C", ledger.customer_credit(made.customer_id), made.money(made.on_account - sum(each for _, each in lowered))),
    )


def paid_back(
    refund_id: UUID, part: RefundPart, customer_id: UUID, amount: Money, bank: str = ledger.BANK
) -> tuple[ledger.Entry, ...]:
    """The payer has it; *bank*: the account on which a transfer lies, the bank's or suspense."""
    if part.route == "chargeback":
        where = ledger.dispute(UUID(part.reference))
    else:
        where = {
            "card": ledger.PSP, "bank_transfer": bank, "customer_credit": ledger.customer_credit(customer_id),
        }[part.route]  # fmt: skip
    return ledger.entries(("D", ledger.refund(refund_id), amount), ("C", where, amount))


def returned(refund_id: UUID, amount: Money, where: str) -> tuple[ledger.Entry, ...]:
    """The payer's bank has sent it back; *where*: our account with the institution or the bank, or that of suspense."""
    return ledger.entries(("D", where, amount), ("C", ledger.refund(refund_id), amount))
