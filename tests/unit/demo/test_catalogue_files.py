"""The demonstration catalogue is what the API accepts and says where its prices come from."""

from collections import Counter
from typing import Any

import pytest
from stdnum.cn import uscc

from gateway.schemas.catalogue import OfferingToDraft
from infra.demo.catalogue.load import HERE, catalogues
from services.shared.messages.catalog.provider import ApplyAsProvider
from services.shared.messages.registry import commands

CATALOGUES = catalogues()


def test_there_is_enough_to_choose_from() -> None:
    """Six providers and sixty offerings at the least, each with a name of its own, most of them orderable in yuan."""
    offerings = [entry for catalogue in CATALOGUES for entry in catalogue["offerings"]]
    assert len(CATALOGUES) >= 6
    assert len(offerings) >= 60
    for name in ("key", "title_zh", "title_en"):
        counted = Counter(entry.get(name) or entry["content"][name] for entry in offerings)
        assert [value for value, count in counted.items() if count > 1] == []
    orderable = [entry for entry in offerings if entry["content"]["orderable"]]
    assert len(orderable) >= 60
    assert {entry["price"]["unit_price"]["currency"] for entry in orderable} == {"CNY"}


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=[catalogue["key"] for catalogue in CATALOGUES])
def test_the_api_accepts_it(catalogue: dict[str, Any]) -> None:
    """Organisation, application and every draft are what may be sent, and the credit code's check digit holds."""
    organisation = {
        **catalogue["organisation"], "kind": "provider", "first_member": {"name": "x", "mail": "x@lab.example"}
    }  # fmt: skip
    commands()["identity.register_organisation"].model_validate(organisation, strict=False)
    assert uscc.is_valid(organisation["unified_social_credit_code"])
    ApplyAsProvider.model_validate(catalogue["provider"], strict=False)
    for entry in catalogue["offerings"]:
        price = {"valid_from": catalogue["valid_from"], "charge_basis": catalogue["charge_basis"], **entry["price"]}
        draft = OfferingToDraft.model_validate({"content": entry["content"], "prices": [price]}, strict=False)
        assert draft.prices[0].unit_price.amount > 0


def test_every_source_is_named() -> None:
    """In the price's basis and in the README."""
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    for catalogue in CATALOGUES:
        assert f"`{catalogue['key']}.json` | {len(catalogue['offerings'])} |" in readme
        assert catalogue["source"]["organisation"] in catalogue["charge_basis"]
        for address in catalogue["source"]["address"].split(" ; "):
            assert not address.startswith("http") or address in readme
