import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.integration.infra.local_stack import LocalStack


def test_mail_becomes_a_file_with_its_envelope(stack: LocalStack) -> None:
    before = set((stack.directory / "mail").glob("*.eml"))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "lab@yiqi.example", "buyer@yiqi.example", "检测报告 ready"
    mail.set_content("您的报告已出具。\n")
    _, _, address = stack.environment()["YIQI_SMTP_URL"].rpartition("/")
    host, _, port = address.partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(mail, to_addrs=["buyer@yiqi.example", "hidden@yiqi.example"])
    (kept,) = set((stack.directory / "mail").glob("*.eml")) - before
    read = message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert read["Subject"] == "检测报告 ready"
    assert read.get_all("X-Envelope-To") == ["buyer@yiqi.example", "hidden@yiqi.example"]
    assert "您的报告已出具" in read.get_content()
    assert not [path for path in Path(stack.directory / "mail").iterdir() if path.suffix != ".eml"]
