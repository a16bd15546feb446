"""The judge of support: its claims, a tiny training run, and what is shipped of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors import safe_open

from benchmarks import judge as benchmark
from rag.cross_encoder import CrossEncoder
from rag.entailment import CLAIM, UPPER, Entailment
from rag.errors import ModelDamaged, ModelMissing
from rag.reader_network import ReaderNetwork
from tests.tiny_bert import CITIES, SENTENCE, write_base
from training import claims, export, judge, program
from training.base import open_encoder
from training.claims import ClaimRecipe, Elsewhere
from training.data import SUPPORT, Example, Group
from training.encoding import Encoder, collate
from training.network import score
from training.network_run import Run, Schedule, train

LAYERS = 4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"), layers=LAYERS)


def groups() -> list[Group]:
    made: list[Group] = []
    for city, year in CITIES.items():
        premise = SENTENCE.format(city, year)
        made.append((Example(f"{city} was founded in {year} .", premise, support=0),))
        made.append((Example(f"{city} was founded in 9999 .", premise, support=1),))
    return made


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    schedule = Schedule(rows=4_000, rate=2e-3, head_rate=2e-3, tokens=400)
    network = ReaderNetwork.start(base, seed=0).only_support(UPPER)
    run = Run(network, schedule, tmp_path_factory.mktemp("runs") / "judge")
    encoder = Encoder(open_encoder(base, 64).tokenizer, 64, CLAIM)
    train(run, encoder.rows(groups(), 0), steps=120)
    return run


@pytest.fixture(scope="module")
def shipped(trained: Run, base: Path) -> Path:
    output = trained.folder / "judge.safetensors"
    assert export.export(export.checkpoint_weights(trained.folder), base, output, {}) < 0.02
    return output


def test_only_the_last_layers_and_the_support_head_learn(trained: Run, base: Path) -> None:
    fresh = dict(ReaderNetwork.start(base, seed=0).named_parameters())
    now = dict(trained.network.named_parameters())
    moved = {name for name in fresh if not torch.equal(fresh[name], now[name])}
    heads = {"pool.weight", "pool.bias", "support.weight", "support.bias"}
    layers = {name for name in fresh if name.startswith("encoder.encoder.layer.")}
    assert moved == heads | {name for name in layers if ".layer.0." not in name}


def test_only_what_was_trained_is_shipped(trained: Run, shipped: Path) -> None:
    with safe_open(shipped, "pt") as opened:
        names = {key.split("/")[0] for key in opened.keys()}  # noqa: SIM118
    assert names == set(trained.network.changed())


def test_the_shipped_judge_says_what_the_trained_one_says(
    trained: Run, shipped: Path, base: Path
) -> None:
    opened = Entailment.open(base, shipped, threads=1)
    asked = [example for group in groups() for example in group]
    got = opened.supports([(one.passage, one.question) for one in asked])
    assert [p > 0.5 for p in got] == [one.support == 0 for one in asked]

    encoder = Encoder(open_encoder(base, 64).tokenizer, 64, CLAIM)
    trained.network.eval()
    for one, likely in zip(asked, got, strict=True):
        with torch.inference_mode():
            scores = score(trained.network, collate([(encoder.row(one, Random(0)),)]))
        assert likely == pytest.approx(float(scores.support[0].softmax(0)[0]), abs=0.02)


def test_a_long_claim_is_read_further_than_a_question(shipped: Path, base: Path) -> None:
    opened = Entailment.open(base, shipped, threads=1)
    premise = SENTENCE.format("Oslo", "1302")
    near, far = "the sea " * 40, "the sea " * 48  # 80 and 96 tokens
    said = opened.supports([(premise, near + "Oslo"), (premise, near + "town")])
    assert abs(said[0] - said[1]) > 1e-7
    said = opened.supports([(premise, far + "Oslo"), (premise, far + "town")])
    assert said[0] == pytest.approx(said[1], abs=1e-8)  # places in a batch round differently


def test_nothing_to_judge(shipped: Path, base: Path) -> None:
    assert Entailment.open(base, shipped).supports([]).shape == (0,)


def test_judge_and_reader_weights_are_not_taken_for_each_other(
    shipped: Path, base: Path, tmp_path: Path
) -> None:
    whole = {n: w.detach() for n, w in ReaderNetwork.start(base).changed().items()}
    export.export(whole, base, tmp_path / "reader.safetensors", {})
    with pytest.raises(ModelDamaged, match="not complete"):
        Entailment.open(base, tmp_path / "reader.safetensors")
    with pytest.raises(ModelDamaged, match="not complete"):
        CrossEncoder.open(base, shipped)
    with pytest.raises(ModelMissing):
        Entailment.open(base, tmp_path / "nowhere.safetensors")


def test_what_is_shipped_is_at_most_6_mb(tmp_path: Path) -> None:
    wide = write_base(tmp_path, layers=6, width=384, heads=12)
    network = ReaderNetwork.start(wide).only_support(UPPER)
    weights = {name: weight.detach() + 0.01 for name, weight in network.changed().items()}
    export.export(weights, wide, tmp_path / "judge.safetensors", {})
    assert 5_000_000 < (tmp_path / "judge.safetensors").stat().st_size <= 6_000_000


# --- claims

PASSAGE = (
    "Ann Keller was born in Lisbon in 1931. Her father, a painter (of ships), died early. "
    "However, Bo Falk sold 212 bicycles in Malmö."
)


def free(source: str, answer: str, *passages: str) -> dict[str, Any]:
    return {"source": source, "question": "q?", "passages": list(passages), "answer": answer}


@pytest.mark.parametrize(
    ("answer", "source", "expected"),
    [
        ("Ann was born in Lisbon. She painted.", "squad-flan/full", "Ann was born in Lisbon."),
        ("Yes, it was built in  1931.", "bioasq/yesno", None),  # nothing says what "it" is: lower
        ("No. Ann was not born there.", "bioasq/yesno", "Ann was not born there."),
        ("Lake Paranoá", "squad-flan/full", None),
        ("The passage does not say it.", "squad-flan/partial-abstain", None),
        ("The passage does not say it.", "clapnq-dev/unanswerable", None),
        ("", "squad-flan/full", None),
    ],
)
def test_a_full_answer_is_a_sentence(answer: str, source: str, expected: str | None) -> None:
    assert claims.full_answer(free(source, answer, "p")) == expected


def test_a_claim_is_set_over_what_supports_it_and_what_does_not() -> None:
    claim = "Ann Keller was born in Lisbon in 1931."
    other = "Ann Keller moved to Porto."
    elsewhere = Elsewhere.of(["Nothing shared here.", other, PASSAGE])
    seen: dict[str, set[tuple[str, str]]] = {label: set() for label in SUPPORT}
    for seed in range(60):
        group = claims.claim_group(claim, PASSAGE, elsewhere, Random(seed), "x")
        assert group is not None
        assert [one.support == 0 for one in group] == [True, False, False]
        for one in group:
            assert one.support is not None
            seen[SUPPORT[one.support]].add((one.question, one.passage))
    sentence, rest = PASSAGE[:38], PASSAGE[39:]
    assert seen["supported"] == {(claim, PASSAGE), (claim, sentence)}
    assert seen["unrelated"] == {(claim, other), (claim, rest)}
    assert {premise for _, premise in seen["refuted"]} == {PASSAGE, sentence}
    changed = {said for said, _ in seen["refuted"]}
    assert claim not in changed
    assert any("1931" not in said for said in changed)


def test_a_claim_that_its_passage_does_not_speak_of_is_left_out() -> None:
    elsewhere = Elsewhere.of([PASSAGE])
    assert claims.claim_group("Whales sing under ice.", PASSAGE, elsewhere, Random(0), "x") is None
    long = "Ann was born in Lisbon. " * 60
    assert claims.claim_group("Ann was born in Lisbon.", long, elsewhere, Random(0), "x") is None


def test_the_passage_drawn_is_most_like_the_claim_but_does_not_say_it() -> None:
    claim = "Ann Keller was born in Lisbon."
    texts = [
        "Ann Keller was born in Lisbon, they say.",
        "Ann Keller sings.",
        "Whales sing.",
        "Ann.",
    ]
    drawn = {Elsewhere.of(texts).passage(claim, "own", Random(seed)) for seed in range(20)}
    assert drawn == {"Ann Keller sings."}
    assert Elsewhere.of(["Whales sing."]).passage(claim, "Whales sing.", Random(0)) is None
    assert Elsewhere.of(["Whales sing."]).passage(claim, "own", Random(0)) == "Whales sing."


def test_sentences_are_roughened_in_small_ways() -> None:
    said = "However, a painter (of ships) died early."
    found = {claims.roughened(said, Random(seed)) for seed in range(40)}
    assert found == {said, "A painter died early.", "A painter died early"}


def test_the_plan_has_no_questions_and_repeats_itself(tmp_path: Path) -> None:
    def row(source: str, i: int) -> dict[str, Any]:
        return {"source": source, "premise": f"p{i}", "hypothesis": source, "label": "refuted"}

    unused = ("boolq-sapt/dev", "pubmedqa-labeled", "bioasq-golden-yesno", "halueval-qa")
    nli = [row(source, i) for source in (*unused, "fever-symmetric") for i in range(200)]
    answers = [
        free("squad-flan/full", f"Ann number {i} was born in town {i}.",
             f"Ann number {i} was born in town {i}. The sea there is cold and grey.")
        for i in range(200)
    ]  # fmt: skip
    for name, some in (("nli", nli), ("generative", answers)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in some)
    recipe = ClaimRecipe(quotes=())
    first = claims.plan(tmp_path, recipe, 3)
    assert first == claims.plan(tmp_path, recipe, 3)
    kept = claims.plan(tmp_path, recipe, 3, kept=True)
    stated = [group for group in first + kept if group[0].source == "fever-symmetric"]
    assert len(stated) == 200
    assert {group[0].source for group in first + kept} == {
        "fever-symmetric",
        "squad-flan/full/answer",
    }
    answered = [group for group in first + kept if group[0].source.endswith("/answer")]
    assert len(answered) == 200
    used = {group[0].question for group in first if group[0].source.endswith("/answer")}
    assert used.isdisjoint(group[0].question for group in kept)
    assert 0 < len(kept) < 40


# --- the program


def test_the_program_has_its_own_defaults_and_a_folder() -> None:
    asked = program.parser(judge.PROGRAM, None, judge.SCHEDULE).parse_args(
        ["--data", "d", "--minutes", "7", "--seed", "3"]
    )
    assert asked.run == Path("runs/judge")
    assert (asked.processes, asked.rank) == (2, 0)
    assert list(program.seeds(asked, kept=False)) == [3]
    schedule = program.chosen(asked, judge.SCHEDULE)
    assert (schedule.minutes, schedule.seed) == (7.0, 3)
    assert (schedule.rows, schedule.rate) == (judge.SCHEDULE.rows, judge.SCHEDULE.rate)


def test_a_new_run_has_a_folder_to_meet_in_and_no_old_meeting(tmp_path: Path) -> None:
    given = ["--data", "d", "--run", str(tmp_path / "runs" / "new"), "--processes", "1"]
    asked = program.parser(judge.PROGRAM, None, judge.SCHEDULE).parse_args(given)
    assert program.helpers(judge.PROGRAM, given, asked) == []
    assert asked.run.is_dir()
    program.meeting(asked.run).write_text("old")
    program.helpers(judge.PROGRAM, given, asked)
    assert list(asked.run.iterdir()) == []


# --- the benchmark


def test_the_benchmark_takes_marked_sentences_or_the_best_window() -> None:
    sentences = ["Ann sings.", "Whales swim.", "Ann was born here.", "In Rome it rains.", "End."]
    row = {
        "claim": "Ann was born in Rome.",
        "label": "supported",
        "evidence_sentences": sentences,
        "supporting_sentence_sets": [[3, 2], [], [0]],
    }
    window = (
        "Whales swim. Ann was born here. In Rome it rains."  # ann, bear, rome: the first of two
    )
    found = benchmark.case(row)
    assert found.gold == ("Ann was born here. In Rome it rains.", "Ann sings.")
    assert found.window == window
    assert benchmark.case(row | {"supporting_sentence_sets": [[]]}).gold == (window,)
    cases = [found, benchmark.case(row | {"supporting_sentence_sets": [[1]]})]
    assert benchmark.best(benchmark.overlap, cases, "gold") == [1.0, 0.0]
    assert benchmark.best(benchmark.overlap, cases, "window") == [1.0, 1.0]


def test_the_benchmark_counts_partly_supported_claims_as_not_supported() -> None:
    labels = ["supported", "partially_supported", "not_supported", "supported"]
    got = benchmark.figures("gold", "x", [0.9, 0.6, 0.2, 0.5], labels)
    # .9 and .5 against .2: both above; against .6 and .2: three of four; right at .5: all but .6
    assert (got.auroc_not, got.auroc_rest, got.accuracy) == (1.0, 0.75, 0.75)


def test_every_pass_has_a_plan_of_its_own_and_the_held_out_rows_one() -> None:
    given = ["--data", "d", "--seed", "3", "--passes", "2"]
    asked = program.parser(judge.PROGRAM, None, judge.SCHEDULE).parse_args(given)
    assert list(program.seeds(asked, kept=False)) == [3, 4]
    assert list(program.seeds(asked, kept=True)) == [3]
