"""What the payer of an order is to state, so that the money finds it: on its mail and on its invoice."""

_REFERENCE_MODULUS = 97


def reference_of(order_number: str) -> str:
    """
    What the payer of *order_number* is to state: YQ, the number's digits, two check digits.

    The check digits are ISO 7064 mod 97-10: any single wrong digit and any two exchanged ones show.
    """
    digits = "".join(character for character in order_number if character.isdigit())
    check = (_REFERENCE_MODULUS + 1) - int(digits) * 100 % _REFERENCE_MODULUS
    return f"YQ{digits}{check:02d}"


def commission_reference_of(order_number: str) -> str:
    """What a provider that owes the commission for *order_number* is to state: CM-2026-000123."""
    return f"CM-{order_number.partition('-')[2]}"


def reference_holds(digits: str) -> bool:
    """Whether *digits* with their two check digits at the end are as `reference_of` makes them."""
    return int(digits) % _REFERENCE_MODULUS == 1
