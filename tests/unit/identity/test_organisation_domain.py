"""Who an organisation is, and where its money may go."""

import pytest

from gateway.identity.domain.organisation import BankAccount, BankAccountNotOwn, CreditCodeInvalid, credit_code
from tests.kit.fakes_identity import a_credit_code, an_organisation

OWN = BankAccount("中国银行", "长河新材料有限公司", "6222000011112222")


def test_a_credit_code_is_kept_in_one_form() -> None:
    """Capital letters, no spaces."""
    code = a_credit_code(5)
    assert credit_code(f" {code[:8]} {code[8:].lower()} ") == code


@pytest.mark.parametrize("wrong", ["", "91310000", "9131000000000000IO", "x" * 18, a_credit_code(1) + "0"])
def test_what_is_no_credit_code_is_refused(wrong: str) -> None:
    """Length, alphabet, check digit."""
    with pytest.raises(CreditCodeInvalid):
        credit_code(wrong)


def test_a_wrong_check_digit_is_refused() -> None:
    """Every other last character is wrong."""
    code = a_credit_code(9)
    for last in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        if last != code[-1]:
            with pytest.raises(CreditCodeInvalid):
                credit_code(code[:-1] + last)


def test_money_goes_to_the_organisations_own_account_only() -> None:
    """From the beginning and with every change, of the account and of the name."""
    other = BankAccount("中国银行", "某某个人", "6222000011112222")
    with pytest.raises(BankAccountNotOwn):
        an_organisation(bank_account=other)
    organisation = an_organisation(bank_account=OWN)
    with pytest.raises(BankAccountNotOwn):
        organisation.change(bank_account=other)
    with pytest.raises(BankAccountNotOwn):
        organisation.change(legal_name="另一家公司")
    assert organisation == an_organisation(bank_account=OWN)


def test_brackets_of_either_width_are_the_same_name() -> None:
    """Banks print full width, registers half width."""
    account = BankAccount("中国银行", "长河(上海)有限公司", "6222000011112222")
    assert an_organisation(legal_name="长河（上海）有限公司", bank_account=account).bank_account == account


@pytest.mark.parametrize(
    ("change", "verified"),
    [
        ({"bank_account": OWN}, False),
        ({"legal_name": "长河科技有限公司"}, False),
        ({"address": "北京"}, True),
        ({"address": "上海市杨浦区"}, True),
    ],
)
def test_another_name_or_account_is_verified_again(change: dict[str, object], *, verified: bool) -> None:
    """Whoever gets at a manager's session does not thereby get at the money."""
    organisation = an_organisation(verified=True)
    assert organisation.change(**change) == (change != {"address": "上海市杨浦区"})
    assert organisation.verified is verified


def test_verifying_twice_is_once() -> None:
    """It says whether it was news."""
    organisation = an_organisation()
    assert (organisation.verify(), organisation.verify()) == (True, False)
