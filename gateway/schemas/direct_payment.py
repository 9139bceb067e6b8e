"""Direct payments: confirmed by whoever has the customer's money."""

from datetime import date
from typing import Annotated

from pydantic import Field

from gateway.schemas.base import Schema
from services.shared.messages.base import Name, PositiveMoney


class DirectPaymentToConfirm(Schema):
    amount: PositiveMoney
    reference: Annotated[Name, Field(description="of the bank that moved it; once")]
    received_on: date


class DirectRefundToConfirm(Schema):
    reference: Annotated[Name, Field(description="of the bank that moved it; once")]
    paid_on: date
