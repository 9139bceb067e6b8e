"""Every way into catalog by RPC."""

from services.catalog.adapters import queries, search
from services.catalog.use_cases import offering, provider
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.messages.catalog.offering import (
    ChangeOffering,
    DraftOffering,
    GetOffering,
    ListOfferings,
    MoveOffering,
    SearchCatalogue,
    SetPrice,
)
from services.shared.messages.catalog.provider import ApplyAsProvider, GetProvider, ListProviders, ReviewProvider


class CatalogService(ServiceBase):
    name = "catalog"

    apply_as_provider = command(ApplyAsProvider, provider.apply_as_provider)
    review_provider = command(ReviewProvider, provider.review_provider)
    get_provider = query(GetProvider, queries.get_provider)
    list_providers = query(ListProviders, queries.list_providers)

    draft_offering = command(DraftOffering, offering.draft_offering)
    change_offering = command(ChangeOffering, offering.change_offering)
    set_price = command(SetPrice, offering.set_price)
    move_offering = command(MoveOffering, offering.move_offering)
    get_offering = query(GetOffering, queries.get_offering)
    list_offerings = query(ListOfferings, queries.list_offerings)
    search_catalogue = query(SearchCatalogue, search.search_catalogue)
