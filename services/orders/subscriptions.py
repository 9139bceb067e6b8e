"""What orders listens to, does outside and does in time, and what it does then."""

from services.orders.adapters import files
from services.orders.adapters.outside_calls import outside_calls
from services.orders.adapters.papers import Papers
from services.orders.config import OrdersSettings
from services.orders.use_cases import (
    commission,
    credit,
    dispute,
    funding,
    offering,
    order,
    organisation,
    provider,
    quotation,
    quotation_request,
)
from services.shared.chassis import database
from services.shared.chassis.definition import Work, on
from services.shared.chassis.settings import SourceSettings
from services.shared.messages.billing.commission import SellerPaid
from services.shared.messages.billing.commission_plan import CommissionPlanPublished
from services.shared.messages.billing.credit import (
    CreditGranted,
    CreditLineApproved,
    CreditLineSuspended,
    CreditRefused,
)
from services.shared.messages.billing.funding import (
    FundingExecuted,
    FundingRefused,
    FundingReleased,
    FundingRequested,
    FundingReserved,
)
from services.shared.messages.billing.payment import PaymentSucceeded
from services.shared.messages.billing.referral import ReferralConfirmed, ReferralRevoked
from services.shared.messages.billing.refund import RefundSucceeded
from services.shared.messages.billing.settlement import SettlementOrdersPaid
from services.shared.messages.billing.voucher import VoucherReserved, VoucherReturned
from services.shared.messages.catalog.offering import OfferingChanged, OfferingHidden, OfferingPublished
from services.shared.messages.catalog.provider import ProviderApproved, ProviderSuspended
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)

SUBSCRIPTIONS = (
    on(OrganisationRegistered, organisation.keep_copy),
    on(OrganisationVerified, organisation.keep_copy),
    on(OrganisationChanged, organisation.keep_copy),
    on(ProviderApproved, provider.keep_copy),
    on(ProviderSuspended, provider.keep_copy),
    on(OfferingPublished, offering.keep_copy),
    on(OfferingChanged, offering.keep_copy),
    on(OfferingHidden, offering.keep_copy),
    on(CommissionPlanPublished, commission.keep_plan),
    on(ReferralConfirmed, commission.keep_referral),
    on(ReferralRevoked, commission.end_referral),
    on(CreditLineApproved, credit.keep_line),
    on(CreditLineSuspended, credit.suspend_line),
    on(CreditGranted, credit.take_granted),
    on(CreditRefused, credit.note_refused),
    on(FundingRequested, funding.note_requested),
    on(FundingReserved, funding.take_reserved),
    on(FundingRefused, funding.note_refused),
    on(FundingReleased, funding.drop_released),
    on(FundingExecuted, funding.close_executed),
    on(PaymentSucceeded, order.take_payment),
    on(SettlementOrdersPaid, order.close_settled),
    on(SellerPaid, order.close_sold),
    on(RefundSucceeded, dispute.refund_arrived),
    on(VoucherReserved, order.take_voucher),
    on(VoucherReturned, order.drop_voucher),
)

TIMERS = {
    order.ACCEPT_TIMER: order.accept_order_in_time,
    order.UNPAID_TIMER: order.cancel_unpaid_order,
    quotation_request.EXPIRE_REQUEST_TIMER: quotation_request.expire_quotation_request,
    quotation_request.EXPIRE_QUOTATION_TIMER: quotation.expire_quotation,
}


def work(settings: SourceSettings) -> Work:
    """What `work` runs for orders."""
    if not isinstance(settings, OrdersSettings):
        raise TypeError("these are another service's settings")
    # One connection: outside calls are made one after the other.
    source = database.engine(settings.database_url, name="papers orders", pool_size=1)
    papers = Papers(source, files.store(), settings.policy(), settings.public_url)
    return Work(subscriptions=SUBSCRIPTIONS, outside_calls=outside_calls(papers, files.store()), timers=TIMERS)
