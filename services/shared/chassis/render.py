"""
The one port to PDF: a typst template and plain data in, archivable PDF bytes out.

Typst runs in a child process (`child.py`, `render_child.py`): it is native code that would stall a hub, holds
some 100 MB and may be asked to set a document that never ends. Callers are threads of `work`; documents are
set one after the other.

Data reaches a template as JSON in `sys.inputs` and is printed as text: nothing in it is ever read
as markup. The same template, data and attachments give the same bytes, on any day: the time in a
document comes from its data.
"""

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.shared.chassis.child import Child, ChildFailed

logger = logging.getLogger(__name__)

# Templates import what they share by a path from here: #import "/shared/chassis/document.typ".
TEMPLATE_ROOT = Path(__file__).parents[2]
# Address space, not use (about 120 MB): a template that grows for ever ends before the machine does.
CHILD = Child("services.shared.chassis.render_child:answer", address_space_b_max=3 * 2**30)

# C0 and C1 controls cannot be printed; bidirectional overrides let "1000" be shown as "0001".
_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160))) | dict.fromkeys(
    (*range(8234, 8239), *range(8294, 8298), 8206, 8207, 65279, 65534)
)


class RenderFailed(RuntimeError):
    """The template does not fit the data: a bug, to be parked. The text is typst's own diagnostic."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """
    A file inside the PDF, as PDF/A-3 allows.

    Attributes:
        name: File name without a path.
        relationship: source | data | alternative | supplement, towards the document that carries it.
    """

    name: str
    content: bytes
    media_type: str
    relationship: str = "alternative"
    description: str = ""


def render(
    template: Path,
    data: Mapping[str, object],
    *,
    attachments: Sequence[Attachment] = (),
    timeout_s: float = 30.0,
) -> bytes:
    """
    Set *template* with *data* as tagged PDF/A-2a, or PDF/A-3a when it carries attachments.

    Args:
        template: A .typ file; inside `services/` it may import the shared styles.
        data: JSON values only. `issued_at`, an ISO 8601 instant with offset, is required: it is the
            creation date in the file. Characters that no font has are printed as 〓[U+20BB7].
        attachments: Written in the given order.
        timeout_s: For everything, the wait for an earlier document included.

    Raises:
        RenderFailed: The template is wrong or the data does not fit it.
        ChildUnavailable: The child died or the time was over; try again.
    """
    issued_at = datetime.fromisoformat(str(data.get("issued_at")))
    if issued_at.tzinfo is None:
        raise ValueError("issued_at needs an offset from UTC")
    root = TEMPLATE_ROOT if template.is_relative_to(TEMPLATE_ROOT) else template.parent
    request = {
        "template": str(template),
        "root": str(root),
        "timestamp": int(issued_at.timestamp()),
        "data": _printable(dict(data)),
        "attachments": [
            {
                "name": each.name,
                "content": base64.b64encode(each.content).decode(),
                "media_type": each.media_type,
                "relationship": each.relationship,
                "description": each.description,
            }
            for each in attachments
        ],
    }
    try:
        answer = CHILD.ask(request, timeout_s)
    except ChildFailed as error:
        raise RenderFailed(f"{template.name}: {error}") from error
    if "error" in answer:
        raise RenderFailed(f"{template.name}: {answer['error']}")
    if answer["substituted"]:
        logger.warning("%s: no font has %s", template.name, answer["substituted"])
    return base64.b64decode(answer["pdf"])


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.translate(_UNPRINTABLE)
    if isinstance(value, Mapping):
        return {str(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(each) for each in value]
    return value
