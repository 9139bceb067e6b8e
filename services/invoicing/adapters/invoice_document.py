"""
What an invoice says, whichever form it takes: `pdf.py` prints it, `einvoice_xml.py` writes EN 16931.

Amounts are `Money` (integer minor units) in one currency. Taxes are frozen facts: they are checked
against the sums but never computed here (three orders of 0.61 tax are 1.83 on a collective invoice,
not 1.82). On a credit note all amounts are positive and mean what is given back.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from services.shared.kernel.money import Money, total

VatCategory = Literal["S", "Z", "E"]


class InvoiceInconsistent(ValueError):
    """The invoice contradicts itself: a bug of whoever made it."""


@dataclass(frozen=True, slots=True)
class Party:
    """
    Seller or buyer.

    Attributes:
        registration: Unified social credit code, or the register number abroad (BT-30, BT-47).
        country: ISO 3166-1 alpha-2.
        vat_id: With country prefix, for parties that have one (BT-31, BT-48); Chinese parties do not:
            their tax number is the unified social credit code, given as the seller's BT-32.
    """

    name: str
    registration: str
    address: str
    city: str
    country: str
    postcode: str = ""
    vat_id: str = ""
    contact: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Vat:
    """
    VAT category and rate.

    Attributes:
        category: UNCL 5305: S taxed, Z zero rate, E exempt.
        rate_bps: 600 is 6 %; zero for Z and E.
        exemption_reason: Required for E.
    """

    category: VatCategory
    rate_bps: int
    exemption_reason: str = ""

    def __post_init__(self) -> None:
        if (self.rate_bps > 0) != (self.category == "S"):
            raise InvoiceInconsistent("only category S has a rate")
        if (self.category == "E") != bool(self.exemption_reason):
            raise InvoiceInconsistent("an exemption, and nothing else, has a reason")


@dataclass(frozen=True, slots=True)
class Line:
    """
    Attributes:
        quantity: More than zero; may be a fraction.
        unit_code: UN/ECE Recommendation 20: C62 piece, HUR hour.
        unit: As printed.
        unit_price: Net, per unit, before discount; zero or more.
        discount: Net, for the whole line; zero or more.
        net: Of the line, after discount.
        order_number: The order this line comes from.
    """

    name: str
    quantity: Decimal
    unit_code: str
    unit: str
    unit_price: Money
    discount: Money
    net: Money
    vat: Vat
    order_number: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Discount:
    """
    Taken off the whole invoice, once for each VAT rate it touches.

    Attributes:
        amount: Net, more than zero.
        code: UNCL 5189: 95 discount, 64 special agreement.
    """

    amount: Money
    reason: str
    vat: Vat
    code: Literal["95", "64"] = "95"


@dataclass(frozen=True, slots=True)
class VatSubtotal:
    """
    Attributes:
        taxable: Net amounts of this category and rate after all discounts.
        tax: As frozen.
    """

    vat: Vat
    taxable: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class PaymentMeans:
    """
    Attributes:
        code: UNCL 4461: 30 credit transfer, 48 card, 97 clearing between parties.
        reference: What the payer is to write on the transfer (BT-83).
        account: Of the payee, for a credit transfer.
    """

    code: Literal["30", "48", "97"]
    reference: str
    account: str = ""
    account_name: str = ""
    bank: str = ""


@dataclass(frozen=True, slots=True)
class Preceding:
    """The invoice that a credit note corrects."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Invoice:
    """
    A commercial invoice (380) or, with *credits*, a credit note (381).

    Attributes:
        issued_on: Asia/Shanghai day.
        issued_at: Aware instant, creation date of the file.
        delivered_on: Day of acceptance (BT-72).
        red_form_number: Of the bureau's red-letter form (红字信息确认单) behind a credit note.
        paid: Received before (BT-113), zero or more.
        rounding: Added to the amount due (BT-114); may be negative.
        fapiao_number: Number of the tax bureau's 发票 for the same supply, when it is known.

    Raises:
        InvoiceInconsistent: Sums, subtotals or references contradict each other.
        CurrencyMismatch: The amounts are not in one currency.
    """

    number: str
    issued_on: date
    issued_at: datetime
    due_on: date | None
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    vat_subtotals: tuple[VatSubtotal, ...]
    payment: PaymentMeans
    paid: Money
    rounding: Money
    delivered_on: date | None = None
    discounts: tuple[Discount, ...] = ()
    credits: Preceding | None = None
    credit_reason: str = ""
    red_form_number: str = ""
    contract_number: str = ""
    order_number: str = ""
    payment_terms: str = ""
    note: str = ""
    fapiao_number: str = ""

    def __post_init__(self) -> None:
        if not self.lines:
            raise InvoiceInconsistent("no lines")
        for line in self.lines:
            if line.quantity <= 0 or line.discount.amount < 0 or line.unit_price.amount < 0:
                raise InvoiceInconsistent(f"line {line.name}: a quantity, discount or price below its limit")
        taxable: dict[Vat, Money] = {}
        zero = Money(0, self.currency)
        for line in self.lines:
            taxable[line.vat] = taxable.get(line.vat, zero) + line.net
        for discount in self.discounts:
            taxable[discount.vat] = taxable.get(discount.vat, zero) - discount.amount
        stated = {subtotal.vat: subtotal.taxable for subtotal in self.vat_subtotals}
        if stated != taxable or len(stated) != len(self.vat_subtotals):
            raise InvoiceInconsistent("the VAT subtotals are not the sums of the lines less discounts")
        if any(each.tax.amount for each in self.vat_subtotals if each.vat.category != "S"):
            raise InvoiceInconsistent("tax on what is not taxed")
        if self.due.currency != self.currency:
            raise InvoiceInconsistent("several currencies")

    @property
    def currency(self) -> str:
        return self.lines[0].net.currency

    @property
    def lines_total(self) -> Money:
        """Sum of line net amounts (BT-106)."""
        return total((line.net for line in self.lines), self.currency)

    @property
    def discounts_total(self) -> Money:
        """Discounts on the whole invoice (BT-107)."""
        return total((discount.amount for discount in self.discounts), self.currency)

    @property
    def net(self) -> Money:
        """Total without VAT (BT-109)."""
        return self.lines_total - self.discounts_total

    @property
    def tax(self) -> Money:
        """Total VAT (BT-110): the sum of the frozen taxes."""
        return total((subtotal.tax for subtotal in self.vat_subtotals), self.currency)

    @property
    def gross(self) -> Money:
        """Total with VAT (BT-112)."""
        return self.net + self.tax

    @property
    def due(self) -> Money:
        """Amount due for payment (BT-115): BT-112 - BT-113 + BT-114, rule BR-CO-16."""
        return self.gross - self.paid + self.rounding
