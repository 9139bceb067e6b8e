"""Contract, order sheet and packing sheet say what was agreed, and only to whom it concerns."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial

import pytest

from services.orders.adapters.documents import (
    Figures,
    FiguresDisagree,
    OrderSheet,
    contract_pdf,
    order_sheet_pdf,
    packing_sheet_pdf,
)
from services.shared.kernel.money import Money
from tests.integration.documents.papers import (
    CUSTOMER,
    cny,
    contract,
    order_sheet,
    packing_sheet,
)
from tests.integration.documents.reading import pages_of, pdfa_claim, pdfa_violations, text_of


def test_a_contract_states_parties_price_terms_and_signatures() -> None:
    text = text_of(contract_pdf(contract()))
    for stated in (
        "HT-2026-000456",
        CUSTOMER.credit_code,
        "GB/T17359-2023",
        "Discount-50.00",
        "6,550.00",
        "增值税6%",
        "393.00",
        "6,943.00",
        "人民币陆仟玖佰肆拾叁元整",
        "SP-2026-000123-03",
        "10日内验收",
        "within15daysofreceiptofthereport",
        "甲方承担价税合计的20%",
        "cancellingcosts20%ofthetotalwithVAT",
        "保留90日",
        "四川大学分析测试中心",
        "欧阳䶮",
        "2026-11-2314:51:33UTC+8",
        "9f" * 32,
        "第1页共3页/Page1of3",
    ):
        assert stated in text, stated


def test_an_unsigned_contract_leaves_room_for_signatures_and_seals() -> None:
    text = text_of(contract_pdf(contract(signed=False)))
    assert "9f9f" not in text
    assert text.count("盖章Seal") == 2


def test_sixty_lines_break_over_pages_with_their_header_on_each() -> None:
    pages = pages_of(contract_pdf(contract(60, 0)))
    with_lines = [page for page in pages if "1,200.00" in page]
    assert len(with_lines) >= 3
    assert all("单价（不含税）" in page for page in with_lines)
    assert pages[-1].endswith(f"第{len(pages)}页共{len(pages)}页/Page{len(pages)}of{len(pages)}")
    text = "".join(pages)
    assert "本合同不涉及样品寄送" in text


def test_a_customer_named_like_markup_signs_under_its_name() -> None:
    name = "#panic()[`恶意`] *公司* \\ <x> @y $z$"
    text = text_of(contract_pdf(contract(customer=replace(CUSTOMER, name=name))))
    assert text.count(name.replace(" ", "")) == 2


@pytest.mark.parametrize("subcontracting", ["refused", "named", "with_consent"])
@pytest.mark.parametrize("confidentiality", ["standard", "nda", "blind"])
def test_every_choice_of_terms_is_a_contract(subcontracting: str, confidentiality: str) -> None:
    base = contract()
    terms = replace(base.terms, subcontracting=subcontracting, confidentiality=confidentiality)  # type: ignore[arg-type]
    text = text_of(contract_pdf(replace(base, terms=terms)))
    assert ("盲样管理" in text) == (confidentiality == "blind")
    assert ("甲方不同意分包" in text) == (subcontracting == "refused")


def test_a_contract_that_does_not_add_up_is_not_made() -> None:
    base = contract()
    with pytest.raises(FiguresDisagree):
        contract_pdf(replace(base, figures=replace(base.figures, net=cny(1))))


def test_a_contract_in_yen_has_no_decimals_and_no_chinese_capitals() -> None:
    def yen(amount: int) -> Money:
        return Money(amount, "JPY")

    base = contract(1, 1)
    line = replace(base.items[0], unit_price=yen(20_000), net=yen(20_000))
    sums = Figures(yen(0), yen(20_000), 1_000, yen(2_000), yen(22_000))
    text = text_of(contract_pdf(replace(base, items=(line,), figures=sums)))
    assert "22,000" in text
    assert "22,000.00" not in text
    assert "人民币" not in text


def test_the_order_sheet_shows_the_providers_price_and_cannot_know_the_customers() -> None:
    text = text_of(order_sheet_pdf(order_sheet()))
    assert "1,080.00" in text
    assert "KJ-2025-0017" in text
    assert "12个工作日内" in text
    for of_the_provider in ("Managementfee10%", "Earned,net", "To be paid with VAT, CNY".replace(" ", "")):
        assert of_the_provider in text, of_the_provider
    assert "Dr.JanaŠimůnek" in text
    for of_the_customer in ("1,200.00", "6,943.00", CUSTOMER.account.replace(" ", ""), "QT-2026"):
        assert of_the_customer not in text
    assert not [field.name for field in fields(OrderSheet) if "customer" in field.name]


def test_the_packing_sheet_has_a_label_for_each_sample_and_no_money() -> None:
    sheet = packing_sheet(9)
    pages = pages_of(packing_sheet_pdf(sheet))
    text = "".join(pages)
    for sample in sheet.samples:
        assert text.count(sample.code) == 2, "once in the list, once on its label"
    assert "CNY" not in text
    assert CUSTOMER.account.replace(" ", "") not in text


def check_archivable(make: Callable[[], bytes]) -> None:
    pdf = make()
    assert make() == pdf
    assert pdfa_claim(pdf) == ("2", "A")
    assert pdfa_violations(pdf) == []


def test_papers_are_archivable_and_the_same_every_time() -> None:
    check_archivable(partial(contract_pdf, contract()))
    check_archivable(partial(order_sheet_pdf, order_sheet()))
    check_archivable(partial(packing_sheet_pdf, packing_sheet()))
