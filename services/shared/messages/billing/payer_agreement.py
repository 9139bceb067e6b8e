"""Agreements by which somebody else pays for a customer (代付协议)."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.shared.kernel.actor import Grants
from services.shared.messages.base import Command, Instant, Name, Page, Query, Text, View
from services.shared.messages.billing.commission_plan import FINANCE

PayerAgreementState = Literal["proposed", "in_force", "refused", "withdrawn"]


class PayerAgreementView(View):
    """
    Attributes:
        state: One that was ended stays *in_force* to the end of its last day; *withdrawn* holds on no day any more.
        recorded_by, decided_by, ended_by: Who did it; empty until then.
    """

    payer_agreement_id: UUID
    customer_id: UUID
    payer_name: str
    payer_account: str
    evidence: str
    valid_from: date
    valid_until: date | None
    state: PayerAgreementState
    recorded_by: str
    decided_at: Instant | None
    decided_by: str
    ended_at: Instant | None
    ended_by: str


class RecordPayerAgreement(Command):
    """
    *payer_name* may pay for a customer; it holds once somebody else confirms it. → PayerAgreementView

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


class ConfirmPayerAgreement(Command):
    """By somebody else than who recorded it; what waits because of it is matched at once. → PayerAgreementView"""

    wire_name: ClassVar = "billing.confirm_payer_agreement"
    grants: ClassVar[Grants] = FINANCE

    payer_agreement_id: UUID


class RefusePayerAgreement(Command):
    """Who recorded it may withdraw it so. → PayerAgreementView"""

    wire_name: ClassVar = "billing.refuse_payer_agreement"
    grants: ClassVar[Grants] = FINANCE

    payer_agreement_id: UUID


class EndPayerAgreement(Command):
    """
    It holds to the end of a day and no longer; what it has matched stays matched. → PayerAgreementView

    Attributes:
        last_day: In Asia/Shanghai, included; before its first day: it holds on none any more.
    """

    wire_name: ClassVar = "billing.end_payer_agreement"
    grants: ClassVar[Grants] = FINANCE

    payer_agreement_id: UUID
    last_day: date


class ListPayerAgreements(Query):
    """→ PayerAgreementPage, newest first"""

    wire_name: ClassVar = "billing.list_payer_agreements"
    grants: ClassVar[Grants] = FINANCE

    customer_id: UUID | None = None
    state: PayerAgreementState | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PayerAgreementPage(Page):
    items: tuple[PayerAgreementView, ...]
