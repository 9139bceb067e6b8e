"""Telling people what happened: who is told stands in `domain/notification.AUDIENCES`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.domain.notification import AUDIENCES, LANGUAGES, Audience, Notification
from services.notify.domain.organisation import OrganisationCopy
from services.notify.use_cases.ports import NotifyUnitOfWork
from services.shared.kernel.errors import NotYet
from services.shared.kernel.ids import derived_id
from services.shared.messages.base import Event

SEND_MAIL = "send_mail"


def tell(event: Event, *, uow: NotifyUnitOfWork, now: datetime) -> None:
    """A notification for each organisation that is told of *event*, and a mail for each of its people concerned."""
    facts = _facts(event, uow)
    for audience in AUDIENCES[event.wire_name]:
        if audience.only_if is not None and getattr(event, audience.only_if[0]) != audience.only_if[1]:
            continue
        for organisation_id in _organisations(audience, event, facts):
            _tell_one(audience, organisation_id, event, facts, uow, now)


def _tell_one(audience: Audience, organisation_id: UUID, event: Event, facts: Mapping[str, Any],
              uow: NotifyUnitOfWork, now: datetime) -> None:  # fmt: skip
    notification = Notification(
        notification_id=derived_id("notification", audience.kind, uow.cause.causation_id, organisation_id),
        organisation_id=organisation_id,
        kind=audience.kind,
        words={language: uow.texts.words(audience.kind, language, facts) for language in LANGUAGES},
        link=audience.link.format_map({name: getattr(event, name) for name in type(event).model_fields}),
        created_at=now,
    )
    if not uow.notifications.add(notification):
        return
    members = uow.members.holding(organisation_id, audience.roles)
    # Addresses are looked up when the mail goes, so that none is kept here once a member was removed.
    for recipient in [str(member.member_id) for member in members] or ["organisation"]:
        uow.call_outside(
            SEND_MAIL,
            f"mail:{notification.notification_id}:{recipient}",
            {"notification_id": str(notification.notification_id), "recipient": recipient},
        )


def _organisations(audience: Audience, event: Event, facts: Mapping[str, Any]) -> list[UUID]:
    if audience.relation == "operator":
        return [facts["operator"].organisation_id]
    if audience.relation == "providers":
        return list(event.provider_ids)  # type: ignore[attr-defined] # the table says which events have them
    organisation_id: UUID = getattr(event, f"{audience.relation}_id")
    return [organisation_id]


def _facts(event: Event, uow: NotifyUnitOfWork) -> dict[str, Any]:
    """
    What texts may say beside the event's own fields: names of the parties, numbers of order and settlement.

    Raises:
        NotYet: The copy of one of them has not arrived.
    """
    wanted = [value for name in ("customer_id", "provider_id", "party_id") if (value := getattr(event, name, None))]
    known = uow.organisations.known(wanted)
    operator = next((each for each in known.values() if each.kind == "operator"), None)
    return {
        "event": event,
        "operator": _there(operator),
        "customer": _party(event, "customer_id", known),
        "provider": _party(event, "provider_id", known),
        "party": _party(event, "party_id", known),
        "order_number": _order_number(event, uow),
        "settlement_number": _settlement_number(event, uow),
    }


def _there(organisation: OrganisationCopy | None) -> OrganisationCopy:
    if organisation is None:
        raise NotYet("an organisation is not known here yet")
    return organisation


def _party(event: Event, field: str, known: Mapping[UUID, OrganisationCopy]) -> OrganisationCopy | None:
    organisation_id = getattr(event, field, None)
    return _there(known.get(organisation_id)) if organisation_id is not None else None


def _order_number(event: Event, uow: NotifyUnitOfWork) -> str:
    number: str | None = getattr(event, "order_number", None)
    if number is not None:
        return number
    if event.source != "orders" or not hasattr(event, "order_id"):
        return ""
    order = uow.references.order(event.order_id)
    if order is None:
        raise NotYet("the order is not known here yet")
    return order.number


def _settlement_number(event: Event, uow: NotifyUnitOfWork) -> str:
    settlement_id = getattr(event, "settlement_id", None)
    if settlement_id is None:
        return ""
    settlement = uow.references.settlement(settlement_id)
    if settlement is None:
        raise NotYet("the settlement is not known here yet")
    return settlement.number
