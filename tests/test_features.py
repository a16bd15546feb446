import numpy as np
import pytest

from rag import features as described
from rag.features import (
    JUDGED_SENTENCE,
    JUDGED_VERDICT,
    NO_SPAN,
    SENTENCE,
    VERDICT,
    Features,
    answer_in,
)
from rag.questions import analyse
from rag.rereading import REREAD
from rag.types import Hit, Judgement, Passage, Span
from tests.fakes import PointingJudge, WordEmbedder

TEXT = "The bridge was built by Ana Ruiz. It cost a fortune."
PASSAGE = Passage("p", "d", 100, 100 + len(TEXT), TEXT, (Span(100, 133), Span(134, 152)))


class OnePassage:
    """The statistics of a corpus of one passage that holds every term."""

    def document_frequency(self, terms: list[str]) -> dict[str, int]:
        return dict.fromkeys(terms, 1)

    def __len__(self) -> int:
        return 1


def features(judge: PointingJudge | None) -> Features:
    return Features(WordEmbedder.of(TEXT), OnePassage(), judge)  # type: ignore[arg-type]


def test_features_have_the_names_they_are_given() -> None:
    asked, hits = analyse("Who built the bridge?"), [Hit(PASSAGE, 1.0, 0.5)]
    for judge in (None, PointingJudge("Ana Ruiz")):
        made = features(judge)
        found = made.candidates(asked, hits)
        assert all(len(c.features) == len(made.sentence) for c in found)
        logits = np.array([1.0, 0.0])
        assert len(made.of_verdict(asked, found, logits, hits)) == len(made.verdict)
        rows = made.of_passages(found, logits, hits)
        assert rows.shape == (1, len(made.passage))
    assert features(None).sentence == SENTENCE
    assert features(None).passage == described.PASSAGE
    assert features(None).verdict == VERDICT
    reread = features(PointingJudge("")).rereading().verdict
    assert reread == (*JUDGED_VERDICT, "yes_or_no", *REREAD)


def test_a_verdict_knows_what_is_missing_and_the_best_of_all_scores() -> None:
    hits = [Hit(PASSAGE, 1.0, 0.5)]
    made = features(PointingJudge("Ana Ruiz")).rereading()
    asked = analyse("Who built the bridge for Nora Lund?")
    found = made.candidates(asked, hits)
    again = {"refusal": -2.0, "given": -0.5}
    verdict = made.of_verdict(asked, found, np.array([0.0, 1.0]), hits, again)
    named = dict(zip(made.verdict, verdict, strict=True))
    assert named["unknown"] == pytest.approx(0.5)  # two of four words, all as rare
    assert named["names_missing"] == 1.0
    assert [named[name] for name in REREAD] == [-2.0, -0.5]
    assert [named[name] for name in ("answerable", "span_most", "relevance")] == [1.5, 3.0, 2.0]
    assert named["yes_or_no"] == 0.0
    asked = analyse("Did Ana Ruiz build the bridge?")
    verdict = made.of_verdict(asked, found, np.array([0.0, 1.0]), hits)
    named = dict(zip(made.verdict, verdict, strict=True))
    assert [named[name] for name in ("yes_or_no", *REREAD)] == [1.0, 0.0, 0.0]


def test_a_judge_adds_its_scores_and_its_span_where_it_points() -> None:
    asked, hits = analyse("Who built the bridge?"), [Hit(PASSAGE, 1.0, 0.5)]
    first, second = features(PointingJudge("Ana Ruiz")).candidates(asked, hits)
    count = len(JUDGED_SENTENCE)
    assert first.features[-count:] == pytest.approx([2.0, 1.5, 3.0, 0.0, 0.0])
    assert second.features[-count:] == pytest.approx([2.0, 1.5, NO_SPAN, 3.0 - NO_SPAN, 0.0])
    assert first.answer == Span(124, 132)
    assert TEXT[first.answer.start - 100 : first.answer.end - 100] == "Ana Ruiz"
    assert second.answer is None


def test_words_shared_are_counted_by_hand() -> None:
    asked, hits = analyse("Who built the bridge?"), [Hit(PASSAGE, 1.0, 0.5)]
    first, second = features(None).candidates(asked, hits)
    named = dict(zip(SENTENCE, first.features, strict=True))
    # content of the question: build, bridge; of the sentence: bridge, build, ana, ruiz
    assert named["cosine"] == pytest.approx(2 / (2**0.5 * 4**0.5))
    assert (named["covered"], named["covered_passage"]) == (1.0, 1.0)
    assert (named["offers"], named["offers_not"]) == (1.0, 0.0)
    assert second.features[SENTENCE.index("covered")] == 0.0


def test_passages_are_described_by_their_best_sentence() -> None:
    made = features(PointingJudge("Ana Ruiz"))
    hits = [Hit(PASSAGE, 0.8, 0.5)]
    found = made.candidates(analyse("Who built the bridge?"), hits)
    (row,) = made.of_passages(found, np.array([0.25, 2.0]), hits)
    named = dict(zip(made.passage, row.tolist(), strict=True))
    assert (named["best"], named["best_behind"], named["dense"]) == (2.0, 0.0, 0.5)
    assert (named["relevance"], named["answerable"], named["span"]) == (2.0, 1.5, 3.0)


def test_a_hit_without_a_sentence_is_described_by_zeros() -> None:
    made, empty = features(PointingJudge("Ana Ruiz")), Passage("e", "e", 0, 1, " ")
    hits = [Hit(PASSAGE, 1.0, 0.5), Hit(empty, 0.5, 0.1)]
    found = made.candidates(analyse("Who built the bridge?"), hits)
    rows = made.of_passages(found, np.array([1.0, 0.0]), hits)
    assert rows[1].tolist() == [0.0] * len(made.passage)


@pytest.mark.parametrize("part", [0, 1])
def test_an_answer_is_the_best_span_of_its_part(part: int) -> None:
    judged = Judgement(0, 0, 24, 32, 1.0, ((24, 32, 1.0), (34, 34, -np.inf)))
    assert answer_in(judged, PASSAGE, part) == (Span(124, 132), None)[part]
