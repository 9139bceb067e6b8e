"""A contract: two papers, one signed by customer and company, one by the provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.kernel.errors import Conflict, Invalid
from services.shared.kernel.lifecycle import Lifecycle

ContractState = Literal["draft", "awaiting_signatures", "signed", "terminated"]
Paper = Literal["contract", "order_sheet"]
SigningParty = Literal["customer", "provider", "operator"]

LIFECYCLE: Lifecycle[ContractState] = Lifecycle(
    "contract",
    {
        "offer": {"draft": "awaiting_signatures"},
        "sign": {"awaiting_signatures": "awaiting_signatures"},
        "complete": {"awaiting_signatures": "signed"},
        "terminate": {"draft": "terminated", "awaiting_signatures": "terminated", "signed": "terminated"},
    },
)

PAPER_OF: dict[SigningParty, Paper] = {"customer": "contract", "operator": "contract", "provider": "order_sheet"}
"""Which paper each party signs. In principal mode provider and customer have no contract with each other."""


class AlreadySigned(Conflict):
    """This party has signed already."""

    code = "orders.already_signed"


class DocumentDiffers(Invalid):
    """The document that was read is not the one to be signed."""

    code = "orders.document_differs"


@dataclass(frozen=True)
class Document:
    """A file kept for ever; *key*: in the records bucket."""

    paper: Paper
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Signature:
    """*party* put its name under the document with this hash."""

    paper: Paper
    party: SigningParty
    signatory: str
    signed_at: datetime
    sha256: str


@dataclass
class Contract:
    contract_id: UUID
    number: str
    order_id: UUID
    state: ContractState = "draft"
    documents: tuple[Document, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def awaiting(self) -> tuple[SigningParty, ...]:
        """Who has yet to sign, while signatures are awaited."""
        if self.state != "awaiting_signatures":
            return ()
        signed = {signature.party for signature in self.signatures}
        return tuple(party for party in PAPER_OF if party not in signed)

    def offer(self, documents: tuple[Document, ...]) -> None:
        """The papers are made. Raises: WrongState."""
        self.state = LIFECYCLE.after("offer", self.state)
        self.documents = documents

    def document(self, paper: Paper) -> Document | None:
        return next((document for document in self.documents if document.paper == paper), None)

    def sign(self, party: SigningParty, signatory: str, sha256: str, now: datetime) -> bool:
        """
        Take a signature.

        Returns:
            Whether it was the last one.

        Raises:
            WrongState: There is nothing to sign, or no longer.
            AlreadySigned: A second time.
            DocumentDiffers: *sha256* is not that of the paper this party signs.
        """
        self.state = LIFECYCLE.after("sign", self.state)
        if party not in self.awaiting:
            raise AlreadySigned
        document = self.document(PAPER_OF[party])
        if document is None or document.sha256 != sha256:
            raise DocumentDiffers
        self.signatures = (*self.signatures, Signature(document.paper, party, signatory, now, sha256))
        if self.awaiting:
            return False
        self.state = LIFECYCLE.after("complete", self.state)
        return True

    def terminate(self) -> None:
        """Raises: WrongState."""
        self.state = LIFECYCLE.after("terminate", self.state)


def papers_of(relation: str) -> tuple[Paper, ...]:
    """The papers that an organisation in *relation* to the order may see."""
    if relation == "operator":
        return ("contract", "order_sheet")
    return ("contract",) if relation == "customer" else ("order_sheet",) if relation == "provider" else ()
