"""The program: what it prints, its JSON rows, its exit codes; on fakes, then on the real models."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.cli import chat, rows, shown
from rag.cli.evaluate import NO_JUDGE
from rag.cli.terminal import Terminal, inert
from rag.doctor import Check
from rag.entailment import WEIGHTS
from rag.errors import QuestionError, SourceEmpty, SourceMissing
from rag.metrics import Measure
from rag.types import Answer, Citation, Document, Event, Hit, IndexReport, Passage, Place, Skipped

ROOT = Path(__file__).parent.parent
TEXT = "Ann was born in Rome.\nShe paints « l’été » there."
DOCUMENT = Document("d1", TEXT, "Ann", "notes/ann.txt")
PASSAGE = Passage("p1", "d1", 0, len(TEXT), TEXT)
ANSWER = Answer(
    question="Where does Ann paint?",
    text="Ann was born in Rome [1]. She paints there [2].",
    abstained=False,
    confidence=0.825,
    citations=(
        Citation(1, "d1", 0, 21, "Ann was born in Rome."),
        Citation(2, "d1", 22, 49, "She paints « l’été » there."),
    ),
    passages=(Hit(PASSAGE, 0.5, 0.7, None),),
    timings={"search": 0.01, "total": 1.25},
    rejected=1,
)
SHY = Answer("Why?", "The documents do not say.", True, 0.6, (), (Hit(PASSAGE, 0.5),))
ROW_KEYS = ["id", "question", "text", "abstained", "confidence", "citations", "passages", "timings"]


def terminal(**known: Any) -> Terminal:
    return Terminal(io.StringIO(), io.StringIO(), **known)


def printed(one: Terminal) -> str:
    assert isinstance(one.out, io.StringIO)
    return one.out.getvalue()


def test_fixture_citations_are_exact() -> None:
    assert all(TEXT[c.start : c.end] == c.quote for c in ANSWER.citations)


# --- rows


def test_row_is_the_public_contract() -> None:
    row = rows.answer_row(ANSWER, "q1")
    assert list(row) == ROW_KEYS
    assert row == {
        "id": "q1",
        "question": "Where does Ann paint?",
        "text": "Ann was born in Rome [1]. She paints there [2].",
        "abstained": False,
        "confidence": 0.825,
        "citations": [
            {"marker": 1, "document": "d1", "start": 0, "end": 21,
             "quote": "Ann was born in Rome."},
            {"marker": 2, "document": "d1", "start": 22, "end": 49,
             "quote": "She paints « l’été » there."},
        ],
        "passages": [{"document": "d1", "start": 0, "end": 49, "score": 0.5}],
        "timings": {"search": 0.01, "total": 1.25},
    }  # fmt: skip
    assert rows.answer_row(SHY)["id"] is None


def test_a_row_says_where_a_citation_stands_as_far_as_it_is_known() -> None:
    cited = replace(ANSWER.citations[0], place=Place(("Life", "Birth"), "14", "Dates"))
    paged = replace(ANSWER.citations[1], place=Place(page="14-15"))
    first, second = rows.answer_row(replace(ANSWER, citations=(cited, paged)))["citations"]
    assert list(first)[5:] == ["page", "headings", "table"]
    assert (first["page"], first["headings"], first["table"]) == ("14", ["Life", "Birth"], "Dates")
    assert (list(second)[5:], second["page"]) == (["page"], "14-15")


def test_dump_keeps_unicode_and_escapes_what_a_terminal_obeys() -> None:
    value = "l’été 東京 \x1b[31m \x9b2J \u202e \ud800"
    line = rows.dump({"text": value})
    assert json.loads(line) == {"text": value}
    assert "l’été 東京" in line
    assert inert(line) == line
    line.encode("utf-8")


def test_batch_reads_ids_as_they_are_and_history(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + '{"id": "a", "question": "Où?"}\r\n'.encode()
        + b"\n"
        + b'{"id": 7, "question": "And then?", "history": [["Who?", "Ann."]]}'
    )
    assert rows.read_batch(str(path)) == (
        rows.Asked("a", "Où?"),
        rows.Asked(7, "And then?", (("Who?", "Ann."),)),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b'\xff{"id": 1}', "not JSON in UTF-8"),
        (b"[1]", "not an object"),
        (b'{"question": "Who?"}', "no id"),
        (b'{"id": true, "question": "Who?"}', "no id"),
        (b'{"id": "b"}', "no question"),
        (b'{"id": "b", "question": "  "}', "no question"),
        (b'{"id": "b", "question": "Who?", "history": [["one"]]}', "history"),
        (b'{"id": "b", "question": "Who?", "history": "no"}', "history"),
    ],
)
def test_a_bad_line_is_named_before_any_work(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'{"id": "a", "question": "Who?"}\n' + line + b"\n")
    with pytest.raises(QuestionError, match=message) as caught:
        rows.read_batch(str(path))
    assert f"{path}:2:" in caught.value.message
    assert caught.value.hint == rows.BATCH_SHAPE


def test_no_batch_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        rows.read_batch(str(tmp_path / "none.jsonl"))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(SourceEmpty):
        rows.read_batch(str(tmp_path / "empty.jsonl"))


def test_batch_writes_a_row_a_question_with_its_history() -> None:
    seen: list[tuple[str, Sequence[tuple[str, str]]]] = []
    steps: list[tuple[str, int, int]] = []

    def ask(question: str, history: Sequence[tuple[str, str]]) -> Answer:
        seen.append((question, history))
        return ANSWER if question == "One?" else SHY

    output = io.StringIO()
    asked = (rows.Asked("a", "One?"), rows.Asked(2, "Two?", (("x", "y"),)))
    rows.answer_batch(asked, ask, output, lambda *step: steps.append(step))
    assert [json.loads(line) for line in output.getvalue().splitlines()] == [
        rows.answer_row(ANSWER, "a"),
        rows.answer_row(SHY, 2),
    ]
    assert seen == [("One?", ()), ("Two?", (("x", "y"),))]
    assert steps == [("questions", 1, 2), ("questions", 2, 2)]


def test_output_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("before")

    def interrupted() -> None:
        with rows.written(str(path)) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "before"
    with rows.written(str(path)) as file:
        file.write("été\n")
    assert path.read_bytes() == "été\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]


def test_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    target = tmp_path / "real.jsonl"
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    with rows.written(str(link)) as file:
        file.write("x")
    assert link.is_symlink()
    assert target.read_text() == "x"


# --- what a person sees


def test_inert_takes_out_controls_and_keeps_text() -> None:
    assert inert("a\x1b[2Jb\x07\tc\r\nd\x9b31m\u202ee") == "a[2Jb\tc\nd31me"
    assert inert("l’été « 東京 » 👩‍🚀\n") == "l’été « 東京 » 👩‍🚀\n"


def test_answer_shows_text_quotes_places_and_confidence() -> None:
    assert shown.answer(ANSWER, lambda _: DOCUMENT, terminal(width=80)) == (
        "Ann was born in Rome [1]. She paints there [2].\n"
        "\n"
        "[1] “Ann was born in Rome.”\n"
        "    Ann · notes/ann.txt, line 1\n"
        "\n"
        "[2] “She paints « l’été » there.”\n"
        "    Ann · notes/ann.txt, line 2\n"
        "\n"
        "confidence 82% · 1.2 s · 1 unsupported sentence left out"
    )


def test_answer_wraps_to_the_width() -> None:
    text = shown.answer(ANSWER, lambda _: DOCUMENT, terminal(width=40))
    assert max(map(len, text.splitlines()[:5])) <= 40
    assert "Ann was born in Rome [1]. She paints\nthere [2]." in text


def test_abstention_shows_the_nearest_passages() -> None:
    text = shown.answer(SHY, lambda _: DOCUMENT, terminal(width=80))
    assert text == (
        "The documents do not say.\n"
        "\n"
        "Nearest passages\n"
        "  Ann was born in Rome. She paints « l’été » there.\n"
        "  Ann · notes/ann.txt, line 1\n"
        "\n"
    )


def test_place_gives_characters_where_lines_say_little() -> None:
    row = Document("nq7", TEXT, "", "corpus.jsonl")
    assert shown.place(row, 22, 49) == "corpus.jsonl, characters 22-49"
    assert shown.place(Document("nq7", TEXT), 0, 3) == "nq7, characters 0-3"


def test_place_gives_page_and_headings_where_they_are_known() -> None:
    where = Place(("Report", "Sales"), "14", "By region")
    report = Document("d", TEXT, "Report", "report.pdf")
    assert shown.place(report, 22, 49, where) == "Report · report.pdf, p. 14, Sales › By region"
    guide = Document("d", TEXT, "", "guide.md")
    assert shown.place(guide, 0, 3, Place(("Top",))) == "guide.md, line 1, Top"


def test_escape_codes_of_a_document_never_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J"
    document = Document("d1", f"{evil}Rome", f"T{evil}", f"{evil}.txt")
    passage = Passage("p", "d1", 0, len(document.text), document.text)
    cited = (Citation(1, "d1", 0, len(document.text), document.text),)
    hits = (Hit(passage, 1.0),)
    for answer in (
        Answer("?", f"{evil}Rome [1]", False, 1.0, cited, hits),
        Answer("?", f"{evil}no", True, 1.0, (), hits),
    ):
        text = shown.answer(answer, lambda _: document, terminal())
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "Rome" in text


def test_colour_only_where_wanted() -> None:
    assert terminal().style("x", "bold") == "x"
    assert terminal(colour=True).style("x", "bold", "red") == "\x1b[1;31mx\x1b[0m"


def test_indexed_counts_and_reasons() -> None:
    done = IndexReport(added=1, updated=1, unchanged=2, removed=1, passages=1042, embedded=9)
    text = shown.indexed("index", done, [Skipped("a.bin", "no loader recognises it")])
    assert text == (
        "index: 4 documents (1 new, 1 changed, 2 unchanged, 1 removed, 1 skipped), "
        "1,042 passages (9 embedded now)\n"
        "skipped a.bin: no loader recognises it"
    )


def test_checks_say_what_to_run() -> None:
    found = [
        Check("python", True, "3.11.2"),
        Check("generator", False, "not here", "run: rag models get"),
    ]
    assert shown.checks(found, terminal()) == (
        "ok       python     3.11.2\n"
        "problem  generator  not here\n"
        "                    run: rag models get"
    )


def test_table_of_measures() -> None:
    from rag.evaluation import Report

    nan = float("nan")
    measures = (Measure("recall@5", 0.9154, 0.9, 0.93, 2655), Measure("ECE", nan, nan, nan, 0))
    assert shown.report(Report("nq", 2655, 0, measures)) == (
        "nq: 2655 questions\n"
        "measure   value  95 % interval   n\n"
        "--------  -----  --------------  ----\n"
        "recall@5  0.915  0.900 to 0.930  2655\n"
        "ECE       -      -               0"
    )


# --- chat


class Parrot:
    """A pipeline that answers at once; `Stop me` is interrupted, as by Ctrl-C."""

    def __init__(self) -> None:
        self.histories: list[Sequence[tuple[str, str]]] = []
        self.stops: list[threading.Event | None] = []

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Event]:
        self.histories.append(history)
        self.stops.append(stop)
        yield Event("stage", "write")
        yield Event("token", "dra")
        if question == "Stop me":
            raise KeyboardInterrupt
        if question == "Refuse me":
            raise QuestionError("the question is too long")
        yield Event("answer", answer=ANSWER)

    def document(self, id: str) -> Document:
        return {"d1": DOCUMENT}[id]


def say(*lines: str) -> Any:
    """Return an `input` that gives these lines and then the end of input."""
    left = iter(lines)

    def ask(_: str) -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    return ask


def test_chat_keeps_history_and_quits() -> None:
    bot, screen = Parrot(), terminal()
    chat.converse(bot, screen, say("One", "", "Two", "/quit", "never"))
    assert bot.histories == [(), (("One", ANSWER.text),)]
    assert printed(screen).count("Ann was born in Rome [1]") == 2
    assert "“Ann was born in Rome.”" in printed(screen)


def test_chat_clear_forgets() -> None:
    bot = Parrot()
    chat.converse(bot, terminal(), say("One", "/clear", "Two"))
    assert bot.histories == [(), ()]


def test_chat_ctrl_c_stops_one_answer_only() -> None:
    bot, screen = Parrot(), terminal()
    chat.converse(bot, screen, say("Stop me", "Refuse me", "One"))
    assert bot.histories == [(), (), ()]
    assert bot.stops[0] is not None
    assert bot.stops[0].is_set()
    assert isinstance(screen.err, io.StringIO)
    assert screen.err.getvalue() == "stopped\nthe question is too long\n"
    assert printed(screen).count("“Ann was born in Rome.”") == 1


def test_chat_unknown_command_shows_help() -> None:
    screen = terminal()
    chat.converse(Parrot(), screen, say("/what"))
    assert printed(screen).count(chat.HELP) == 2


def test_chat_shows_the_draft_only_where_it_can_be_taken_away() -> None:
    live = terminal(live=True)
    chat.converse(Parrot(), live, say("One"))
    assert isinstance(live.err, io.StringIO)
    assert "dra" in live.err.getvalue()
    assert "dra" not in printed(live)
    plain = terminal()
    chat.converse(Parrot(), plain, say("One"))
    assert isinstance(plain.err, io.StringIO)
    assert plain.err.getvalue() == ""
    assert printed(plain) == printed(live)


# --- the program


def rag(*arguments: str, **known: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **known.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "rag", *arguments],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=240,
        check=False,
        **{"cwd": ROOT, **known},
    )


def test_help_and_version() -> None:
    done = rag("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("index", "ask", "eval", "chat", "serve", "doctor", "models"):
        assert f"\n  {command} " in done.stdout
    assert rag("--version").stdout == "rag 0.1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("ask",),
        ("ask", "Who?", "--batch", "q.jsonl"),
        ("ask", "Who?", "--output", "a.jsonl"),
        ("ask", "--no-such-option"),
        ("index",),
        ("eval",),
        ("eval", "folder", "--jobs", "0"),
        ("serve", "--port", "0"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    done = rag(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_one_line_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": 1, "question": "Who?"}\nnonsense\n')
    done = rag("ask", "--batch", "bad.jsonl", "--output", "out.jsonl", cwd=tmp_path)
    error, hint = done.stderr.splitlines()
    assert done.returncode == 1
    assert error.startswith("error: bad.jsonl:2: not JSON")
    assert hint == f"hint: {rows.BATCH_SHAPE}"
    assert done.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == ["bad.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("ask", " "), {}, "error: the question is empty"),
        (("eval", "nowhere"), {}, "error: no dataset in nowhere"),
        (("ask", "--batch", "nowhere"), {}, "error: no such file: nowhere"),
        (("models",), {"RAG_RETRIEVER__TOP_K": "0"}, "error: RAG_RETRIEVER__TOP_K: "),
        (("models",), {"RAG_RETRIEVER": "{"}, "error: "),
    ],
)
def test_errors_are_1(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    done = rag(*arguments, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.splitlines()[1].startswith("hint: ")


def test_an_output_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "Who?"}\n')
    done = rag("ask", "--batch", "q.jsonl", "--output", "no/out.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No such file or directory: ")
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_silent() -> None:
    script = f"(sleep 0.3; {sys.executable} -m rag models) | true"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.stderr == b""


def test_models_and_doctor_name_the_command_that_helps(tmp_path: Path) -> None:
    empty = {"RAG_MODELS__CACHE": str(tmp_path / "cache")}
    listed = rag("models", env=empty)
    assert listed.returncode == 0
    assert "SmolLM2-135M-Instruct  generator  missing" in " ".join(listed.stdout.split(" "))
    assert "run: rag models get" in listed.stdout
    checked = rag("doctor", "--index", str(tmp_path / "none"), env={**empty, "RAG_TYPO": "1"})
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    assert any(line.startswith("ok       python") for line in lines)
    assert any(line.startswith("problem  RAG_TYPO") for line in lines)
    assert any(line.startswith("problem  generator") for line in lines)
    assert any(line.startswith("problem  index") for line in lines)
    assert checked.stderr == "3 problems found\n"


# --- with the real models


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a source, its index, and nothing else."""
    place = tmp_path_factory.mktemp("program")
    (place / "notes").mkdir()
    (place / "notes" / "ann.txt").write_text(
        "Ann Keller was born in Lisbon in 1931.\n\nShe painted 212 pictures of harbours.\n"
    )
    done = rag("index", "notes", "--index", "idx", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("idx: 1 document (1 new, 0 changed, 0 unchanged, 0 removed, ")
    return place


@pytest.mark.models
def test_ask_json_is_a_row_and_nothing_else(built: Path) -> None:
    done = rag("ask", "Where was Ann Keller born?", "--index", "idx", "--json", cwd=built)
    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert list(row) == ROW_KEYS
    assert row["id"] is None
    assert not row["abstained"]
    assert "Lisbon" in row["text"]
    assert any("Lisbon" in citation["quote"] for citation in row["citations"])
    assert 0 <= row["confidence"] <= 1


@pytest.mark.models
def test_ask_prints_the_answer_and_its_quotes(built: Path) -> None:
    done = rag("ask", "Where was Ann Keller born?", "--index", "idx", cwd=built)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[1] “Ann Keller was born in Lisbon" in done.stdout
    assert "notes/ann.txt, line 1" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.models
def test_batch_equals_asking_one_by_one_in_another_process(built: Path) -> None:
    questions = ["How many pictures did she paint?", "Who won the 1998 football final?"]
    lines = [json.dumps({"id": i, "question": q}) for i, q in enumerate(questions)]
    done = rag("ask", "--batch", "-", "--index", "idx", cwd=built, input="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    batch = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in batch] == [0, 1]
    one = json.loads(rag("ask", questions[0], "--index", "idx", "--json", cwd=built).stdout)
    for row in (one, batch[0]):
        del row["timings"], row["id"]
    assert one == batch[0]


@pytest.mark.models
def test_batch_writes_its_output_file(built: Path) -> None:
    (built / "q.jsonl").write_text(
        '{"id": "x", "question": "And where was she born?", '
        '"history": [["Who painted harbours?", "Ann Keller did."]]}\n'
    )
    arguments = ("ask", "--batch", "q.jsonl", "--output", "a.jsonl", "--index", "idx")
    done = rag(*arguments, cwd=built)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (row,) = map(json.loads, (built / "a.jsonl").read_text(encoding="utf-8").splitlines())
    assert list(row) == ROW_KEYS
    assert row["id"] == "x"
    assert {p.name for p in built.iterdir()} == {"notes", "idx", "q.jsonl", "a.jsonl"}


@pytest.mark.models
def test_ctrl_c_is_130_and_leaves_nothing(built: Path) -> None:
    lines = [json.dumps({"id": i, "question": f"Where was Ann born, {i}?"}) for i in range(500)]
    (built / "many.jsonl").write_text("\n".join(lines))
    before = {p.name for p in built.iterdir()}
    command = [sys.executable, "-m", "rag", "ask", "--batch", "many.jsonl"]
    process = subprocess.Popen(
        [*command, "--output", "late.jsonl", "--index", "idx"],
        cwd=built,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(built.glob(".late.jsonl.*")):
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == ""
    assert {p.name for p in built.iterdir()} == before


@pytest.mark.models
def test_doctor_is_content_with_a_good_index(built: Path) -> None:
    done = rag("doctor", "--index", "idx", cwd=built)
    assert done.returncode == 0, done.stdout
    assert "problem" not in done.stdout
    assert "idx: documents: 1, passages: " in done.stdout


@pytest.mark.models
def test_eval_measures_a_tiny_dataset(tmp_path: Path) -> None:
    corpus = [
        {"doc_id": "ann", "title": "Ann", "text": "Ann Keller was born in Lisbon in 1931."},
        {"doc_id": "bo", "title": "Bo", "text": "Bo Falk sells green bicycles in Malmö."},
    ]
    questions = [
        {"id": "1", "question": "Where was Ann Keller born?", "answers": ["Lisbon"],
         "gold_doc_ids": ["ann"], "answerable": True},
        {"id": "2", "question": "What does Bo Falk sell?", "answers": ["bicycles"],
         "gold_doc_ids": ["bo"], "answerable": True},
    ]  # fmt: skip
    for name, listed in (("corpus", corpus), ("questions", questions)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in listed), encoding="utf-8")
    arguments = ("eval", str(tmp_path), "--index", str(tmp_path / "idx"), "--json")
    ranked = json.loads(rag(*arguments, "--retrieval-only").stdout)
    assert ranked["measures"]["recall@1"]["value"] == 1.0
    assert "right" not in ranked["measures"]
    done = rag(*arguments, "--rows", str(tmp_path / "rows.jsonl"))
    unjudged = "" if WEIGHTS.is_file() else f"{NO_JUDGE}\n"
    assert (done.returncode, done.stderr) == (0, unjudged)
    measures = json.loads(done.stdout)["measures"]
    assert ("citation recall" in measures) == WEIGHTS.is_file()
    assert measures["citations exact"]["value"] == 1.0
    assert measures["dangling markers"]["value"] == 0.0
    written = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["id"] for row in written] == ["1", "2"]
    for row, wanted in zip(written, ("Lisbon", "bicycles"), strict=True):
        answer = row["answer"]
        assert list(answer) == ROW_KEYS
        assert row["right"] == (not answer["abstained"] and wanted in answer["text"])
        assert row["short"] == "" or row["short"] in "".join(one["text"] for one in corpus)
    assert measures["right"]["value"] == sum(row["right"] for row in written) / 2

    again = rag(*arguments, "--from", str(tmp_path / "rows.jsonl"))
    assert (again.returncode, again.stdout) == (0, done.stdout)
    shared = rag(*arguments, "--jobs", "2")
    assert (shared.returncode, shared.stderr) == (0, unjudged)
    found = json.loads(shared.stdout)["measures"]
    timed = ("seconds median", "seconds p95")
    assert {k: v for k, v in found.items() if k not in timed} == {
        k: v for k, v in measures.items() if k not in timed
    }

    failed = rag(*arguments, "--jobs", "2", env={"RAG_MODELS__GENERATOR": "no/such-model"})
    assert (failed.returncode, failed.stdout) == (1, "")
    error, hint = failed.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
