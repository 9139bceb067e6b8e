"""Bank statements as banks write them, made for the tests."""

from collections.abc import Iterable

from tests.kit.fakes_billing import OWN_ACCOUNT


def camt053(
    *entries: str,
    version: str = "08",
    account: str = OWN_ACCOUNT,
    opening: str = "0.00",
    closing: str = "",
    currency: str = "CNY",
    day: str = "",
) -> bytes:
    """A statement of *entries*, one a line from line 4 on; with *closing* it states balances, those of *day*."""
    balances = ""
    dated = f"<Dt><Dt>{day}</Dt></Dt>" if day else ""
    if closing:
        balances = "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
            f"<CdtDbtInd>CRDT</CdtDbtInd>{dated}</Bal>"
            for kind, amount in (("OPBD", opening), ("CLBD", closing))
        )
    return _document("camt.053", version, "BkToCstmrStmt", "Stmt", account, balances, entries)


def camt054(*entries: str, version: str = "08", account: str = OWN_ACCOUNT) -> bytes:
    """A notification of *entries*."""
    return _document("camt.054", version, "BkToCstmrDbtCdtNtfctn", "Ntfctn", account, "", entries)


def _document(
    kind: str, version: str, message: str, unit: str, account: str, balances: str, entries: Iterable[str]
) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version}"><{message}><{unit}>',
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>{balances}",
        *entries,
        f"</{unit}></{message}></Document>",
    ]
    return "\n".join(lines).encode()


def entry(
    amount: str,
    *,
    reference: str = "",
    text: str = "",
    currency: str = "CNY",
    status: str = "BOOK",
    reversal: bool = False,
    end_to_end: str = "",
    own: str = "",
    payer: str = "",
    payer_account: str = "",
    day: str = "2026-11-23",
) -> str:
    """
    An incoming entry; *amount* in major units.

    Args:
        reference: The bank's of the entry; *own* the bank's of its one transaction; *end_to_end* the payer's.
    """
    refs = f"<AcctSvcrRef>{own}</AcctSvcrRef>" if own else ""
    refs += f"<EndToEndId>{end_to_end}</EndToEndId>" if end_to_end else ""
    paid_from = f"<DbtrAcct><Id><Othr><Id>{payer_account}</Id></Othr></Id></DbtrAcct>" if payer_account else ""
    party = f"<RltdPties><Dbtr><Nm>{payer}</Nm></Dbtr>{paid_from}</RltdPties>" if payer else ""
    told = f"<TxDtls>{f'<Refs>{refs}</Refs>' if refs else ''}{party}{_remittance(text)}</TxDtls>"
    return _entry(amount, told, reference, currency, status, reversal=reversal, day=day)


def batch(amount: str, *parts: tuple[str, str], reference: str) -> str:
    """One incoming entry of several transactions: (amount in major units, remittance)."""
    told = "".join(f'<TxDtls><Amt Ccy="CNY">{part}</Amt>{_remittance(text)}</TxDtls>' for part, text in parts)
    return _entry(amount, told, reference, "CNY", "BOOK", reversal=False)


def _entry(
    amount: str, told: str, reference: str, currency: str, status: str, *, reversal: bool, day: str = "2026-11-23"
) -> str:
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"{'<RvslInd>true</RvslInd>' if reversal else ''}<Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"{f'<AcctSvcrRef>{reference}</AcctSvcrRef>' if reference else ''}<NtryDtls>{told}</NtryDtls></Ntry>"
    )


def _remittance(text: str) -> str:
    return f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>" if text else ""
