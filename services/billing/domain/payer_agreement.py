"""Who pays for a customer: it by its names and accounts, and others by agreements (代付协议) that two have seen."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID

from services.billing.domain.bank_line import BankLine
from services.shared.kernel.errors import Conflict, Invalid, NotAllowed
from services.shared.kernel.lifecycle import Lifecycle
from services.shared.kernel.times import business_date

PayerAgreementState = Literal["proposed", "in_force", "refused", "withdrawn"]

LIFECYCLE: Lifecycle[PayerAgreementState] = Lifecycle(
    "payer_agreement",
    {
        "confirm": {"proposed": "in_force"},
        "refuse": {"proposed": "refused"},
        "end": {"in_force": "in_force"},
        "withdraw": {"in_force": "withdrawn"},
    },
)

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_FORMS = (
    ("有限责任公司", "有限公司"), ("COMPANYLIMITED", "LTD"), ("COLTD", "LTD"), ("LIMITED", "LTD"), ("COMPANY", "CO"),
)  # fmt: skip


class AgreementEndsBefore(Invalid):
    """The agreement ends before it begins."""

    code = "billing.agreement_ends_before"


class AgreementEndsEarlier(Conflict):
    """It ends earlier already; a longer one is another agreement, which two must see."""

    code = "billing.agreement_ends_earlier"


class SameHands(NotAllowed):
    """Who recorded it does not put it in force."""

    code = "billing.four_eyes_required"


NAME_CHARS_CUT_MIN = 8


@dataclass
class PayerAgreement:
    """
    *payer_name* may pay for a customer (代付协议): from a day on, to the end of another or for good.

    Attributes:
        payer_account: Its account number; empty: any of its own.
        evidence: Where the signed agreement is kept.
        valid_from, valid_until: Days in Asia/Shanghai, both included.
        state: *withdrawn* was in force and holds on no day any more.
        ended_by: Who last gave it an earlier end.
    """

    payer_agreement_id: UUID
    customer_id: UUID
    payer_name: str
    payer_account: str
    evidence: str
    valid_from: date
    valid_until: date | None
    recorded_by: str
    state: PayerAgreementState = "proposed"
    decided_at: datetime | None = None
    decided_by: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""

    def __post_init__(self) -> None:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise AgreementEndsBefore

    def confirm(self, by: str, now: datetime) -> None:
        """Raises WrongState; SameHands: *by* recorded it."""
        state = LIFECYCLE.after("confirm", self.state)
        if by == self.recorded_by:
            raise SameHands
        self.state, self.decided_by, self.decided_at = state, by, now

    def refuse(self, by: str, now: datetime) -> None:
        """By anybody, who recorded it too: it only takes risk away. Raises WrongState."""
        self.state, self.decided_by, self.decided_at = LIFECYCLE.after("refuse", self.state), by, now

    def end(self, last_day: date, by: str, now: datetime) -> None:
        """
        It holds to the end of *last_day*, by anybody; before its first day: on none. What it matched stays matched.

        Raises:
            WrongState: It is not in force.
            AgreementEndsEarlier: Its last day is before that one.
        """
        withdrawn = last_day < self.valid_from
        state = LIFECYCLE.after("withdraw" if withdrawn else "end", self.state)
        if self.valid_until is not None and last_day > self.valid_until:
            raise AgreementEndsEarlier
        if not withdrawn:
            self.valid_until = last_day
        self.state, self.ended_by, self.ended_at = state, by, now

    def covers(self, line: BankLine) -> bool:
        """Whether it is in force on the day of *line*, and its payer sent it."""
        day = business_date(line.booked_at)
        in_force = self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
        known, told = one_account(self.payer_account), one_account(line.counterparty_account)
        return (
            self.state == "in_force"
            and in_force
            and (not known or told in {"", known})
            and one_form(line.counterparty) == one_form(self.payer_name)
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a customer: it by its names and accounts, each in one form, and others by agreement."""

    names: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    agreements: tuple[PayerAgreement, ...] = ()

    def known_by(self, name: str, account: str) -> Literal["account", "name", "name_cut", ""]:
        """By what the customer itself is the *name* and *account* on a line of the bank; empty: it is not."""
        one_name, number = one_form(name), one_account(account)
        if number and number in self.accounts:
            return "account"
        if one_name and one_name in self.names:
            return "name"
        cut = len(one_name) >= NAME_CHARS_CUT_MIN and any(known.startswith(one_name) for known in self.names)
        return "name_cut" if cut else ""


# A page of suspense compares the same few names with each other a hundred thousand times.
@lru_cache(maxsize=16_384)
def one_form(name: str) -> str:
    """A firm's name without case, width, spaces and brackets; forms of company are written in one way."""
    plain = _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", name).upper())
    for written, form in _FORMS:
        plain = plain.replace(written, form)
    return plain


@lru_cache(maxsize=16_384)
def one_account(number: str) -> str:
    """
    An account number as all write it: without case, width, spaces and dashes.

    Nothing else is taken away: a bank's code before the number belongs to the number unless that bank says otherwise.
    """
    return _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", number).upper())
