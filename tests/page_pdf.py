"""PDF files for the tests: pages of plain paragraphs, made by reportlab.

`python tests/page_pdf.py FILE PAGES` writes one to look at.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

SITES = "harbour mill quarry tower cannery ferry observatory depot granary foundry".split()
SAID = (
    "The {site} at Station {n} was surveyed in {year} and measured {m} metres from the road.",
    "Its keeper, {name}, wrote that the winter stores lasted {d} days that year.",
    "Repairs to the roof of Station {n} cost {c} crowns and were paid by the parish.",
    "A visitor noted the sound of the wind, the smell of tar and the colour of the evening sky.",
    "Nobody could say who had first carried the stones there, or why the path bends twice.",
    "The logbook lists barrels of oil, coils of rope, candles, salt, flour and dried fish.",
)
FIRST = "Anna Berit Carl Dagny Edvard Frida Georg Hanna Ivar Johanne".split()
LAST = "Aasen Berg Dahl Eide Foss Haugen Lie Moen Nygaard Olsen".split()


def keeper(number: int) -> str:
    """Return who kept the station of a page."""
    return f"{FIRST[number % 10]} {LAST[number // 10 % 10]}"


def sentences(number: int, random_: random.Random) -> list[str]:
    """Return the sentences of a page; the first two hold what can be asked of it."""
    facts = {
        "site": SITES[number % 10],
        "n": number,
        "year": 1700 + number,
        "m": 100 + 7 * number,
        "name": keeper(number),
        "d": 40 + number,
        "c": 1_000 + 13 * number,
    }
    more = [random_.choice(SAID[3:]).format(**facts) for _ in range(24)]
    return [text.format(**facts) for text in SAID[:3]] + more


def write_pdf(path: Path, pages: int) -> None:
    """Write a PDF with a heading and three paragraphs on each page (about 2,400 characters)."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

    styles, random_ = getSampleStyleSheet(), random.Random(0)
    story: list[object] = []
    for number in range(1, pages + 1):
        said = sentences(number, random_)
        story.append(Paragraph(f"Station {number}", styles["Heading1"]))
        for part in (said[:9], said[9:18], said[18:]):
            story += [Paragraph(" ".join(part), styles["BodyText"]), Spacer(1, 10)]
        story.append(PageBreak())
    SimpleDocTemplate(str(path), pagesize=A4, title="The stations").build(story)


if __name__ == "__main__":
    write_pdf(Path(sys.argv[1]), int(sys.argv[2]))
