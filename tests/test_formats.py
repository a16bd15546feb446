"""What each format's loader keeps and drops, file by file; `test_mixed` reads a folder of all."""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import FORMATS, archive, attached, load, numbers, read
from rag.documents.delimited import Delimited
from rag.documents.epub import EPUB
from rag.documents.loader import Loader
from rag.documents.manuscript import Manuscript
from rag.documents.markup import AROUND, UNSEEN, write
from rag.documents.pdf import PDF
from rag.documents.slides import Slides
from rag.documents.tables import lines, names_columns, tidy, value
from rag.documents.webpage import WebPage
from rag.documents.word import Word
from rag.documents.workbook import Workbook
from rag.errors import FormatUnknown, SourceEmpty, SourceError
from rag.types import Document, Skipped
from tests.mixed import broken, whole


def one(loader: Loader, data: bytes, name: str = "file") -> Document:
    (document,) = loader.load(data, name)
    return document


def marked(document: Document, kind: str) -> list[tuple[str, str]]:
    """The marks of a kind as (label, text)."""
    return [(m.label, document.text[m.start : m.end]) for m in document.marks if m.kind == kind]


# --- what a file is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("annual-report.pdf", "PDF"),
        ("travel.docx", "Word"),
        ("strategy.pptx", "Slides"),
        ("sales.xlsx", "Workbook"),
        ("novel.epub", "EPUB"),
        ("faq.jsonl", "JSONLines"),
        ("museum.html", "WebPage"),
        ("invoice.eml", "Message"),
        ("lighthouse.txt", "PlainText"),
    ],
)
@pytest.mark.parametrize("suffix", ["as it is", ".txt", ".pdf", ".bin"])
def test_content_decides_whatever_the_name_is(name: str, loader: str, suffix: str) -> None:
    data = whole.files()[name]
    called = name if suffix == "as it is" else f"file{suffix}"
    taker = next(one for one in FORMATS if one.accepts(data[: 64 * 1024], called))
    assert type(taker).__name__ == loader


def test_markdown_that_begins_with_html_stays_markdown(tmp_path: Path) -> None:
    path = tmp_path / "readme.md"
    path.write_text("<!DOCTYPE html>\n\n# Title\n", encoding="utf-8")
    assert load(path).title == "Title"


# --- manuscripts and tables ---------------------------------------------------------------------


def test_a_manuscript_knows_where_everything_stands() -> None:
    made = Manuscript()
    made.page("i")
    made.heading("Top \n heading\x00", 1)
    made.paragraph("  First  words \n second line ")
    made.page("2")
    made.page("3")  # a page without words leaves no mark
    made.paragraph("goes on", joined=True)
    made.table([["Item", "Price"], ["Lamp", "3"]], "Lamps")
    document = made.document("a.x", metadata={"author": " A ", "date": " "})
    assert document.text == (
        "Top heading\n\nFirst words\nsecond line goes on\n\nItem: Lamp; Price: 3."
    )
    assert document.title == "Top heading"
    assert document.metadata == {"author": "A"}
    assert [(m.kind, m.label, document.text[m.start : m.end]) for m in document.marks] == [
        ("page", "i", "Top heading\n\nFirst words\nsecond line"),
        ("heading", "Top heading", "Top heading"),
        ("page", "3", "goes on\n\nItem: Lamp; Price: 3."),
        ("table", "Lamps", "Item: Lamp; Price: 3."),
        ("row", "", "Item: Lamp; Price: 3."),
    ]
    outer = Manuscript()
    outer.paragraph("Before.")
    outer.include(document)
    inside = outer.document("b.x")
    assert marked(inside, "page") == marked(document, "page")
    assert [m.level for m in inside.marks if m.kind == "heading"] == [2]


def test_an_empty_manuscript_is_no_document() -> None:
    with pytest.raises(SourceEmpty, match=r"a\.x holds no text"):
        Manuscript().document("a.x")


def test_a_table_without_a_name_is_called_by_what_stands_above() -> None:
    made = Manuscript()
    rows = [["A", "B", "C"], ["1", "2", "3"]]
    made.table(rows)
    made.heading("Later", 2)
    made.table(rows)
    document = made.document("my_file.x")
    assert [label for label, _ in marked(document, "table")] == ["my file", "Later"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Name", "Role", "Desk"], ["Ann", "Cook", "4"]], True),
        ([["", "2019", "2020"], ["North", "1", "2"]], False),  # years are values
        ([["", "May", "June"], ["North", "1", "2"]], True),
        ([["Phone", "555"], ["Street", "Quill"]], False),
        ([["Name", "Role"], ["Ann", "Cook"]], False),  # could be pairs
        ([["Name", "Age"], ["Ann", "44"], ["Bo", "41"]], True),
        ([["A", "A", "B"], ["x", "y", "z"]], False),
        ([["Only", "One", "Row"]], False),
    ],
)
def test_names_of_columns_are_told_from_values(rows: list[list[str]], expected: bool) -> None:
    assert names_columns(rows) is expected


@pytest.mark.parametrize(
    "cell", ["12", "1,204.50", "-4.0%", "€ 3", "3 €", "2024-03-05", "14:30", "12 kg", "USD 40"]
)
def test_values_are_numbers_amounts_and_times(cell: str) -> None:
    assert value(cell)


@pytest.mark.parametrize("cell", ["", "Lamp", "Nests 2020", "Length (m)", "B2"])
def test_words_are_no_values(cell: str) -> None:
    assert not value(cell)


def test_rows_can_be_read_alone() -> None:
    rows = tidy([["Lamp ", "", " 3\n€"], ["", "", ""], ["Really?", "", ""]])
    assert rows == [["Lamp", "3 €"], ["Really?", ""]]
    assert lines(rows) == ["Lamp: 3 €.", "Really?"]
    assert lines(rows, ["Item:", "Price"]) == ["Item: Lamp; Price: 3 €.", "Item: Really?"]


@pytest.mark.parametrize(
    ("cell", "form", "words"),
    [
        (1204500, "#,##0", "1,204,500"),
        (0.125, "0.0%", "12.5%"),
        (0.5, "0%", "50%"),
        (3.0, "General", "3"),
        (2.5, "General", "2.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1234.5, '#,##0.00 "€"', "1,234.50 €"),
        (1234.5, '"$"#,##0.00', "$1,234.50"),
        (7, "[$€-407] 0.00", "€7.00"),
        (True, "General", "yes"),
        (None, "General", ""),
        (datetime.datetime(2024, 3, 5), "", "5 March 2024"),
        (datetime.datetime(2024, 3, 5, 14, 30), "", "5 March 2024, 14:30"),
        (datetime.time(9, 5), "", "09:05"),
        (datetime.timedelta(hours=25, minutes=3), "", "25:03"),
        ("words", "", "words"),
    ],
)
def test_cells_are_written_as_people_do(cell: object, form: str, words: str) -> None:
    assert numbers.shown(cell, form) == words


PIECES = (
    "word <p> </p> <table> </table> <tr> </tr> <td> </td> <th> <caption> <ul> </ul> <li> <dl> <dt> "
    "<h2> </h2> <pre> </pre> <br> <svg/> <svg> <title> </title> <script> </script> <!-- --> "
    "<![foo]> <![CDATA[ ]]> <!x <?php &amp; &#x; &#99999999; < > <div/hidden> </div> "
    '<td/rowspan=3> " \0'
).split(" ")


# --- web pages ------------------------------------------------------------------------------------


def test_a_news_page_keeps_its_article_and_what_is_said_of_it() -> None:
    page = one(WebPage(), whole.ARTICLE.encode())
    assert page.title == "Old tannery becomes a museum"
    assert page.metadata["author"] == "Iris Kettle"
    assert page.metadata["date"] == "2022-09-14"
    for dropped in ("bakeries", "Sport", "grumpy", "newsletter"):
        assert dropped not in page.text
    assert ("What visitors will see", "What visitors will see") in marked(page, "heading")


def test_a_plain_page_keeps_everything_visible() -> None:
    html = (
        "<h1>Hours<h2>Week</h2><table><tr><td rowspan=2>Mon<td>9<td>17<tr><td>10<td>18</table>"
        "<ul><li>a<li>b<ul><li>c</ul></ul><table><tr><td><h3>Layout</h3>text<td>other"
        "<table><tr><td>x<td>1</table></table><p style='display:none'>hidden<p>seen<br>lines"
        "<dl><dt>T<dd>D</dl><pre>code\n  more</pre><script>no()</script><img alt='A cat'>"
    )
    page = one(WebPage(), html.encode(), "a.html")
    assert page.text == (
        "Hours\n\nWeek\n\nMon; 9; 17.\nMon; 10; 18.\n\n- a\n- b\n- c\n\nLayout\n\ntext\n\n"
        "other\n\n"
        "x: 1.\n\nseen\nlines\n\nT\nD\n\ncode\nmore\n\nA cat"
    )


@pytest.mark.parametrize("depth", [200, 400, 20_000])
@pytest.mark.parametrize("around", ["", "<nav>Home</nav>"])
def test_no_depth_of_nesting_loses_a_page(depth: int, around: str) -> None:
    words = "Deep words are here, and there are many of them in this page."
    html = f"<html><body>{around}{'<div>' * depth}<p>{words}</p>{'</div>' * depth}</body></html>"
    assert one(WebPage(), html.encode()).text == words


def test_a_page_says_its_own_encoding() -> None:
    html = "<!doctype html><meta charset='iso-8859-2'><p>Žluťoučký kůň</p>"
    assert one(WebPage(), html.encode("iso-8859-2")).text == "Žluťoučký kůň"
    with pytest.raises(SourceEmpty, match="no text that a reader would see"):
        WebPage().load(b"<!doctype html><p hidden>x</p>", "a.html")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<!-- >",
        "<a ",
        '<a b="',
        "<![",
        "<![x]>",
        "</",
        "<script",
        "<td rowspan=9>x",
        "<ul>",
    ],
)
def test_no_page_takes_time_in_the_square(piece: str) -> None:
    page = f"<!doctype html><p>Words to find.</p>{piece * 40_000}"
    assert "Words to find." in one(WebPage(), page.encode()).text


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_mixture_of_tags_is_read(pieces: list[str]) -> None:
    made = Manuscript()
    made.paragraph("Before.")
    write(" ".join(pieces), made, UNSEEN | AROUND)
    assert made.document("x").text.startswith("Before.")


def test_cells_over_several_columns_stand_in_each() -> None:
    made = Manuscript()
    title = write(
        "<title>T &amp; U</title><table><tr><th>Region<th colspan=2>Sales<tr><th><th>2019<th>2020"
        "<tr><td>North<td>1<td>2</table>",
        made,
        UNSEEN | AROUND,
    )
    assert title == "T & U"
    assert made.document("x").text == "Region: North; Sales 2019: 1; Sales 2020: 2."


# --- PDF ----------------------------------------------------------------------------------------


def test_pages_are_marked_and_their_edges_left_out() -> None:
    report = one(PDF(), whole.report(), "annual-report.pdf")
    assert report.title == "annual report"
    assert report.metadata["pages"] == "12"
    pages = marked(report, "page")
    assert [label for label, _ in pages] == [str(number) for number in range(1, 13)]
    assert "Anselm Quist" in pages[8][1]
    assert "Annual Report" not in report.text
    assert "of 12" not in report.text
    assert [label for label, _ in marked(report, "heading")] == [
        f"{number}. {title}" for number, title in enumerate(whole.REPORT, start=1)
    ]


def test_columns_are_read_one_after_the_other_and_hyphens_mended() -> None:
    text = one(PDF(), whole.columns()).text
    assert "a needle" not in text.split("The method is simple.")[0]
    assert "at ninety places and compared it with the records of the abbey" in text
    assert text.index("older than the tower.") < text.index("The method is simple.")


def test_a_table_without_lines_becomes_rows() -> None:
    (table,) = marked(one(PDF(), whole.tabled()), "table")
    assert table[0] == "Table 1: Stations and rainfall"
    assert table[1].split("\n")[0] == (
        "Station: Crow Pass; Altitude (m): 1840; Rainfall 2021 (mm): 2310; Warden: Sunniva Holt."
    )


def test_a_paragraph_goes_on_over_a_page_and_a_word_too() -> None:
    first = [("The committee met under a large chest-", 72.0, 700.0, 11.0)]
    second = [("nut and decided nothing at all. A well-", 72.0, 72.0, 11.0)]
    second += [("known poet sang. He is well-known.", 72.0, 86.0, 11.0)]
    document = one(PDF(), whole.pdf([first, second]))
    assert document.text == (
        "The committee met under a large chestnut and decided nothing at all. A well-known poet "
        "sang. He is well-known."
    )
    assert [text for _, text in marked(document, "page")] == [
        "The committee met under a large chestnut",
        "and decided nothing at all. A well-known poet sang. He is well-known.",
    ]


def test_scanned_pages_are_named() -> None:
    part = one(PDF(), whole.scanned(2, 2))
    assert part.metadata["scanned_pages"] == "3, 4"
    with pytest.raises(SourceEmpty, match="3 pages that look scanned") as error:
        PDF().load(whole.scanned(0, 3), "scan.pdf")
    assert "OCR" in error.value.hint


def test_labels_and_bookmarks_are_the_documents_own() -> None:
    import pypdf
    from pypdf.constants import PageLabelStyle

    plain = whole.pdf(
        [[(f"Words of sheet {n}.", 72, 72, 11), ("Aside", 72, 99, 11)] for n in "abc"]
    )
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(plain))
    writer.set_page_label(0, 1, PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(2, 2, PageLabelStyle.DECIMAL, start=7)
    writer.add_outline_item(title="Aside", page_number=1)
    writer.add_metadata({"/Title": "Sheets", "/Author": "N. Quay"})
    out = io.BytesIO()
    writer.write(out)
    document = one(PDF(), out.getvalue())
    assert (document.title, document.metadata["author"]) == ("Sheets", "N. Quay")
    assert [label for label, _ in marked(document, "page")] == ["i", "ii", "7"]
    assert document.text.count("Aside") == 3
    assert marked(document, "heading") == [("Aside", "Aside")]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pages_are_read_as_they_are_shown(turn: int) -> None:
    import pypdf
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 300), invariant=1)
    canvas.translate(*{90: (400, 0), 180: (400, 300), 270: (0, 300)}[turn])
    canvas.rotate({90: 90, 180: 180, 270: 270}[turn])
    for at, words in enumerate(("First line of it", "second line of it", "third line.")):
        canvas.drawString(40, 200 - 14 * at, words)
    canvas.save()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(out.getvalue()))
    writer.pages[0].rotate(turn)
    turned = io.BytesIO()
    writer.write(turned)
    assert one(PDF(), turned.getvalue()).text == "First line of it second line of it third line."


# --- Office ---------------------------------------------------------------------------------------


def word(*parts: str, notes: str = "") -> bytes:
    """A Word document whose body is this XML."""
    import docx

    out = io.BytesIO()
    docx.Document().save(out)
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(out) as given:
        members: dict[str, bytes] = {name: given.read(name) for name in given.namelist()}
    body = f"<w:document {space}><w:body>{''.join(parts)}</w:body></w:document>"
    members["word/document.xml"] = body.encode()
    if notes:
        members["word/footnotes.xml"] = f"<w:footnotes {space}>{notes}</w:footnotes>".encode()
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
        relations = members["word/_rels/document.xml.rels"].decode()
        added = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
        members["word/_rels/document.xml.rels"] = relations.replace(
            "</Relationships>", added
        ).encode()
        types = members["[Content_Types].xml"].decode()
        part = (
            '<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats'
            '-officedocument.wordprocessingml.footnotes+xml"/></Types>'
        )
        members["[Content_Types].xml"] = types.replace("</Types>", part).encode()
    return broken.zipped(members)


def run(words: str) -> str:
    return f"<w:r><w:t>{words}</w:t></w:r>"


def test_word_keeps_notes_controls_boxes_and_insertions() -> None:
    box = f"<w:txbxContent><w:p>{run('In a box.')}</w:p></w:txbxContent>"
    data = word(
        f"<w:sdt><w:sdtContent><w:p>{run('In a control.')}</w:p></w:sdtContent></w:sdt>",
        f"<w:p>{run('Claim.')}<w:r><w:footnoteReference w:id='2'/></w:r>"
        f"<w:ins>{run(' Put in.')}</w:ins>"
        "<w:del><w:r><w:delText>Taken out.</w:delText></w:r></w:del>"
        f"<w:r><w:pict>{box}</w:pict></w:r></w:p>",
        f"<w:p><w:pPr><w:outlineLvl w:val='2'/></w:pPr>{run('Third rank')}</w:p>",
        notes=f"<w:footnote w:id='2'><w:p>{run('Its proof.')}</w:p></w:footnote>",
    )
    document = one(Word(), data)
    assert document.text == (
        "In a control.\n\nClaim. Put in.\n\nIn a box.\n\nNote: Its proof.\n\nThird rank"
    )
    assert [m.level for m in document.marks] == [3]


def test_word_tables_know_headers_and_merged_cells() -> None:
    def cell(words: str, inside: str = "") -> str:
        return f"<w:tc><w:tcPr>{inside}</w:tcPr><w:p>{run(words)}</w:p></w:tc>"

    header = "<w:trPr><w:tblHeader/></w:trPr>"
    wide, first = "<w:gridSpan w:val='2'/>", "<w:vMerge w:val='restart'/>"
    rows = (
        f"<w:tr>{header}{cell('Day')}{cell('Open', wide)}</w:tr>",
        f"<w:tr>{header}{cell('')}{cell('from')}{cell('to')}</w:tr>",
        f"<w:tr>{cell('Monday', first)}{cell('9')}{cell('12')}</w:tr>",
        f"<w:tr>{cell('', '<w:vMerge/>')}{cell('14')}{cell('17')}</w:tr>",
    )
    document = one(Word(), word(f"<w:tbl>{''.join(rows)}</w:tbl>"))
    assert document.text == (
        "Day: Monday; Open from: 9; Open to: 12.\nDay: Monday; Open from: 14; Open to: 17."
    )


def test_word_takes_headings_lists_and_facts() -> None:
    policy = one(Word(), whole.policy())
    assert policy.title == "Travel policy"
    assert policy.metadata == {"author": "Noor Haddad", "date": "2023-05-04"}
    assert [m.label for m in policy.marks if m.kind == "heading"] == [
        *("Travel policy", "Who approves", "Allowances", "Luggage")
    ]
    assert "- Skis count as one bag.\n- Cellos" in policy.text
    assert "Country: Norway; Breakfast: 14 €; Dinner: 46 €." in policy.text


def test_a_slide_is_a_page() -> None:
    deck = one(Slides(), whole.strategy())
    pages = dict(marked(deck, "page"))
    assert list(pages) == ["1", "2", "3", "4"]
    assert "Corvane & Sons" in pages["2"]
    assert "Department: Foundry; 2024: 410; 2030: 655." in pages["3"]
    assert "Uruguay; Orders: 88." in pages["4"]
    assert [m.label for m in deck.marks if m.kind == "heading"][1] == "Three aims"


def test_sheets_have_names_headers_and_written_numbers() -> None:
    book = one(Workbook(), whole.sales())
    assert [label for label, _ in marked(book, "table")] == ["Sales 2023", "Staff"]
    assert (
        "Region: Coast; Revenue: 893,250; Growth: -4.0%; Closed on: 31 December 2023" in book.text
    )
    parts = one(Workbook(), whole.inventory(), "parts.xlsx")
    assert (parts.title, marked(parts, "table")[0][0]) == ("parts", "parts")


def test_tables_on_one_sheet_and_formulas() -> None:
    import openpyxl

    made = openpyxl.Workbook()
    sheet: Any = made.active
    for row in (
        ["Stock", None, None],
        ["Part", "Bin", "Left"],
        ["Hinge", "K7", 3],
        ["as counted in May", None, None],
        [],
        ["Street", "Quill Street 4"],
        ["Total", "=1+1"],
    ):
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    assert one(Workbook(), out.getvalue()).text == (
        "Stock\n\nPart: Hinge; Bin: K7; Left: 3.\n\nas counted in May\n\n"
        "Street: Quill Street 4.\nTotal."
    )


# --- rows, books, messages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (whole.RAGGED, "Name: Ansel Pike; Town: Morwen; Phone: 555-0142; weekends only.\n"),
        ('a;b\n"1;2";3\n', "a: 1;2; b: 3."),
        ("1,2\n3,4\n", "1: 2.\n3: 4."),
        ('x,y\n"never closed,4\n5,6\n', "x: never closed,4 5,6."),
        ("Stations of 2021\nName|Rain\nFen|604\n", "Stations of 2021\n\nName: Fen; Rain: 604."),
    ],
)
def test_rows_of_every_kind_are_kept(data: str, text: str) -> None:
    assert one(Delimited(), data.encode()).text.startswith(text)


def test_an_unclosed_quote_over_much_text_is_only_a_character() -> None:
    data = 'x,y\n"open,1\n' + "lamp,2\n" * 40_000
    assert one(Delimited(), data.encode()).text.endswith("x: lamp; y: 2.")


def test_chapters_come_in_reading_order() -> None:
    novel = one(EPUB(), whole.book("The Parrot", "A. M. Quell", whole.NOVEL))
    assert (novel.title, novel.metadata["author"]) == ("The Parrot", "A. M. Quell")
    assert [label for label, _ in marked(novel, "heading")] == list(whole.NOVEL)


def test_a_message_keeps_its_header_and_reads_what_is_attached() -> None:
    message = attached(whole.invoice(), "invoice.eml")
    assert message.title == "Invoice for the copper roof"
    assert message.metadata["date"] == "2023-03-14"
    assert message.metadata["unread"] == "roof-plan-b7.png"
    assert message.text.startswith(
        "From: Dagny Ekholm <dagny@ekholm.example>; To: accounts@larkspur.example; Date: 14 March "
        "2023, 09:12; Subject: Invoice for the copper roof; Attachments: delivery-note.pdf, "
        "tenants.docx, roof-plan-b7.png."
    )
    assert "Copper sheets: 340" in message.text
    assert [(m.label, m.level) for m in message.marks if m.kind == "heading"] == [
        ("Attachment: delivery-note.pdf", 1),
        ("Attachment: tenants.docx", 1),
        ("Letter to the tenants", 2),
    ]
    assert marked(attached(whole.newsletter(), "n.eml"), "heading")[0][0] == "Season opening"


@pytest.mark.parametrize(
    "data",
    [
        b"From: a@b.example\r\nTo: =?utf-8?q?broken\r\nDate: never\r\nSubject: Hi\r\n\r\nBody.",
        b"From: a\nTo: b\nSubject: c\nContent-Type: text/plain; charset=no-such\n\nBody.",
        b"From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed\n\nBody.",
    ],
)
def test_a_broken_message_is_read_as_far_as_it_goes(data: bytes) -> None:
    assert attached(data, "x").text.endswith("Body.") or "Subject: c" in attached(data, "x").text


def test_what_no_loader_takes_is_no_attachment() -> None:
    with pytest.raises(FormatUnknown, match="a PNG picture"):
        attached(whole.picture(), "roof.png")
    with pytest.raises(SourceError, match="holds 2 documents"):
        attached(whole.FAQ.encode(), "faq.jsonl")


# --- archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n in broken.REASONS if n.rsplit(".")[-1] in ("docx", "xlsx")]
)
def test_unsafe_archives_are_refused(name: str) -> None:
    with pytest.raises(SourceError, match=broken.REASONS[name]):
        attached(broken.files()[name], name)


def test_what_a_library_raises_on_damage_is_a_source_error(tmp_path: Path) -> None:
    data = whole.letter()
    at = data.index(b"word/document.xml") + 60
    path = tmp_path / "a.docx"
    path.write_bytes(data[:at] + bytes(40) + data[at + 40 :])
    with pytest.raises(SourceError, match=r"cannot be read|damaged") as error:
        load(path)
    (skipped,) = read([path])
    assert isinstance(skipped, Skipped)
    assert skipped.reason == error.value.message


def test_a_bomb_is_told_without_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    data = broken.bomb("word")
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(SourceError, match="zip bomb"):
        archive.office(data, "bomb.docx")


def test_locked_and_crowded_archives_are_refused() -> None:
    data = bytearray(broken.zipped({"word/document.xml": b"x"}))
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flag] |= 1
    with pytest.raises(SourceError, match="locked with a password"):
        archive.opened(bytes(data), "a.docx")
    many = broken.zipped({f"{n}": b"" for n in range(archive.MAX_MEMBERS + 1)})
    with pytest.raises(SourceError, match="holds 10001 files"):
        archive.opened(many, "a.docx")


def test_xml_grows_no_entities_and_fetches_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read", encoding="utf-8")
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    assert "do not read" not in "".join(archive.xml(entity.encode()).itertext())
