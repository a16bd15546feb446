import numpy as np
import pytest

from rag.overview import SENTENCES, Overview, asks_for_overview, overview_of, spread
from rag.types import Document, Passage
from tests.fakes import WordEmbedder
from tests.index_fakes import by_line, corpus


class Shelf:
    """Some documents, a passage a line."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def documents(self) -> tuple[Document, ...]:
        return tuple(corpus(*self.texts))

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        return tuple(p for d in self.documents() for p in by_line(d) if document in (None, d.id))


def sums_up(*texts: str) -> list[str]:
    """Return the sentences of an overview."""
    return [e.quote for e in Overview(Shelf(*texts), WordEmbedder.of(*texts)).evidence()]


def test_near_the_centroid_first_then_unlike_the_first() -> None:
    rows = np.array([[1, 0], [0.999, 0.0447], [0, 1]], dtype=np.float32)
    centroid = rows.mean(axis=0)  # (0.666, 0.348)
    # nearest: row 1 (0.681); then row 0 (0.666 - 0.5 * 0.999 * 0.681 = 0.326) over
    # row 2 (0.348 - 0.5 * 0.0447 * 0.681 = 0.333): unlike wins
    assert spread(rows, centroid, 2) == [1, 2]
    assert spread(rows, centroid, 9) == [1, 2, 0]
    assert spread(rows[:0], centroid, 2) == []


LINES = [
    "The stone bridge at Arta was built by engineers in 1931.",
    "The stone bridge at Arta carries the road over the river.",
    "Fishermen of the harbour mend the nets beside the bridge.",
    "The river at Arta floods the road and the harbour in winter.",
    "A baker in Lima sells bread to sailors and their children.",
    "The harbour at Arta is deep and its fishermen are proud.",
]


def test_one_document_in_its_own_order_without_repeats() -> None:
    found = sums_up("\n".join([*LINES, *LINES]))
    assert len(found) == SENTENCES
    assert [line for line in LINES if line in found] == found


def test_a_long_document_is_looked_at_from_end_to_end() -> None:
    lines = [f"The bridge at Arta was mended in the year {year} once more." for year in range(999)]
    found = sums_up("\n".join(lines))
    assert len(found) == SENTENCES
    assert sorted(found, key=lines.index) == found


def test_several_documents_one_sentence_each_in_their_order() -> None:
    assert sums_up(LINES[4], LINES[0], LINES[2]) == [LINES[4], LINES[0], LINES[2]]


def test_what_one_document_said_the_next_does_not_repeat() -> None:
    assert sums_up(LINES[0], LINES[0], LINES[2]) == [LINES[0], LINES[2]]


def test_no_documents_no_overview() -> None:
    assert sums_up() == []


@pytest.mark.parametrize(
    ("question", "overview"),
    [
        ("What is this about?", True),
        ("What is this article about?", True),
        ("What's the text about?", True),
        ("Summarise the article.", True),
        ("Can you summarize this for me?", True),
        ("Give me a summary of the document", True),
        ("What are the main points?", True),
        ("tl;dr", True),
        ("TL;DR please", True),
        ("Give me the gist.", True),
        ("What's the gist of it?", True),
        ("what's the article about", True),
        ("What are these documents about?", True),
        ("main takeaways?", True),
        ("What are the key takeaways from this article?", True),
        ("Summarize it in a few sentences", True),
        ("Could you please give me a short summary in three sentences?", True),
        ("sum this up briefly", True),
        ("What happens in the story?", True),
        ("What does the article say?", True),
        ("Tell me what this is about", True),
        ("What happened?", True),
        ("What happened in Lima?", False),
        ("What happened to Ana?", False),
        ("What are ideas?", False),
        ("What is the point of the bridge?", False),
        ("What is the main export?", False),
        ("What does the article say about the police?", False),
        ("Give me the name of the mayor", False),
        ("Summarise the mayor's speech", False),
        ("What is the story of the bridge?", False),
        ("Who is this about?", False),
        ("What is the main point about the police?", False),
        ("Summarise what the police did", False),
        ("What is the article about the bridge called?", False),
        ("Who wrote the summary?", False),
    ],
)
def test_asking_for_an_overview(question: str, overview: bool) -> None:
    assert asks_for_overview(question) is overview


def test_what_happened_after_another_question_is_no_overview() -> None:
    assert not asks_for_overview("What happened?", first=False)
    assert asks_for_overview("Summarise it", first=False)


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("What is the lease about?", "the lease"),
        ("What's the bee study all about?", "the bee study"),
        ("Can you summarize the lease for me?", "the lease"),
        ("Give me a short summary of the library FAQ", "the library faq"),
        ("tl;dr of the lease", "the lease"),
        ("What does the report deal with?", "the report"),
        ("What are the key points of the lease?", "the lease"),
        ("Who is the lease about?", ""),
        ("What is the rent?", ""),
        ("What is the point about the police?", ""),
        ("What is the lease?", ""),
    ],
)
def test_what_is_to_be_summed_up(question: str, what: str) -> None:
    assert overview_of(question) == what


def test_some_documents_only() -> None:
    texts = ("\n".join(LINES[:3]), "\n".join(LINES[3:]))
    overview = Overview(Shelf(*texts), WordEmbedder.of(*texts))
    second = Shelf(*texts).documents()[1:]
    assert [e.quote for e in overview.evidence(second)] == LINES[3:]
