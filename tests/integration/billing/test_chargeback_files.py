"""Files as evidence for a chargeback: uploaded, kept, given to the stand-in once, sent with what is written."""

from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import pytest
import urllib3

from services.billing.adapters import card_queries
from services.billing.adapters.stripe_access import StripeAccess, StripeRefused
from services.billing.adapters.stripe_gateway import StripeGateway
from services.billing.domain.chargeback import EvidenceUnderWay, EvidenceUnknown
from services.billing.domain.chargeback_file import FileAwaited, NoFileDeclared
from services.billing.entrypoints.given import store
from services.billing.use_cases.chargeback import submit_evidence
from services.billing.use_cases.chargeback_file import declare_chargeback_file, submit_chargeback_file
from services.shared.chassis.clock import SystemClock
from services.shared.kernel.errors import NotFound
from services.shared.messages.billing.chargeback import (
    ChargebackFile,
    ChargebackView,
    DeclareChargebackFile,
    Evidence,
    FileToUpload,
    GetChargebackFile,
    SubmitChargebackEvidence,
    SubmitChargebackFile,
)
from tests.integration.billing.conftest import Billing
from tests.integration.billing.test_bank_lines import refusals
from tests.integration.billing.test_stripe_chargeback import SOON, of_disputes, paid, tell, the_only
from tests.kit.fakes_billing import DISPUTE_OPERATOR, NOW, PROVIDER_FINANCE
from tests.kit.real_service import together
from tests.kit.stripe_control import FaultKind, StripeControl, StripeStandIn

pytestmark = pytest.mark.usefixtures("stripe_control")

BODY = b"%PDF-1.7\nreport, page 1\r\n\x00\xff\xfe--\r\n"
Media = Literal["application/pdf", "image/png"]


class Desk:
    """Who answers a chargeback."""

    def __init__(self, billing: Billing, control: StripeControl, stand_in: StripeStandIn) -> None:
        self.billing, self.control, self.stand_in = billing, control, stand_in
        control.open_dispute(paid(billing, control))
        tell(billing, stand_in, of_disputes(control))

    @property
    def chargeback_id(self) -> UUID:
        return the_only(self.billing).chargeback_id

    def declares(
        self, name: str = "service_documentation", body: bytes = BODY, media_type: Media = "application/pdf"
    ) -> ChargebackFile:
        file = FileToUpload(sha256=sha256(body).hexdigest(), size_bytes=len(body), media_type=media_type)
        wanted = DeclareChargebackFile(chargeback_id=self.chargeback_id, name=name, file=file)
        use_case = partial(declare_chargeback_file, upload_url=store().upload_url)
        return self._file(self.billing.run(use_case, wanted, DISPUTE_OPERATOR), name)

    def uploads(self, declared: ChargebackFile, body: bytes = BODY, name: str = "service_documentation") -> None:
        assert declared.upload_url is not None
        assert urllib3.request("PUT", declared.upload_url, body=body).status == 200
        wanted = SubmitChargebackFile(chargeback_id=self.chargeback_id, name=name)
        self.billing.run(submit_chargeback_file, wanted, DISPUTE_OPERATOR)

    def submits(self, *texts: str, at_once: bool = True) -> ChargebackView:
        evidence = tuple(Evidence(name="uncategorized_text", text=text) for text in texts)
        wanted = SubmitChargebackEvidence(chargeback_id=self.chargeback_id, evidence=evidence, submit=at_once)
        return self.billing.run(submit_evidence, wanted, DISPUTE_OPERATOR)

    def works(self) -> None:
        """Outside calls, and an hour later those that are tried again."""
        self.billing.do_outside(SOON)
        self.billing.do_outside(SOON + timedelta(hours=1))
        self.billing.do_outside(SOON + timedelta(hours=2))

    def file(self, name: str = "service_documentation") -> ChargebackFile:
        return self._file(the_only(self.billing), name)

    def at_stripe(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        (dispute,) = self.control.objects("dispute")
        return dispute, self.control.objects("file")

    @staticmethod
    def _file(view: ChargebackView, name: str) -> ChargebackFile:
        return next(each for each in view.files if each.name == name)


@pytest.fixture
def desk(billing: Billing, stripe_control: StripeControl, stand_in: StripeStandIn) -> Desk:
    return Desk(billing, stripe_control, stand_in)


@pytest.mark.parametrize("fault", [
    None, "timeout_after_effect", "error_after_effect", "error_before_effect", "conflict", "rate_limit",
])  # fmt: skip
def test_given_once_whatever_happens(desk: Desk, fault: FaultKind | None) -> None:
    """The stand-in has all of it, once, and the dispute names them; ours is kept and fetched."""
    desk.uploads(desk.declares())
    if fault is not None:
        desk.control.fail_next(fault, path="/v1/files")
    desk.works()
    assert desk.file().state == "ready"
    with pytest.raises(NoFileDeclared):
        desk.uploads(desk.declares("receipt"), name="service_documentation")
    desk.uploads(desk.declares("receipt", BODY + b"2"), BODY + b"2", "receipt")
    desk.works()
    desk.submits("see the files")
    desk.works()
    dispute, files = desk.at_stripe()
    assert sorted((each["size"], each["type"]) for each in files) == [(len(BODY), "pdf"), (len(BODY) + 1, "pdf")]
    assert dispute["evidence_details"]["submission_count"] == 1
    named = {dispute["evidence"][name] for name in ("service_documentation", "receipt")}
    assert named == {each["id"] for each in files}
    asked = GetChargebackFile(chargeback_id=desk.chargeback_id, name="service_documentation")
    fetch = partial(card_queries.get_chargeback_file, download_url=store().download_url)
    assert urllib3.request("GET", desk.billing.run(fetch, asked).url).data == BODY
    with pytest.raises(NotFound):
        desk.billing.run(fetch, asked, PROVIDER_FINANCE)


def test_what_is_not_the_declared_file(desk: Desk) -> None:
    """Other bytes, another type by content: not kept, nothing at Stripe, and no evidence goes out without it."""
    with pytest.raises(EvidenceUnknown):
        desk.declares("uncategorized_text")
    for body, media_type, uploaded in ((BODY, "application/pdf", BODY[:-1] + b"X"), (BODY, "image/png", BODY)):
        desk.uploads(desk.declares(body=body, media_type=media_type), uploaded)  # type: ignore[arg-type]
        desk.works()
        assert (desk.file().state, desk.file().problem) == ("refused", "upload_mismatch")
    with pytest.raises(FileAwaited):
        desk.submits("without it")
    assert desk.submits("kept there only", at_once=False).submitting is False
    declared = desk.declares()
    with pytest.raises(FileAwaited):
        desk.submits("without it")
    desk.uploads(declared)
    desk.works()
    desk.submits()
    desk.works()
    dispute, files = desk.at_stripe()
    assert (dispute["evidence_details"]["submission_count"], len(files)) == (1, 1)


def test_one_declared_anew_takes_the_others_place(desk: Desk) -> None:
    """What becomes of the first one changes nothing of the second."""
    first = desk.declares()
    desk.uploads(first)
    second = desk.declares(body=BODY + b"3")
    desk.works()
    assert (desk.file().state, desk.file().sha256) == ("awaited", second.sha256)
    desk.uploads(second, BODY + b"3")
    desk.works()
    assert desk.file().state == "ready"


def test_submitted_by_five_at_once(desk: Desk) -> None:
    """One goes out; the others are told to wait."""
    desk.uploads(desk.declares())
    desk.works()
    answers = together([partial(desk.submits, f"text {n}") for n in range(5)])
    assert refusals(answers) == [EvidenceUnderWay.__name__] * 4
    desk.works()
    assert desk.at_stripe()[0]["evidence_details"]["submission_count"] == 1
    assert (the_only(desk.billing).submissions, the_only(desk.billing).submitting) == (1, False)


def test_a_call_that_comes_after_the_deadline_sends_nothing(desk: Desk) -> None:
    """It was asked for in time and is tried too late; also where the stand-in itself refuses."""
    gateway = StripeGateway(StripeAccess(desk.stand_in.api_key, desk.stand_in.url, "test", SystemClock()))
    dispute, _ = desk.at_stripe()
    payload = {
        "evidence_id": "e1", "stripe_dispute_id": dispute["id"], "evidence": {"uncategorized_text": "late"},
        "submit": True, "submissions": 0, "due_at": NOW.replace(year=2020).isoformat(),
    }  # fmt: skip
    with pytest.raises(StripeRefused):
        gateway.submit_dispute_evidence(payload, "")
    desk.submits("in time")
    desk.control.advance_clock(8 * 86_400)
    desk.works()
    assert desk.at_stripe()[0]["evidence_details"]["submission_count"] == 0
    assert (the_only(desk.billing).submissions, the_only(desk.billing).submitting) == (0, False)
