"""Every message is found by its name on the wire, and the names keep to their form."""

import re
from typing import get_args

import pytest

from infra.schemas.examples import example
from services.shared.chassis.definition import HOSTED
from services.shared.kernel.actor import Relation, Role
from services.shared.messages import registry
from services.shared.messages.base import Command, Query
from services.shared.messages.billing.ledger import LedgerPosted
from services.shared.messages.orders.quotation import QuotationSent

EVENTS = registry.events()
CALLS: dict[str, type[Command | Query]] = {**registry.commands(), **registry.queries()}
OWNERS = {*HOSTED, "identity"}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_named_for_its_fact(name: str) -> None:
    """`<aggregate>.<fact>.v<major>`, by one of the owners, in the package of its owner, in order per a field it has."""
    cls = EVENTS[name]
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", name)
    assert cls.source in OWNERS
    assert f".messages.{cls.source}." in cls.__module__
    assert cls.stream_of[1] in cls.model_fields
    assert cls.__doc__, "an event says what has happened"


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_named_for_its_service(name: str) -> None:
    """`<service>.<verb_noun>`; it says what it answers, and to whom."""
    cls = CALLS[name]
    service, _, verb = name.partition(".")
    assert service in {*OWNERS, "operation"}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", verb)
    assert cls.grants, "nobody may"
    for relation, roles in cls.grants.items():
        assert relation in get_args(Relation)
        assert roles <= set(get_args(Role))


def test_no_name_is_both_a_command_and_a_query() -> None:
    """A query is asked again without a key; a command never is."""
    assert not set(registry.commands()) & set(registry.queries())
    assert len(EVENTS) > 40
    assert len(CALLS) > 60


def test_sources_are_those_that_state_something() -> None:
    """In a fixed order, whoever asks."""
    assert registry.sources() == tuple(sorted(registry.sources()))
    assert set(registry.sources()) <= OWNERS


def test_a_name_taken_twice_is_refused() -> None:
    """Two classes under one name would let the wrong one read."""

    class Base:
        pass

    class First(Base):
        wire_name = "twice.said.v1"

    class Second(First):
        wire_name = "twice.said.v1"

    with pytest.raises(TypeError, match=r"twice\.said\.v1"):
        registry._named(Base)  # type: ignore[type-var] # plain classes: a message would stay registered
    assert Second.wire_name == First.wire_name


def test_an_event_keeps_to_its_stream_and_names_its_subject() -> None:
    """A quotation is in order with its request and is about itself; what has no id is about its stream."""
    sent = example(QuotationSent)
    assert sent.stream == f"quotation_request/{sent.quotation_request_id}"
    assert sent.subject == f"quotation/{sent.quotation_id}"
    posted = example(LedgerPosted)
    assert posted.stream == posted.subject == "ledger/general"
