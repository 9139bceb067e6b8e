"""Every way into billing by RPC, by what it is about."""

from services.billing.entrypoints.books import Books
from services.billing.entrypoints.money_in import MoneyIn
from services.billing.entrypoints.money_out import MoneyOut
from services.billing.entrypoints.rules import Rules
from services.shared.chassis.entrypoints import ServiceBase


class BillingService(Rules, MoneyIn, MoneyOut, Books, ServiceBase):
    name = "billing"
