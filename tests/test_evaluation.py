"""Every measure against a value worked out by hand, and a whole run against fakes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag import evaluation, metrics
from rag.cli import outcome_rows
from rag.cli.rows import dump
from rag.dataset import Dataset, Item
from rag.errors import FormatUnknown, SourceEmpty, SourceMissing
from rag.outcomes import Outcome, supporting
from rag.support import Judged
from rag.types import Answer, Citation, Document, Hit, Passage, Place

RANKED = ["d3", "d1", "d7", "d2", "d9"]


# --- ranking


@pytest.mark.parametrize(
    ("k", "expected"), [(1, 0.0), (2, 0.5), (3, 0.5), (4, 1.0), (10, 1.0)], ids=str
)
def test_recall_is_the_share_of_gold_found(k: int, expected: float) -> None:
    assert metrics.recall_at(RANKED, {"d1": 1, "d2": 1}, k) == expected


def test_recall_without_gold_or_ranking_is_zero() -> None:
    assert metrics.recall_at(RANKED, {}, 5) == 0.0
    assert metrics.recall_at([], {"d1": 1}, 5) == 0.0


def test_complete_needs_every_gold_document() -> None:
    gold = {"d1": 1, "d2": 1}
    assert [metrics.complete_at(RANKED, gold, k) for k in (3, 4)] == [0.0, 1.0]
    assert metrics.complete_at(RANKED, {}, 5) == 0.0


def test_reciprocal_rank_is_of_the_first_gold_within_k() -> None:
    assert metrics.reciprocal_rank_at(RANKED, {"d7": 1, "d2": 1}, 10) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank_at(RANKED, {"d9": 1}, 4) == 0.0


def test_ndcg_of_graded_judgements() -> None:
    # gains 0, 2, 0, 1: 2 / log2(3) + 1 / log2(5); the best order is 2, 1: 2 + 1 / log2(3)
    found = 2 / math.log2(3) + 1 / math.log2(5)
    best = 2 + 1 / math.log2(3)
    assert metrics.ndcg_at(RANKED, {"d1": 2, "d2": 1}, 10) == pytest.approx(found / best)
    assert metrics.ndcg_at(["d1", "d2"], {"d1": 2, "d2": 1}, 10) == 1.0


def test_ndcg_ideal_is_cut_at_k_as_well() -> None:
    # three gold documents, k = 2: the best possible is the first two places
    assert metrics.ndcg_at(["a", "b"], {"a": 1, "b": 1, "c": 1}, 2) == 1.0
    assert metrics.ndcg_at(["x"], {}, 10) == 0.0


# --- answers


def test_normalise_is_squads() -> None:
    assert metrics.normalise("  The Quick, brown-fox  is an A. ") == "quick brownfox is"


def test_exact_match_takes_any_answer() -> None:
    assert metrics.exact_match("The embargo.", ["oil", "Embargo"]) == 1.0
    assert metrics.exact_match("an embargo of oil", ["embargo"]) == 0.0
    assert metrics.exact_match("anything", []) == 0.0


def test_token_f1_by_hand() -> None:
    # said: paris in france (3), gold: paris france texas (3), shared 2: F1 = 2 * 2 / 6
    assert metrics.token_f1("Paris in France", ["Paris, France, Texas"]) == pytest.approx(2 / 3)
    # a repeated word is shared only as often as both have it: 2 * 1 / (2 + 1)
    assert metrics.token_f1("paris paris", ["Paris"]) == pytest.approx(2 / 3)
    assert metrics.token_f1("Rome", ["Paris", "the Rome"]) == 1.0
    assert metrics.token_f1("", ["Paris"]) == 0.0
    assert metrics.token_f1("Paris", []) == 0.0


def test_contains_wants_whole_words_in_a_row() -> None:
    assert metrics.contains("It was killed by the 14 men.", ["14"]) == 1.0
    assert metrics.contains("It was in 1914.", ["14"]) == 0.0
    assert metrics.contains("El grand Chapo", ["El Chapo"]) == 0.0
    assert metrics.contains("anything at all", ["the", "?"]) == 0.0


# --- confidence


def test_auroc_counts_ordered_pairs_and_ties_half() -> None:
    # right: .9 .4; wrong: .4 .1. Pairs: .9>.4, .9>.1, .4=.4, .4>.1 = 3.5 of 4
    assert metrics.auroc([0.9, 0.4, 0.4, 0.1], [True, True, False, False]) == 3.5 / 4
    assert metrics.auroc([0.1, 0.9], [True, False]) == 0.0
    assert math.isnan(metrics.auroc([0.1, 0.9], [True, True]))


def test_auroc_equals_counting_every_pair() -> None:
    scores = [((i * 37) % 11) / 10 for i in range(60)]
    right = [(i * 13) % 7 < 3 for i in range(60)]
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, good in zip(scores, right, strict=True)
        if good
        for b, other in zip(scores, right, strict=True)
        if not other
    ]
    assert metrics.auroc(scores, right) == pytest.approx(sum(pairs) / len(pairs))


def test_risk_coverage_by_hand() -> None:
    # most confident first: right, wrong, right | tied pair .2: wrong, right
    curve = metrics.risk_coverage([0.2, 0.9, 0.8, 0.5, 0.2], [False, True, False, True, True])
    assert curve == ((0.2, 0.0), (0.4, 0.5), (0.6, 1 / 3), (1.0, 0.4))
    assert metrics.risk_coverage([], []) == ()


def test_area_under_risk_by_hand() -> None:
    # steps of coverage .2 .2 .2 .4 with risks 0, 1/2, 1/3, 2/5
    area = metrics.area_under_risk([0.2, 0.9, 0.8, 0.5, 0.2], [False, True, False, True, True])
    assert area == pytest.approx(0.2 * 0 + 0.2 / 2 + 0.2 / 3 + 0.4 * 0.4)
    assert math.isnan(metrics.area_under_risk([], []))


def test_calibration_error_by_hand() -> None:
    # bin (.8, .9]: .85 and .9, one right: |.5 - .875|; bin (.1, .2]: .2, wrong: |0 - .2|
    error = metrics.calibration_error([0.85, 0.9, 0.2], [True, False, False])
    assert error == pytest.approx((2 * 0.375 + 1 * 0.2) / 3)
    assert metrics.calibration_error([0.0, 1.0], [False, True]) == 0.0
    weighed = metrics.calibration_error([0.85, 0.9, 0.2], [True, False, False], weights=[1, 2, 5])
    assert weighed == pytest.approx((abs(1 * 0.15 - 2 * 0.9) + 5 * 0.2) / 8)
    assert math.isnan(metrics.calibration_error([], []))


# --- intervals


def test_mean_of_equal_values_has_no_width() -> None:
    one = metrics.mean("x", [0.25] * 8)
    assert (one.value, one.low, one.high, one.n) == (0.25, 0.25, 0.25, 8)


def test_bootstrap_interval_is_near_the_normal_one_and_repeats() -> None:
    values = [1.0] * 60 + [0.0] * 40
    one = metrics.mean("x", values, seed=3)
    half = 1.96 * math.sqrt(0.6 * 0.4 / 100)  # the normal interval of a proportion
    assert one.value == pytest.approx(0.6)
    assert one.low == pytest.approx(0.6 - half, abs=0.02)
    assert one.high == pytest.approx(0.6 + half, abs=0.02)
    assert metrics.mean("x", values, seed=3) == one


def test_nothing_measured_is_not_a_number() -> None:
    one = metrics.mean("x", [])
    assert one.n == 0
    assert math.isnan(one.value)


def test_quantile_is_the_median() -> None:
    assert metrics.quantile("seconds", [3.0, 1.0, 2.0, 10.0], 0.5).value == 2.5


# --- datasets


def _folder(
    place: Path, questions: list[Mapping[str, object]], name: str = "questions.jsonl"
) -> Path:
    corpus = [{"doc_id": "a", "title": "A", "text": "Ann was born in Rome."}]
    (place / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    (place / name).write_text("".join(json.dumps(row) + "\n" for row in questions))
    return place


def test_dataset_reads_questions(tmp_path: Path) -> None:
    rows: list[Mapping[str, object]] = [
        {"id": "1", "question": "Where?", "answers": ["Rome"], "gold_doc_ids": ["a"],
         "answerable": True},
        {"id": "2", "question": "When?", "answers": [], "gold_doc_ids": ["a"],
         "answerable": False},
    ]  # fmt: skip
    dataset = Dataset.open(_folder(tmp_path, rows))
    assert dataset.items == (
        Item("1", "Where?", {"a": 1}, ("Rome",), True),
        Item("2", "When?", {"a": 1}, (), False),
    )
    assert dataset.judges_answers


def test_dataset_reads_graded_queries(tmp_path: Path) -> None:
    rows: list[Mapping[str, object]] = [
        {"id": "q", "query": "statins", "qrels": {"a": 2, "b": 1, "c": 0}}
    ]
    dataset = Dataset.open(_folder(tmp_path, rows, "queries.jsonl"))
    assert dataset.items == (Item("q", "statins", {"a": 2, "b": 1}),)
    assert not dataset.judges_answers


def test_dataset_sample_is_seeded_and_ordered(tmp_path: Path) -> None:
    rows: list[Mapping[str, object]] = [{"id": str(i), "question": "?"} for i in range(50)]
    dataset = Dataset.open(_folder(tmp_path, rows))
    ids = [item.id for item in dataset.sample(10, seed=1).items]
    assert ids == sorted(ids, key=int)
    assert ids == [item.id for item in dataset.sample(10, seed=1).items]
    assert ids != [item.id for item in dataset.sample(10, seed=2).items]
    assert dataset.sample(99) is dataset


def test_dataset_errors_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no dataset"):
        Dataset.open(tmp_path)
    with pytest.raises(SourceEmpty):
        Dataset.open(_folder(tmp_path, []))
    with pytest.raises(FormatUnknown, match=r"questions.jsonl:2 has no 'question'"):
        Dataset.open(_folder(tmp_path, [{"id": "1", "question": "?"}, {"id": "2"}]))
    (tmp_path / "questions.jsonl").write_text("{\n")
    with pytest.raises(FormatUnknown, match=r"questions.jsonl:1 is not JSON"):
        Dataset.open(tmp_path)


# --- runs

DOCUMENT = Document("a", "Ann was born in Rome. She paints.", "Ann")
PASSAGE = Passage("a:0", "a", 0, 33, DOCUMENT.text)
ELSEWHERE = Passage("b:0", "b", 0, 5, "Other")


def _answer(
    text: str, confidence: float, quote: tuple[int, int] | None = (0, 21), short: str = ""
) -> Answer:
    cited = () if quote is None else (Citation(1, "a", *quote, DOCUMENT.text[slice(*quote)]),)
    hits = (Hit(ELSEWHERE, 0.9), Hit(PASSAGE, 0.8), Hit(ELSEWHERE, 0.1))
    return Answer("?", text, quote is None, confidence, cited, hits, short=short)


@pytest.fixture
def run() -> tuple[Dataset, tuple[Outcome, ...]]:
    items = (
        Item("right", "Where was Ann born?", {"a": 1}, ("Rome",), True),
        Item("wrong", "What does she do?", {"a": 1}, ("paint", "she paints"), True),
        Item("shy", "Who paints?", {"a": 1}, ("Ann",), True),
        Item("wise", "When did Ann die?", {"a": 1}, (), False),
        Item("bold", "When was Ann born?", {"a": 1}, (), False),
    )
    said = {
        "Where was Ann born?": _answer("Ann was born in Rome [1].", 0.9, short="in Rome"),
        "What does she do?": _answer("She sings [1].", 0.6, short="She paints"),
        "Who paints?": _answer("The documents do not say.", 0.7, None, short="Ann"),
        "When did Ann die?": _answer("The documents do not say.", 0.8, None),
        "When was Ann born?": _answer("In 1900 [1] [2].", 0.2, short="1900"),
    }
    dataset = Dataset("tiny", Path("corpus.jsonl"), items, "0")
    return dataset, _answered(dataset, said.__getitem__)


def _answered(dataset: Dataset, ask: Callable[[str], Answer]) -> tuple[Outcome, ...]:
    one = partial(evaluation.answer, ask=ask, document={"a": DOCUMENT}.__getitem__)
    return evaluation.each(dataset, one)


def test_outcomes_are_judged(run: tuple[Dataset, tuple[Outcome, ...]]) -> None:
    _, outcomes = run
    assert [one.right for one in outcomes] == [True, False, False, True, False]
    assert [one.cites_gold for one in outcomes] == [True, True, False, False, True]
    assert [one.dangling for one in outcomes] == [0, 0, 0, 0, 1]
    assert [one.exact for one in outcomes] == [1, 1, 0, 0, 1]
    assert outcomes[0].ranked == ("b", "a")
    assert outcomes[0].spoken == "Ann was born in Rome ."


def test_report_by_hand(run: tuple[Dataset, tuple[Outcome, ...]]) -> None:
    report = evaluation.report(*run)
    expected = {
        "recall@1": (0.0, 3),
        "recall@5": (1.0, 3),
        "MRR@10": (0.5, 3),
        "nDCG@10": (1 / math.log2(3), 3),
        "right": (2 / 5, 5),
        "right and cited": (2 / 5, 5),
        "contains": (1 / 3, 3),
        "exact match": (0.0, 3),
        # "ann was born in rome" and "rome": 2 * 1 / 6; "she sings" and "she paints": 2 * 1 / 4
        "token F1": ((1 / 3 + 1 / 2 + 0) / 3, 3),
        # the forced words, whether it answered or not: "in rome" is half of "rome", two are exact
        "short exact match": (2 / 3, 3),
        "short F1": ((2 / 3 + 1 + 1) / 3, 3),
        # the same where it answered; shy 0, wise 1, bold 0
        "overall F1": ((2 / 3 + 1 + 0 + 1 + 0) / 5, 5),
        "wrong abstentions": (1 / 3, 3),
        "wrong answers": (1 / 2, 2),
        # answerable .9 .6 .3 (1 - .7) against unanswerable .2 (1 - .8) and .2: all six in order
        "answerable AUROC": (1.0, 5),
        "right AUROC": (1.0, 3),  # .9 right; .6 and .2 wrong
        "AURC": ((0 + 1 / 2 + 2 / 3) / 3, 3),
        "ECE": ((0.1 + 0.6 + 0.2) / 3, 3),
        "ECE all": ((0.1 + 0.6 + 0.7 + 0.2 + 0.2) / 5, 5),
        "citations exact": (1.0, 3),
        "dangling markers": (1 / 5, 5),
        "evidence hit": (1.0, 2),
        "answer in quote": (1 / 2, 2),
    }
    for name, (value, count) in expected.items():
        assert report[name].value == pytest.approx(value), name
        assert report[name].n == count, name
    assert report.curve == ((1 / 3, 0.0), (2 / 3, 0.5), (1.0, 2 / 3))
    with pytest.raises(KeyError):
        report["no such measure"]


def test_a_quote_that_is_not_the_text_is_found_out() -> None:
    false = replace(_answer("Rome [1].", 0.9), citations=(Citation(1, "a", 0, 4, "Rome"),))
    dataset = Dataset("tiny", Path("c"), (Item("1", "?", {"a": 1}, ("Rome",), True),), "0")
    outcomes = _answered(dataset, lambda _: false)
    assert evaluation.report(dataset, outcomes)["citations exact"].value == 0.0


def test_ranking_only_has_no_answer_measures() -> None:
    items = (
        Item("1", "?", {"a": 2, "b": 1}),
        Item("2", "?", {"z": 1}),
    )
    dataset = Dataset("graded", Path("c"), items, "0")
    hits = (Hit(PASSAGE, 0.9), Hit(PASSAGE, 0.8), Hit(ELSEWHERE, 0.7))
    outcomes = evaluation.each(dataset, partial(evaluation.rank, retrieve=lambda _: hits))
    report = evaluation.report(dataset, outcomes)
    assert report["nDCG@10"].value == 0.5
    assert report["all gold@5"].value == 0.5
    assert report["recall@1"].value == 0.25
    names = {one.name for one in report.measures}
    assert not names & {"right", "ECE", "citations exact"}


def test_report_row_is_json_without_nan(run: tuple[Dataset, tuple[Outcome, ...]]) -> None:
    dataset, outcomes = run
    row = evaluation.report(dataset, outcomes[:1]).row()
    text = json.dumps(row, allow_nan=False)
    measures = json.loads(text)["measures"]
    assert measures["right"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    assert measures["right AUROC"]["value"] is None
    assert row["risk_coverage"] == [[1.0, 0.0]]


def test_progress_counts_questions() -> None:
    dataset = Dataset("d", Path("c"), (Item("1", "?"), Item("2", "?")), "0")
    seen: list[tuple[int, int]] = []
    one = partial(evaluation.rank, retrieve=lambda _: ())
    evaluation.each(dataset, one, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


# --- judged answers


class Says:
    """A judge of support that finds it wherever the claim has one of its words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def supports(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        return np.array([float(any(w in claim for w in self.words)) for _, claim in pairs])


def test_support_is_measured_where_a_judge_was_asked(
    run: tuple[Dataset, tuple[Outcome, ...]],
) -> None:
    dataset, outcomes = run
    assert not any("citation r" in one.name for one in evaluation.report(*run).measures)
    judged = evaluation.judge(outcomes, Says("sings"))
    # of three sentences one is verbatim, one is supported, one (In 1900) is not; the other two
    # answers are abstentions. Each has one citation that resolves.
    assert [one.judged and len(one.judged) for one in judged] == [1, 1, (), (), 1]
    report = evaluation.report(dataset, judged)
    expected = {
        "citation recall": (2 / 3, 3),
        "citation precision": (2 / 3, 3),
        "citation recall, reworded": (1 / 2, 2),
        "citation precision, reworded": (1 / 2, 2),
    }
    for name, (value, count) in expected.items():
        assert report[name].value == pytest.approx(value), name
        assert report[name].n == count, name


def test_citation_precision_counts_citations_and_recall_sentences() -> None:
    judged = (
        Judged("a", verbatim=False, supported=True, precise=(True, False, True)),
        Judged("b", verbatim=False, supported=False, precise=()),
        Judged("c", verbatim=True, supported=True, precise=(True,)),
    )
    item = Item("1", "?", {"a": 1}, ("x",), True)
    outcome = Outcome(item, (), 0.1, _answer("x [1]", 0.9), judged=judged)
    measures = {one.name: (one.value, one.n) for one in supporting([outcome])}
    assert measures == {
        "citation recall": (pytest.approx(2 / 3), 3),
        "citation precision": (pytest.approx(3 / 4), 4),
        "citation recall, reworded": (1 / 2, 2),
        "citation precision, reworded": (pytest.approx(2 / 3), 3),
    }


# --- rows


def test_a_report_is_the_same_from_its_rows(
    run: tuple[Dataset, tuple[Outcome, ...]], tmp_path: Path
) -> None:
    dataset, outcomes = run
    judge = Says("sings")
    path = tmp_path / "rows.jsonl"
    rows = [outcome_rows.row(one) for one in evaluation.judge(outcomes, judge)]
    path.write_text("".join(dump(row) + "\n" for row in rows), encoding="utf-8")
    assert [row["short"] for row in rows] == ["in Rome", "She paints", "Ann", "", "1900"]
    assert rows[1]["sentences"] == [
        {"text": "She sings.", "verbatim": False, "supported": True, "precise": (True,)}
    ]
    asked, again = outcome_rows.read(path, dataset)
    assert asked == dataset
    first = evaluation.report(dataset, evaluation.judge(outcomes, judge))
    assert evaluation.report(asked, evaluation.judge(again, judge)).row() == first.row()


def test_rows_of_fewer_questions_are_measured_alone(
    run: tuple[Dataset, tuple[Outcome, ...]], tmp_path: Path
) -> None:
    dataset, outcomes = run
    path = tmp_path / "rows.jsonl"
    path.write_text(dump(outcome_rows.row(outcomes[3])) + "\n", encoding="utf-8")
    asked, again = outcome_rows.read(path, dataset)
    assert [item.id for item in asked.items] == ["wise"]
    assert evaluation.report(asked, again)["right"].value == 1.0


def test_rows_that_do_not_fit_are_refused(
    run: tuple[Dataset, tuple[Outcome, ...]], tmp_path: Path
) -> None:
    dataset, outcomes = run
    path = tmp_path / "rows.jsonl"
    with pytest.raises(SourceMissing):
        outcome_rows.read(path, dataset)
    path.write_text("")
    with pytest.raises(SourceEmpty):
        outcome_rows.read(path, dataset)
    row = outcome_rows.row(outcomes[0])
    for wrong, message in (
        ("{", "rows.jsonl:1 is no such row"),
        ("[]", "rows.jsonl:1 is no such row"),
        (dump(row | {"id": "other"}), "rows.jsonl:1 is about a question not in the dataset"),
        (dump({k: v for k, v in row.items() if k != "exact"}), "rows.jsonl:1 has no 'exact'"),
    ):
        path.write_text(wrong)
        with pytest.raises(FormatUnknown, match=message):
            outcome_rows.read(path, dataset)


def test_rows_keep_where_a_citation_stands(
    run: tuple[Dataset, tuple[Outcome, ...]], tmp_path: Path
) -> None:
    dataset, outcomes = run
    outcome = next(one for one in outcomes if one.answer and one.answer.citations)
    assert outcome.answer is not None
    cited = replace(outcome.answer.citations[0], place=Place(("Life",), "9", "Dates"))
    placed = replace(outcome, answer=replace(outcome.answer, citations=(cited,)))
    path = tmp_path / "rows.jsonl"
    path.write_text(dump(outcome_rows.row(placed)) + "\n", encoding="utf-8")
    (again,) = outcome_rows.read(path, dataset)[1]
    assert again.answer is not None
    assert again.answer.citations == (cited,)
