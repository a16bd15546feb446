"""The page in a real browser, over the fake pipeline (test_offline.py has the real one)."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from page_fake import FakeBot, served
from page_payloads import PAYLOADS

from rag.types import Answer, Citation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped where none is installed."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if program is None:
        pytest.skip("no chromium on PATH: install Debian's `chromium` to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


class Tab:
    """A browser tab that remembers what it asked the network for, and what went wrong."""

    def __init__(self, browser, url: str, **context) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 820}, **context}
        )
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("dialog", lambda d: (self.wrong.append(f"dialog: {d.message}"), d.dismiss()))
        self.page.on("console", self._console)
        self.page.goto(url)
        self.page.wait_for_selector(
            ".rag-welcome .rag-note, .rag-error, #rag-log .rag-turn", timeout=60_000
        )
        self.box = self.page.locator("#rag-box textarea")

    def _console(self, message) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def ask(self, question: str, wait: bool = True) -> None:
        before = self.page.locator("#rag-log .rag-turn").count()
        self.box.fill(question)
        self.box.press("Enter")
        if wait:
            self.turns(before + 1)

    def turns(self, count: int, timeout: int = 60_000) -> None:
        self.page.wait_for_function(
            "n => document.querySelectorAll('#rag-log .rag-turn').length === n "
            "&& !document.querySelector('#rag-live .rag-turn')",
            arg=count,
            timeout=timeout,
        )

    def outside(self, url: str) -> list[str]:
        own = (url, "data:", "blob:", "about:")
        return [address for address in self.requests if not address.startswith(own)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(FakeBot(delay=0.08), max_question_chars=300) as url:
        yield url


@pytest.fixture
def tab(browser, address):
    tab = Tab(browser, address)
    yield tab
    assert tab.wrong == []
    assert tab.outside(address) == []
    tab.context.close()


def marks(page, anchor: str) -> str:
    return page.evaluate(
        'a => [...document.querySelectorAll(`#rag-sources mark[data-cites~="${a}"]`)]'
        ".map(m => m.textContent).join('')",
        anchor,
    )


def test_the_draft_grows_in_sight_and_is_replaced_by_the_checked_answer(tab):
    tab.ask("Who lit the lamp?", wait=False)
    drafts = set()
    while not tab.page.locator("#rag-log .rag-turn").count():
        draft, stop = tab.page.evaluate(
            "[document.querySelector('#rag-live .rag-draft')?.textContent.trim(),"
            " !!document.querySelector('#rag-stop')?.checkVisibility()]"
        )
        if draft:
            drafts.add(draft)
            assert stop
        time.sleep(0.05)
    grown = sorted(drafts, key=len)
    assert len(grown) >= 4
    assert all(later.startswith(earlier) for earlier, later in pairwise(grown))
    tab.turns(1)
    text = tab.page.locator(".rag-text").inner_text().replace("\xa0", " ")
    assert text == "Marta Lindqvist lit the lamp in 1874. [1] It was made electric in 1962. [2] [7]"
    assert "High confidence · 91%" in tab.page.locator(".rag-facts").inner_text()
    assert tab.page.locator("#rag-live").inner_text() == ""
    assert tab.page.locator("#rag-stop").is_hidden()


def test_a_marker_jumps_to_the_very_words_it_cites(tab):
    tab.ask("Who lit the lamp?")
    cited = {c.marker: c.quote for c in FakeBot().answer("Who lit the lamp?").citations}
    for marker, quote in cited.items():
        tab.page.locator(f".rag-answer .rag-marker[data-marker='{marker}']").click()
        tab.page.wait_for_timeout(700)
        assert marks(tab.page, f"rag-cite-0-{marker}") == quote
        assert tab.page.evaluate("document.activeElement.textContent") == quote
        seen = tab.page.locator("mark.rag-now").bounding_box()
        panel = tab.page.locator(".rag-page").bounding_box()
        assert panel["y"] <= seen["y"] <= panel["y"] + panel["height"] - seen["height"]
        assert 0 <= seen["y"] <= 820
    tab.page.locator(".rag-back").click()
    assert tab.page.evaluate("document.activeElement.dataset.marker") == "2"


def test_markers_work_from_the_keyboard_and_of_an_earlier_turn(tab):
    tab.ask("Who lit the lamp?")
    tab.ask("Tell me everything")
    first = tab.page.locator(".rag-turn").first.locator(".rag-marker").first
    first.focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#rag-sources [data-turn='0'] mark.rag-now")
    assert marks(tab.page, "rag-cite-0-1").startswith("Marta Lindqvist, a former")
    tab.page.locator("[data-turn='1'][data-marker='5']").click()
    tab.page.wait_for_selector("#rag-sources [data-turn='1'] mark.rag-now")
    assert tab.page.evaluate("document.activeElement.textContent") == (
        "Port Ellery is a quarry town of 800 people."
    )


def test_what_was_retrieved_unfolds_and_its_passages_open(tab):
    tab.ask("Who walked on the moon?")
    assert "The documents don’t say" in tab.page.locator(".rag-abstained").inner_text()
    assert not tab.page.locator(".rag-scroll table").is_visible()
    tab.page.locator(".rag-retrieved summary").click()
    rows = tab.page.locator(".rag-scroll tbody tr")
    assert rows.count() == 5
    assert rows.nth(2).locator("td").all_inner_texts()[2:] == ["0.031", "0.61", "–"]
    rows.nth(1).locator("button").click()
    tab.page.wait_for_selector("mark.rag-now")
    expected = FakeBot().answer("moon").passages[1].text
    assert marks(tab.page, "rag-passage-0-1") == expected


def test_an_example_is_asked_by_a_click(tab):
    tab.page.locator(".rag-example").first.click()
    tab.turns(1)
    assert tab.page.locator(".rag-question p").inner_text() == "Who is Marta Lindqvist?"


def test_retry_undo_and_clear(tab):
    tab.ask("Who lit the lamp?")
    tab.ask("Tell me everything")
    tab.page.locator("#rag-retry").click()
    tab.page.wait_for_selector("#rag-live .rag-turn")
    tab.turns(2)
    assert tab.page.locator(".rag-question p").all_inner_texts() == [
        "Who lit the lamp?",
        "Tell me everything",
    ]
    tab.page.locator("#rag-undo").click()
    tab.turns(1)
    assert tab.box.input_value() == "Tell me everything"
    tab.page.locator("#rag-clear").click()
    tab.page.wait_for_selector(".rag-example")
    assert tab.page.locator(".rag-turn").count() == 0
    assert tab.page.locator("#rag-undo").is_disabled()


def test_the_keys(tab):
    tab.page.locator("h1").click()
    tab.page.keyboard.press("/")
    assert tab.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert tab.box.input_value() == ""
    tab.page.keyboard.type("one/")
    tab.page.keyboard.press("Shift+Enter")
    tab.page.keyboard.type("two")
    assert tab.box.input_value() == "one/\ntwo"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#rag-live .rag-draft")
    tab.page.keyboard.press("Escape")
    tab.turns(1, timeout=5_000)
    assert "Stopped before it was checked." in tab.page.locator(".rag-stopped").inner_text()
    assert tab.page.locator("#rag-send").is_visible()
    tab.ask("Who lit the lamp?")
    assert tab.page.locator(".rag-verified").count() == 1


def test_the_box_takes_no_more_than_the_limit(tab):
    tab.page.locator("#rag-box textarea").focus()
    tab.page.keyboard.insert_text("x" * 1000)
    assert len(tab.box.input_value()) == 300


CONTRASTS = """(selectors) => {
  const channel = (x) => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
  const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g)
    .slice(0, 3).map((x) => channel(x / 255)); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (colour !== 'transparent' && !colour.endsWith(', 0)')) return colour; }
    return 'rgb(255, 255, 255)'; };
  return selectors.map((selector) => { const e = document.querySelector(selector);
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    return [selector, (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; }); }"""
"""The contrast of text and ground as WCAG 2.2 defines it (relative luminance)."""

TEXTS = (
    ".rag-text", ".rag-facts span", ".rag-question p", ".rag-marker", "mark", ".rag-document p",
    ".rag-header p", "#rag-send", ".rag-keys", "#rag-retry", ".rag-retrieved summary",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable_and_can_be_switched(browser, address, scheme):
    tab = Tab(browser, address, color_scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    tab.ask("Who lit the lamp?")
    assert [c for c in tab.page.evaluate(CONTRASTS, TEXTS) if c[1] < 4.5] == []
    before = tab.page.evaluate(ground)
    tab.page.locator(".rag-theme").click()
    assert tab.page.evaluate(ground) != before
    tab.page.reload()
    tab.turns(1)
    tab.page.wait_for_function(f"before => {ground} !== before", arg=before)
    tab.context.close()


def test_a_narrow_screen_has_the_source_below_and_no_sideways_scrolling(browser, address):
    tab = Tab(browser, address, viewport={"width": 390, "height": 800})
    tab.ask("Tell me everything")
    tab.page.locator(".rag-retrieved summary").click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
    chat = tab.page.locator("#rag-chat").bounding_box()
    side = tab.page.locator("#rag-side").bounding_box()
    assert side["y"] >= chat["y"] + chat["height"]
    tab.page.locator(".rag-answer [data-marker='3']").click()
    tab.page.wait_for_timeout(900)
    seen = tab.page.locator("mark.rag-now").first.bounding_box()
    assert 0 <= seen["y"] <= 800
    tab.context.close()


def test_motion_is_reduced_for_those_who_ask(browser, address):
    tab = Tab(browser, address, reduced_motion="reduce")
    tab.ask("Who lit the lamp?", wait=False)
    tab.page.wait_for_selector(".rag-pulse")
    name = "getComputedStyle(document.querySelector('.rag-pulse')).animationName"
    assert tab.page.evaluate(name) == "none"
    tab.turns(1)
    tab.context.close()


def test_screen_readers_hear_the_answer_and_not_the_draft(tab):
    assert tab.page.locator("[role=log]").count() == 0
    tab.ask("Who lit the lamp?", wait=False)
    tab.page.wait_for_selector(".rag-draft[aria-live=off]")
    assert tab.page.locator("#rag-live [role=status]").count() == 1
    tab.turns(1)
    assert tab.page.get_by_role("log").locator(".rag-verified").count() == 1
    assert tab.page.get_by_role("button", name="Citation 1, show it in the source").count() == 1
    assert tab.page.get_by_role("textbox", name="Your question").count() == 1


def test_a_failed_opening_is_told_with_what_to_do(browser):
    from rag.errors import ModelMissing

    def opener(progress):
        raise ModelMissing("The generator is not on this machine.", hint="Run `rag models get`.")

    with served(opener) as url:
        tab = Tab(browser, url)
        shown = tab.page.locator(".rag-error").inner_text()
        assert "The generator is not on this machine." in shown
        assert "Run `rag models get`." in shown
        tab.context.close()


def test_the_page_shows_at_once_while_the_models_load(browser):
    def opener(progress):
        progress("embedding passages", 3, 12)
        time.sleep(4)
        return FakeBot()

    with served(opener) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        page.wait_for_function(
            "document.querySelector('.rag-stage')?.textContent.includes('3 of 12')", timeout=3_500
        )
        page.wait_for_selector(".rag-example", timeout=20_000)
        context.close()


class Hostile(FakeBot):
    """Repeats a payload as document, title, draft, answer and quote."""

    def __init__(self, payloads) -> None:
        super().__init__([(text, f"{text}\n\nAnd more of {text} here.") for text in payloads], 0.02)

    def answer(self, question: str) -> Answer:
        base = super().answer("everything moon")
        text = next(d for d in self.documents() if d.title.strip() == question.strip())
        quote = text.text
        cited = (Citation(1, text.id, 0, len(quote), quote),)
        hits = tuple(p for p in base.passages)
        return Answer(question, f"{question} [1]", False, 0.5, cited, hits, {}, question, 0)


WATCH = """() => {
  window.made = [];
  const ours = new Set(('SECTION DIV SPAN P H2 H3 BUTTON DETAILS SUMMARY TABLE THEAD TBODY TR TH '
    + 'TD UL LI SMALL ARTICLE HEADER MARK svg path').split(' '));
  const foreign = (e) => !ours.has(e.tagName)
    || [...e.attributes].some((a) => /^(on|style$|src|href|action)/.test(a.name));
  const look = (node) => { if (node.nodeType === 1) for (const e of [node,
    ...node.querySelectorAll('*')]) if (foreign(e)) window.made.push(e.outerHTML.slice(0, 200)); };
  for (const id of ['rag-log', 'rag-live', 'rag-sources'])
    new MutationObserver((seen) => seen.forEach((m) => m.addedNodes.forEach(look))).observe(
      document.querySelector(`#${id} .html-container`), {childList: true, subtree: true}); }"""
"""Collects every element put into the page that is none of ours."""


def test_no_payload_becomes_more_than_text(browser):
    payloads = [p.replace("\x00", "") for p in PAYLOADS]
    with served(Hostile(payloads)) as url:
        tab = Tab(browser, url)
        tab.page.evaluate(WATCH)
        for number, payload in enumerate(payloads):
            tab.ask(payload.strip())
            tab.page.locator(".rag-answer [data-marker='1']").last.click()
            tab.page.wait_for_selector(f"#rag-sources [data-turn='{number}'] mark.rag-now")
            top = tab.page.evaluate(
                "() => { const b = document.querySelector('#rag-send').getBoundingClientRect();"
                " return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2).id; }"
            )
            assert top == "rag-send", payload
        assert tab.page.evaluate("window.pwned") is None
        assert tab.page.evaluate("window.made") == []
        assert tab.page.url.rstrip("/") == url
        assert tab.wrong == []
        assert tab.outside(url) == []
        assert len(tab.context.pages) == 1
        tab.context.close()


def test_the_policy_stops_what_escaping_would_have_let_through(browser, address):
    """The second wall, tested as if the first had fallen: markup put in by hand stays harmless.

    All but `<meta http-equiv=refresh>`, which no policy can stop from leaving the page.
    """
    tab = Tab(browser, address)
    tab.page.evaluate(
        "markup => { document.querySelector('#rag-log div').innerHTML = markup; }",
        "".join(p for p in PAYLOADS[:18] if "refresh" not in p),
    )
    tab.page.wait_for_timeout(800)
    assert tab.page.evaluate("window.pwned") is None
    assert not [w for w in tab.wrong if w.startswith("dialog")]
    # Playwright lists requests the policy then blocks; none may get an answer.
    assert not [w for w in tab.wrong if "beacon" in w and "Content Security Policy" not in w]
    assert tab.page.url.startswith(address)
    tab.context.close()


def test_leaving_the_page_stops_the_answer(browser):
    bot = FakeBot(delay=0.3)
    with served(bot) as url:
        tab = Tab(browser, url)
        tab.ask("Who lit the lamp?", wait=False)
        tab.page.wait_for_selector("#rag-live .rag-draft")
        tab.context.close()
        deadline = time.monotonic() + 4
        while not bot.stopped and time.monotonic() < deadline:
            time.sleep(0.05)
        assert bot.stopped == 1


def test_the_stylesheet_and_script_name_no_other_address():
    for name in ("style.css", "script.js"):
        text = (Path(__file__).parent.parent / "rag" / "page" / name).read_text(encoding="utf-8")
        assert "http" not in text
