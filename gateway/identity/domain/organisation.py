"""An organisation that takes part: who it is, how it is taxed, where its money goes."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from stdnum.cn import uscc

from services.shared.kernel.actor import Role
from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.tax import TaxProfile

Kind = Literal["customer", "provider", "station", "authority", "operator"]

ROLES: Mapping[Kind, tuple[Role, ...]] = {
    "customer": ("requester", "approver", "customer_finance"),
    "provider": ("lab_manager", "technician", "provider_finance"),
    "station": ("station_manager",),
    "authority": ("authority",),
    "operator": (
        "administrator", "catalogue_operator", "contract_operator", "finance_operator", "dispute_operator",
    ),
}  # fmt: skip
"""Which roles an organisation of a kind has; whoever registers it gets all of them."""


class CreditCodeInvalid(Invalid):
    """This is not a unified social credit code (GB 32100): length, characters or check digit are wrong."""

    code = "identity.credit_code_invalid"


class NotPublicBody(Invalid):
    """An authority is a public body: its credit code begins with 1."""

    code = "identity.not_public_body"


class BankAccountNotOwn(Invalid):
    """The account must be held by the organisation itself."""

    code = "identity.bank_account_not_own"


class AlreadyRegistered(Conflict):
    """This credit code is registered already in this kind."""

    code = "identity.already_registered"


class OperatorExists(Conflict):
    """The operating company exists already."""

    code = "identity.operator_exists"


@dataclass(frozen=True)
class BankAccount:
    bank_name: str
    account_name: str
    account_number: str


@dataclass
class Organisation:
    """*verified*: the operating company has checked who it is and where its money goes."""

    organisation_id: UUID
    number: str
    kind: Kind
    legal_name: str
    legal_name_en: str
    unified_social_credit_code: str
    address: str
    mail: str
    phone: str
    tax_profile: TaxProfile
    bank_account: BankAccount | None
    verified: bool
    registered_at: datetime
    version: int = 0

    def __post_init__(self) -> None:
        _own(self.bank_account, self.legal_name)

    def verify(self) -> bool:
        """Returns whether it was not verified before."""
        before, self.verified = self.verified, True
        return not before

    def change(self, **particulars: object) -> bool:
        """
        Take new particulars over.

        Returns:
            Whether anything is different now. Another name or account is no longer verified.

        Raises:
            BankAccountNotOwn: The account that would result is not its own.
        """
        after = replace(self, **particulars)  # type: ignore[arg-type] # the use case names fields of ours
        if after == self:
            return False
        if (after.legal_name, after.bank_account) != (self.legal_name, self.bank_account) and self.kind != "operator":
            after.verified = False
        vars(self).update(vars(after))
        return True


def credit_code(text: str) -> str:
    """
    *text* as it is kept: 18 characters, capital letters, no spaces.

    Raises:
        CreditCodeInvalid: Length, characters or check digit are wrong.
    """
    compact: str = uscc.compact(text).upper()
    if not uscc.is_valid(compact):
        raise CreditCodeInvalid
    return compact


def check_kind(kind: Kind, code: str) -> None:
    """
    Raises:
        NotPublicBody: *kind* is an authority, and *code* is not of those that the office for public bodies gives out
            (GB 32100-2015, table 1: 11 government, 12 public institution, 13 mass organisation, 19 other).
    """
    if kind == "authority" and not code.startswith("1"):
        raise NotPublicBody


def _own(account: BankAccount | None, legal_name: str) -> None:
    # Full-width and half-width brackets are the same name to everybody but a computer.
    if account is not None and _same(account.account_name) != _same(legal_name):
        raise BankAccountNotOwn


def _same(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()
