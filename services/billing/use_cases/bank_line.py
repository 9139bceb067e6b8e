"""Lines of the bank's statements as they are shown."""

from services.billing.domain.bank_line import BankLine
from services.shared.messages.billing.bank_statement import BankLine as BankLineMessage


def line_message(line: BankLine) -> BankLineMessage:
    return BankLineMessage(
        bank_line_id=line.bank_line_id,
        serial_number=line.serial_number,
        booked_at=line.booked_at,
        direction=line.direction,
        amount=line.money,
        counterparty=line.counterparty,
        counterparty_account=line.counterparty_account,
        remittance=line.remittance,
        state=line.state,
        target=line.target,
        reason=line.reason,
    )
