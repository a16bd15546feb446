"""The pages of a PDF as pictures: the right page, the cited words marked, and nothing of others."""

from __future__ import annotations

import io
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_fake import FakeBot, served
from page_pdf import keeper, write_pdf
from PIL import Image, ImageChops
from test_page_visitors import send

from rag.documents import load
from rag.errors import SourceError
from rag.page import source
from rag.page.highlights import Highlight
from rag.page.pages import cited_pages, is_pdf
from rag.page.pictures import picture, places
from rag.types import Document, Mark


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "stations.pdf"
    write_pdf(path, 3)
    return path


def image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_cited_words_are_marked_where_they_stand_on_their_page(pdf):
    plain = picture(pdf, "2", 1, [])
    quote = f"Its keeper, {keeper(2)}, wrote that the winter stores lasted 42 days that year."
    marked = picture(pdf, "2", 1, [quote])
    box = ImageChops.difference(image(plain), image(marked)).getbbox()
    assert box is not None
    assert box[3] - box[1] < image(plain).height / 10
    assert box[1] < image(plain).height / 4
    assert picture(pdf, "2", 1, ["words that stand on no page", ""]) == plain
    assert picture(pdf, "1", 0, []) != plain


@pytest.mark.parametrize(("label", "least"), [("9", 0), ("1", 1), ("", 0), ("2", -4)])
def test_only_a_page_that_is_there_is_shown(pdf, label, least):
    if (label, least) == ("2", -4):
        assert picture(pdf, label, least, []) == picture(pdf, "2", 1, [])
        return
    with pytest.raises(SourceError):
        picture(pdf, label, least, [])


def test_what_is_no_pdf_has_no_picture(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 but not really")
    for path in (tmp_path / "a.pdf", tmp_path / "gone.pdf", tmp_path):
        with pytest.raises(SourceError):
            picture(path, "1", 0, [])


def test_words_are_found_whatever_stands_between_their_letters():
    text = "The light-\r\nhouse  stands\r\n“alone” here."
    assert [text[a:b] for a, b in places(text, ["lighthouse stands", "alone here"])] == [
        "light-\r\nhouse  stands",
        "alone” here",
    ]
    assert places(text, ["", "...", "nowhere"]) == []


@given(st.text(), st.integers(0, 20), st.integers(0, 20))
def test_a_stretch_of_the_page_is_found_by_its_own_words(text, first, length):
    quote = text[first : first + length]
    for start, end in places(text, [quote]):
        assert 0 <= start < end <= len(text)


def test_the_pages_that_are_cited_are_shown_and_stepped_through():
    marks = (Mark("page", 0, 10, "i"), Mark("page", 11, 20, "<b>"), Mark("page", 21, 30, "3"))
    document = Document("a b&<", "x" * 30, source="/x/a.PDF", marks=marks)
    cited = [Highlight(12, 15, "c1", "1"), Highlight(18, 23, "c2", "2")]
    pages = cited_pages(document, cited)
    assert [(p.number, p.label, p.anchors) for p in pages] == [
        (1, "<b>", ("c1", "c2")),
        (2, "3", ("c2",)),
    ]
    assert [p.number for p in cited_pages(document, [])] == [0]
    shown = source.panel([(document, cited)], 0)
    assert "/page/picture?document=a%20b%26%3C&amp;page=1&amp;quote=12-15&amp;quote=18-23" in shown
    assert "<figcaption>Page &lt;b&gt;</figcaption>" in shown
    assert not is_pdf(Document("d", "text", source="a.txt", marks=marks))
    assert not is_pdf(Document("d", "text", source="a.pdf"))


def test_a_picture_is_the_visitors_own(pdf):
    with served(FakeBot()) as url, httpx.Client(base_url=url) as one:
        one.get("/")
        assert send(one, "stations.pdf", pdf.read_bytes()).json() == {"number": 1}
        id = load(pdf).id
        query = {"document": id, "page": 1, "quote": ["3-60", "x", "9-1"]}
        until = time.monotonic() + 30
        while (answer := one.get("/page/picture", params=query)).status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert answer.headers["content-type"] == "image/png"
        assert image(answer.content).width == 1191
        assert one.get("/page/picture", params={**query, "page": 3}).status_code == 404
        assert one.get("/page/picture", params={**query, "page": -1}).status_code == 404
        assert one.get("/page/picture", params={**query, "document": "doc-0"}).status_code == 404
        with httpx.Client(base_url=url) as two:
            assert two.get("/page/picture", params=query).status_code == 404
            two.get("/")
            assert two.get("/page/picture", params=query).status_code == 404
