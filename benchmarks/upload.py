"""Upload to first answer in a real browser: a PDF of many pages, on the real models.

python benchmarks/upload.py [--pages 100]

Serves the page over seeds/, sends a PDF made here, asks something about the common documents while
it is indexed, and then something that only one page of the PDF holds. Prints seconds, the longest
time between two frames of the browser, and how often the progress changed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from page_fake import served  # noqa: E402
from page_pdf import keeper, write_pdf  # noqa: E402
from test_page_browser import Tab, chromium  # noqa: E402

from rag.pipeline import Pipeline  # noqa: E402

PATIENCE = 900_000  # milliseconds
TWO_FRAMES = """new Promise(done => {
  const start = performance.now();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""


def watched(page: Any, over: Callable[[], bool]) -> tuple[float, set[str]]:
    """Wait until it is over; return the longest wait for two frames, and what progress said."""
    longest, said = 0.0, set()
    while not over():
        longest = max(longest, page.evaluate(TWO_FRAMES))
        rows = page.locator("[data-state=indexing] small")
        said |= set(rows.all_inner_texts())
        time.sleep(0.1)
    return longest / 1000, said


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=100)
    pages = parser.parse_args().pages
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        pdf = Path(folder) / "stations.pdf"
        write_pdf(pdf, pages)
        bot = Pipeline.open(sources=[ROOT / "seeds"], index=Path(folder) / "index")
        bot.warm_up()
        with served(bot, data=Path(folder)) as url:
            measure(browser, url, pdf, pages)


def measure(browser: Any, url: str, pdf: Path, pages: int) -> None:
    """Send the file and ask twice, printing as it goes."""
    tab = Tab(browser, url)
    page, start = tab.page, time.monotonic()
    page.set_input_files("#rag-file", str(pdf))
    page.wait_for_selector("[data-state=indexing]", timeout=PATIENCE)
    print(f"read, indexing begins: {time.monotonic() - start:.1f} s")
    asked = time.monotonic()
    tab.ask("Who founded the Zetas?", wait=False)
    answered = page.locator("#rag-log .rag-turn")
    frames, said = watched(page, lambda: answered.count() > 0)
    print(f"an answer meanwhile: {time.monotonic() - asked:.1f} s")
    done = page.locator("[data-state=indexed], [data-state=skipped]")
    more, rest = watched(page, lambda: done.count() > 0)
    print(f"indexed: {time.monotonic() - start:.1f} s, in {len(said | rest)} steps shown")
    number = pages // 2 + 7
    tab.ask(f"Who was the keeper of Station {number}?", wait=False)
    tab.turns(2, timeout=PATIENCE)
    text = page.locator(".rag-turn").last.inner_text()
    print(f"first answer about it: {time.monotonic() - start:.1f} s after the upload")
    print(f"longest wait for two frames: {max(frames, more):.2f} s")
    right = keeper(number) in text and f"p. {number}" in text
    print(f"names {keeper(number)}, cites p. {number}: {right}")
    tab.context.close()


if __name__ == "__main__":
    main()
