"""The golden questions on the real models: floors that quality may not fall through."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import Pipeline
from rag.documents import load
from rag.settings import ReaderSettings, Settings
from tests.golden.scoring import SMALL_TALK, Score, questions, recall, score, share

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]  # 120 questions on a slow machine
SEEDS = Path(__file__).parents[1] / "seeds"
ARTICLE = next(SEEDS.glob("*.txt"))


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with Pipeline.open(sources=[SEEDS], index=tmp_path_factory.mktemp("index")) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def scores(bot: Pipeline) -> list[Score]:
    document = load(ARTICLE)
    return [score(g, bot.ask(g.question, g.history), document) for g in questions()]


def test_there_are_enough_questions_and_a_quarter_has_no_answer() -> None:
    golden = questions()
    assert len(golden) >= 120
    assert len({g.id for g in golden}) == len(golden)
    assert sum(not g.answerable for g in golden) * 4 >= len(golden)
    assert sum(bool(g.history) for g in golden) >= 10
    text = load(ARTICLE).text
    assert all(quote in text for g in golden for quote in g.evidence)


def test_the_gold_passage_is_among_the_first_five(scores: list[Score]) -> None:
    assert recall(scores) >= 0.95


def test_right_and_cited_or_rightly_abstained(scores: list[Score]) -> None:
    assert share(scores) >= 0.78
    assert share([s for s in scores if s.golden.sought]) >= 0.70
    assert share([s for s in scores if not s.golden.answerable]) >= 0.85


def test_every_citation_is_exact_and_every_marker_has_one(scores: list[Score]) -> None:
    document = load(ARTICLE)
    for s in scores:
        for citation in s.answer.citations:
            assert citation.document == document.id
            assert document.text[citation.start : citation.end] == citation.quote
        shown = {int(n) for n in re.findall(r"\[(\d+)\]", s.answer.text)}
        assert shown == {citation.marker for citation in s.answer.citations}
        assert s.answer.abstained or shown or s.golden.kind == SMALL_TALK


def test_confidence_is_a_probability_and_higher_when_right(scores: list[Score]) -> None:
    assert all(0 <= s.answer.confidence <= 1 for s in scores)
    right = [s.answer.confidence for s in scores if s.right]
    wrong = [s.answer.confidence for s in scores if not s.right]
    assert sum(right) / len(right) > sum(wrong) / len(wrong)


def test_two_processes_give_identical_bytes(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    asked = questions()[::12]
    lines = ({"id": g.id, "question": g.question, "history": g.history} for g in asked)
    batch.write_text("".join(json.dumps(line) + "\n" for line in lines))
    results = []
    for run in ("one", "two"):
        index, output = str(tmp_path / run), tmp_path / f"{run}.jsonl"
        rag = [sys.executable, "-m", "rag"]
        subprocess.run([*rag, "index", str(SEEDS), "--index", index], check=True)
        ask = [*rag, "ask", "--batch", str(batch), "--output", str(output), "--index", index]
        subprocess.run(ask, check=True)
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        results.append([{k: v for k, v in row.items() if k != "timings"} for row in rows])
    assert len(results[0]) == len(asked)
    assert json.dumps(results[0]) == json.dumps(results[1])


def test_it_works_without_the_trained_reader(tmp_path: Path) -> None:
    document, some = load(ARTICLE), [g for g in questions() if g.sought][:8]
    settings = Settings(reader=ReaderSettings(trained=False))
    with Pipeline.open(sources=[SEEDS], index=tmp_path, settings=settings) as bot:
        assert share([score(g, bot.ask(g.question, g.history), document) for g in some]) >= 0.5
