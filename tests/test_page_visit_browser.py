"""Visits in a real browser: files of one's own, the library, two visitors at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from page_fake import FakeBot, served
from page_pdf import keeper, write_pdf
from test_page_browser import Tab, chromium, marks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address():
    with served(FakeBot(delay=0.02, pace=0.05), max_upload_mb=1) as url:
        yield url


@pytest.fixture
def files(tmp_path: Path) -> Path:
    oil = "Notes on oil\n\nThe oil came from Brindle Cove every second Tuesday.\n\n"
    oil += "\n\n".join(f"Barrel {n} was stored in the cellar." for n in range(1, 30))
    (tmp_path / "oil <b>notes.txt").write_text(oil, encoding="utf-8")
    (tmp_path / "wick.txt").write_text("Wicks were woven by Anna Voss.\n", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    (tmp_path / "large.txt").write_bytes(b"x" * 1_000_001)
    return tmp_path


def state(tab: Tab, name: str) -> str:
    """Wait until a file is done; return what is said of it."""
    row = tab.page.locator(".rag-row", has_text=name).and_(
        tab.page.locator("[data-state=indexed], [data-state=skipped]")
    )
    row.wait_for(timeout=30_000)
    return row.locator("small").inner_text()


def test_files_are_added_found_opened_and_deleted(browser, address, files):
    tab = Tab(browser, address)
    page = tab.page
    page.set_input_files("#rag-file", [str(p) for p in sorted(files.iterdir())])
    page.wait_for_selector("[data-state=indexing] progress[max]")
    assert "of 31 passages" in page.locator("[data-state=indexing] small").inner_text()
    assert "Added" in state(tab, "oil bnotes.txt")
    assert "Added" in state(tab, "wick.txt")
    assert "Too large (1.0 MB)" in state(tab, "large.txt")
    assert "kind of file" in state(tab, "photo.png")
    page.wait_for_function(
        "document.querySelector('#rag-said').textContent.includes('2 files added, 2 not added')"
    )
    assert page.locator(".rag-welcome .rag-note").inner_text().startswith("4 documents, ready.")

    page.locator("#rag-search").locator("input, textarea").fill("woven wicks")
    page.locator("[data-act=passage]").first.click()
    page.wait_for_selector("mark.rag-now")
    assert marks(page, "rag-found-0") == "Wicks were woven by Anna Voss."

    page.get_by_role("tab", name="Documents").click()
    page.locator("#rag-search").locator("input, textarea").fill("")
    page.locator("[data-act=own]", has_text="oil").click()
    page.wait_for_selector("#rag-sources .rag-document :text('Brindle Cove')")

    tab.ask("find Brindle Cove")
    assert "every second Tuesday" in page.locator(".rag-text").inner_text()
    page.get_by_role("tab", name="Documents").click()
    page.get_by_role("button", name="Delete oil").click()
    page.wait_for_function("!document.querySelector('#rag-files').textContent.includes('oil')")
    page.locator(".rag-answer .rag-marker").first.click()
    page.wait_for_selector("#rag-sources :text('not in the library any more')")
    assert tab.wrong == []
    assert tab.outside(address) == []
    tab.context.close()


def test_a_visit_from_upload_to_reload(browser, tmp_path):
    """Upload, ask, click a marker, step through quotes, vote, export, set, load again."""
    write_pdf(tmp_path / "stations.pdf", 3)
    data = tmp_path / "data"
    with served(FakeBot(delay=0.02), data=data) as url:
        tab = Tab(browser, url, accept_downloads=True)
        page = tab.page
        page.set_input_files("#rag-file", str(tmp_path / "stations.pdf"))
        assert "Added" in state(tab, "stations.pdf")
        tab.ask(f"find Its keeper {keeper(2)} winter stores 42 days")
        page.locator(".rag-answer .rag-marker").click()
        page.wait_for_selector("mark.rag-now")
        assert keeper(2) in marks(page, "rag-cite-0-1")
        page.get_by_role("button", name="Page", exact=True).click()
        page.wait_for_function(
            "() => { const i = document.querySelector('.rag-picture img');"
            " return i && i.complete && i.naturalWidth > 500 && i.checkVisibility(); }"
        )
        assert page.locator(".rag-picture figcaption").inner_text() == "Page 2"

        tab.ask("Tell me everything")
        page.locator(".rag-turn").last.locator(".rag-marker").first.click()
        page.wait_for_selector("[data-turn='1'] mark.rag-now")
        for step, shown in (("Next", "2 of 5"), ("Previous", "1 of 5"), ("Previous", "5 of 5")):
            page.get_by_role("button", name=f"{step} quote").click()
            page.wait_for_function(
                "said => document.querySelector('.rag-where').textContent === said", arg=shown
            )
        assert page.locator("mark.rag-now").inner_text().startswith("Port Ellery is a quarry")

        page.locator(".rag-vote[data-vote=up]").last.click()
        page.wait_for_function("document.querySelector('#rag-said').textContent === 'Thank you'")
        for kind, name in (("Markdown", "conversation.md"), ("JSON", "conversation.json")):
            page.locator(".rag-menu summary").click()
            with page.expect_download() as saved:
                page.get_by_role("button", name=f"As {kind}").click()
            assert saved.value.suggested_filename == name
            text = Path(saved.value.path()).read_text(encoding="utf-8")
            assert "Tell me everything" in text
            assert keeper(2) in text
        assert json.loads(text)["turns"][1]["vote"] == "up"
        rows = (data / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(row)["vote"] for row in rows] == ["up"]

        page.get_by_role("button", name="Settings", exact=True).click()
        page.wait_for_function("document.activeElement.ariaLabel === 'Close settings'")
        page.locator("#rag-passages input[type=number]").fill("7")
        page.locator("#rag-passages input[type=number]").press("Tab")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "Settings"
        kept = "JSON.stringify(Object.entries(localStorage)).length > 500"
        page.wait_for_function(kept)

        page.reload()
        page.wait_for_function("document.querySelectorAll('#rag-log .rag-turn').length === 2")
        assert page.locator(".rag-vote[data-vote=up]").last.get_attribute("aria-pressed") == "true"
        page.wait_for_selector("[data-state=indexed]")
        page.wait_for_function(
            "document.querySelector('#rag-passages input[type=number]').value === '7'"
        )
        page.locator(".rag-turn").first.locator(".rag-marker").click()
        page.wait_for_selector("[data-turn='0'] mark.rag-now")
        assert keeper(2) in marks(page, "rag-cite-0-1")
        page.locator("#rag-clear").click()
        page.wait_for_selector(".rag-example")
        page.reload()
        page.wait_for_selector(".rag-example")
        assert page.locator(".rag-turn").count() == 0
        assert tab.wrong == []
        assert tab.outside(url) == []
        tab.context.close()


DROP = """name => {
  const carried = new DataTransfer();
  carried.items.add(new File(['Ropes were tarred by Ib Holm.'], name, {type: 'text/plain'}));
  const at = (kind) => document.body.dispatchEvent(
    new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
  at('dragenter'); at('dragover');
  const shown = getComputedStyle(document.querySelector('#rag-drop')).display;
  at('drop');
  return [shown, getComputedStyle(document.querySelector('#rag-drop')).display]; }"""


def test_two_visitors_at_once_see_nothing_of_each_other(browser, address):
    one, two = Tab(browser, address), Tab(browser, address)
    assert one.page.evaluate(DROP, "ropes.txt") == ["grid", "none"]
    assert "Added" in state(one, "ropes.txt")
    one.ask("find tarred ropes", wait=False)
    two.ask("find tarred ropes", wait=False)
    one.turns(1)
    two.turns(1)
    assert "tarred by Ib Holm" in one.page.locator(".rag-text").inner_text()
    assert "Ib Holm" not in two.page.content()
    assert "ropes.txt" not in two.page.content()
    two.page.get_by_role("tab", name="Documents").click()
    two.page.locator("#rag-search").locator("input, textarea").fill("Ropes tarred")
    two.page.wait_for_selector("#rag-books :text('Found'), #rag-books .rag-note")
    assert "Ib Holm" not in two.page.content()

    again = one.context.new_page()  # another tab of the first visitor
    again.goto(address)
    again.wait_for_selector("[data-state=indexed]")
    assert "ropes.txt" in again.locator("#rag-files").inner_text()
    for tab in (one, two):
        assert tab.wrong == []
        tab.context.close()
