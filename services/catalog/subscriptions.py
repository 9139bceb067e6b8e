"""What catalog listens to, and what it does then."""

from services.catalog.use_cases import organisation
from services.shared.chassis.definition import Work, on
from services.shared.chassis.settings import SourceSettings
from services.shared.messages.identity.organisation import (
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationVerified,
)


def work(settings: SourceSettings) -> Work:
    """What `work` runs for catalog."""
    del settings
    return Work(
        subscriptions=(
            on(OrganisationRegistered, organisation.keep_copy),
            on(OrganisationVerified, organisation.keep_copy),
            on(OrganisationChanged, organisation.keep_copy),
        )
    )
