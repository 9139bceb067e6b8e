"""The port to PDF: same bytes for the same data, text is only text, and no child can hold a caller up."""

import io
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pypdf import PdfReader

from services.shared.chassis.child import IDLE_VARIABLE, ChildUnavailable
from services.shared.chassis.render import CHILD, Attachment, RenderFailed, render
from tests.integration.documents.reading import pdfa_claim, pdfa_violations, text_of
from tests.kit.waiting import wait_until

HEAD = """
#set document(title: "T", date: auto)
#set page(paper: "a4")
#set text(font: ("Noto Sans SC", "DejaVu Sans Mono", "Libertinus Serif"), lang: "zh")
#let data = json(bytes(sys.inputs.data))
"""


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    """A template that prints one field."""
    file = tmp_path / "echo.typ"
    file.write_text(HEAD + "#data.text")
    return file


def said(text: str) -> dict[str, object]:
    return {"issued_at": "2026-11-23T14:51:33+08:00", "text": text}


def test_same_data_gives_same_bytes_in_another_process_and_on_another_day(echo: Path) -> None:
    first = render(echo, said("相同 same"))
    CHILD.end()
    time.sleep(1.1)  # the clock has moved by a whole second, the resolution of PDF dates
    assert render(echo, said("相同 same")) == first
    assert render(echo, said("其他 other")) != first


def test_the_time_in_the_file_is_the_time_in_the_data(echo: Path) -> None:
    created = PdfReader(io.BytesIO(render(echo, said("x")))).metadata
    assert created is not None
    assert created.creation_date is not None
    assert created.creation_date.timestamp() == 1_795_416_693


@pytest.mark.parametrize("time_text", ["2026-11-23T14:51:33", "", "gestern"])
def test_a_document_without_an_instant_is_refused(echo: Path, time_text: str) -> None:
    with pytest.raises(ValueError, match=r"issued_at|isoformat"):
        render(echo, {"issued_at": time_text, "text": ""})


@pytest.mark.parametrize(
    "hostile",
    [
        "#panic()[`",
        '#read("/etc/passwd")',
        "*not bold* _nor this_ $x^2$ = no = - no @ref <label> // no comment",
        "```typ #import```",
        "\\u{41} \\ ] ) } ~ -- ---",
        '{"json": "no"}',
    ],
)
def test_markup_in_data_is_printed_as_it_is(echo: Path, hostile: str) -> None:
    assert text_of(render(echo, said(hostile))) == re.sub(r"\s+", "", hostile)


def test_characters_of_the_trade_are_printed(echo: Path) -> None:
    everyday = "Ω℃μµ²³₂䶮㙓¥￥±×≤≥Å‰αβγ§№①Ⅳ€£☐☑ůØПλ½→"
    assert text_of(render(echo, said(everyday))).replace("Ω", "Ω") == everyday.replace("Ω", "Ω")


def test_a_character_without_a_font_is_printed_by_its_code_point(echo: Path, caplog: pytest.LogCaptureFixture) -> None:
    pdf = render(echo, said("𠮷田 한 田"))
    assert text_of(pdf) == "〓[U+20BB7]田〓[U+D55C]田"
    assert "𠮷" in caplog.text
    assert pdfa_violations(pdf) == []


def test_controls_and_bidirectional_overrides_do_not_reach_paper(echo: Path) -> None:
    assert text_of(render(echo, said("a\x00\x1b\x85\u202e1000\u202c\u2066b\ufeff"))) == "a1000b"


def test_a_lone_surrogate_from_broken_json_does_not_break_a_document(echo: Path) -> None:
    assert text_of(render(echo, said("a\ud800b"))) == "a?b"


def test_attachments_come_back_as_they_went_in(echo: Path) -> None:
    xml, binary = "<a>字</a>".encode(), bytes(range(256))
    pdf = render(
        echo,
        said("x"),
        attachments=[
            Attachment("a.xml", xml, "application/xml"),
            Attachment("b.bin", binary, "application/octet-stream", "supplement"),
        ],
    )
    assert PdfReader(io.BytesIO(pdf)).attachments == {"a.xml": [xml], "b.bin": [binary]}
    assert pdfa_claim(pdf) == ("3", "A")
    assert text_of(pdf) == "x"


def test_the_claim_is_archivable_and_the_objects_do_not_deny_it(echo: Path) -> None:
    pdf = render(echo, said("存档 archive"))
    assert pdfa_claim(pdf) == ("2", "A")
    assert pdfa_violations(pdf) == []


@pytest.mark.parametrize(
    "body",
    ["#data.absent", "#let x = ", '#panic("no")', '#text(font: "No Such Font")[x]', '#read("/../../etc/passwd")'],
)
def test_a_template_bug_is_told_from_an_outage(tmp_path: Path, body: str) -> None:
    (tmp_path / "bug.typ").write_text(HEAD + body)
    with pytest.raises(RenderFailed, match=r"bug\.typ"):
        render(tmp_path / "bug.typ", said("x"))


def test_a_template_may_not_load_packages_from_the_network(tmp_path: Path) -> None:
    (tmp_path / "far.typ").write_text(HEAD + '#import "@local/anything:0.1.0": *')
    with pytest.raises(RenderFailed, match="package"):
        render(tmp_path / "far.typ", said("x"))


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    file = tmp_path / "endless.typ"
    file.write_text(HEAD + "#{ let n = 0\n for i in range(9999) { for j in range(99999) { n += 1 } }\n [#n] }")
    return file


def test_an_endless_document_is_given_up_at_its_deadline(endless: Path, echo: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ChildUnavailable):
        render(endless, said("x"), timeout_s=1)
    assert time.monotonic() - started < 5
    assert text_of(render(echo, said("next"))) == "next"


def test_waiting_behind_another_document_counts(endless: Path, echo: Path) -> None:
    def slow() -> None:
        with pytest.raises(ChildUnavailable):
            render(endless, said("x"), timeout_s=3)

    thread = threading.Thread(target=slow)
    thread.start()
    wait_until(CHILD._turn.locked)
    with pytest.raises(ChildUnavailable, match="in front"):
        render(echo, said("x"), timeout_s=0.3)
    thread.join()


def test_a_child_killed_between_documents_is_not_noticed(echo: Path) -> None:
    render(echo, said("one"))
    pid = CHILD.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while CHILD.pid() is not None:
        time.sleep(0.01)
    assert text_of(render(echo, said("two"))) == "two"
    assert CHILD.pid() != pid


def test_a_child_killed_over_a_document_is_an_outage(endless: Path) -> None:
    def kill() -> None:
        time.sleep(1)
        pid = CHILD.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ChildUnavailable, match="died") as caught:
        render(endless, said("x"))
    killer.join()
    assert caught.value.facts["exit_code"] == -signal.SIGKILL


def test_an_idle_child_ends_and_the_next_document_starts_another(echo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CHILD.end()
    monkeypatch.setenv(IDLE_VARIABLE, "0.3")
    render(echo, said("one"))
    deadline = time.monotonic() + 10
    while CHILD.pid() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert CHILD.pid() is None
    assert text_of(render(echo, said("two"))) == "two"
    CHILD.end()  # do not hand the short patience on to other tests


def test_many_threads_each_get_their_own_document(echo: Path) -> None:
    texts = [f"document {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        pdfs = list(threads.map(lambda text: render(echo, said(text)), texts))
    assert [text_of(pdf) for pdf in pdfs] == [text.replace(" ", "") for text in texts]
