"""Agreements by which somebody else pays for a customer (代付协议)."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Name, Page, Query, Text, View
from services.shared.messages.billing.commission_plan import FINANCE


class PayerAgreementView(View):
    payer_agreement_id: UUID
    customer_id: UUID
    payer_name: str
    payer_account: str
    evidence: str
    valid_from: date
    valid_until: date | None


class RecordPayerAgreement(Command):
    """
    *payer_name* may pay for a customer. What waits because of it is matched at once. → PayerAgreementView

    Attributes:
        payer_account: Empty: whatever account of its own it pays from.
        evidence: Where the signed agreement is kept.
        valid_from, valid_until: Days in Asia/Shanghai, both included; none: for good.
    """

    wire_name: ClassVar = "billing.record_payer_agreement"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID
    payer_name: Name
    payer_account: Text = ""
    evidence: Name
    valid_from: date
    valid_until: date | None = None


class ListPayerAgreements(Query):
    """→ PayerAgreementPage, newest first"""

    wire_name: ClassVar = "billing.list_payer_agreements"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PayerAgreementPage(Page):
    items: tuple[PayerAgreementView, ...]
