"""What one order came to, read from the platform's own answers, and what it must come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from infra.demo.client import Client, Json
from infra.demo.people import Cast
from infra.demo.settlement import line_of


@dataclass(frozen=True)
class Figures:
    """
    One settled order in fen.

    Attributes:
        net, tax, gross: What the customer was invoiced.
        fee: C, the management fee.
        provider_net, provider_tax: What the provider's invoice says; 0 tax where it is all-in.
        station_net, station_tax: Likewise for the station; 0 where there is none.
        kept: K, what stays with the company: revenue less what provider and station cost.
        vat_due: Output VAT less the input VAT of provider and station.
        psp_fee, psp_fee_vat: What the payment institution kept of a card payment; 0 for a transfer.
    """

    net: int
    tax: int
    gross: int
    fee: int
    provider_net: int
    provider_tax: int
    station_net: int
    station_tax: int
    kept: int
    vat_due: int
    psp_fee: int = 0
    psp_fee_vat: int = 0

    def differences(self, expected: "Figures") -> list[str]:
        """Where these are not the *expected* ones, in words."""
        return [
            f"{field.name} is {getattr(self, field.name)} and should be {getattr(expected, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(expected, field.name)
        ]

    def identity_holds(self) -> bool:
        """(N_p + T_p) + (S + T_s) + K + (T - T_p - T_s) == N + T."""
        shared = self.provider_net + self.provider_tax + self.station_net + self.station_tax
        return shared + self.kept + self.vat_due == self.net + self.tax == self.gross


# The worked figures of the trade rules. Card orders: the institution keeps 0.6 %, of it 6 % VAT on its fee.
CARD_WITH_STATION = Figures(
    net=100_000, tax=6_000, gross=106_000, fee=10_000, provider_net=90_000, provider_tax=5_400,
    station_net=7_000, station_tax=420, kept=3_000, vat_due=180, psp_fee=600, psp_fee_vat=36,
)  # fmt: skip
NEGOTIATED_BY_TRANSFER = Figures(
    net=316_800, tax=19_008, gross=335_808, fee=31_680, provider_net=285_120, provider_tax=17_107,
    station_net=22_176, station_tax=1_331, kept=9_504, vat_due=570,
)  # fmt: skip
SMALL_SCALE_SPECIAL = Figures(
    net=100_000, tax=6_000, gross=106_000, fee=10_000, provider_net=90_000, provider_tax=900,
    station_net=0, station_tax=0, kept=10_000, vat_due=5_100,
)  # fmt: skip
SMALL_SCALE_ORDINARY = Figures(
    net=100_000, tax=6_000, gross=106_000, fee=10_000, provider_net=90_000, provider_tax=0,
    station_net=0, station_tax=0, kept=10_000, vat_due=6_000,
)  # fmt: skip
UNIVERSITY_SPECIAL = Figures(
    net=100_000, tax=6_000, gross=106_000, fee=10_000, provider_net=90_000, provider_tax=2_700,
    station_net=0, station_tax=0, kept=10_000, vat_due=3_300,
)  # fmt: skip


def figures_of(cast: Cast, order: Json, settlements: Sequence[Json]) -> Figures:
    """
    The figures of a settled order: what the customer pays from the order, what the parties get from the
    statements, and what is kept from the ledger.

    *order*: as the operating company sees it; *settlements*: the statements on which it stands.
    """
    parties = {each["party_kind"]: line_of(cast, each, order["order_id"]) for each in settlements}
    provider = parties["provider"]
    station = parties.get("station")
    booked = balances_of_order(cast.operator["finance_operator"], order["order_id"])
    station_tax = station["tax"]["amount"] if station else 0
    provider_tax = provider["tax"]["amount"]
    # Of an order's own transactions input VAT has only that on the institution's fee; the parties' comes by statement.
    return Figures(
        net=-booked.get("R:service", 0),
        tax=order["amounts"]["tax"]["amount"],
        gross=order["amounts"]["gross"]["amount"],
        fee=provider["fee"]["amount"],
        provider_net=provider["net"]["amount"],
        provider_tax=provider_tax,
        station_net=station["net"]["amount"] if station else 0,
        station_tax=station_tax,
        kept=-booked.get("R:service", 0) - booked.get("E:provider_service", 0) - booked.get("E:station_share", 0),
        vat_due=-booked.get("L:vat:output", 0) - provider_tax - station_tax,
        psp_fee=booked.get("E:psp_fee", 0),
        psp_fee_vat=booked.get("A:vat:input_pending", 0),
    )


def balances_of_order(finance: Client, order_id: str) -> dict[str, int]:
    """Debit less credit on each account, of the transactions that name the order."""
    sums: dict[str, int] = {}
    cursor: str | None = None
    while True:
        page = finance.get(
            "/ledger/transactions", order_id=order_id, limit=200, **({"after": cursor} if cursor else {})
        )
        for transaction in page["items"]:
            add_entries(sums, transaction["entries"])
        cursor = page["next_cursor"]
        if cursor is None:
            return sums


def add_entries(sums: dict[str, int], entries: Sequence[Mapping[str, Any]]) -> None:
    """Add *entries* to the sums of their accounts, debits above zero."""
    for entry in entries:
        amount = entry["amount"] if entry["side"] == "D" else -entry["amount"]
        sums[entry["account"]] = sums.get(entry["account"], 0) + amount


def yuan(amount: int) -> str:
    """*1,060.00* for 106000 fen."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
