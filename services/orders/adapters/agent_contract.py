"""
The contract of an order that the provider sells: customer, provider and, as the provider's agent, the company sign it.

The commission stands in the framework agreement between provider and company, and is none of the customer's business:
it has no field here, so that it cannot be printed by mistake.
"""

from dataclasses import dataclass

from services.orders.adapters.documents import TEMPLATES, Contract, Party, contract_data, party_data
from services.shared.chassis.render import render
from services.shared.kernel.channel import CollectionModel
from services.shared.kernel.collection import ContractKind


@dataclass(frozen=True, slots=True)
class AgentContract:
    """
    *contract*, whose figures are taxed at the *seller*'s rate: the provider's.

    Attributes:
        collection_model: Where the customer's money goes.
        contract_kind: Other than testing: its exemption from VAT depends on its registration.
    """

    contract: Contract
    seller: Party
    collection_model: CollectionModel
    contract_kind: ContractKind = "testing"


def agent_contract_pdf(paper: AgentContract) -> bytes:
    """Raises: as `contract_pdf`."""
    return render(
        TEMPLATES / "contract.typ",
        contract_data(paper.contract)
        | {
            "seller": party_data(paper.seller),
            "collection_model": paper.collection_model,
            "contract_kind": paper.contract_kind,
        },
    )
