import codecs
import hashlib
import json
import os
from pathlib import Path

import pytest
from documents_samples import MARKDOWN, PRESS, UNTITLED, WINDOWS
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from rag.documents import FORMATS, load, read
from rag.documents.facts import facts, iso_date, name_words
from rag.errors import FormatUnknown, SourceEmpty, SourceError, SourceMissing
from rag.layout import heading_words, layout
from rag.types import Document, Skipped

SEED = Path(__file__).parent.parent / "seeds" / "000_ff9ec00498b7fa14.txt"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def rows(path: Path, *values: object) -> Path:
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return write(path, "\n".join(lines) + "\n")


def roles(text: str, title: str | None = None) -> list[tuple[str, str]]:
    return [(piece.role, text[piece.start : piece.end]) for piece in layout(text, title)]


# --- one text file ---------------------------------------------------------------------------


def test_seed_article() -> None:
    document = load(SEED)
    assert document.title == "How Mexico Is Losing the War Against Cartels"
    assert document.metadata == {
        "credit": "ALFREDO ESTRELLA/AFP via Getty Images",
        "encoding": "utf-8",
    }
    assert document.text == SEED.read_text(encoding="utf-8")
    assert document.id == hashlib.sha256(document.text.encode()).hexdigest()[:16]
    assert document.source == str(SEED)


def test_markdown_front_matter(tmp_path: Path) -> None:
    document = load(write(tmp_path / "mill.md", MARKDOWN))
    assert document.text == MARKDOWN
    assert document.title == "The Tide Mill at Corran"
    assert document.metadata == {
        "author": "Ada Finch, Tom Reed",
        "date": "2019-03-03",
        "encoding": "utf-8",
    }


def test_markdown_first_heading(tmp_path: Path) -> None:
    body = MARKDOWN.split("---\n\n", 1)[1]
    document = load(write(tmp_path / "mill.md", body))
    assert document.title == "Corran: a mill that runs on the moon"


def test_press_article(tmp_path: Path) -> None:
    document = load(write(tmp_path / "a.txt", PRESS))
    assert document.title == "Harbour Town Votes to Keep Its Last Ferry"
    assert document.metadata == {
        "author": "Maria Søndergaard",
        "date": "2020-05-12",
        "credit": "Lars Bech/Reuters",
        "encoding": "utf-8",
    }


def test_windows_1252(tmp_path: Path) -> None:
    document = load(write(tmp_path / "cafe.txt", WINDOWS, "cp1252"))
    assert document.text == WINDOWS.replace("\r\n", "\n")
    assert document.title == "The Café on Rue Noire"
    assert document.metadata["encoding"] == "cp1252"


@pytest.mark.parametrize(
    ("encoding", "mark", "named"),
    [
        ("utf-8", codecs.BOM_UTF8, "utf-8"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "utf-32"),
        ("utf-32-be", codecs.BOM_UTF32_BE, "utf-32"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
    ],
)
def test_unicode_encodings(tmp_path: Path, encoding: str, mark: bytes, named: str) -> None:
    path = tmp_path / "cafe.txt"
    path.write_bytes(mark + WINDOWS.encode(encoding))
    document = load(path)
    assert document.text == WINDOWS.replace("\r\n", "\n")
    assert document.metadata["encoding"] == named


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Он сказал, что это не так, и ушёл домой. Потом пришла весна.\n" * 8, "cp1251"),
        ("日本語のテキストです。今日は天気がいいですね。\n" * 8, "shift_jis"),
        ("Zażółć gęślą jaźń. Łódź jest miastem w Polsce, nad rzeką Łódką.\n", "cp1250"),
        ("Die Straße nach München über Köln ist länger als geplant.\n", "cp1252"),
        ("Les élèves étudient à l’école où été garçon, cœur, œuvre.\n", "cp1252"),
    ],
)
def test_other_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    assert load(write(tmp_path / "a.txt", text, encoding)).text == text


def test_one_broken_byte_does_not_change_the_alphabet(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(
        "Élan vital – “naïve” café, déjà vu à la crème.\n".encode() * 3 + b"\xff end\n"
    )
    assert load(path).text.endswith("crème.\n\ufffd end\n")


@run(deadline=None)  # a busy machine is no failure
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_text_is_what_python_reads(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.mktemp("any") / "a.txt", text)
    expected = path.read_text(encoding="utf-8-sig")
    try:
        assert load(path).text == expected
    except SourceEmpty:
        assert not expected.strip()
    except FormatUnknown:  # control characters, an XML head, ...: not silently misread
        controls = sum(ch < " " and ch not in "\t\n\r\f\v\b\a\x1b" for ch in expected)
        assert controls or text.lstrip().startswith("<") or text.startswith(("GIF8", "RIFF", "ID3"))


def test_nothing_is_composed_or_stripped(tmp_path: Path) -> None:
    text = "\n  cafe\u0301\u00a0au\u202flait \u200bhere.  \n\n"
    assert load(write(tmp_path / "a.txt", text)).text == text


def test_same_text_same_id_whatever_the_encoding(tmp_path: Path) -> None:
    one = load(write(tmp_path / "a.txt", "Où est-il ?\n"))
    two = load(write(tmp_path / "b.md", "Où est-il ?\r\n", "utf-16"))
    assert one.id == two.id == hashlib.sha256("Où est-il ?\n".encode()).hexdigest()[:16]


def test_title_from_the_name_when_there_is_none(tmp_path: Path) -> None:
    assert load(write(tmp_path / "house_notes-2020.txt", UNTITLED)).title == "house notes 2020"


# --- what cannot be loaded -------------------------------------------------------------------


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no file or folder"):
        load(tmp_path / "nowhere.txt")
    with pytest.raises(SourceMissing):
        read([tmp_path / "nowhere.txt"])  # before anything is read


@pytest.mark.parametrize("text", ["", "\ufeff", " \r\n\t\n"])
def test_empty(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.txt", text)
    with pytest.raises(SourceEmpty):
        load(path)
    assert list(read([path])) == [Skipped(str(path), f"{path} holds no text.")]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", b"PK\x03\x04rest", "a zip archive or an Office file"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        ("a.txt", bytes(range(256)) * 8, "a binary file"),
        ("a.txt", b"words\0words and more words", "a binary file"),
        ("a.txt", b"<?xml version='1.0'?><feed>Hello</feed>", "XML"),
        ("rows.jsonl", b"\x1f\x8b\x08\x00", "a gzip archive"),
    ],
)
def test_content_decides(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatUnknown, match=f"looks like {kind}, which"):
        load(path)
    (skipped,) = read([path])
    assert isinstance(skipped, Skipped)
    assert kind in skipped.reason


def test_a_folder_is_not_one_document(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder") as error:
        load(tmp_path)
    assert "read" in error.value.hint


def test_loaders_keep_to_their_contract() -> None:
    text = b'{"doc_id": "a", "text": "Words of one row."}\n'
    takers = [loader for loader in FORMATS if loader.accepts(text, "a.bin")]
    assert [type(loader).__name__ for loader in takers] == ["JSONLines", "PlainText"]
    for loader in takers:  # the first in the list wins
        assert [type(document) for document in loader.load(text, "s")] == [Document]
        with pytest.raises(SourceEmpty):
            loader.load(b"\n \n", "s")


# --- JSON lines ------------------------------------------------------------------------------


def test_rows(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "rows.jsonl",
        {"doc_id": "a", "title": "First", "text": " kept \r\n exactly\u2028 \n"},
        {"id": "b", "text": "No title here."},
        {"_id": 7, "title": "Third", "text": "Number as id.", "date": "2020-01-02", "n": 3},
        {"title": "Fourth", "text": "No id."},
    )
    assert list(read([path])) == [
        Document("a", " kept \r\n exactly\u2028 \n", "First", str(path)),
        Document("b", "No title here.", "", str(path)),
        Document("7", "Number as id.", "Third", str(path), {"date": "2020-01-02"}),
        Document(hashlib.sha256(b"No id.").hexdigest()[:16], "No id.", "Fourth", str(path)),
    ]


def test_bad_rows_are_skipped_with_their_line(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "rows.jsonl",
        {"doc_id": "a", "text": "One."},
        "{not json",
        "",
        {"doc_id": "b"},
        {"doc_id": "a", "text": "Other."},
        {"doc_id": "a", "text": "One."},
        '["a", "list"]',
        '{"doc_id": "s", "text": "half \\ud83d pair"}',
        "[" * 100_000,
        {"doc_id": "c", "text": "Two."},
    )
    with path.open("ab") as file:
        file.write(b'{"doc_id": "l", "text": "caf\xe9"}\n')
    found = list(read([path]))
    assert [item.id for item in found if isinstance(item, Document)] == ["a", "c"]
    skipped = {
        int(item.source.removeprefix(f"{path}:")): item.reason
        for item in found
        if isinstance(item, Skipped)
    }
    assert skipped.pop(2).startswith("not JSON (")
    assert skipped.pop(9).startswith("not JSON (")
    assert skipped == {
        4: 'no "text"',
        5: f"the id 'a' belongs to another text ({path}:1)",
        6: f"same text as {path}:1",
        7: "not a JSON object",
        8: "half a surrogate pair, which is not Unicode text",
        11: "not UTF-8",
    }


def test_load_of_rows(tmp_path: Path) -> None:
    one = rows(tmp_path / "one.jsonl", {"doc_id": "a", "title": "T", "text": "One."})
    assert load(one) == Document("a", "One.", "T", str(one))
    two = rows(tmp_path / "two.jsonl", {"doc_id": "a", "text": "1."}, {"doc_id": "b", "text": "2."})
    with pytest.raises(SourceError, match="holds 2 documents") as error:
        load(two)
    assert "read" in error.value.hint
    with pytest.raises(SourceEmpty, match=r'holds no row with a text .*:1: no "text"'):
        load(rows(tmp_path / "none.jsonl", {"doc_id": "a"}))


def test_rows_in_utf_16(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", '{"doc_id": "é", "text": "a\u2028b"}\r\n' * 2, "utf-16")
    assert list(read([path])) == [
        Document("é", "a\u2028b", "", str(path)),
        Skipped(f"{path}:2", f"same text as {path}:1"),
    ]


def test_rows_under_another_name(tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.txt", {"doc_id": "a", "text": "1."}, {"doc_id": "b", "text": "2."})
    assert [item.text for item in read([path]) if isinstance(item, Document)] == ["1.", "2."]


def test_equal_texts_of_different_rows_stay(tmp_path: Path) -> None:
    path = rows(tmp_path / "r.jsonl", {"doc_id": "a", "text": "1."}, {"doc_id": "b", "text": "1."})
    assert [item.id for item in read([path]) if isinstance(item, Document)] == ["a", "b"]


# --- folders ---------------------------------------------------------------------------------


def test_folder(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/y.txt", ".hidden.txt", ".git/x.txt", "~$b.txt", "b.txt~"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        write(path, f"The words of {name}.\n")
    (tmp_path / "node_modules").mkdir()
    write(tmp_path / "node_modules" / "readme.md", "# Not ours\n")
    rows(tmp_path / "c.jsonl", {"doc_id": "row", "text": "A row."})
    (tmp_path / "d.png").write_bytes(b"\x89PNG\r\n")
    write(tmp_path / "e.txt", "The words of b.txt.\n")
    found = list(read([tmp_path]))
    assert [(type(item).__name__, item.source) for item in found] == [
        ("Document", str(tmp_path / "a" / "y.txt")),
        ("Document", str(tmp_path / "a" / "z.md")),
        ("Document", str(tmp_path / "b.txt")),
        ("Document", str(tmp_path / "c.jsonl")),
        ("Skipped", str(tmp_path / "d.png")),
        ("Skipped", str(tmp_path / "e.txt")),
    ]
    assert isinstance(found[-1], Skipped)
    assert found[-1].reason == f"same text as {tmp_path / 'b.txt'}"


def test_source_is_as_the_user_gave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    write(tmp_path / "docs" / "a.txt", "Some words.\n")
    monkeypatch.chdir(tmp_path)
    assert [item.source for item in read(["docs/"])] == ["docs/a.txt"]
    assert [item.source for item in read("docs/a.txt")] == ["docs/a.txt"]


def test_links_do_not_loop(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "x.txt", "Words.\n")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    found = list(read([tmp_path]))
    assert [type(item).__name__ for item in found] == ["Document", "Skipped", "Skipped"]
    assert [Path(item.source).name for item in found] == ["x.txt", "gone.txt", "pipe.txt"]


# --- what the blocks are for -----------------------------------------------------------------


def test_roles_of_a_press_article() -> None:
    assert [role for role, _ in roles(PRESS)] == [
        *("title", "byline", "byline", "lead", "body", "body"),
        *("furniture", "credit", "furniture", "furniture"),
    ]


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("Photograph: Tom Jones/The Guardian", "credit"),
        ("Photo by Ann Lee on Unsplash", "credit"),
        ("Image credit: NASA", "credit"),
        ("(Photo by John Doe/Getty Images)", "credit"),
        ("A crowd waits at the gate. (Photo: Ann Lee)", "credit"),
        ("A crowd waits at the gate. Ann Lee/AFP via Getty Images", "credit"),
        ("*Illustration by Sam Ito*", "credit"),
        ("Photo albums were common then, and most were lost.", "body"),
        ("Image recognition is hard.", "body"),
        ("By Jane Doe", "byline"),
        ("By Jane Doe and John Q. Public | 3 May 2021", "byline"),
        ("By Monday the river had risen again.", "body"),
        ("By Jane Doe’s own account it was late", "body"),
        ("Published 12 May 2020", "byline"),
        ("2020-05-12", "byline"),
        ("May 12, 2020 at 10:41 am", "byline"),
        ("12 May 2020 was a cold day in the north.", "body"),
        ("Follow Deborah on Twitter.", "furniture"),
        ("Follow @post on Instagram and Facebook", "furniture"),
        ("Follow the river on foot to the mill.", "body"),
        ("Sign up for our weekly newsletter", "furniture"),
        ("Read more: the flood of 1953", "furniture"),
        ("Read more than you write, she said.", "body"),
        ("© 2020 The Post. All rights reserved.", "furniture"),
        ("Copyright law protects the author.", "body"),
        ("Share this article", "furniture"),
        ("Share prices fell by a third.", "body"),
        ("ISLAND NOTES is an occasional series about the sea.", "furniture"),
        ("The Simpsons is an American animated series.", "body"),
        ("Advertisement", "furniture"),
    ],
)
def test_role_of_a_line(line: str, role: str) -> None:
    body = "The first paragraph of the article goes on for a while. " * 5
    text = f"A Title of Some Kind\n\n{body}\n\n{line}\n\n{body}"
    assert roles(text)[2] == (role, line)


def test_a_document_that_is_all_furniture_is_its_own_body() -> None:
    assert roles("Follow Jane on Twitter.") == [("body", "Follow Jane on Twitter.")]


def test_no_title_in_running_text() -> None:
    text = "This is the first sentence. It is not a title.\n\nAnd a second paragraph follows.\n"
    assert [role for role, _ in roles(text)] == ["body", "body"]


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("A boat in the ice.\n\nSnow Falls on the Coast", "Snow Falls on the Coast"),
        ("A boat in the ice.\nImage: Ann Lee\n\nWhy is it cold?", "Why is it cold?"),
        ("Why is it cold?", "Why is it cold?"),
        ("Boats in ice\nPhoto: Ann Lee\n\nA Cold Day in May", "A Cold Day in May"),
        ("A Cold Day in May\nPhoto: Ann Lee", "A Cold Day in May"),
        ("Sign up for our newsletter\n\nBy Jo Field\n\nA cold day", "A cold day"),
        ("Title: A cold day\nDate: 3 May 2020", "A cold day"),
        ("A cold day\n==========", "A cold day"),
        ("It was cold.\n\nWhat did the sailors say?", None),
        ("- bread\n\n- milk", None),
    ],
)
def test_title(head: str, title: str | None) -> None:
    text = f"{head}\n\n" + "The sea froze. " * 30
    assert facts(text).get("title") == title


def test_caption_under_the_standfirst() -> None:
    text = (
        "Snow on the Coast\n\nIt has not been so cold since 1963.\n\n"
        "Boats in the ice at Corran.\n\nPhoto: Ann Lee\n\n" + "The sea froze. " * 20
    )
    assert [role for role, _ in roles(text)] == ["title", "lead", "caption", "credit", "body"]


def test_body_above_a_closing_credit_is_no_caption() -> None:
    text = "Snow on the Coast\n\n" + "The sea froze. " * 30 + "\n\nIt thawed.\n\nPhoto: Ann Lee\n"
    assert [role for role, _ in roles(text)] == ["title", "body", "body", "credit"]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("## A heading ##", "A heading"),
        ("A title\n=======", "A title"),
        ("Title:  The  Tide", "The Tide"),
        ("# **Bold**", "Bold"),
        ("# C#", "C#"),
    ],
)
def test_heading_words(block: str, words: str) -> None:
    assert heading_words(block) == words


@pytest.mark.parametrize(
    ("words", "date"),
    [
        ("12 May 2020", "2020-05-12"),
        ("Sept. 3rd, 1999", "1999-09-03"),
        ("2020-05-12T10:00:00Z", "2020-05-12"),
        ("03/04/2020", "03/04/2020"),
        ("last spring", "last spring"),
    ],
)
def test_iso_date(words: str, date: str) -> None:
    assert iso_date(words) == date


def test_name_words() -> None:
    assert name_words("a/annual_report-2020.txt") == "annual report 2020"
    assert name_words("___.txt") == "___.txt"


@run(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.md", "a.jsonl", "a.pdf", "a"]))
def test_no_file_stops_the_reading(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_bytes(data)
    write(folder / "z.txt", "The words after it.\n")
    found = list(read([folder]))
    assert isinstance(found[-1], Document)
    assert found[-1].text == "The words after it.\n"
    assert all(item.reason for item in found if isinstance(item, Skipped))
