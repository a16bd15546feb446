import hashlib
import time
from pathlib import Path

import pytest
from documents_samples import MARKDOWN, PRESS, WINDOWS
from hypothesis import example, given
from hypothesis import settings as run
from hypothesis import strategies as st

from rag.documents import load
from rag.passages import sentences, split
from rag.settings import PassageSettings
from rag.types import Document, Passage

SEED = Path(__file__).parent.parent / "seeds" / "000_ff9ec00498b7fa14.txt"


def cut(text: str, title: str = "", **settings: int) -> tuple[Passage, ...]:
    return split(Document("d", text, title), PassageSettings(**settings))


def shown(text: str, title: str = "", **settings: int) -> list[tuple[str, str]]:
    return [(passage.kind, passage.text) for passage in cut(text, title, **settings)]


def spoken(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


# --- what always holds -----------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [
        *("Dr. Bunker said so. ", "“I’m dying,” he says. ", "U.S. Army", "a.k.a. “el Mencho,” "),
        *("\n", "\n\n", "\r\n", "\r", "\r\n\r\n", " \n \n", "\u00a0", "\u2028", "\u0085", "\x0c"),
        *(
            "# A heading\n",
            "Title\n=====\n",
            "---\n",
            "```\n",
            "- item\n",
            "1. item\n",
            "| a | b |",
        ),
        *("Image: A/AFP via Getty Images\n", "Photo by Ann Lee", "By Jane Doe\n", "12 May 2020\n"),
        *(
            "Follow Deborah on Twitter.",
            "© 2020 All rights reserved",
            "key: value\n",
            "The Title\n",
        ),
        *(
            "...",
            "…",
            "?!",
            '"',
            "”",
            "’",
            "(",
            ")",
            "e\u0301",
            "日本語です。",
            "👩‍👩‍👧",
            "\u200b",
            "\x00",
        ),
        *("word " * 30, "x" * 300, "A sentence of the usual length stands here. " * 5),
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=40).map("".join), st.text(max_size=300))
SETTINGS = st.builds(
    PassageSettings, min_chars=st.integers(1, 500), max_chars=st.integers(100, 1_500)
)


@run(deadline=None)  # a busy machine is no failure
@given(TEXTS, SETTINGS, st.sampled_from(["", "The Title", "A heading", "\n"]))
@example("\n" * 50, PassageSettings(), "")
@example("\ud800 a lone surrogate", PassageSettings(), "")
def test_offsets_are_exact(text: str, settings: PassageSettings, title: str) -> None:
    passages = split(Document("d", text, title), settings)
    held: list[int] = []  # how many passages hold each character
    position = 0
    for passage in passages:
        assert position <= passage.start < passage.end
        held += [0] * (passage.start - position) + [1] * (passage.end - passage.start)
        position = passage.end
        assert text[passage.start : passage.end] == passage.text == passage.text.strip()
        assert (passage.document, passage.title) == ("d", title)
        assert passage.end - passage.start <= settings.max_chars
    held += [0] * (len(text) - position)
    assert all(count == 1 for count, char in zip(held, text, strict=True) if not char.isspace())
    assert len({passage.id for passage in passages}) == len(passages)


@run(deadline=None)  # a busy machine is no failure
@given(TEXTS, SETTINGS)
def test_sentences_fill_their_passage(text: str, settings: PassageSettings) -> None:
    for passage in split(Document("d", text), settings):
        position = passage.start
        assert passage.sentences
        for span in passage.sentences:
            words = text[span.start : span.end]
            assert position <= span.start
            assert not text[position : span.start].strip()
            assert words == words.strip() == passage.sentence(span)
            assert words
            position = span.end
        assert position == passage.end


@run(deadline=None)  # a busy machine is no failure
@given(TEXTS)
def test_sentences_fill_any_text(text: str) -> None:
    assert "".join("".join(spoken(text)).split()) == "".join(text.split())


def test_ids_come_from_content() -> None:
    first, second = cut("One.\n\n" + "Word two. " * 150)[:2]
    assert first.id == hashlib.sha256(f"d:{first.start}:{first.end}".encode()).hexdigest()[:16]
    assert second.id == hashlib.sha256(f"d:{second.start}:{second.end}".encode()).hexdigest()[:16]


def test_blank_document_has_no_passages() -> None:
    assert cut("") == cut(" \n\u00a0\n\t ") == ()


# --- the seed article ------------------------------------------------------------------------


def test_seed_head_and_foot() -> None:
    passages = split(load(SEED))
    assert [(passage.kind, passage.text) for passage in passages[:4]] == [
        (
            "credit",
            "Mexican military police carrying rifles in the back of a pickup truck.\n"
            "Image:\u00a0ALFREDO ESTRELLA/AFP via Getty Images",
        ),
        ("title", "How Mexico Is Losing the War Against Cartels"),
        (
            "lead",
            "A series of violent incidents last month revealed the deadly power of the cartels, "
            "and the weakness of the state.",
        ),
        (
            "furniture",
            "CARTEL CHRONICLES is an ongoing series of dispatches from the front lines of the "
            "drug war in Latin America.",
        ),
    ]
    assert (passages[-1].kind, passages[-1].text) == (
        "furniture",
        "Follow Deborah on Twitter.\n\n"
        "Sign up for our newsletter to get the best of VICE delivered to your inbox daily.",
    )
    assert {passage.kind for passage in passages[4:-1]} == {"body"}


def test_seed_passages_are_its_paragraphs() -> None:
    text = SEED.read_text(encoding="utf-8")
    paragraphs = [words.strip() for words in text.split("\n\n") if words.strip()]
    body = [passage.text for passage in split(load(SEED)) if passage.kind == "body"]
    assert (
        body
        == [
            *paragraphs[4:17],
            "\n\n".join(paragraphs[17:19]),  # 175 characters, too short to stand alone
            *paragraphs[19:27],
            text[text.index(paragraphs[27]) : text.index(paragraphs[28])].rstrip()
            + "\n\n"
            + paragraphs[28],
            *paragraphs[29:31],
            "\n\n".join(paragraphs[31:33]),
        ]
    )


def test_seed_sentences() -> None:
    said = [passage.sentence(span) for passage in split(load(SEED)) for span in passage.sentences]
    for sentence in (
        "“I’m dying,” he says.",
        "I didn’t want to fight my own people.”",
        "The question now is: with which group?",
        "All of those who died were dual U.S. / Mexican citizens.",
        "“The Mexican police…are totally outclassed by cartel firepower and paramilitary tactics.",
        "It’s so sad, they couldn’t defend themselves.”",
        '“Any soldiers whether Mexican or American are a valuable resource to [the cartels]," '
        "said Boak.",
        "Mexican military police carrying rifles in the back of a pickup truck.",
        "Image:\u00a0ALFREDO ESTRELLA/AFP via Getty Images",
    ):
        assert sentence in said
    for inside in (
        "said Dr. Robert J. Bunker, an adjunct research professor at the Strategic Studies "
        "Institute, U.S. Army War College.",
        "cartel firepower depends on the U.S weapons market.",
        "a.k.a. “el Mencho,” CJNG is considered one of Mexico’s strongest cartels; the U.S. "
        "government has put",
        "(such as a .50 caliber sniper rifle) that",
        "prompted U.S. President Donald Trump to offer",
    ):
        assert sum(inside in sentence for sentence in said) == 1


# --- other documents -------------------------------------------------------------------------


def test_markdown(tmp_path: Path) -> None:
    path = tmp_path / "mill.md"
    path.write_text(MARKDOWN.split("---\n\n", 1)[1], encoding="utf-8")
    passages = split(load(path))
    assert [(passage.kind, passage.text) for passage in passages] == [
        ("title", "# Corran: a mill that runs on the moon"),
        ("lead", "The mill at Corran has ground barley since 1642. It works twice a day."),
        (
            "body",
            "## How it works\n\nWater fills the pond at high tide. The miller shuts the gate.\n\n"
            "```\n# not a heading\n\ngate = shut\n```",
        ),
        ("body", "## Visitors\n\n- Open on Sundays\n- Closed in January"),
    ]
    last = passages[-1]
    assert [last.sentence(span) for span in last.sentences] == [
        "## Visitors",
        "- Open on Sundays",
        "- Closed in January",
    ]


def test_front_matter_is_furniture(tmp_path: Path) -> None:
    path = tmp_path / "mill.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    first, second = split(load(path))[:2]
    assert first.kind == "furniture"
    assert first.text == MARKDOWN[: MARKDOWN.index("\n\n#")]
    assert second.kind == "body"
    assert second.text.startswith("# Corran: a mill that runs on the moon\n\nThe mill")


def test_press_article(tmp_path: Path) -> None:
    path = tmp_path / "ferry.txt"
    path.write_text(PRESS, encoding="utf-8")
    passages = split(load(path))
    assert [passage.kind for passage in passages] == [
        *("title", "credit", "lead", "body", "body", "furniture", "credit", "furniture"),
    ]
    assert passages[1].text == "By Maria Søndergaard\n12 May 2020"
    assert passages[2].text == "Residents turned out in numbers not seen for a generation."
    assert passages[6].text == "Photo credit:\u00a0Lars Bech/Reuters"
    body = passages[4]
    assert [body.sentence(span) for span in body.sentences] == [
        "Opponents had argued that the toll would fall on the young.",
        "Dr. Anne P. Lund of the island school called the result “a relief.”",
        "She expects the next class to have 14 pupils, two more than this year, and says that "
        "three families have asked about houses near the quay since the vote.",
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "cafe.txt"
    path.write_bytes(WINDOWS.encode(encoding))
    document = load(path)
    assert [(passage.kind, passage.text) for passage in split(document)] == [
        ("title", "The Café on Rue Noire"),
        ("lead", "“It’s naïve,” said Zoë, “to ask £5 for tea – or €6.”"),
        ("body", "The owner, Mr. Müller, has not changed the menu since 1974…"),
    ]


# --- joining and splitting -------------------------------------------------------------------


def test_short_paragraphs_are_joined_up_to_the_limit() -> None:
    paragraphs = [f"Paragraph number {number} is quite short." for number in range(10, 20)]
    text = "\n\n".join(paragraphs)  # each 38 characters
    assert [words for _, words in shown(text, min_chars=80, max_chars=130)] == [
        "\n\n".join(paragraphs[0:3]),
        "\n\n".join(paragraphs[3:6]),
        "\n\n".join(paragraphs[6:9]),
        paragraphs[9],
    ]
    assert [words for _, words in shown(text, min_chars=50, max_chars=200)] == [
        "\n\n".join(paragraphs[at : at + 2]) for at in range(0, 10, 2)
    ]


def test_a_last_short_paragraph_joins_the_one_before() -> None:
    long = "The sea froze hard that winter. " * 8
    assert shown(f"{long}\n\nIt thawed.") == [("body", f"{long}\n\nIt thawed.")]


def test_long_paragraphs_are_split_evenly_at_sentences() -> None:
    sentence = "This sentence has exactly fifty characters, count."
    assert len(sentence) == 50
    text = " ".join([sentence] * 24)  # 1,223 characters
    assert [len(words) for _, words in shown(text)] == [12 * 51 - 1] * 2
    assert [len(words) for _, words in shown(text, max_chars=120)] == [101] * 12


def test_an_over_long_sentence_is_split_at_white_space_and_words_last() -> None:
    text = "word " * 30 + "x" * 250
    assert [words for _, words in shown(text, max_chars=100, min_chars=1)] == [
        " ".join(["word"] * 20),
        " ".join(["word"] * 10),
        "x" * 100,
        "x" * 100,
        "x" * 50,
    ]


def test_a_cut_word_keeps_its_accents() -> None:
    text = "e" * 99 + "e\u0301" * 30
    assert all(words[0] == "e" for _, words in shown(text, max_chars=100))


def test_furniture_is_never_joined_with_body() -> None:
    text = (
        "One short paragraph.\n\nAdvertisement\n\nAnother short one.\n\nShare this article\n\nEnd."
    )
    assert shown(text) == [
        ("body", "One short paragraph."),
        ("furniture", "Advertisement"),
        ("body", "Another short one."),
        ("furniture", "Share this article"),
        ("body", "End."),
    ]


def test_row_text_with_its_own_line_breaks() -> None:
    text = "First paragraph here.\r\n\r\nSecond one.\r\rThird."
    assert shown(text) == [("body", text)]
    assert [words for _, words in shown(text, min_chars=1)] == [
        "First paragraph here.",
        "Second one.",
        "Third.",
    ]


def test_title_only_where_it_stands() -> None:
    text = "The Tide\n\nThe tide rises. The tide falls.\n\n" + "Darkness settles on roofs. " * 12
    assert [kind for kind, _ in shown(text, "The  tide")] == ["title", "lead", "body"]
    assert [kind for kind, _ in shown(text, "Another")] == ["body"]


# --- sentences -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected",
    [
        ["Gen. Smith met Gov. Brown at St. Louis.", "Sen. Warren and Lt. Col. Juan left."],
        ["Where were we going and what were we doing? they asked.", "We’re journalists."],
        ["“I’m dying!” he says.", "“Why?”", "She ran."],
        ["He said: “It is over.”", "Then he left.", "(Nobody followed.)", "The end."],
        ["It cost $3.5 million, or approx. 2 % of GDP.", "See Fig. 3 and p. 5."],
        ["At 6 a.m. Jones woke.", "He works in the U.S.", "The day was long."],
        ["J. K. Rowling wrote it.", "Visit example.com for v1.2.3 of it!"],
        ["He waited...", "Nothing came."],
        ["She asked, “Is it [sic]?”", "No."],
    ],
)
def test_sentences(expected: list[str]) -> None:
    assert spoken(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今日は晴れ。「明日は雨。」本当？", ["今日は晴れ。", "「明日は雨。」", "本当？"]),
        ("- one\n- two\n  goes on\n- three", ["- one", "- two\n  goes on", "- three"]),
        ("Name: Jo Field\nAge: 41\nTown: Corran", ["Name: Jo Field", "Age: 41", "Town: Corran"]),
        (
            "The mill at Corran has ground barley since the year\n1642. Dr.\nLund has the key, and "
            "opens the gate for any\nVisitor who asks. Few do.",
            [
                "The mill at Corran has ground barley since the year\n1642.",
                "Dr.\nLund has the key, and opens the gate for any\nVisitor who asks.",
                "Few do.",
            ],
        ),
        ("He left. ” Then she did.", ["He left. ”", "Then she did."]),
        ("...\n***", ["...\n***"]),
    ],
)
def test_sentences_of_messy_text(text: str, expected: list[str]) -> None:
    assert spoken(text) == expected


# --- speed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "The quick Dr. Fox ran “over it.” He did! " * 2_000,
        "word " * 10_000,
        "x" * 500_000,
        "a line of text\n" * 4_000,
        "# a\n" * 5_000,
        "```\n" * 5_000,
        "---\n" + "a: b\n" * 5_000,
        "a" + " " * 500_000 + "b",
        "“" * 200_000,
        "\r\n" * 300_000,
        "(Photo by A/AFP " * 2_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_time_grows_with_length_only(text: str) -> None:
    def seconds(words: str) -> float:
        started = time.process_time()
        cut(words)
        return time.process_time() - started

    assert seconds(text) < 16 * seconds(text[: len(text) // 4]) + 1
