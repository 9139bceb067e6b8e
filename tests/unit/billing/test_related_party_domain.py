"""Signs that the one who is helped and the one who is paid are the same hands, or that a price was made up."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.related_party import (
    DeclaredRelation,
    PricedLine,
    RelatedToItself,
    findings,
    repeated_reports,
)
from services.shared.kernel.ids import derived_id
from tests.kit.fakes_billing import CUSTOMER_ID, NOW, PROVIDER_ID, STATION_ID, an_organisation
from tests.kit.fakes_voucher import OPENED, a_line, an_offering, some_rules

HOLDER = an_organisation(
    CUSTOMER_ID, address="余杭路2号", account_number="6217000000000001", phone="+86 571 5550 0100",
)  # fmt: skip
PROVIDER = an_organisation(PROVIDER_ID, phone="+86 551 5550 0101")


def a_relation(owner: UUID, owned: UUID, kind: Any = "control") -> DeclaredRelation:
    return DeclaredRelation(owner, owned, kind, "member/1", NOW, "")


def kinds(
    holder: OrganisationCopy = HOLDER, *relations: DeclaredRelation, lines: tuple[PricedLine, ...] = (a_line(),),
    rules: dict[str, Any] | None = None,
) -> list[tuple[str, str]]:  # fmt: skip
    found = findings(holder, PROVIDER, relations, lines, [an_offering()], some_rules(**(rules or {})), NOW)
    return [(each.kind, each.severity) for each in found]


def test_strangers() -> None:
    """No sign, no finding."""
    assert kinds() == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("unified_social_credit_code", PROVIDER.unified_social_credit_code.lower(), "same_credit_code"),
        ("account_number", "6217 0000 0000 8810", "same_bank_account"),
        ("address", "青城山路１号", "same_address"),
        ("phone", "+86 551 5550 0101", "same_phone"),
    ],
)
def test_the_same_in_another_spelling(field: str, value: str, kind: str) -> None:
    """Spaces, full width and capitals hide nothing."""
    changed: dict[str, Any] = {field: value}
    assert kinds(replace(HOLDER, **changed)) == [(kind, "review")]


def test_nothing_known_is_not_the_same() -> None:
    """Two organisations without a phone have no phone in common."""
    provider = replace(PROVIDER, phone="", account_number="")
    holder = replace(HOLDER, phone="", account_number="")
    assert findings(holder, provider, (), (), (), some_rules(), NOW) == ()


def test_the_provider_itself() -> None:
    """An organisation that is both."""
    assert ("same_organisation", "review") in kinds(PROVIDER)


def test_declared() -> None:
    """Control and shares, in either direction; and two firms of one parent."""
    assert kinds(HOLDER, a_relation(CUSTOMER_ID, PROVIDER_ID)) == [("declared_control", "review")]
    assert kinds(HOLDER, a_relation(PROVIDER_ID, CUSTOMER_ID, "shareholding")) == [("declared_shareholder", "review")]
    parent = (a_relation(STATION_ID, CUSTOMER_ID), a_relation(STATION_ID, PROVIDER_ID))
    assert kinds(HOLDER, *parent) == [("declared_control", "review")]
    assert kinds(HOLDER, parent[0], a_relation(derived_id("o", 9), PROVIDER_ID)) == []
    shares = (a_relation(STATION_ID, CUSTOMER_ID, "shareholding"), a_relation(STATION_ID, PROVIDER_ID))
    assert kinds(HOLDER, *shares) == []
    with pytest.raises(RelatedToItself):
        a_relation(CUSTOMER_ID, CUSTOMER_ID)


def test_what_a_finding_does_is_the_programmes() -> None:
    """Stop, ask a person, nothing."""
    checks = (("declared_control", "block"), ("same_phone", "ignore"))
    assert kinds(HOLDER, a_relation(CUSTOMER_ID, PROVIDER_ID), rules={"checks": checks}) == [
        ("declared_control", "block")
    ]


@pytest.mark.parametrize(("asked", "found"), [(120_000, []), (120_001, [("price_above_list", "review")])])
def test_far_above_the_list(asked: int, found: list[tuple[str, str]]) -> None:
    """20 % above the published price is tolerated here, a fen more is not."""
    assert kinds(lines=(a_line(unit_price=asked),)) == found


def test_prices_that_cannot_be_compared() -> None:
    """Without an offering, in another currency, with VAT where the list is without, before there was a list."""
    strange = (
        a_line(None, 10**9),
        replace(a_line(unit_price=10**9), currency="USD"),
        replace(a_line(unit_price=10**9), includes_tax=True),
    )
    assert kinds(lines=strange) == []
    early = findings(HOLDER, PROVIDER, (), (a_line(unit_price=10**9),), [an_offering()], some_rules(), OPENED.replace(
        year=2025))  # fmt: skip
    assert early == ()


def test_a_report_claimed_twice() -> None:
    """The same file for two orders."""
    (found,) = repeated_reports([("ab" * 32, "OR-2026-000001")], some_rules(checks=(("repeated_report", "block"),)))
    assert (found.kind, found.severity, found.facts["order"]) == ("repeated_report", "block", "OR-2026-000001")
