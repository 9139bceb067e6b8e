"""To which bank account a refund goes: to who paid, under the same name."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.payer_agreement import Payer, one_form
from services.billing.domain.payout import (
    BankAccountNew,
    BankAccountNotOwn,
    BankAccountUnconfirmed,
    account_to_pay,
)
from services.billing.domain.refund import PayerWithoutBankAccount

NOT_PAYABLE = (PayerWithoutBankAccount, BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew)


class Sender(NamedTuple):
    """Who a payment came from, as the bank's lines name them; *account* is empty where the bank does not tell it."""

    name: str
    account: str


def account_to_refund(
    customer: OrganisationCopy | None,
    payer: Payer,
    senders: Collection[Sender],
    now: datetime,
    cooling_off: timedelta,
) -> tuple[str, str, str]:
    """
    Bank, holder and number. The bank is empty where only a line of its statement told of the account.

    What somebody else than the *customer* paid goes back to the account that it came from, whatever the customer tells
    of itself since; where the bank did not tell it, to the one that the agreement on who pays (代付协议) names.
    All else goes to the customer's account, once it is confirmed as one that is paid out to.

    Raises:
        PayerWithoutBankAccount: None is known, or several others paid.
        BankAccountUnconfirmed, BankAccountNotOwn, BankAccountNew: See account_to_pay.
    """
    if customer is None:
        raise PayerWithoutBankAccount
    others = {sender for sender in senders if sender.name and not payer.known_by(*sender)}
    if len(others) < len(senders) or not others:
        if customer.bank_account is None:
            raise PayerWithoutBankAccount
        return account_to_pay(customer, now, cooling_off)
    (other, *more) = others
    agreed = [each.payer_account for each in payer.agreements if one_form(each.payer_name) == one_form(other.name)]
    account = next((each for each in (other.account, *agreed) if each), "")
    if more or not account:
        raise PayerWithoutBankAccount
    return "", other.name, account
