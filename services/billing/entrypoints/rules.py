"""What billing can be asked about its rules: commission, referrals, programmes and their vouchers."""

from datetime import timedelta

from services.billing.adapters import (
    claim_queries,
    queries,
    related_party_repository,
    subsidy_queries,
    voucher_queries,
)
from services.billing.entrypoints.given import DOWNLOADS, given, instructions, store
from services.billing.use_cases import (
    claim,
    commission_plan,
    programme,
    programme_statement,
    referral,
    related_party,
    subsidy,
    voucher,
    voucher_use,
)
from services.shared.chassis.entrypoints import command, query
from services.shared.messages.billing import subsidy as subsidies
from services.shared.messages.billing.claim import (
    GetClaim,
    GetClaimPack,
    ListClaims,
    RecordClaimPaid,
    ResubmitClaim,
    ReviewClaim,
    SubmitClaim,
)
from services.shared.messages.billing.commission_plan import ListCommissionPlans, PreviewSplit, PublishCommissionPlan
from services.shared.messages.billing.programme import (
    GetProgramme,
    ListProgrammes,
    PublishProgramme,
    ReleaseProgrammeFunds,
)
from services.shared.messages.billing.programme_statement import ImportProgrammeStatement
from services.shared.messages.billing.referral import (
    ClaimReferral,
    DecideReferral,
    GetReferral,
    GetReferralEvidence,
    ListReferrals,
    RevokeReferral,
    SubmitReferralEvidence,
)
from services.shared.messages.billing.related_party import DeclareRelation, ListRelations, WithdrawRelation
from services.shared.messages.billing.voucher import (
    ApproveVoucher,
    EstimateVoucher,
    GetVoucher,
    GrantVoucher,
    ListVouchers,
    ReserveVoucher,
    RevokeVoucher,
    WithdrawVoucher,
)


class Rules:
    publish_commission_plan = command(PublishCommissionPlan, commission_plan.publish_commission_plan)
    list_commission_plans = query(ListCommissionPlans, queries.list_commission_plans)
    preview_split = query(PreviewSplit, commission_plan.preview_split)

    claim_referral = command(ClaimReferral, given(referral.claim_referral, upload_url=lambda _: store().upload_url))
    submit_referral_evidence = command(SubmitReferralEvidence, referral.submit_referral_evidence)
    decide_referral = command(
        DecideReferral,
        given(referral.decide_referral, protection=lambda own: timedelta(days=own.referral_protection_days)),
    )
    revoke_referral = command(RevokeReferral, referral.revoke_referral)
    get_referral = query(GetReferral, queries.get_referral)
    get_referral_evidence = query(GetReferralEvidence, given(queries.get_referral_evidence, **DOWNLOADS))
    list_referrals = query(ListReferrals, queries.list_referrals)

    publish_programme = command(PublishProgramme, programme.publish_programme)
    release_programme_funds = command(ReleaseProgrammeFunds, programme.release_programme_funds)
    import_programme_statement = command(ImportProgrammeStatement, programme_statement.import_programme_statement)
    get_programme = query(GetProgramme, voucher_queries.get_programme)
    list_programmes = query(ListProgrammes, voucher_queries.list_programmes)

    grant_voucher = command(GrantVoucher, voucher.grant_voucher)
    approve_voucher = command(ApproveVoucher, voucher.approve_voucher)
    revoke_voucher = command(RevokeVoucher, voucher.revoke_voucher)
    estimate_voucher = query(EstimateVoucher, voucher_use.estimate_voucher)
    reserve_voucher = command(ReserveVoucher, voucher_use.reserve_voucher)
    withdraw_voucher = command(WithdrawVoucher, voucher_use.withdraw_voucher)
    get_voucher = query(GetVoucher, voucher_queries.get_voucher)
    list_vouchers = query(ListVouchers, voucher_queries.list_vouchers)

    submit_claim = command(SubmitClaim, claim.submit_claim)
    resubmit_claim = command(ResubmitClaim, claim.resubmit_claim)
    review_claim = command(
        ReviewClaim, given(claim.review_claim, instructions=instructions, reminder_days=lambda own: own.dunning_days)
    )
    record_claim_paid = command(RecordClaimPaid, claim.record_claim_paid)
    get_claim = query(GetClaim, claim_queries.get_claim)
    list_claims = query(ListClaims, claim_queries.list_claims)
    get_claim_pack = query(GetClaimPack, given(claim_queries.get_claim_pack, **DOWNLOADS))

    submit_subsidy = command(subsidies.SubmitSubsidy, subsidy.submit_subsidy)
    resubmit_subsidy = command(subsidies.ResubmitSubsidy, subsidy.resubmit_subsidy)
    review_subsidy = command(subsidies.ReviewSubsidy, subsidy.review_subsidy)
    record_subsidy_paid = command(subsidies.RecordSubsidyPaid, subsidy.record_subsidy_paid)
    get_subsidy = query(subsidies.GetSubsidy, subsidy_queries.get_subsidy)
    list_subsidies = query(subsidies.ListSubsidies, subsidy_queries.list_subsidies)
    get_subsidy_pack = query(subsidies.GetSubsidyPack, given(subsidy_queries.get_subsidy_pack, **DOWNLOADS))

    declare_relation = command(DeclareRelation, related_party.declare_relation)
    withdraw_relation = command(WithdrawRelation, related_party.withdraw_relation)
    list_relations = query(ListRelations, related_party_repository.list_relations)
