"""What notify keeps of members. A removed member's row goes: personal data are kept nowhere else here."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class MemberCopy:
    """A person in one organisation; somebody in two is two of these."""

    member_id: UUID
    organisation_id: UUID
    name: str
    mail: str
    language: Language
    roles: tuple[str, ...]
