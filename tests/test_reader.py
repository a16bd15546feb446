from dataclasses import replace

import numpy as np
import pytest

from rag.features import SENTENCE, Features, units
from rag.questions import analyse, defines, spells_out
from rag.reader import SentenceReader, joined, missing, reranked
from rag.settings import ReaderSettings
from rag.types import Evidence, Hit, Kind, Passage, Place, Rereading, Span
from tests.fakes import PointingJudge, WordEmbedder

BRIDGE = "The bridge at Arta was built by Ana Ruiz. It cost 40 million drachmas in 1931."
HARBOUR = "Twelve boats sank in the harbour. Nobody was hurt."
CREDIT = "Image: PEDRO LOPEZ/AFP"


def passage(text: str, *sentences: str, kind: Kind = "body") -> Passage:
    """Make a passage whose document is named after its first word."""
    cut = sentences or tuple(f"{s}." if not s.endswith(".") else s for s in text.split(". "))
    spans = tuple(Span(text.index(s), text.index(s) + len(s)) for s in cut if s in text)
    name = text.split()[0]
    return Passage(name, name, 0, len(text), text, spans, kind)


PASSAGES = (passage(BRIDGE), passage(HARBOUR), passage(CREDIT, CREDIT, kind="credit"))


class Counts:
    """How many of `PASSAGES` hold a term."""

    def document_frequency(self, terms: list[str]) -> dict[str, int]:
        from rag import words

        return {t: sum(t in words.stems(p.text) for p in PASSAGES) for t in terms}

    def __len__(self) -> int:
        return len(PASSAGES)


def features() -> Features:
    return Features(WordEmbedder.of(BRIDGE, HARBOUR, CREDIT), Counts())  # type: ignore[arg-type]


def reader() -> SentenceReader:
    embedder = WordEmbedder.of(BRIDGE, HARBOUR, CREDIT)
    return SentenceReader.open(embedder, Counts(), ReaderSettings())  # type: ignore[arg-type]


def hits(question: str) -> tuple[Hit, ...]:
    """Rank by the cosine of word counts, the way a dense search would."""
    embedder = WordEmbedder.of(BRIDGE, HARBOUR, CREDIT)
    asked = embedder.query(question)
    cosines = [float(embedder.passages([p.text])[0] @ asked) for p in PASSAGES]
    order = sorted(range(len(PASSAGES)), key=lambda i: -cosines[i])
    return tuple(Hit(PASSAGES[i], 1 - rank / 10, cosines[i]) for rank, i in enumerate(order))


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who built the bridge at Arta?", "The bridge at Arta was built by Ana Ruiz."),
        ("How many boats sank in the harbour?", "Twelve boats sank in the harbour."),
    ],
)
def test_the_best_evidence_is_the_sentence_that_answers(question: str, quote: str) -> None:
    reading = reader().read(question, hits(question))
    assert reading.evidence[0].quote == quote


def test_a_credit_answers_who_took_the_picture() -> None:
    first = (Hit(PASSAGES[2], 1.0, 0.1), *hits("bridge harbour")[:2])
    reading = reader().read("Who took the photograph?", first)
    assert reading.evidence[0].quote == CREDIT
    assert reading.answerable == 1.0
    harbour = reader().read("Who took the photograph of the opera in Lima?", first)
    assert harbour.answerable == 0.0  # no hit speaks of Lima


def test_a_credit_that_names_nobody_answers_no_more_than_its_words_do() -> None:
    said = passage("All pictures were taken in June.", kind="credit")
    reading = reader().read("Who took the photograph?", [Hit(said, 1.0, 0.1)])
    assert reading.answerable < 1.0


def test_a_pronoun_carries_the_name_of_the_sentence_before() -> None:
    text = "The Zetas came to Lima. Founded by soldiers, they ruled."
    zetas = passage(text, "The Zetas came to Lima.", "Founded by soldiers, they ruled.")
    asked = analyse("Who founded the Zetas?")
    found = features().candidates(asked, [Hit(zetas, 1.0)])
    covered = [c.features[SENTENCE.index("covered")] for c in found]
    assert covered == [0.5, 1.0]


def test_a_question_about_something_else_is_less_answerable() -> None:
    here = reader().read("How many boats sank in the harbour?", hits("boats harbour"))
    elsewhere = reader().read("Which bank paid for the opera in Lima?", hits("opera"))
    assert here.answerable > 0.5 > elsewhere.answerable
    assert elsewhere.missing == ("Lima",)


def test_a_question_is_no_more_answerable_than_its_names_are_known() -> None:
    here = reader().read("Who built the bridge at Arta?", hits("bridge"))
    elsewhere = reader().read("Who built the bridge at Corfu?", hits("bridge"))
    assert here.answerable > 0.5
    assert (elsewhere.answerable, elsewhere.missing) == (0.0, ("Corfu",))


def test_a_heading_counts_less_than_what_stands_under_it() -> None:
    heading, said = "## The harbour of Arta", "It holds twelve boats."
    plain = passage(f"{heading}\n\n{said}", heading, said)
    marked = replace(plain, place=Place(headings=("Arta", "The harbour of Arta")))
    scores = [
        {one.quote: one.score for one in reading.evidence}
        for reading in (
            reader().read("Where is Arta?", [Hit(p, 1.0, 0.9)]) for p in (plain, marked)
        )
    ]
    assert scores[1][heading] < scores[0][heading]
    assert scores[1][said] == scores[0][said]


@pytest.mark.parametrize(("call", "told"), [("by telephone", False), ("on 0664 123 456", True)])
def test_a_telephone_number_is_answered_only_where_there_is_one(call: str, told: bool) -> None:
    keeper = passage(f"At night the keeper of the harbour is called {call}.")
    reading = reader().read("What is the phone number of the keeper?", [Hit(keeper, 1.0, 0.9)])
    assert (reading.answerable > 0) is told


def test_no_hits_no_evidence() -> None:
    reading = reader().read("Who built it?", ())
    assert (reading.evidence, reading.answerable, reading.hits) == ((), 0.0, ())


def test_hits_are_reranked_by_the_odds_that_they_hold_the_answer() -> None:
    first, second, third = hits("boats harbour")
    ranked = reranked((first, second, third), np.array([0.0, 2.0, -1.0]))
    assert [hit.passage for hit in ranked] == [second.passage, first.passage, third.passage]
    assert [hit.score for hit in ranked] == pytest.approx([0.8808, 0.5, 0.2689], abs=1e-4)


def test_the_hit_that_holds_the_answer_comes_first() -> None:
    question = "How many boats sank in the harbour?"
    reading = reader().read(question, tuple(reversed(hits(question))))
    assert reading.hits[0].passage.text == HARBOUR
    assert {hit.passage.id for hit in reading.hits} == {p.id for p in PASSAGES}


def test_rare_words_weigh_more() -> None:
    rarity = features()._rarity(analyse("Which boats sank in Lima?"))
    assert rarity["lima"] == pytest.approx(1.0)  # in no passage: log(8) / log(8)
    assert rarity["boat"] == pytest.approx(0.4717, abs=1e-4)  # in one of three: log(4/1.5)/log(8)


def test_sentences_of_one_quotation_are_one_unit() -> None:
    text = "He came. “It was late. We left,” said Ana. Then it rained."
    cut = ("He came.", "“It was late.", "We left,” said Ana.", "Then it rained.")
    assert [text[s.start : s.end] for s in units(passage(text, *cut))] == [
        *("He came.", "“It was late. We left,” said Ana.", "Then it rained."),
    ]


def test_a_quotation_that_never_closes_does_not_swallow_the_passage() -> None:
    long = "word " * 60
    text = f"“Open {long}. Second {long}. Third {long}."
    cut = tuple(f"{part}{long}." for part in ("“Open ", "Second ", "Third "))
    assert all(span.end - span.start <= 610 for span in units(passage(text, *cut)))


def evidence(start: int, end: int, score: float) -> Evidence:
    return Evidence(PASSAGES[0], start, end, score)


def test_neighbours_nearly_as_good_are_joined() -> None:
    first, second = (
        evidence(s.start, s.end, 0.8 - i / 10) for i, s in enumerate(PASSAGES[0].sentences)
    )
    assert joined((first, second), 0.5)[0].quote == BRIDGE
    assert joined((second, first), 0.5)[0].quote == BRIDGE
    assert joined((first, evidence(second.start, second.end, 0.1)), 0.5)[0] == first
    other = Evidence(PASSAGES[1], 0, 33, 0.8)
    assert joined((first, other), 0.5) == (first, other)
    assert joined((first,), 0.5) == (first,)


def test_what_no_hit_mentions_is_named_as_asked() -> None:
    found = missing(
        analyse("Did Ana Ruiz build the bridge at Lima in 1950?"), [Hit(PASSAGES[0], 1)]
    )
    assert found == ("Lima", "1950")
    found = missing(analyse("Where did Rosa Diaz meet Ana Ruiz?"), [Hit(PASSAGES[0], 1)])
    assert found == ("Rosa Diaz",)


@pytest.mark.parametrize(
    ("question", "sentence", "defined"),
    [
        ("Who is Ana Ruiz?", "Ana Ruiz, an engineer, left.", True),
        ("Who is Ana Ruiz?", "Ana Ruiz is an engineer.", True),
        ("Who is Ana Ruiz?", "They met Ana Ruiz.", False),
        ("What does UNO stand for?", "The united nations office (UNO) is there.", True),
        ("Why did Ana Ruiz leave?", "Ana Ruiz is an engineer.", False),
    ],
)
def test_defines(question: str, sentence: str, defined: bool) -> None:
    assert defines(analyse(question), sentence) is defined


def test_spells_out() -> None:
    question = "What does “UNO” stand for?"
    assert spells_out(question, "The united nations office (UNO) is there.")
    assert not spells_out(question, "UNO is there.")
    assert not spells_out("Who is UNO?", "The united nations office (UNO) is there.")


class Saying:
    """A language model that always says the same."""

    def __init__(self, words: str, refusal: float) -> None:
        self.said = Rereading(refusal, words, -0.1, -5.0)
        self.asked = 0

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        self.asked += 1
        return self.said


def twice(judge: PointingJudge | None, model: Saying) -> SentenceReader:
    embedder = WordEmbedder.of(BRIDGE, HARBOUR, CREDIT)
    return SentenceReader.open(embedder, Counts(), ReaderSettings(), judge, model)  # type: ignore[arg-type]


def test_a_second_reading_points_at_its_words_and_its_doubts_count() -> None:
    question = "Who built the bridge at Arta?"
    sure, unsure = Saying("Ana Ruiz", -6.0), Saying("Ana Ruiz", 6.0)
    told = twice(PointingJudge("The bridge"), sure).read(question, hits(question))
    doubted = twice(PointingJudge("The bridge"), unsure).read(question, hits(question))
    assert told.evidence[0].answer_text == "Ana Ruiz"
    assert told.answerable > doubted.answerable
    assert told.confidence > doubted.confidence
    assert (sure.asked, unsure.asked) == (1, 1)


def test_no_words_of_a_text_are_looked_for_where_yes_or_no_would_answer() -> None:
    model, question = Saying("Ana Ruiz", 6.0), "Did Ana Ruiz build the bridge at Arta?"
    twice(PointingJudge("The bridge"), model).read(question, hits(question))
    assert model.asked == 0


def test_nothing_is_read_again_without_a_trained_reader() -> None:
    model = Saying("Ana Ruiz", 6.0)
    question = "Who built the bridge at Arta?"
    assert twice(None, model).read(question, hits(question)) == reader().read(
        question, hits(question)
    )
    assert model.asked == 0
    assert twice(PointingJudge("The bridge"), model).read("Who?", ()).evidence == ()
