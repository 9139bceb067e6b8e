"""The cover of a claim's pack: what an authority reads of it before anything else."""

from typing import Any, get_args

from services.billing.adapters.claim_cover import claim_cover_pdf
from services.shared.messages.billing.programme import CheckKind, Severity
from tests.integration.documents.reading import text_of

ABOUT = {
    "programme_number": "PG-2026-000001", "programme": "创新券", "authority": "市科学技术局", "claimant": "远航",
    "holder": "远航", "provider": "岭南",
}  # fmt: skip
SHA = "ab" * 32


def a_claim(**changes: Any) -> dict[str, Any]:
    return {
        "number": "VC-2026-000001", "order_number": "OR-2026-000001", "submitted_at": "2026-12-18T09:26:06Z",
        "amount": {"amount": 2_000_000, "currency": "CNY"}, "results": [], "findings": [], "evidence": [], **changes,
    }  # fmt: skip


def cover_of(**changes: Any) -> str:
    return text_of(claim_cover_pdf("claim", a_claim(**changes), ABOUT, SHA))


def test_figures_are_said_in_both_languages_and_instants_in_beijing_time() -> None:
    """As everything else on the paper is."""
    figures = {"until": "2027-06-16T18:22:32.240292+00:00", "papers": 6, "received": 6_480_000, "outside": ""}
    said = cover_of(results=[{"rule": "claim_deadline", "outcome": "passed", "figures": figures}])
    for each in ("申请期限", "截止until:2027-06-1702:22:32UTC+8", "份数papers:6;", "已收received:64,800.00"):
        assert each in said
    assert "240292" not in said


def test_every_finding_says_what_it_is_what_it_does_and_why() -> None:
    """None of them by the word that programs have for it."""
    findings = [
        {"kind": kind, "severity": severity, "facts": {"sha256": SHA, "order": "OR-2026-000007"}}
        for kind, severity in zip(get_args(CheckKind), 3 * get_args(Severity), strict=True)
    ]
    failed = {"findings": ", ".join(get_args(CheckKind))}
    said = cover_of(findings=findings, results=[{"rule": "no_findings", "outcome": "failed", "figures": failed}])
    for each in (
        "报告重复申报Reportclaimedbefore",
        "另一订单otherorder:OR-2026-000007",
        "须人工复核",
        "不予受理",
        "不影响",
    ):
        assert each in said
    assert not any(kind in said for kind in get_args(CheckKind))


def test_our_invoice_is_not_called_a_fapiao() -> None:
    paper = {
        "kind": "invoice",
        "number": "INV-2026-000001",
        "reference": "8f",
        "sha256": SHA,
        "at": "2026-12-18T09:00:00Z",
    }
    assert "商业发票InvoiceINV-2026-000001" in cover_of(evidence=[paper])
