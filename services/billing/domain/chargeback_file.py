"""A file that is evidence for a chargeback: declared, uploaded and kept, then at the payment institution."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.billing.domain.referral import EvidenceFile
from services.shared.kernel.errors import Conflict

FILE_FIELDS = frozenset({
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
})  # fmt: skip
"""Evidence of the payment institution's that is a file, one for each name."""

_SUFFIXES = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}

ChargebackFileState = Literal["awaited", "refused", "kept", "ready"]


class FileAwaited(Conflict):
    """A file was declared and the payment institution does not have it yet; upload it, or declare another one."""

    code = "billing.chargeback_file_awaited"


class NoFileDeclared(Conflict):
    """No file of this name was declared, or it is kept already."""

    code = "billing.chargeback_without_file"


@dataclass(frozen=True)
class ChargebackFile(EvidenceFile):
    """
    Attributes:
        file_id: Another file of the same name is another one.
        stripe_file_id: The payment institution's, once it has it.
    """

    file_id: str = ""
    stripe_file_id: str = ""

    @property
    def state(self) -> ChargebackFileState:
        if self.problem:
            return "refused"
        if self.stripe_file_id:
            return "ready"
        return "kept" if self.key is not None else "awaited"

    @property
    def filename(self) -> str:
        """What the payment institution, and whoever fetches it, sees; it names the file alone."""
        return f"{self.file_id}.{_SUFFIXES[self.media_type]}"

    @property
    def upload_key(self) -> str:
        return f"chargebacks/{self.file_id}"

    def record_key(self, chargeback_id: UUID) -> str:
        return f"chargebacks/{chargeback_id}/{self.filename}"

    def submit(self) -> "ChargebackFile":
        """It is uploaded, to be looked at. Raises NoFileDeclared: It was, and is kept."""
        if self.key is not None:
            raise NoFileDeclared
        return replace(self, problem="", attempts=self.attempts + 1)
