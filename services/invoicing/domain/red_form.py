"""
The form (红字信息确认单) by which seller and buyer agree before the tax bureau that an invoice is taken back.

Its states are the bureau's own, by their numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.shared.kernel.errors import Conflict, NotAllowed

FormState = Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"]
FormSource = Literal["platform", "staff"]

FORM_STATES: Mapping[FormState, str] = {
    "01": "无需确认",
    "02": "销方录入待购方确认",
    "03": "购方录入待销方确认",
    "04": "购销双方已确认",
    "05": "作废（销方录入购方否认）",
    "06": "作废（购方录入销方否认）",
    "07": "作废（超72小时未确认）",
    "08": "作废（发起方已撤销）",
    "09": "作废（确认后撤销）",
    "10": "作废（异常凭证）",
}

CONFIRMED: frozenset[FormState] = frozenset({"01", "04"})
"""The invoice may be taken back."""
UNCONFIRMED: frozenset[FormState] = frozenset({"02", "03"})
LAPSED: FormState = "07"

# What may be heard after what. Anything else is old news: a form that is void or confirmed does not wait again.
_FOLLOWS: Mapping[FormState | None, frozenset[FormState]] = {
    None: frozenset(FORM_STATES),
    "02": frozenset({"04", "05", "07", "08", "10"}),
    "03": frozenset({"04", "06", "07", "08", "10"}),
}

CONFIRM_WITHIN = timedelta(hours=72)
"""After so long without the other side's word the form is void."""


class FormNumberDiffers(Conflict):
    """The form was recorded under another number."""

    code = "invoicing.red_form_number_differs"


class FormNotByHand(Conflict):
    """The form is not recorded by hand: the tax platform keeps it, or nobody has entered it yet."""

    code = "invoicing.red_form_not_by_hand"


class SameHands(NotAllowed):
    """Who recorded the form does not confirm it."""

    code = "invoicing.red_form_four_eyes_required"


@dataclass
class RedForm:
    """
    One attempt to have an invoice taken back.

    Attributes:
        source: Who says what becomes of it: the tax platform, or staff who look it up there.
        number: The bureau's; empty before it is known.
        state: None before anything is known.
        entered_at: When it was entered at the bureau.
        asked: How often the platform was asked what became of it.
        recorded_by: Who entered its number here by hand.
    """

    attempt: int
    source: FormSource
    number: str = ""
    state: FormState | None = None
    entered_at: datetime | None = None
    asked: int = 0
    recorded_by: str = ""

    @property
    def lapses_at(self) -> datetime | None:
        """When it is void unless the other side confirms it; none: it waits for nobody."""
        if self.entered_at is None or self.state not in UNCONFIRMED:
            return None
        return self.entered_at + CONFIRM_WITHIN

    def hear(self, number: str, state: FormState, entered_at: datetime) -> bool:
        """
        It is in *state*. Returns whether that is news; what was known, or is older than what is known, is not.

        Raises:
            FormNumberDiffers: Another form is meant.
        """
        if self.number and number != self.number:
            raise FormNumberDiffers
        if state not in _FOLLOWS.get(self.state, frozenset()):
            return False
        self.number, self.state = number, state
        self.entered_at = self.entered_at or entered_at
        return True

    def record(self, number: str, state: Literal["01", "02"], by: str, now: datetime) -> None:
        """
        Staff entered it at the bureau, which answered *number* and whether the buyer must confirm.

        Raises:
            FormNotByHand: It is the platform's, or was recorded before.
        """
        if self.source != "staff" or self.recorded_by:
            raise FormNotByHand
        self.hear(number, state, now)
        self.recorded_by = by

    def void(self, state: Literal["05", "06", "08", "10"]) -> None:
        """Staff read at the bureau that it is void. Raises FormNotByHand: It is the platform's, or not recorded."""
        if not self.recorded_by:
            raise FormNotByHand
        self.state = state

    def confirm(self, number: str, by: str) -> None:
        """
        A second pair of eyes reads at the bureau that *number* is confirmed.

        Raises:
            FormNotByHand: Nobody has recorded it.
            SameHands: *by* recorded it.
            FormNumberDiffers: One of the two misread it.
        """
        if not self.recorded_by:
            raise FormNotByHand
        if by == self.recorded_by:
            raise SameHands
        if number != self.number:
            raise FormNumberDiffers
        if self.state == "02":
            self.state = "04"
