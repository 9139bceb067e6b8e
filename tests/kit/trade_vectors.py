"""The worked cases of the trade rules as orders of billing, with the entries that accept and settle them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.orders.domain.pricing import LineAsked, priced
from services.shared.kernel.money import Money
from services.shared.kernel.tax import TaxProfile
from tests.kit.fakes_billing import GENERAL_6, ORDER_ID, PROVIDER_ID, STATION_ID, amounts

ORDINARY_6 = TaxProfile("general_6", can_issue_special=False)
SPECIAL_3 = TaxProfile("general_simplified_3", can_issue_special=True)
SPECIAL_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=True)
ORDINARY_1 = TaxProfile("small_scale_3_reduced_1", can_issue_special=False)

ACCOUNTS = {
    "contract": f"L:contract:{ORDER_ID}",
    "revenue": "R:service",
    "output": "L:vat:output",
    "provider cost": "E:provider_service",
    "station cost": "E:station_share",
    "provider accrued": f"L:provider:{PROVIDER_ID}:accrued",
    "provider payable": f"L:provider:{PROVIDER_ID}:payable",
    "station accrued": f"L:station:{STATION_ID}:accrued",
    "station payable": f"L:station:{STATION_ID}:payable",
    "input": "A:vat:input_pending",
}

Entries = Sequence[tuple[str, str, int]]
"""Side, account by its name above, amount in fen."""


@dataclass(frozen=True)
class Vector:
    """
    Attributes:
        money: As on the contract.
        terms: What differs from TV01's.
        accepted, provider_invoiced, station_invoiced: The entries of acceptance and of both received invoices.
        kept, vat_due: What follows from them.
    """

    name: str
    accepted: Entries
    provider_invoiced: Entries
    kept: int
    vat_due: int
    station_invoiced: Entries = ()
    money: Mapping[str, Any] = field(default_factory=amounts)
    terms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gross(self) -> Money:
        gross: Money = self.money["gross"]
        return gross


def of_lines(*lines: tuple[int, int], **how: Any) -> Mapping[str, Any]:
    """The amounts of lines of (unit price in fen, quantity), priced by orders."""
    _, found = priced(
        [LineAsked(None, f"L{n}", f"L{n}", "sample", many, Money(price, "CNY"), **how)
         for n, (price, many) in enumerate(lines)],
        600,
    )  # fmt: skip
    return vars(found)


def _accepted(net: int, tax: int, provider: int, station: int = 0) -> Entries:
    entries = [
        ("D", "contract", net + tax), ("C", "revenue", net), ("C", "output", tax),
        ("D", "provider cost", provider), ("C", "provider accrued", provider),
        ("D", "station cost", station), ("C", "station accrued", station),
    ]  # fmt: skip
    return [entry for entry in entries if entry[2]]


def _invoiced(kind: str, net: int, tax: int) -> Entries:
    entries = [("D", f"{kind} accrued", net), ("D", "input", tax), ("C", f"{kind} payable", net + tax)]
    return [entry for entry in entries if entry[2]]


def _no_station(profile: TaxProfile = GENERAL_6) -> Mapping[str, Any]:
    return {"station": False, "provider_tax": profile}


VECTORS = (
    Vector("TV01", _accepted(100_000, 6_000, 90_000, 7_000), _invoiced("provider", 90_000, 5_400), 3_000, 180,
           _invoiced("station", 7_000, 420)),
    Vector("TV02", _accepted(100_000, 6_000, 90_000, 7_000), _invoiced("provider", 90_000, 5_400), 3_000, 600,
           _invoiced("station", 7_000, 0), terms={"station_tax": ORDINARY_6}),
    Vector("TV03a", _accepted(100_000, 6_000, 90_000), _invoiced("provider", 90_000, 900), 10_000, 5_100,
           terms=_no_station(SPECIAL_1)),
    Vector("TV03b", _accepted(100_000, 6_000, 90_000), _invoiced("provider", 90_000, 0), 10_000, 6_000,
           terms=_no_station(ORDINARY_1)),
    Vector("TV03c", _accepted(100_000, 6_000, 90_000), _invoiced("provider", 90_000, 2_700), 10_000, 3_300,
           terms=_no_station(SPECIAL_3)),
    Vector("TV14", _accepted(316_800, 19_008, 285_120, 22_176), _invoiced("provider", 285_120, 17_107), 9_504, 570,
           _invoiced("station", 22_176, 1_331), money=of_lines((120_000, 3), discount_bps=1_200)),
    Vector("TV16", _accepted(9_426, 564, 8_483), _invoiced("provider", 8_483, 509), 943, 55,
           money=of_lines((3_330, 1), (3_330, 1), (3_330, 1), includes_tax=True), terms=_no_station()),
    Vector("TV17", _accepted(252_500, 15_150, 227_250), _invoiced("provider", 227_250, 13_635), 25_250, 1_515,
           money=of_lines(*[(505, 500)]), terms=_no_station()),
    Vector("TV21", _accepted(95_000, 5_700, 90_000), _invoiced("provider", 90_000, 5_400), 5_000, 300,
           money=amounts(95_000, 5_700), terms={**_no_station(), "company_discount": Money(5_000, "CNY")}),
    Vector("TV24", _accepted(500_000, 30_000, 380_000, 35_000), _invoiced("provider", 380_000, 11_400), 85_000, 16_500,
           _invoiced("station", 35_000, 2_100), money=amounts(500_000, 30_000),
           terms={"provider_tax": SPECIAL_3, "buy_net": Money(380_000, "CNY")}),
)  # fmt: skip


@dataclass(frozen=True)
class AgentVector:
    """
    A case where the provider sells; terms and money as on its contract.

    Attributes:
        accepted: The entries of acceptance: commission and the station's share, and nothing of the customer's money.
        provider_keeps: Of what the customer paid it, once the commission is split off or paid.
    """

    name: str
    money: Mapping[str, Any]
    accepted: Entries
    provider_keeps: int
    kept: int
    vat_due: int
    terms: Mapping[str, Any] = field(default_factory=dict)


def at_rate(net: int, tax: int, tax_rate_bps: int) -> Mapping[str, Any]:
    """What the customer pays the provider."""
    return {**amounts(net, tax), "tax_rate_bps": tax_rate_bps}


def _commission(net: int, tax: int, station: int = 0) -> Entries:
    entries = [("D", "provider owes", net + tax), ("C", "commission", net), ("C", "output", tax),
               ("D", "station cost", station), ("C", "station accrued", station)]  # fmt: skip
    return [entry for entry in entries if entry[2]]


ACCOUNTS |= {"commission": "R:commission", "provider owes": f"A:ar:provider:{PROVIDER_ID}"}
AGENT_VECTORS = (
    AgentVector("TV04", at_rate(100_000, 6_000, 600), _commission(10_000, 600, 7_000), 95_400, 3_000, 180),
    AgentVector("TV05", at_rate(100_000, 1_000, 100), _commission(10_000, 600), 90_400, 10_000, 600,
                terms={"station": False, "provider_tax": SPECIAL_1}),
    AgentVector("TV20", at_rate(20_000_000, 0, 0), _commission(2_000_000, 120_000), 17_880_000, 2_000_000, 120_000,
                terms={"station": False, "contract_kind": "technology_development"}),
)  # fmt: skip


def as_agent(vector: AgentVector, model: str = "agent_direct") -> dict[str, Any]:
    """Its contract, in *model*."""
    method = "platform_channel" if model == "agent_psp_split" else "direct_transfer"
    return {"money": vector.money, "collection_model": model, "method": method, "commission_rate_bps": 600,
            **vector.terms}  # fmt: skip
