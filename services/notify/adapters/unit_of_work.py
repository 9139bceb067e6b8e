"""The repositories of one transaction of notify."""

from functools import cached_property

from services.notify.adapters.feed_repository import SqlFeed
from services.notify.adapters.repositories import SqlMembers, SqlNotifications, SqlOrganisations, SqlReferences
from services.notify.adapters.texts import Texts
from services.notify.adapters.webhook_repository import SqlWebhookDeliveries, SqlWebhookEndpoints
from services.shared.chassis.unit_of_work import UnitOfWork


class NotifyUnitOfWork(UnitOfWork):
    @cached_property
    def organisations(self) -> SqlOrganisations:
        return SqlOrganisations(self.connection)

    @cached_property
    def members(self) -> SqlMembers:
        return SqlMembers(self.connection)

    @cached_property
    def references(self) -> SqlReferences:
        return SqlReferences(self.connection)

    @cached_property
    def notifications(self) -> SqlNotifications:
        return SqlNotifications(self.connection)

    @cached_property
    def texts(self) -> Texts:
        return Texts()

    @cached_property
    def feed(self) -> SqlFeed:
        return SqlFeed(self.connection)

    @cached_property
    def webhook_endpoints(self) -> SqlWebhookEndpoints:
        return SqlWebhookEndpoints(self.connection)

    @cached_property
    def webhook_deliveries(self) -> SqlWebhookDeliveries:
        return SqlWebhookDeliveries(self.connection)
