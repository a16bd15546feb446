"""A tiny training run: random BERT, a handful of rows, no model files and no training data."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rag.cross_encoder import CrossEncoder
from rag.errors import ModelDamaged, ModelMissing
from rag.reader_network import ReaderNetwork, Scores, pack, unpack
from tests.tiny_bert import CITIES, SENTENCE, tokenizer, write_base
from training import data, derived, export, measure, mining, network, unanswerable
from training.base import open_encoder
from training.data import Example, Recipe, reader_group
from training.edited import Vocabulary
from training.encoding import Encoder, Row, batches, collate, window
from training.mining import Neighbours
from training.network_run import Run, Schedule, train
from training.plan import plan


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


def groups() -> list[data.Group]:
    made: list[data.Group] = []
    for city, year in CITIES.items():
        passage = SENTENCE.format(city, year)
        other = SENTENCE.format(*next(pair for pair in CITIES.items() if pair[0] != city))
        question = f"when was {city} founded ?"
        at = passage.index(year)
        right = Example(question, passage, 1.0, 1.0, (at, at + 4))
        made.append((right, Example(question, other, 0.0, 0.0, null=True)))
        made.append((Example(f"{city} was founded in {year} .", passage, support=0),))
        made.append((Example(f"{city} was founded in 9999 .", passage, support=1),))
    return made


@pytest.fixture
def rows(base: Path) -> list[tuple[Row, ...]]:
    return Encoder(open_encoder(base, 64).tokenizer, 64).rows(groups(), 0)


@pytest.fixture
def begin(base: Path, tmp_path: Path) -> Callable[[str], Run]:
    schedule = Schedule(rows=4_000, rate=2e-3, head_rate=2e-3, tokens=400)

    def run(name: str) -> Run:
        fresh = network.begin(ReaderNetwork.start(base, seed=0))
        return Run(fresh, schedule, tmp_path / name)

    return run


def same(one: Run, other: Run) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_loss_goes_down_and_the_answers_are_found(
    begin: Callable[[str], Run], rows: list[tuple[Row, ...]], tmp_path: Path
) -> None:
    run = begin("down")
    train(run, rows, steps=120)
    lines = [
        json.loads(line) for line in (tmp_path / "down" / "log.jsonl").read_text().split("\n")[:-1]
    ]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < 0.5 * losses[0]
    figures = measure.measure(run.network, rows)
    assert figures["span_f1"] > 0.9
    assert figures["span_f1_n"] == len(CITIES)


def test_a_stopped_run_goes_on_exactly(
    begin: Callable[[str], Run], rows: list[tuple[Row, ...]]
) -> None:
    through = begin("through")
    train(through, rows, steps=12)
    stopped = begin("stopped")
    train(stopped, rows, steps=7)
    resumed = begin("stopped")
    assert resumed.resume()
    assert (resumed.step, resumed.done) == (stopped.step, stopped.done)
    assert same(resumed, stopped)
    train(resumed, rows, steps=5)
    assert (resumed.step, resumed.done) == (through.step, through.done)
    assert same(resumed, through)


def test_nothing_to_resume(begin: Callable[[str], Run]) -> None:
    assert not begin("new").resume()


def test_the_big_tables_stay_as_they_were(
    begin: Callable[[str], Run], rows: list[tuple[Row, ...]]
) -> None:
    fresh, run = begin("fresh"), begin("frozen")
    train(run, rows, steps=3)
    was, now = fresh.network.encoder.state_dict(), run.network.encoder.state_dict()
    same_now = {name for name in was if torch.equal(was[name], now[name])}
    assert {
        n for n in was if n.startswith(("embeddings.word_", "embeddings.position_emb"))
    } <= same_now
    assert "encoder.layer.0.attention.self.query.weight" not in same_now


def test_exported_weights_give_the_same_judgement(
    begin: Callable[[str], Run], rows: list[tuple[Row, ...]], base: Path, tmp_path: Path
) -> None:
    run = begin("shipped")
    train(run, rows, steps=120)
    output = tmp_path / "weights" / "reader.safetensors"
    error = export.export(export.checkpoint_weights(run.folder), base, output, {"note": "tiny"})
    assert error < 0.02
    shipped = CrossEncoder.open(base, output, threads=1)

    question, passage = "when was Oslo founded ?", SENTENCE.format("Oslo", "1302")
    encoder = Encoder(open_encoder(base, 64).tokenizer, 64)
    batch = collate([(encoder.row(Example(question, passage), Random(0)),)])
    run.network.eval()
    with torch.inference_mode():
        scores = network.score(run.network, batch)
    (found,) = shipped.judge(question, [passage])
    assert found.relevance == pytest.approx(float(scores.relevance[0]), abs=0.05)
    assert found.answerable == pytest.approx(float(scores.answerable[0]), abs=0.05)
    assert passage[found.start : found.end] == "1302"

    claim = [(passage, "Oslo was founded in 1302 ."), (passage, "Oslo was founded in 9999 .")]
    support = shipped.support(claim)
    assert support.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert support.argmax(axis=1).tolist() == [0, 1]


def test_packing_loses_at_most_half_a_step_of_its_row() -> None:
    torch.manual_seed(1)
    base = {"encoder.a": torch.randn(6, 50)}
    trained = {
        "encoder.a": base["encoder.a"] + 0.01 * torch.randn(6, 50),
        "head": torch.randn(3, 4),
    }
    packed = pack(trained, base)
    assert packed["encoder.a/int8"].dtype == torch.int8
    back = unpack(packed, base)
    step = (trained["encoder.a"] - base["encoder.a"]).abs().amax(dim=1) / 127
    assert ((back["encoder.a"] - trained["encoder.a"]).abs() <= 0.51 * step[:, None]).all()
    assert torch.allclose(back["head"], trained["head"], atol=2e-3)


@pytest.fixture
def shipped(base: Path, tmp_path: Path) -> Path:
    fresh = ReaderNetwork.start(base, seed=3)
    weights = {name: w.detach() for name, w in fresh.changed().items()}
    export.export(weights, base, tmp_path / "fresh.safetensors", {})
    return tmp_path / "fresh.safetensors"


def test_judgements_are_in_the_order_of_the_passages(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    texts = [SENTENCE.format(c, y) * n for n, (c, y) in enumerate(CITIES.items(), start=1)]
    together = opened.judge("when was Bern founded ?", texts)
    alone = [opened.judge("when was Bern founded ?", [text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.relevance == pytest.approx(other.relevance, abs=1e-4)
        assert (one.start, one.end) == (other.start, other.end)


def test_a_passage_longer_than_a_row_is_read_to_its_end(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    text = "sea " * 900
    windows = list(opened._windows(0, [1, 2], text))
    seen = sorted({offset for w in windows for offset in w.offsets})
    assert seen == [(4 * i, 4 * i + 3) for i in range(900)]
    assert max(len(w.ids) for w in windows) <= 256
    (one,) = opened.judge("sea", [text])
    assert text[one.start : one.end].startswith("sea")


def test_spans_are_whole_words(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    text = "zebra, quagga; okapi 123.5 tapir"
    (one,) = opened.judge("what ?", [text])
    starts, ends = {0, 5, 7, 13, 15, 21, 24, 25, 27}, {5, 6, 13, 14, 20, 24, 25, 26, 32}
    assert one.start in starts
    assert one.end in ends


def test_a_title_is_read_like_the_words_before_the_passage(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    title, text = "town of Lima", SENTENCE.format("Lima", "1403")
    (apart,) = opened.judge("when was Lima founded ?", [text], [title])
    (joined,) = opened.judge("when was Lima founded ?", [f"{title}\n{text}"])
    assert apart.relevance == pytest.approx(joined.relevance, abs=1e-5)
    assert apart.answerable == pytest.approx(joined.answerable, abs=1e-5)
    assert 0 <= apart.start < apart.end <= len(text)


def test_every_part_has_its_own_best_span(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    text = " ".join(SENTENCE.format(city, year) for city, year in CITIES.items())
    long = len(SENTENCE.format("Rome", "1201"))
    parts = [(at, at + long) for at in range(0, len(text), long + 1)]
    (one,) = opened.judge("when was Oslo founded ?", [text], parts=[[*parts, (3, 3)]])
    for (low, high), (start, end, score) in zip(parts, one.parts, strict=False):
        assert low <= start < end <= high
        (alone,) = opened.judge("when was Oslo founded ?", [text], parts=[[(low, high)]])
        assert alone.parts == ((start, end, pytest.approx(score, abs=1e-4)),)
    assert one.parts[-1] == (3, 3, -np.inf)
    assert one.span_score == pytest.approx(max(p[2] for p in one.parts), abs=2.0)
    assert one.span_score >= max(p[2] for p in one.parts)


def test_a_part_across_windows_is_read_in_all_of_them(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    text = "sea " * 900
    (one,) = opened.judge("sea", [text], parts=[[(0, len(text)), (3200, 3300)]])
    assert one.parts[0] == (one.start, one.end, one.span_score)
    assert 3200 <= one.parts[1][0] < one.parts[1][1] <= 3300


def test_nothing_to_judge(base: Path, shipped: Path) -> None:
    opened = CrossEncoder.open(base, shipped)
    assert opened.judge("what ?", []) == []
    assert opened.support([]).shape == (0, 3)
    (empty,) = opened.judge("what ?", [""])
    assert (empty.start, empty.end, empty.span_score) == (0, 0, -np.inf)


def test_weights_that_do_not_fit_are_refused(base: Path, shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        CrossEncoder.open(base, tmp_path / "nowhere.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(shipped.read_bytes()[:500])
    with pytest.raises(ModelDamaged, match="cannot be read"):
        CrossEncoder.open(base, broken)
    save_file({"a": torch.zeros(1)}, broken, metadata={"format": "other"})
    with pytest.raises(ModelDamaged, match="do not fit"):
        CrossEncoder.open(base, broken)


def test_a_window_holds_the_answer_wherever_it_is() -> None:
    offsets = [(5 * i, 5 * i + 4) for i in range(100)]
    for at in (0, 3, 50, 97):
        for seed in range(20):
            first, end, tokens = window(offsets, (5 * at, 5 * at + 9), 30, Random(seed))
            assert end - first == 30
            assert tokens == (at, at + 1)
            assert 0 <= first <= at
            assert at + 1 < end <= 100


def test_batches_keep_groups_whole_and_within_the_budget(rows: list[tuple[Row, ...]]) -> None:
    found = list(batches(rows, 200, Random(0)))
    assert sorted(map(id, rows)) == sorted(id(group) for part in found for group in part)
    for part in found:
        batch = collate(part)
        assert batch.ids.numel() <= 200 or len(part) == 1


def test_the_ranking_loss_is_the_cross_entropy_of_the_positive() -> None:
    scores = torch.tensor([2.0, 0.0, 1.0, 5.0])
    nan = float("nan")
    labels = torch.tensor([1.0, 0.0, nan, 1.0])  # a positive alone does not count
    got = network.listwise(scores, labels, torch.tensor([0, 0, 0, 1]))
    assert float(got) == pytest.approx(np.log(1 + np.exp(-2.0)))


@pytest.mark.parametrize("seed", range(20))
def test_the_ranking_loss_sums_over_groups_and_so_does_its_gradient(seed: int) -> None:
    torch.manual_seed(seed)
    group = torch.randint(0, 5, (12,)).sort().values.unique(return_inverse=True)[1]
    scores = torch.randn(12, requires_grad=True)
    labels = torch.tensor([1.0, 0.0, 0.0, float("nan")])[torch.randint(0, 4, (12,))]
    expected = scores.sum() * 0.0
    for one in range(int(group.max()) + 1):
        judged = (group == one) & ~labels.isnan()
        right = judged & (labels == 1)
        if right.sum() == 1 and judged.sum() > 1:
            expected = expected + scores[judged].logsumexp(0) - scores[right][0]
    got = network.listwise(scores, labels, group)
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)
    slopes = [torch.autograd.grad(loss, scores)[0] for loss in (got, expected)]
    assert torch.allclose(*slopes, atol=1e-5)


def test_the_loss_of_a_region_is_that_of_all_its_tokens_together() -> None:
    question, passage = "when was Oslo founded ?", "the sea . Oslo was founded by the sea ."
    region = (passage.index("Oslo"), passage.index("Oslo") + 4)
    encoder = Encoder(tokenizer(), 64)
    known = encoder.row(Example(question, passage, region=region), Random(0))
    exact = encoder.row(Example(question, passage, span=region), Random(0))
    assert known.span == exact.span is not None
    assert (known.region, exact.region) == (True, False)
    batch = collate([(known,)])
    torch.manual_seed(0)
    start, end = torch.randn(2, 1, batch.ids.shape[1])
    nothing = torch.zeros(1)
    scores = Scores(nothing, nothing, start, end, torch.zeros(1, 3))
    first, last = known.span
    wanted = [-edge.softmax(1)[0, first : last + 1].sum().log() for edge in (start, end)]
    assert float(network.spans(scores, batch)) == pytest.approx(float(sum(wanted) / 2), rel=1e-5)


def test_auroc_by_hand() -> None:
    assert measure.auroc([3, 2, 1, 0], [True, False, True, False]) == 0.75
    assert measure.auroc([1, 1], [True, False]) == 0.5
    assert np.isnan(measure.auroc([1.0], [True]))


def test_bm25_agrees_with_the_formula() -> None:
    texts = ["red fish swims", "blue fish", "a red red door in the wall of the house"]
    assert mining.bm25_top(["red door"], texts, 3).tolist()[0][:2] == [2, 0]
    assert mining.bm25_top(["blue fish"], texts, 2).tolist() == [[1, 0]]


def test_a_wrong_passage_never_holds_the_answer() -> None:
    near = Neighbours(["Rome is old", "Rome, founded 1201", "Oslo"], {"q": (1, 0, 2)})
    drawn = {near.passage("q", ["1201"], Random(seed)) for seed in range(50)}
    assert drawn == {"Rome is old", "Oslo"}
    assert near.passage("unknown", [], Random(0)) is None


@pytest.mark.parametrize(
    ("question", "passage", "answer", "expected"),
    [
        ("what happened in 1995", "It rained in 1995.", "rain", r"what happened in (19|20)\d\d"),
        ("Who beat Anna Lind?", "Max Berg lost. Then Eva Holm beat Anna Lind.", "Eva Holm", None),
        ("who wrote the first book", "He wrote the first book.", "He", "who wrote the last book"),
    ],
)
def test_changed_questions(question: str, passage: str, answer: str, expected: str | None) -> None:
    import re

    found = {unanswerable.change(question, passage, answer, Random(s)) for s in range(30)} - {None}
    assert found
    assert question not in found
    if expected is None:
        assert found == {"Who beat Max Berg?"}
    else:
        assert all(re.fullmatch(expected, one) for one in found if one)


def test_whose_it_is_stays_and_is_somebody_elses() -> None:
    asked, passage = (
        "Who leads Peru's bank?",
        "In Peru, as in Chile's south, is a bank. Al leads it.",
    )
    made = {unanswerable.change_name(asked, passage, "Al", Random(seed)) for seed in range(9)}
    assert made == {"Who leads Chile's bank?"}


def test_a_name_is_not_changed_to_another_form_of_itself() -> None:
    asked, passage = "Who leads Peru?", "In Peru vote Peruvians, in Chile some Chileans."
    made = {unanswerable.change_name(asked, passage, "Al", Random(seed)) for seed in range(30)}
    assert made == {"Who leads Chile?", "Who leads Chileans?"}


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ("Tibet", "Tibetans", True),
        ("Beyonce", "Beyoncé's", True),
        ("Armenian", "Western Armenia", True),
        ("Bob Kern", "Bob Falk", False),
        ("Spain", "Spanish", False),
        ("Austria", "Australia", False),
    ],
)
def test_two_forms_of_a_name(one: str, other: str, kin: bool) -> None:
    assert unanswerable.akin(one, other) is kin


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("When did Napoleon attack Russia?", {"When did Russia attack Napoleon?"}),
        ("Did Sony and Apple sue?", {None}),
        ("Who is older, Ann or Bob?", {None}),
        ("When did Napoleon die?", {None}),
    ],
)
def test_names_exchanged(question: str, found: set[str | None]) -> None:
    made = {unanswerable.change_roles(question, "x", "y", Random(seed)) for seed in range(9)}
    assert made == found


def test_a_passage_without_its_answer() -> None:
    before = "Nobody knows for how long the old mill at the river had been standing there empty. "
    after = "In the end the village bought the mill, and the children swim there in summer now."
    whole = f"{before}Rex the dog lived there. {after}"
    assert unanswerable.withhold(whole, "rex the dog") == before + after
    assert unanswerable.withhold(whole, "a cat") is None
    assert unanswerable.withhold(f"Rex lived there. {after}", "Rex") is None
    assert unanswerable.withhold(whole, " ") is None


@pytest.mark.parametrize(
    ("row", "start"),
    [
        ({"source": "halueval-qa(hotpotqa)", "answer": "glycerol."}, 10),
        ({"source": "squad-flan-response-evaluator/full-abstain", "answer": "Not told"}, -1),
        ({"source": "halueval-qa(hotpotqa)", "answer": "bonded"}, None),
        ({"source": "squad-flan-response-evaluator/partial", "answer": "glycerol."}, None),
        ({"source": "squad-flan-response-evaluator/partial-abstain", "answer": "no"}, None),
        ({"source": "pubmedqa-labeled/long-answer", "answer": "glycerol"}, None),
    ],
)
def test_a_free_answer_is_a_span_where_it_stands_in_the_passage(
    row: dict[str, Any], start: int | None
) -> None:
    passage = "Bonded to glycerol, fat is bonded."
    made = derived.found_row({"question": "q", "passages": [passage], **row})
    assert (made and made["answer_start"]) == start


def test_a_sentence_becomes_passages_with_and_without_it() -> None:
    row = {
        "question": "q",
        "positives": ["Ann wrote it."],
        "negatives": [f"Sentence {i} is here." for i in range(6)],
        "source": "x",
    }
    places = set()
    for seed in range(30):
        right, wrong = derived.sentence_group(row, Random(seed))
        assert right.region is not None
        assert right.passage[slice(*right.region)] == "Ann wrote it."
        assert (right.answerable, wrong.answerable, wrong.null) == (1.0, 0.0, True)
        assert "Ann" not in wrong.passage
        assert not set(right.passage.split(". ")) & set(wrong.passage.split(". "))
        places.add(right.passage[: right.region[0]].count("."))
    assert len(places) > 2


def test_a_short_sentence_keeps_its_place_in_a_passage_that_is_full() -> None:
    others = [f"It is {i:02}." for i in range(100)] * 3
    for length in range(1, 40):
        row = {"question": "q", "positives": ["y" * length], "negatives": others, "source": "x"}
        right, *_ = derived.sentence_group(row, Random(length))
        assert right.region is not None
        assert right.passage[slice(*right.region)] == "y" * length


def test_a_sentence_stands_beside_itself_changed_and_edited() -> None:
    row = {
        "question": "Who painted the hall in Oslo?",
        "positives": ["Ann painted the hall in Oslo."],
        "negatives": [f"Ben Cole saw the {i}th house in Rome." for i in range(6)],
        "source": "x",
    }
    vocabulary = Vocabulary.of(["He met Carl Lund in Paris.", "She cleaned the shed by the lake."])
    recipe = Recipe(typed=0.0, changed=1.0, edited=1.0, varied=1.0)
    for seed in range(10):
        right, _, changed, edited, varied = derived.sentence_group(
            row, Random(seed), recipe, vocabulary
        )
        assert (changed.answerable, changed.passage) == (0.0, right.passage)
        assert changed.question != right.question
        assert (edited.answerable, edited.question, edited.null) == (0.0, right.question, True)
        assert edited.region
        assert edited.passage[slice(*edited.region)] != "Ann painted the hall in Oslo."
        assert (varied.answerable, varied.span) == (1.0, None)
        assert varied.region
        assert (varied.question, varied.passage) != (right.question, right.passage)


def test_a_reader_row_becomes_a_group() -> None:
    row: dict[str, Any] = {
        "question": "who wrote the first book",
        "passage": "Ann wrote the first book.",
        "answer": "Ann",
        "answer_start": 0,
        "source": "x",
    }
    near = Neighbours(["Bob wrote the second book."], {row["question"]: (0,)})
    recipe = Recipe(near=1, changed=1, withheld=0, typed=0)
    right, wrong, changed = reader_group(row, near, recipe, Random(1))
    assert (right.relevance, right.answerable, right.span) == (1.0, 1.0, (0, 3))
    assert (wrong.passage, wrong.relevance, wrong.null) == ("Bob wrote the second book.", 0.0, True)
    assert (changed.passage, changed.answerable, changed.relevance) == (row["passage"], 0.0, None)
    assert changed.question == "who wrote the last book"


def test_a_reader_row_is_also_seen_without_its_answer() -> None:
    rest = "The second book took ten years, and the third one was never finished at all. " * 3
    row: dict[str, Any] = {
        "question": "who wrote the book",
        "passage": f"Ann wrote the book. {rest.strip()}",
        "answer": "Ann",
        "answer_start": 0,
        "source": "x",
    }
    recipe = Recipe(near=0, changed=0, withheld=1, typed=0)
    right, cut = reader_group(row, Neighbours.none(), recipe, Random(1))
    assert right.answerable == 1.0
    assert (cut.passage, cut.question) == (rest.strip(), row["question"])
    assert (cut.answerable, cut.relevance, cut.null) == (0.0, None, True)


def test_some_questions_are_asked_in_small_letters() -> None:
    row: dict[str, Any] = {
        "question": "Who wrote to Ann?",
        "passage": "Bob wrote to Ann.",
        "answer": "Bob",
        "answer_start": 0,
        "source": "x",
    }
    recipe = Recipe(near=0, changed=0, withheld=0, typed=0.5)
    asked = {reader_group(row, Neighbours.none(), recipe, Random(i))[0].question for i in range(20)}
    assert {"Who wrote to Ann?", "who wrote to ann"} < asked  # and some with slips


def test_an_answer_becomes_a_claim_beside_wrong_ones() -> None:
    row: dict[str, Any] = {
        "question": "Who gave Ann Berg a ring?",
        "passage": "It was in Oslo that Bob Lund gave Ann Berg a ring.",
        "answer": "Bob Lund",
        "source": "x",
    }
    for seed in range(20):
        right, *wrong = derived.stated_group(row, Random(seed))
        assert right.question == "Bob Lund gave Ann Berg a ring."
        assert (right.support, right.answerable, right.relevance) == (0, None, None)
        claims = {one.question for one in wrong}
        assert "Oslo gave Ann Berg a ring." in claims
        assert claims <= {
            "Oslo gave Ann Berg a ring.",
            "Ann Berg gave Bob Lund a ring.",
            "Bob Lund gave Oslo a ring.",
        }
        assert {one.support for one in wrong} == {1}
        assert {one.passage for one in wrong} == {row["passage"]}
    assert derived.stated_group(row | {"question": "How did it end?"}, Random(0)) == ()


@pytest.mark.parametrize(
    ("source", "label", "answerable"),
    [
        ("boolq-sapt/dev", "refuted", 1.0),
        ("bioasq-golden-yesno", "unrelated", None),
        ("mnli-sapt", "supported", None),
    ],
)
def test_a_premise_that_says_yes_or_no_answers(
    source: str, label: str, answerable: float | None
) -> None:
    row = {"premise": "p", "hypothesis": "is it so", "label": label, "source": source}
    (made,) = data.nli_group(row)
    assert (made.answerable, made.support) == (answerable, data.SUPPORT.index(label))


def test_titled_passages_answer_their_questions() -> None:
    rows = [
        {
            "premise": f"Oil type {i} -- It burns.",
            "hypothesis": f"Does {i} burn?",
            "source": "boolq",
        }
        for i in range(4)
    ]
    groups = data.titled_groups(rows, 4, Random(0))
    assert len(groups) == 4
    for right, wrong in groups:
        assert (right.relevance, right.answerable, right.null) == (1.0, 1.0, False)
        assert (wrong.relevance, wrong.answerable, wrong.null) == (0.0, 0.0, True)
        assert right.passage != wrong.passage


def save(folder: Path, made: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows as the training files of a folder."""
    for name, some in made.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in some)


@pytest.mark.usefixtures("no_documents")
def test_the_plan_is_the_same_twice_and_keeps_a_slice_aside(tmp_path: Path) -> None:
    made = {
        "reader": [
            {
                "question": f"what is number {i}",
                "passage": f"It is called number{i}.",
                "answer": f"number{i}",
                "answer_start": 13,
                "source": "squad1.1",
            }
            for i in range(400)
        ],
        "rerank": [
            {"question": f"q{i}", "positives": ["a"], "negatives": ["b", "c"], "source": "selqa"}
            for i in range(100)
        ],
        "nli": [
            {"premise": f"p{i}", "hypothesis": "h", "label": "refuted", "source": "mnli"}
            for i in range(100)
        ],
    }
    save(tmp_path, made)
    recipe = Recipe(reader=(("squad1.1", 2.0),), nli=(("mnli", 1.0),), sentences=())
    first = plan(tmp_path, Neighbours.none(), recipe, 7)
    assert first == plan(tmp_path, Neighbours.none(), recipe, 7)
    kept = plan(tmp_path, Neighbours.none(), recipe, 7, kept=True)
    twice = Counter(g[0].passage for g in first if g[0].span)
    assert set(twice.values()) == {2}
    assert len(first) - len(twice) + len(kept) == 600
    assert 3 < len(kept) < 40
    assert not {g[0].passage for g in first} & {g[0].passage for g in kept if g[0].span}


def test_of_several_runs_the_mean_is_shipped(
    begin: Callable[[str], Run],
    rows: list[tuple[Row, ...]],
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = begin("one"), begin("other")
    train(one, rows, steps=2)
    train(other, rows, steps=5)
    first, second = (export.checkpoint_weights(run.folder) for run in (one, other))
    mean = export.mean_weights([one.folder, other.folder])
    assert mean.keys() == first.keys()
    name = "pool.weight"
    assert not torch.equal(first[name], second[name])
    assert torch.allclose(mean[name], (first[name] + second[name]) / 2)
    monkeypatch.setattr(export, "base_folder", lambda: base)
    file = tmp_path / "exported.safetensors"
    export.export(first, base, file, {})
    again = export.mean_weights([one.folder, file])
    assert again.keys() == first.keys()
    assert torch.allclose(again[name], first[name], atol=1e-3)


def test_dropout_is_of_what_layers_put_out(base: Path) -> None:
    fresh = network.begin(ReaderNetwork.start(base, seed=0), 0.25)
    shares = {
        name: module.p
        for name, module in fresh.encoder.named_modules()
        if isinstance(module, torch.nn.Dropout)
    }
    assert {p for name, p in shares.items() if name.endswith("output.dropout")} == {0.25}
    assert {p for name, p in shares.items() if not name.endswith("output.dropout")} == {0.0}


def test_of_good_thresholds_the_lowest_with_few_wrong_answers_is_taken() -> None:
    from training.fitting import THRESHOLDS, within_risk

    found = {f"right_at_{t}": 0.5 for t in THRESHOLDS} | {f"risk_at_{t}": 0.4 for t in THRESHOLDS}
    found |= {"right_at_0.3": 0.696, "right_at_0.35": 0.7, "right_at_0.4": 0.697}
    assert within_risk(found) == 0.4, "the strictest of the good ones, where all of them err more"
    found |= {f"risk_at_{t}": 0.35 - t / 3 for t in THRESHOLDS}
    assert within_risk(found) == 0.3, "0.25 exactly; those below are not as good"
    found["risk_at_0.3"] = 0.26
    assert within_risk(found) == 0.35
    found |= {"risk_at_0.3": 0.4, "right_at_0.3": 0.69, "risk_at_0.1": 0.0}
    assert within_risk(found) == 0.35, "no longer good"


@pytest.mark.usefixtures("no_documents")
def test_a_share_of_the_texts_stands_beside_the_same_passages(tmp_path: Path) -> None:
    made = {
        "reader": [
            {
                "question": f"What is house {i} called?",
                "passage": f"House {i} is called Villa {i}.",
                "answer": f"Villa {i}",
                "answer_start": len(f"House {i} is called "),
                "source": "squad1.1",
            }
            for i in range(400)
        ],
        "generative": [
            {
                "question": f"What is house {i} called?",
                "passages": [f"House {i} has a name."],
                "answer": "The text does not say.",
                "source": "squad-flan-response-evaluator/partial-abstain",
            }
            for i in range(400)
        ],
        "rerank": [],
        "nli": [],
    }
    save(tmp_path, made)
    recipe = Recipe(reader=(), rewritten=(("squad-flan", 1.0),), generative=(), claims=(), typed=0)
    every, some = (plan(tmp_path, Neighbours.none(), recipe, 7, share=part) for part in (1.0, 0.3))
    assert 0.2 * len(every) < len(some) < 0.4 * len(every)
    assert sorted(map(str, some)) == sorted(str(group) for group in every if group in some)
    assert {len(group) for group in some} == {2}
