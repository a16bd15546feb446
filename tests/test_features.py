import numpy as np
import pytest

from rag.features import JUDGED_SENTENCE, SENTENCE, VERDICT, Features, answer_in
from rag.questions import analyse
from rag.types import Hit, Judgement, Passage, Span
from tests.fakes import WordEmbedder

TEXT = "The bridge was built by Ana Ruiz. It cost a fortune."
PASSAGE = Passage("p", "d", 100, 100 + len(TEXT), TEXT, (Span(100, 133), Span(134, 152)))


class OnePassage:
    """The statistics of a corpus of one passage that holds every term."""

    def document_frequency(self, terms: list[str]) -> dict[str, int]:
        return dict.fromkeys(terms, 1)

    def __len__(self) -> int:
        return 1


class Pointing:
    """A judge that always points at "Ana Ruiz"."""

    def judge(
        self, question: str, passages: list[str], titles: list[str] | tuple[str, ...] = ()
    ) -> list[Judgement]:
        at = TEXT.index("Ana")
        return [Judgement(2.0, 1.5, at, at + len("Ana Ruiz"), 3.0) for _ in passages]


def features(judge: Pointing | None) -> Features:
    return Features(WordEmbedder.of(TEXT), OnePassage(), judge)  # type: ignore[arg-type]


def test_features_have_the_names_they_are_given() -> None:
    asked, hits = analyse("Who built the bridge?"), [Hit(PASSAGE, 1.0, 0.5)]
    for judge in (None, Pointing()):
        made = features(judge)
        found = made.candidates(asked, hits)
        assert all(len(c.features) == len(made.sentence) for c in found)
        logits = np.array([1.0, 0.0])
        assert len(made.of_verdict(asked, found, logits, hits)) == len(made.verdict)
    assert features(None).sentence == SENTENCE
    assert features(None).verdict == VERDICT


def test_a_judge_adds_its_scores_and_its_span_where_it_points() -> None:
    asked, hits = analyse("Who built the bridge?"), [Hit(PASSAGE, 1.0, 0.5)]
    first, second = features(Pointing()).candidates(asked, hits)
    count = len(JUDGED_SENTENCE)
    assert first.features[-count:] == pytest.approx([2.0, 1.5, 1.0, 3.0])
    assert second.features[-count:] == pytest.approx([2.0, 1.5, 0.0, 0.0])
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


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [(24, 32, True), (0, 0, False), (34, 52, False), (20, 45, True), (20, 52, False)],
)
def test_an_answer_belongs_to_the_sentence_that_holds_its_middle(
    start: int, end: int, inside: bool
) -> None:
    found = answer_in(Judgement(0, 0, start, end, 0), PASSAGE, PASSAGE.sentences[0])
    assert (found is not None) is inside
