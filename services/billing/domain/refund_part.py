"""
What of a refund goes back by one way.

A part is found by the payment whose payer has it: so the institution's refund names it, so files of the bank do, and so
its postings are named. A chargeback may take a piece of it. Then the rest stays the part, under all its names: it may
have been sent already. Only the piece is new, and has the chargeback's id in its name: a chargeback is lost once and
takes of a part once, and several of them have different ids. Both keep their payment, whose refunds they sum to.
"""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

RefundRoute = Literal[
    "card", "bank_transfer", "customer_credit", "chargeback", "project_funds", "platform_channel", "direct_transfer"
]  # fmt: skip
"""
*chargeback*: the customer's bank has taken it already; *project_funds*: transferred back within a university;
*direct_transfer*: the provider has it and gives it back.
"""
PartState = Literal["waiting", "sent", "succeeded", "failed"]

BY_HAND: frozenset[RefundRoute] = frozenset({"bank_transfer", "customer_credit"})
"""Ways that somebody lets go; by the others money goes back by itself, once what it waits for is over."""


@dataclass(frozen=True)
class RefundPart:
    """
    What goes back by one way, to the payer of *payment_id* (of an internal order: to the project of that funding);
    *amount* in minor units of the refund's currency.

    Attributes:
        charge_id: The payment institution's charge that is given back; card only.
        bank_name, account_name, account_number: Where the transfer goes; empty until the bank is told.
        reference: The payment institution's refund, the serial number of the bank's line, or the chargeback's id.
        failure: The payment institution's code, why the bank did not make the transfer, or why it waits.
        at_channel: The money was paid to the provider by the splitting channel: nothing of it is in our ledger.
        turn: How often it was sent another way, or once more.
        divided_by: The chargeback that took this piece of a part and left the rest; empty: a whole part, or the rest.
        order_key, order_sha256, order_size: The file by which the bank is told; empty until it is written.
    """

    payment_id: UUID
    route: RefundRoute
    amount: int
    state: PartState = "waiting"
    charge_id: str = ""
    bank_name: str = ""
    account_name: str = ""
    account_number: str = ""
    reference: str = ""
    failure: str = ""
    order_key: str = ""
    order_sha256: str = ""
    order_size: int = 0
    turn: int = 0
    at_channel: bool = False
    divided_by: str = ""

    @property
    def name(self) -> tuple[UUID, str]:
        """Names it among the parts of its refund."""
        return self.payment_id, self.divided_by

    @property
    def way(self) -> str:
        """Names it among all ways that money of this refund has taken."""
        again = self.divided_by or (str(self.turn) if self.turn else "")
        return f"{self.payment_id}:{self.route}" + (f":{again}" if again else "")

    @property
    def chargeable(self) -> bool:
        """It was to go to a card and has gone no way yet: what the card's bank takes back pays it."""
        return bool(self.charge_id) and self.route != "chargeback" and self.state in {"waiting", "failed"}

    def divide(self, amount: int, chargeback_id: UUID) -> tuple["RefundPart", "RefundPart"]:
        """
        The rest, and the piece of *amount* (minor units) that *chargeback_id* has taken.

        Raises:
            ValueError: It is no piece of it.
        """
        if not 0 < amount < self.amount:
            raise ValueError(f"{amount} is no piece of {self.amount}")
        taken = replace(self, amount=amount, divided_by=str(chargeback_id)).taken(chargeback_id)
        return replace(self, amount=self.amount - amount), taken

    def taken(self, chargeback_id: UUID) -> "RefundPart":
        """By the payer's bank: nothing more is to be sent."""
        return replace(
            self, route="chargeback", state="waiting", reference=str(chargeback_id), failure="",
            bank_name="", account_name="", account_number="", order_key="", order_sha256="", order_size=0,
        )  # fmt: skip
