"""The steps from an accepted order to the money in the provider's and the station's accounts; like `journey.py`."""

import itertools
from collections.abc import Sequence

from infra.demo.bank import import_statement
from infra.demo.client import Client, Json, until
from infra.demo.journey import Journey, order_of
from infra.demo.people import Cast, once_ready


def settlements_of(cast: Cast, order_id: str) -> list[Json]:
    """The statements on which the order stands: the provider's, and the station's where there is one."""
    found: list[Json] = cast.operator["finance_operator"].get("/settlements", limit=200, order_id=order_id)["items"]
    return sorted(found, key=lambda each: str(each["party_kind"]))


def line_of(cast: Cast, settlement: Json, order_id: str = "") -> Json:
    """What the statement says of the order; of its first one where none is named."""
    finance = cast.operator["finance_operator"]
    wanted = {"order_id": order_id} if order_id else {}
    line: Json = finance.get(f"/settlements/{settlement['settlement_id']}/lines", limit=1, **wanted)["items"][0]
    return line


def close_settlements(journey: Journey, order_id: str, until_day: str) -> list[Json]:
    """
    Finance closes the statements of all orders accepted up to the end of *until_day* (YYYY-MM-DD, Asia/Shanghai).

    Answers those with this order on them; waits until billing knows that it is accepted.
    """
    cast = journey.cast
    parties = 1 if cast.station is None else 2

    # Closing answers what it closed just then, so each attempt is a request of its own.
    attempts = itertools.count(1)

    def attempt() -> list[Json]:
        found = settlements_of(cast, order_id)
        if len(found) < parties:
            key = journey.key("close", until_day, next(attempts))
            cast.operator["finance_operator"].post("/settlements/close", {"until": until_day}, key=key)
            found = settlements_of(cast, order_id)
        return found

    return until(
        attempt,
        lambda found: len(found) >= parties,
        "statements over the order",
        timeout_s=cast.operator["finance_operator"].patience_s,
    )


def send_invoice(cast: Cast, settlement: Json) -> Json:
    """The party invoices exactly what its statement says."""
    if settlement["party_kind"] == "provider":
        party, role = cast.provider, "provider_finance"
        special = order_terms(cast, settlement)["provider_tax"]["can_issue_special"]
    else:
        if cast.station is None:
            raise ValueError("a station's statement in a journey without a station")
        party, role = cast.station, "station_manager"
        special = order_terms(cast, settlement)["station_tax"]["can_issue_special"]
    body = {
        "settlement_number": settlement["number"],
        "number": f"INV-{settlement['number']}",
        "kind": "special" if special else "ordinary",
        "net": settlement["net"],
        "tax": settlement["tax"],
        "issued_on": settlement["until"],
    }
    # Invoicing hears of the statement by an event; until then there is none of this number for it.
    return once_ready(
        lambda: party[role].post("/received-invoices", body, key=f"invoice/{settlement['settlement_id']}"), "not_found"
    )


def order_terms(cast: Cast, settlement: Json) -> Json:
    """What was frozen when the first order of *settlement* was contracted."""
    terms: Json = order_of(cast.operator["finance_operator"], line_of(cast, settlement)["order_id"])["terms"]
    return terms


def wait_for_settlement(cast: Cast, settlement_id: str, state: str) -> Json:
    client = cast.operator["finance_operator"]
    return until(
        lambda: client.get(f"/settlements/{settlement_id}"),
        lambda found: found["state"] == state,
        f"{state} statement",
        timeout_s=client.patience_s,
    )


def start_payout(cashier: Client, settlement: Json) -> Json:
    """One finance person starts the transfer, once the invoice has matched and the hold period is over."""
    body = {"settlement_id": settlement["settlement_id"]}
    return cashier.post("/payouts", body, key=f"payout/{settlement['settlement_id']}")


def release_payout(cashier: Client, payout: Json) -> Json:
    """Another one releases it."""
    return cashier.post(f"/payouts/{payout['payout_id']}/release", key=f"release/{payout['payout_id']}")


def import_payouts(cast: Cast, payouts: Sequence[Json], *, key: str) -> Json:
    """The bank's statement shows the outgoing transfers."""
    return import_statement(
        cast,
        [
            {
                "serial_number": f"OUT-{payout['number']}",
                "booked_at": payout["released_at"],
                "direction": "out",
                "amount": payout["amount"]["amount"],
                "counterparty": payout["account_name"],
                "remittance": payout["number"],
            }
            for payout in payouts
        ],
        key=key,
    )


def pay_out(cast: Cast, settlements: Sequence[Json], first: Client, second: Client) -> list[Json]:
    """Pay statements that are payable: started by *first*, released by *second*, shown by the bank."""
    payouts = []
    for settlement in settlements:
        wait_for_settlement(cast, settlement["settlement_id"], "payable")
        payouts.append(release_payout(second, start_payout(first, settlement)))
    import_payouts(cast, payouts, key="statement-out/" + "/".join(sorted(each["number"] for each in payouts)))
    return payouts


def invoice_of(cast: Cast, order_id: str) -> Json:
    """The customer's invoice, once it is issued."""
    client = cast.customer["customer_finance"]

    def issued() -> Json | None:
        found: list[Json] = client.get("/invoices", order_id=order_id)["items"]
        return found[0] if found and found[0]["state"] in {"issued", "delivered", "failed"} else None

    found = until(issued, lambda invoice: invoice is not None, "the customer's invoice", timeout_s=client.patience_s)
    if found is None:
        raise AssertionError("until answers what is done")
    return found
