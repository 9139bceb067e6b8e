"""Programmes: publishing their rules, and keeping count of what they have promised."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.billing.domain.offering import OfferingCopy
from services.billing.domain.organisation import OrganisationCopy
from services.billing.domain.programme import (
    Case,
    Estimate,
    Left,
    NotAnAuthority,
    Programme,
    ProgrammeVersion,
    Rules,
    Tier,
    estimate,
    version_at,
)
from services.billing.domain.related_party import Finding, PricedLine, findings
from services.billing.domain.voucher import Voucher, funded, funds_released
from services.billing.use_cases.ledger import post_transaction
from services.billing.use_cases.ports import BillingUnitOfWork
from services.shared.kernel.actor import Actor, require
from services.shared.kernel.errors import NotFound, NotYet
from services.shared.kernel.ids import new_id
from services.shared.kernel.money import Money
from services.shared.messages.billing import programme as messages
from services.shared.messages.billing.programme import (
    ProgrammePublished,
    ProgrammeView,
    PublishProgramme,
    ReleaseProgrammeFunds,
)


class AuthorityUnknown(NotFound):
    """There is no such organisation."""

    code = "billing.authority_unknown"


def publish_programme(
    command: PublishProgramme, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ProgrammeView:
    """
    Open a programme, or give the one with this code other rules from an instant on.

    Raises:
        RulesContradict, ProgrammeContradicts, BudgetCommitted, VersionExists: See the domain.
        AuthorityUnknown, NotAnAuthority: Nobody, or nobody verified, is registered as the authority.
    """
    require(actor, command.grants, {})
    rules = rules_of(command.rules)
    rules.check_side(command.side)
    authority = uow.organisations.find(command.authority_id)
    if authority is None:
        raise AuthorityUnknown
    if authority.kind != "authority" or not authority.verified:
        raise NotAnAuthority
    programme = uow.programmes.of_code(command.code)
    if programme is None:
        programme = Programme(
            new_id(), "", command.code, command.title_zh, command.title_en, command.authority_id, command.side,
            command.budget.currency, command.budget.amount, now,
        )  # fmt: skip
        uow.programmes.add(programme)
    else:
        programme.publish(
            command.title_zh, command.title_en, command.authority_id, command.side, command.budget.currency,
            command.budget.amount,
        )  # fmt: skip
        uow.programmes.save(programme)
    version = ProgrammeVersion(new_id(), programme.programme_id, command.valid_from, rules, now)
    uow.programmes.add_version(version)
    uow.publish(
        ProgrammePublished(
            programme_id=programme.programme_id,
            number=programme.number,
            code=programme.code,
            authority_id=programme.authority_id,
            side=programme.side,
            budget=Money(programme.budget, programme.currency),
            programme_version_id=version.programme_version_id,
            valid_from=version.valid_from,
            rules=command.rules,
        )
    )
    return view(programme, uow.programmes.versions(programme.programme_id))


def in_force(programme_id: UUID, *, uow: BillingUnitOfWork, now: datetime, lock: bool = False) -> tuple[
    Programme, ProgrammeVersion
]:  # fmt: skip
    """A programme with the rules that hold at *now*. Raises NotFound, NotInForce."""
    programme = uow.programmes.find(programme_id, lock=lock)
    if programme is None:
        raise NotFound
    return programme, version_at(uow.programmes.versions(programme_id), now)


def left_for(
    programme: Programme, rules: Rules, voucher: Voucher, year: int, uow: BillingUnitOfWork, *, lock: bool = False
) -> Left:
    """What is left at this moment; with *lock* the holder's year stays so."""
    key, cap = (programme.programme_id, voucher.holder_id, year), rules.cap_holder_year
    committed = uow.programmes.open_year(*key, cap) if lock else uow.programmes.committed_in(*key)
    in_year = None if cap is None else max(0, cap - committed)
    awaited = uow.programmes.awaited(programme.programme_id) if rules.redeem_to == "prefunded" else 0
    return Left(budget=max(0, programme.left(rules, awaited)), year=in_year, voucher=voucher.left)


def apply(
    voucher: Voucher, rules: Rules, left: Left, provider_id: UUID, lines: Sequence[PricedLine],
    price: tuple[int, int], now: datetime, uow: BillingUnitOfWork, *, listed_at: datetime,
) -> tuple[Estimate, tuple[Finding, ...]]:  # fmt: skip
    """What the rules say of *lines* for *price* (net, gross), by the price list of *listed_at*."""
    holder = known_organisation(voucher.holder_id, uow)
    provider = known_organisation(provider_id, uow)
    offerings = uow.offerings.find_all({line.offering_id for line in lines if line.offering_id is not None})
    relations = uow.relations.of((holder.organisation_id, provider.organisation_id))
    found = findings(holder, provider, relations, lines, offerings, rules, listed_at)
    case = Case(
        net=price[0],
        gross=price[1],
        on=now,
        holder_kind=voucher.holder_kind,
        holder_code=holder.unified_social_credit_code,
        classes=_classes(lines, offerings),
        findings=tuple((each.kind, each.severity) for each in found),
    )
    return estimate(rules, case, left), found


def _classes(lines: Sequence[PricedLine], offerings: Sequence[OfferingCopy]) -> tuple[str, ...]:
    known = {offering.offering_id: offering.instrument_class for offering in offerings}
    return tuple(known.get(line.offering_id, "") if line.offering_id is not None else "" for line in lines)


def locked(programme_id: UUID, uow: BillingUnitOfWork) -> Programme:
    """Raises NotYet."""
    found = uow.programmes.find(programme_id, lock=True)
    if found is None:
        raise NotYet("the programme is not known here")
    return found


def known_organisation(organisation_id: UUID, uow: BillingUnitOfWork) -> OrganisationCopy:
    """Raises NotFound."""
    found = uow.organisations.find(organisation_id)
    if found is None:
        raise NotFound
    return found


def names_on_cover(programme_id: UUID, parties: Mapping[str, UUID], uow: BillingUnitOfWork) -> dict[str, str]:
    """What the cover of a claim calls the programme, its authority and *parties*; empty: the operating company."""
    programme = uow.programmes.find(programme_id)
    if programme is None:
        raise NotYet("the programme is not known here")
    known = uow.organisations.find_all({programme.authority_id, *parties.values()})
    wanted = {"authority": programme.authority_id, **parties}
    names = {role: known[party].legal_name if party in known else "" for role, party in wanted.items()}
    title = f"{programme.title_zh} {programme.title_en}"
    return {"programme_number": programme.number, "programme": title, **names}


def commit(programme: Programme, holder_id: UUID, year: int, change: int, uow: BillingUnitOfWork) -> None:
    """Count *change* (minor units, either sign) against the budget and the holder's year."""
    programme.committed += change
    uow.programmes.save(programme)
    uow.programmes.commit_in(programme.programme_id, holder_id, year, change)


def fund(
    programme: Programme, amount: Money, key: str, booked_at: datetime, *, uow: BillingUnitOfWork, now: datetime
) -> None:
    """A line of the bank's statement (*key*) brings money for a pre-funded programme, which the caller has locked."""
    booked = post_transaction(
        uow, key=key, kind="voucher_fund", entries=funded(programme.programme_id, amount), effective_at=booked_at,
        now=now,
    )  # fmt: skip
    if booked:
        programme.funded += amount.amount
        uow.programmes.save(programme)


def release_programme_funds(
    command: ReleaseProgrammeFunds, *, actor: Actor, uow: BillingUnitOfWork, now: datetime
) -> ProgrammeView:
    """
    Set unspent money of a pre-funded programme aside for its authority; two people then pay it back.

    Raises:
        NotFound: There is no such programme.
        FundsPromised: See Programme.release_funds.
    """
    require(actor, command.grants, {})
    programme = uow.programmes.find(command.programme_id, lock=True)
    if programme is None:
        raise NotFound
    programme.release_funds(command.amount, uow.programmes.awaited(programme.programme_id))
    uow.programmes.save(programme)
    post_transaction(
        uow, key=f"programme:{programme.programme_id}:released:{new_id()}", kind="voucher_fund_released",
        entries=funds_released(programme.programme_id, command.amount), effective_at=now, now=now,
    )  # fmt: skip
    return view(programme, uow.programmes.versions(programme.programme_id))


def rules_of(told: messages.Rules) -> Rules:
    """Raises RulesContradict."""
    return Rules(
        **{
            **dict(told),
            "tiers": tuple(Tier(tier.up_to, tier.rate_bps) for tier in told.tiers),
            "checks": tuple((check.kind, check.severity) for check in told.checks),
        }
    )


def rules_message(rules: Rules) -> messages.Rules:
    return messages.Rules(
        **{
            **vars(rules),
            "tiers": tuple(messages.Tier(up_to=tier.up_to, rate_bps=tier.rate_bps) for tier in rules.tiers),
            "checks": tuple(messages.Check(kind=kind, severity=severity) for kind, severity in rules.checks),
        }
    )


def view(programme: Programme, versions: tuple[ProgrammeVersion, ...]) -> ProgrammeView:
    def money(amount: int) -> Money:
        return Money(amount, programme.currency)

    return ProgrammeView(
        programme_id=programme.programme_id,
        number=programme.number,
        code=programme.code,
        title_zh=programme.title_zh,
        title_en=programme.title_en,
        authority_id=programme.authority_id,
        side=programme.side,
        budget=money(programme.budget),
        committed=money(programme.committed),
        funded=money(programme.funded),
        versions=tuple(
            messages.ProgrammeVersion(
                programme_version_id=version.programme_version_id,
                valid_from=version.valid_from,
                rules=rules_message(version.rules),
            )
            for version in sorted(versions, key=lambda version: version.valid_from, reverse=True)
        ),
    )
