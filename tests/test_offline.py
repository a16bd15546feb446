"""Everything at once without a network: index, ask and page, with the real models.

`conftest` refuses every connection and name look-up beyond loopback; the first test makes sure.
"""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from page_fake import served

from rag.pipeline import Pipeline

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]

SEEDS = Path(__file__).parent.parent / "seeds"
QUESTION = "How many gunmen ambushed the group of state policemen?"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    with Pipeline.open(sources=[SEEDS], index=tmp_path_factory.mktemp("offline") / "index") as bot:
        yield bot


def test_the_network_is_really_off():
    for address in ("192.0.2.1", "example.com"):
        with pytest.raises(RuntimeError, match="loopback"):
            socket.create_connection((address, 443), timeout=1)


def test_index_and_ask(pipeline):
    answer = pipeline.ask(QUESTION)
    assert not answer.abstained
    assert "30" in answer.text
    for citation in answer.citations:
        text = pipeline.document(citation.document).text
        assert text[citation.start : citation.end] == citation.quote


def test_the_page_answers_the_same_over_the_same_pipeline(pipeline):
    with served(pipeline) as url:
        assert "Ask the documents" in httpx.get(url + "/").text
        client = Client(url, verbose=False, analytics_enabled=False)
        shown = client.predict(QUESTION, api_name="/chat")
    answer = pipeline.ask(QUESTION)
    assert shown["text"] == answer.text
    assert shown["confidence"] == answer.confidence
    assert [(c["marker"], c["quote"]) for c in shown["citations"]] == [
        (c.marker, c.quote) for c in answer.citations
    ]


@pytest.mark.browser
def test_the_browser_asks_no_other_address_and_marks_the_cited_words(pipeline):
    from test_page_browser import Tab, chromium, marks

    with chromium() as browser, served(pipeline) as url:
        tab = Tab(browser, url)
        tab.ask(QUESTION)
        answer = pipeline.ask(QUESTION)
        text = tab.page.locator(".rag-text").inner_text().replace("\xa0", " ")
        assert text == answer.text
        for citation in answer.citations:
            tab.page.locator(f".rag-answer [data-marker='{citation.marker}']").first.click()
            tab.page.wait_for_selector("mark.rag-now")
            assert marks(tab.page, f"rag-cite-0-{citation.marker}") == citation.quote
        assert tab.wrong == []
        assert tab.outside(url) == []
        tab.context.close()
