"""
What the channel knows and allows: orders, splits, returns, refunds, balances. Amounts are minor units.

A payment is its payee's money and is held for the order until it is split; what is not split after `HOLD_DAYS` the
payee gets. Everything is made under the caller's own number: the same number with the same particulars answers the
same, with others it is refused.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.kit.split_channel.bills import Bills, Moved

DAY_S = 86_400
HOLD_DAYS = 180
RETURN_DAYS = 180
REFUND_DAYS = 365
SPLIT_BPS_MAX = 3_000

Kind = Literal["order", "split", "return", "refund"]


class RefusedError(Exception):
    """*status* and *code* as the caller is answered."""

    def __init__(self, code: str, status: int = 409) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass
class Thing:
    """
    Attributes:
        given: The particulars it was made with.
        held: Of an order, what is neither split, released nor given back.
        frozen: Of an order, what refunds under way will take of that.
    """

    kind: Kind
    number: str
    given: Mapping[str, Any]
    state: str
    failure: str = ""
    transaction: str = ""
    paid: int = 0
    paid_at: int | None = None
    held: int = 0
    frozen: int = 0
    rest: int = 0
    from_held: int = 0
    at: int = 0

    @property
    def amount(self) -> int:
        return int(self.given["amount"])


@dataclass
class Books:
    """
    Attributes:
        offset_s: How far the clock was moved on.
        slow: Kinds whose things stay PROCESSING until they are settled by hand.
        balances: What each payee, and the merchant (its own number), may spend.
        told: (type, kind, number) of each change, for the notices.
    """

    merchant: str
    offset_s: float = 0
    slow: set[str] = field(default_factory=set)
    things: dict[tuple[Kind, str], Thing] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    restricted: set[str] = field(default_factory=set)
    told: list[tuple[str, Kind, str]] = field(default_factory=list)
    bills: Bills = field(default_factory=Bills)

    def now(self) -> int:
        return int(time.time() + self.offset_s)

    def get(self, kind: Kind, number: str) -> Thing:
        found = self.things.get((kind, number))
        if found is None:
            raise RefusedError("not_found", 404)
        return found

    def make(self, kind: Kind, given: Mapping[str, Any]) -> Thing:
        """The thing of that number, made if there is none."""
        number, amount = given.get("number"), given.get("amount")
        if not isinstance(number, str) or not number or not isinstance(amount, int) or isinstance(amount, bool):
            raise RefusedError("malformed", 400)
        made = self.things.get((kind, number))
        if made is not None:
            if made.given != given:
                raise RefusedError("number_used_otherwise")
            return made
        if amount < 0 or (amount == 0 and kind != "split"):
            raise RefusedError("malformed", 400)
        made = {"order": self.order, "split": self.split, "return": self.give_commission_back, "refund": self.refund}[
            kind
        ](number, given)
        self.things[kind, number] = made
        if kind not in self.slow and kind != "order":
            self.settle(kind, number, "ok")
        return made

    def order(self, number: str, given: Mapping[str, Any]) -> Thing:
        if not given.get("payee"):
            raise RefusedError("payee_unknown")
        return Thing("order", number, given, "OPEN")

    def close(self, number: str) -> Thing:
        order = self.get("order", number)
        if order.state not in {"OPEN", "CLOSED"}:
            raise RefusedError("order_paid")
        order.state = "CLOSED"
        return order

    def pay(self, number: str, amount: int | None) -> Thing:
        """The customer scans and pays; *amount* for one that pays otherwise than asked."""
        order = self.get("order", number)
        if order.state != "OPEN":
            raise RefusedError("order_not_open")
        order.state, order.paid, order.paid_at = "PAID", order.amount if amount is None else amount, self.now()
        order.held, order.transaction = order.paid, f"tx{len(self.things):06d}{number[:8]}"
        self.told.append(("order.paid", "order", number))
        self.move("order", number, held=order.paid)
        return order

    def split(self, number: str, given: Mapping[str, Any]) -> Thing:
        self.release_due()
        order = self.paid_order(str(given.get("order")))
        if order.state == "RELEASED":
            raise RefusedError("after_days")
        if any(each.kind == "split" and each.given["order"] == order.number for each in self.things.values()):
            raise RefusedError("split_already")
        if given["amount"] * 10_000 > order.paid * SPLIT_BPS_MAX:
            raise RefusedError("split_above_limit")
        if given["amount"] > order.held - order.frozen:
            raise RefusedError("held_too_little")
        return Thing("split", number, given, "PROCESSING", at=self.now())

    def give_commission_back(self, number: str, given: Mapping[str, Any]) -> Thing:
        split = self.get("split", str(given.get("split")))
        if split.state != "FINISHED":
            raise RefusedError("split_not_finished")
        if self.now() > split.at + RETURN_DAYS * DAY_S:
            raise RefusedError("after_days")
        earlier = [each for each in self.things.values() if each.kind == "return" and each.state != "FAILED"]
        if given["amount"] > split.amount - sum(each.amount for each in earlier if each.given["split"] == split.number):
            raise RefusedError("return_exceeds_split")
        return Thing("return", number, given, "PROCESSING")

    def refund(self, number: str, given: Mapping[str, Any]) -> Thing:
        order = self.paid_order(str(given.get("order")))
        if self.now() > (order.paid_at or 0) + REFUND_DAYS * DAY_S:
            raise RefusedError("after_days")
        earlier = [each for each in self.things.values() if each.kind == "refund" and each.state != "FAILED"]
        if given["amount"] > order.paid - sum(each.amount for each in earlier if each.given["order"] == order.number):
            raise RefusedError("refund_exceeds_paid")
        from_held = min(given["amount"], order.held - order.frozen)
        if given["amount"] - from_held > self.balances[str(order.given["payee"])]:
            raise RefusedError("balance_too_low")
        order.frozen += from_held
        self.balances[str(order.given["payee"])] -= given["amount"] - from_held
        return Thing("refund", number, given, "PROCESSING", from_held=from_held)

    def paid_order(self, number: str) -> Thing:
        order = self.get("order", number)
        if order.paid_at is None:
            raise RefusedError("order_not_paid")
        return order

    def settle(self, kind: Kind, number: str, outcome: str) -> Thing:
        """What is PROCESSING ends: *ok*, or the code of a failure."""
        made = self.get(kind, number)
        if made.state != "PROCESSING":
            raise RefusedError("not_processing")
        {"split": self.end_split, "return": self.end_return, "refund": self.end_refund}[kind](made, outcome)
        self.told.append((f"{kind}.{made.state.lower()}", kind, number))
        return made

    def end_split(self, made: Thing, outcome: str) -> None:
        order = self.get("order", str(made.given["order"]))
        payee = str(order.given["payee"])
        if outcome == "ok" and payee in self.restricted:
            outcome = "payee_restricted"
        if outcome == "ok" and order.state == "RELEASED":
            outcome = "after_days"
        if outcome != "ok":
            made.state, made.failure = "FAILED", outcome
            return
        made.rest = order.held - order.frozen - made.amount
        self.move("split", made.number, made.amount, -made.amount - made.rest)
        order.held = order.frozen
        self.balances[self.merchant] += made.amount
        self.balances[payee] += made.rest
        made.state, made.at = "FINISHED", self.now()

    def end_return(self, made: Thing, outcome: str) -> None:
        order = self.get("order", str(self.get("split", str(made.given["split"])).given["order"]))
        if outcome == "ok" and made.amount > self.balances[self.merchant]:
            outcome = "balance_too_low"
        if outcome != "ok":
            made.state, made.failure = "FAILED", outcome
            return
        self.balances[self.merchant] -= made.amount
        self.move("return", made.number, -made.amount)
        self.balances[str(order.given["payee"])] += made.amount
        made.state = "SUCCESS"

    def end_refund(self, made: Thing, outcome: str) -> None:
        order = self.get("order", str(made.given["order"]))
        order.frozen -= made.from_held
        if outcome == "ok":
            order.held -= made.from_held
            self.move("refund", made.number, held=-made.from_held)
            made.state = "SUCCESS"
            return
        self.balances[str(order.given["payee"])] += made.amount - made.from_held
        made.state, made.failure = "FAILED", outcome

    def release_due(self) -> None:
        """The payee gets what nobody split in time."""
        for order in [each for each in self.things.values() if each.kind == "order" and each.state == "PAID"]:
            split = any(
                each.kind == "split" and each.state == "FINISHED" and each.given["order"] == order.number
                for each in self.things.values()
            )
            if not split and order.held and self.now() >= (order.paid_at or 0) + HOLD_DAYS * DAY_S:
                self.balances[str(order.given["payee"])] += order.held - order.frozen
                self.move("release", order.number, held=order.frozen - order.held)
                order.held, order.state = order.frozen, "RELEASED"
                self.told.append(("order.released", "order", order.number))

    def withdraw(self, whose: str, amount: int) -> None:
        if amount > self.balances[whose]:
            raise RefusedError("balance_too_low")
        self.balances[whose] -= amount
        if whose == self.merchant:
            self.move("withdrawal", f"w{len(self.bills.moved):06d}", -amount)

    def move(self, kind: str, number: str, balance: int = 0, held: int = 0) -> None:
        self.bills.moved.append(Moved(kind, number, balance, held, self.now()))


def shown(thing: Thing) -> dict[str, Any]:
    """As the API answers it."""
    common = {"kind": thing.kind, "number": thing.number, "state": thing.state, "amount": thing.amount,
              "currency": thing.given.get("currency", "CNY"), "failure": thing.failure}  # fmt: skip
    if thing.kind == "order":
        code = f"weixin://wxpay/bizpayurl?pr={thing.number[:13]}" if thing.state == "OPEN" else ""
        return common | {"code_url": code, "transaction": thing.transaction, "paid": thing.paid,
                         "paid_at": thing.paid_at, "held": thing.held}  # fmt: skip
    if thing.kind == "split":
        return common | {"order": thing.given["order"], "rest": thing.rest}
    if thing.kind == "refund":
        return common | {"order": thing.given["order"], "from_held": thing.from_held}
    return common | {"split": thing.given["split"]}
