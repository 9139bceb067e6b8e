"""
The papers of an order: contract with the customer, order sheet to the provider, packing sheet.

Amounts are `Money` (integer minor units); every amount on one paper is in one currency. Nothing is
computed here: figures come frozen from the quotation, and a paper whose figures do not add up is
refused (`FiguresDisagree`, a bug of the caller). Instants are aware; days are Asia/Shanghai days.
The same data always gives the same bytes, so a paper can be made again and its hash compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import segno

from services.shared.chassis.document_text import capitals, figure, moment, percent
from services.shared.chassis.render import render
from services.shared.kernel.money import Money, total

TEMPLATES = Path(__file__).with_name("templates")


class FiguresDisagree(ValueError):
    """The sums of a paper are not the sums of its lines."""


@dataclass(frozen=True, slots=True)
class Party:
    """
    Who signs or receives; empty strings leave a line out.

    Attributes:
        credit_code: Unified social credit code, or the register number of a foreign party.
        account: Bank account as it is to be printed.
    """

    name: str
    credit_code: str
    address: str
    contact: str = ""
    phone: str = ""
    mail: str = ""
    bank: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """
    One line of work.

    Attributes:
        method: Standard or procedure, e.g. *GB/T 17359-2023*.
        quantity: May be a fraction (hours).
        unit: As printed, both languages: *样 / sample*.
        unit_price: Per unit, without VAT.
        net: Of the line, without VAT.
    """

    name: str
    method: str
    quantity: Decimal
    unit: str
    unit_price: Money
    net: Money


@dataclass(frozen=True, slots=True)
class Figures:
    """
    The sums of a paper.

    Attributes:
        discount: Zero or more, taken off the sum of the lines.
        net: Sum of the lines less *discount*, without VAT.
        vat_rate_bps: 600 is 6 %.
        vat: As frozen on the quotation; not computed again.
        gross: *net* + *vat*.
    """

    discount: Money
    net: Money
    vat_rate_bps: int
    vat: Money
    gross: Money

    def check(self, items: Sequence[Item]) -> None:
        """
        Raises:
            FiguresDisagree: A sum is not the sum.
            CurrencyMismatch: The amounts are in several currencies.
        """
        lines = total((item.net for item in items), self.net.currency)
        if lines - self.discount != self.net or self.net + self.vat != self.gross:
            raise FiguresDisagree(f"{lines} - {self.discount} = {self.net}, + {self.vat} = {self.gross}")


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What a provider is to be paid for the work, and what its invoice will say.

    Attributes:
        discount: Zero or more, taken off the sum of the lines.
        net: Sum of the lines less *discount*, without VAT.
        fee_bps, fee: Management fee, and the share of *net* that it is; none: it is none.
        earned: *net* - *fee*.
        vat_rate_bps, vat: On *earned* where the provider sends a special invoice; zero: its invoice is all-in.
        gross: *earned* + *vat*.
    """

    discount: Money
    net: Money
    fee_bps: int | None
    fee: Money
    earned: Money
    vat_rate_bps: int
    vat: Money
    gross: Money

    def check(self, items: Sequence[Item]) -> None:
        """Raises: as `Figures.check`."""
        lines = total((item.net for item in items), self.net.currency)
        if (lines - self.discount, self.net - self.fee, self.earned + self.vat) != (self.net, self.earned, self.gross):
            raise FiguresDisagree(f"{lines} - {self.discount} = {self.net}, - {self.fee} + {self.vat} = {self.gross}")


@dataclass(frozen=True, slots=True)
class Sample:
    """
    Attributes:
        quantity: As declared, with its unit: *3 × 5 g*.
        handling: Hazards and storage; empty when there is nothing to mind.
        disposal: What happens to what is left over.
    """

    code: str
    name: str
    quantity: str
    handling: str = ""
    disposal: Literal["returned", "destroyed"] = "destroyed"


@dataclass(frozen=True, slots=True)
class Terms:
    """
    Agreed figures and choices that the clauses print.

    Attributes:
        turnaround_working_days: From release of the order and receipt of complete samples to the report.
        payment_zh, payment_en: One sentence each, as agreed (schedule, credit terms).
        cancellation_fee_bps: Of the gross, for cancelling after the release and before the first sample.
        confidentiality: blind: the provider learns a code instead of the customer's name.
        additional: Further clauses in the parties' own words, printed as they are.
    """

    turnaround_working_days: int
    payment_zh: str
    payment_en: str
    acceptance_days: int = 10
    objection_days: int = 15
    sample_retention_days: int = 90
    cancellation_fee_bps: int = 0
    subcontracting: Literal["refused", "named", "with_consent"] = "with_consent"
    subcontractors: tuple[str, ...] = ()
    confidentiality: Literal["standard", "nda", "blind"] = "standard"
    additional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """
    A signature that was given.

    Attributes:
        method: As printed: *平台电子签名 / platform e-signature*.
        document_sha256: Hex digest of the unsigned file that the signatory was shown.
    """

    signatory: str
    position: str
    signed_at: datetime
    method: str
    document_sha256: str


@dataclass(frozen=True, slots=True)
class Contract:
    """
    A technical service contract in principal mode: customer (委托方) with the operating company.

    Attributes:
        quotation_number: Empty: ordered at the published price.
        issued_at: When this version was made; also the creation date inside the file.
        customer_signature: None leaves the block blank, to be signed.
    """

    number: str
    order_number: str
    quotation_number: str
    issued_at: datetime
    customer: Party
    company: Party
    items: tuple[Item, ...]
    figures: Figures
    samples: tuple[Sample, ...]
    terms: Terms
    customer_signature: Signature | None = None
    company_signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class OrderSheet:
    """
    The company's order to a provider under their framework agreement, in principal mode.

    What the customer pays has no field here, so that it cannot be printed by mistake.

    Attributes:
        items: At the provider's own net prices.
        settled: What becomes of them.
        client: Who the report names: the real client, or a code when the order is blind.
        framework_agreement_number: Empty: it has none that is known, and its line is left out.
        turnaround_working_days: As the contract promises it: from release and complete samples to the report. No
            day can be named when the sheet is made, because neither has happened.
        settlement_zh, settlement_en: One sentence each on how the provider is paid.
    """

    number: str
    order_number: str
    framework_agreement_number: str
    issued_at: datetime
    company: Party
    provider: Party
    client: str
    items: tuple[Item, ...]
    settled: Settled
    samples: tuple[Sample, ...]
    turnaround_working_days: int
    settlement_zh: str
    settlement_en: str
    instructions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackingSheet:
    """
    Goes into the parcel; its labels onto the samples.

    Attributes:
        shipment_number: Empty: none is reserved, and its line is left out.
        qr_text_of: Sample code → what its label's QR holds, normally the address of the sample's page.
    """

    order_number: str
    shipment_number: str
    issued_at: datetime
    sender: Party
    recipient: Party
    samples: tuple[Sample, ...]
    qr_text_of: dict[str, str]
    instructions: tuple[str, ...] = ()


def contract_pdf(contract: Contract) -> bytes:
    """
    Raises:
        FiguresDisagree, RenderFailed: A bug.
        ChildUnavailable: Try again.
    """
    return render(TEMPLATES / "contract.typ", contract_data(contract) | {"seller": None})


def contract_data(contract: Contract) -> dict[str, object]:
    """What the template prints of any contract. Raises FiguresDisagree."""
    contract.figures.check(contract.items)
    return {
        "issued_at": contract.issued_at.isoformat(),
        "made_at": moment(contract.issued_at),
        **{name: getattr(contract, name) for name in ("number", "order_number", "quotation_number")},
        "customer": party_data(contract.customer),
        "company": party_data(contract.company),
        "items": [_item(item) for item in contract.items],
        "figures": _figures(contract.figures),
        "samples": [_sample(sample) for sample in contract.samples],
        "terms": {name: getattr(contract.terms, name) for name in Terms.__slots__},
        "customer_signature": _signature(contract.customer_signature),
        "company_signature": _signature(contract.company_signature),
    }


def order_sheet_pdf(sheet: OrderSheet) -> bytes:
    """Raises: as `contract_pdf`."""
    sheet.settled.check(sheet.items)
    return render(
        TEMPLATES / "order_sheet.typ",
        {
            "issued_at": sheet.issued_at.isoformat(),
            "made_at": moment(sheet.issued_at),
            "number": sheet.number,
            "order_number": sheet.order_number,
            "framework_agreement_number": sheet.framework_agreement_number,
            "company": party_data(sheet.company),
            "provider": party_data(sheet.provider),
            "client": sheet.client,
            "items": [_item(item) for item in sheet.items],
            "settled": _settled(sheet.settled),
            "samples": [_sample(sample) for sample in sheet.samples],
            "turnaround_working_days": sheet.turnaround_working_days,
            "settlement_zh": sheet.settlement_zh,
            "settlement_en": sheet.settlement_en,
            "instructions": sheet.instructions,
        },
    )


def packing_sheet_pdf(sheet: PackingSheet) -> bytes:
    """Raises: RenderFailed, ChildUnavailable; KeyError when a sample has no QR text."""
    return render(
        TEMPLATES / "packing_sheet.typ",
        {
            "issued_at": sheet.issued_at.isoformat(),
            "made_at": moment(sheet.issued_at),
            "order_number": sheet.order_number,
            "shipment_number": sheet.shipment_number,
            # a parcel is opened by many hands; no bank account belongs in it
            "sender": party_data(replace(sheet.sender, bank="", account="")),
            "recipient": party_data(replace(sheet.recipient, bank="", account="")),
            "samples": [
                _sample(sample) | {"qr_svg": _qr_svg(sheet.qr_text_of[sample.code])} for sample in sheet.samples
            ],
            "instructions": sheet.instructions,
        },
    )


def _qr_svg(text: str) -> str:
    # Level Q survives a smudge or a fold over a quarter of the label.
    return segno.make(text, error="q", micro=False).svg_inline(border=4)


def party_data(party: Party) -> dict[str, object]:
    return {name: getattr(party, name) for name in Party.__slots__}


def _item(item: Item) -> dict[str, object]:
    return {
        "name": item.name,
        "method": item.method,
        "quantity": f"{item.quantity.normalize():f}",
        "unit": item.unit,
        "unit_price": figure(item.unit_price),
        "net": figure(item.net),
    }


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "currency": figures.net.currency,
        "discount": figure(-figures.discount) if figures.discount.amount else "",
        "net": figure(figures.net),
        "vat_percent": percent(figures.vat_rate_bps),
        "vat": figure(figures.vat),
        "gross": figure(figures.gross),
        "gross_capitals": capitals(figures.gross),
    }


def _settled(settled: Settled) -> dict[str, object]:
    return {
        "currency": settled.net.currency,
        "discount": figure(-settled.discount) if settled.discount.amount else "",
        "net": figure(settled.net),
        "fee_percent": f" {percent(settled.fee_bps)}%" if settled.fee_bps is not None else "",
        "fee": figure(-settled.fee) if settled.fee.amount else "",
        "earned": figure(settled.earned),
        "vat_percent": percent(settled.vat_rate_bps) if settled.vat_rate_bps else "",
        "vat": figure(settled.vat),
        "gross": figure(settled.gross),
        "gross_capitals": capitals(settled.gross),
    }


def _sample(sample: Sample) -> dict[str, object]:
    return {name: getattr(sample, name) for name in Sample.__slots__}


def _signature(signature: Signature | None) -> dict[str, object] | None:
    if signature is None:
        return None
    return {
        "signatory": signature.signatory,
        "position": signature.position,
        "signed_at": moment(signature.signed_at),
        "method": signature.method,
        "document_sha256": signature.document_sha256,
    }
