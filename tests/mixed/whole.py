"""The good files of the mixed folder, made anew by every run; all facts in them are invented."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path

HANDBOOK = """# Handbook of the Larkspur Bicycle Works

What our people and customers agree on.

## Refunds

A bicycle may be returned within 45 days if its frame is undamaged. The money is paid back to the \
card it came from, less the cost of new tyres.

## Delivery

### Within the valley

Bicycles are brought by cargo tram on Wednesdays.

### Abroad

Parcels leave from the harbour office twice a month. Customs papers are filled in by \
Odile Marchetti.

## Warranty

Frames are covered for twelve years, gears for three, and bells for a lifetime.
"""

RELEASES = """Release notes
=============

Version 4.2
-----------

The map view now opens in under a second. Offline tiles expire after 60 days.

Version 4.1
-----------

Fixed a crash when a route crossed the date line.
"""

LIGHTHOUSE = """The Keeper of Skerry Point

By Hanne Brodersen
7 June 2011

The lighthouse at Skerry Point has had only four keepers since it was lit in 1871, and the last of
them still lives in the cottage below it. Torvald Aas, now 83, climbed its 214 steps twice a day
until the lamp was automated in 1996. He says that he never counted them aloud.

The lamp itself, a lens of the second order, was ground in Birmingham and reached the island in
eleven crates. One crate fell into the sea and was brought up by divers a month later.

Storms have taken the jetty three times. The council has not decided whether to build it again.
"""

ARTICLE = """<!DOCTYPE html><html lang="en"><head><title>Old tannery becomes a museum
| The Vale Courier</title><meta name="author" content="Iris Kettle">
<meta property="article:published_time"
content="2022-09-14T08:00:00Z"><script src="/ads.js"></script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<aside><h3>Related</h3><p><a href="/x">Ten bakeries you must try</a></p></aside>
<article><h1>Old tannery becomes a museum</h1>
<p>The tannery on Quill Street, empty for three decades, will reopen next spring as a museum of
leather and bookbinding, the town council announced on Tuesday after a long debate.</p>
<p>The conversion costs 3.4 million crowns, of which the Halloran Foundation pays half. Its
director, Petra Vinh, said the vats in the cellar would be kept exactly as the last shift
had left them.</p>
<h2>What visitors will see</h2>
<p>On the ground floor, a working press from 1790 prints a card for every visitor. The upper floor
holds nine hundred bindings, among them a psalter bound in eelskin, which the curators call the
strangest object in the collection.</p></article>
<div class="comments" id="comments"><p>Great news! says user77</p><p>Waste of money, says
grumpy</p></div>
<footer>© 2022 The Vale Courier. All rights reserved. Subscribe to our newsletter.</footer>
</body></html>"""

PRICES = """<html><head><title>Ferry fares</title></head><body><h1>Ferry fares</h1>
<p>Valid from May to September.</p>
<table><caption>Single tickets</caption>
<tr><th>Route</th><th>Adult</th><th>Child</th><th>Bicycle</th></tr>
<tr><td>Morwen to Tarn Isle</td><td>18.50</td><td>9.00</td><td>6.25</td></tr>
<tr><td>Morwen to Gull Head</td><td>24.00</td><td>12.00</td><td>7.75</td></tr>
<tr><td>Tarn Isle to Gull Head</td><td>11.00</td><td>5.50</td><td>4.10</td></tr>
</table><h2>Dogs</h2><p>Dogs travel free on the lower deck.</p></body></html>"""


def deep() -> str:
    words = (
        "The cave below the quarry is home to a colony of whiskered bats, counted every October."
    )
    return f"<html><body>{'<div>' * 400}<p>{words}</p>{'</div>' * 400}</body></html>"


NAMED_TEXT = """<!doctype html><html><head><title>Winter timetable</title></head><body>
<h1>Winter timetable</h1><p>The funicular stops at 20:40 on weekdays and does not run on the second
Sunday of January, when its cable is greased.</p></body></html>"""

FERRIES = """Vessel;Built;Length (m);Captain
Aurora Bell;1998;41;Ines Calloway
Stormpetrel;2007;56;Rurik Dahl
Little Wren;1979;22;Mabel Ashgrove
"""
BIRDS = "Species\tNests 2019\tNests 2020\nReed bunting\t14\t19\nBittern\t3\t5\nCoot\t52\t47\n"
RAGGED = (
    'Name,Town,Phone\nAnsel Pike,Morwen,555-0142,weekends only\nBettina Roe,Tarn\n"Cole, D.",,\n'
)
WESTERN = "Name;Stadt;Straße\nJürgen Weiß;Köln;Ährenweg 9\nZoë Müller;Tübingen;Größe 4\n"
FAQ = (
    '{"doc_id": "faq-1", "title": "Opening hours", "text": "The library opens at ten, on Mondays '
    'at noon."}\n'
    '{"doc_id": "faq-2", "title": "Lost cards", "text": "A new library card costs four crowns and '
    'is ready the same day."}\n'
)
MINUTES = """Minutes of the garden committee, 12 February 2018

Present: Ulla Stern, Bram Okafor, Dilys Penhallow.

The committee agreed to plant forty hornbeams along the canal. Bram Okafor will order them from a
nursery in Lindau. The motion to remove the sundial was rejected by two votes to one.

The next meeting is on 9 April at the boathouse.
"""
CAFE = "Le café « Aux Trois Hiboux » ferme à minuit. Son propriétaire, Rémi Délâtre, y est né."


def pdf(pages: Iterable[Iterable[tuple[str, float, float, float]]], **options: object) -> bytes:
    """A PDF of pages of (words, points from the left, from the top, size)."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, **options)  # type: ignore[arg-type]
    for page in pages:
        for words, left, top, size in page:
            canvas.setFont("Helvetica-Bold" if size > 12 else "Helvetica", size)
            canvas.drawString(left, A4[1] - top, words)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


REPORT = (
    "Introduction and thanks",
    "The fleet in numbers",
    "Fuel and the price of fuel",
    "Crew and training",
    "Passengers",
    "Complaints and what became of them",
    "Repairs to the northern pier",
    "Accounts",
    "The lost anchor",
    "Weather",
    "Plans for the coming year",
    "Who made this report",
)
FACTS = {
    1: "The company carried its first passenger in 1903, on a raft built of six herring barrels.",
    3: "Fuel cost 2.7 million crowns, a fifth more than the year before, since the refinery at Osk "
    "was closed for eleven weeks.",
    6: "Of 318 complaints, 204 concerned the new ticket machines, which gave change in foreign "
    "coins.",
    7: "The pier was closed from March to June. Divers replaced forty-two oak piles that "
    "ship-worms had eaten hollow.",
    9: "The anchor of the Stormpetrel was lost in fog off Gull Head on 3 November. It weighs 860 "
    "kilograms and was found by a fisherman, Anselm Quist, who was given free passage for life.",
    11: "From next summer a hydrogen ferry named Halcyon will serve the route to Tarn Isle.",
}
FILLER = (
    "This chapter follows the form that the board agreed upon some years ago and can be compared "
    "with those of earlier reports. Figures were rounded, and where the harbour office gave others "
    "than the company, both were looked at by the auditors before one of them was taken."
)


def report() -> bytes:
    """Twelve pages with a running head, a foot with the number, and words cut at line ends."""
    import textwrap

    pages = []
    for number, title in enumerate(REPORT, start=1):
        page: list[tuple[str, float, float, float]] = [
            ("Tarn Isle Ferry Company - Annual Report", 72, 40, 9),
            (f"Page {number} of {len(REPORT)}", 270, 810, 9),
            (f"{number}. {title}", 72, 90, 16),
        ]
        top = 120.0
        for words in (FILLER, FACTS.get(number, ""), FILLER):
            for line in textwrap.wrap(words, 78):
                page.append((line, 72, top, 11))
                top += 14
            top += 14
        pages.append(page)
    return pdf(pages)


LEFT = (
    "Moss grows on the north side of the stones",
    "only where the wall keeps off the wind. We",
    "measured its depth at ninety places and com-",
    "pared it with the records of the abbey, which",
    "go back to 1588. The deepest cushion, of",
    "seventeen centimetres, lies behind the old",
    "dovecote and is older than the tower.",
)
RIGHT = (
    "The method is simple. A needle of bone is",
    "pushed down until it meets the stone, and a",
    "mark is cut where the moss ends. Brother",
    "Ludovic Arkwright devised it in 1702 so that",
    "novices could learn patience. Needles of",
    "steel were tried and gave the same depths",
    "but scratched the stones they touched.",
)


def columns() -> bytes:
    """Two columns whose lines were drawn row by row, under a title over both."""
    page: list[tuple[str, float, float, float]] = [("On the depth of moss", 72, 70, 18)]
    for row, pair in enumerate(zip(LEFT, RIGHT, strict=True)):
        page += [(words, 72 + 240 * side, 110 + 14 * row, 10) for side, words in enumerate(pair)]
    return pdf([page])


def tabled() -> bytes:
    """A table drawn without lines, its caption above it."""
    rows = [
        ("Station", "Altitude (m)", "Rainfall 2021 (mm)", "Warden"),
        ("Crow Pass", "1840", "2310", "Sunniva Holt"),
        ("Lower Fen", "12", "604", "Ezra Lindqvist"),
        ("Mill Rise", "233", "918", "Paloma Reyes"),
    ]
    page: list[tuple[str, float, float, float]] = [
        ("Weather stations", 72, 70, 18),
        (
            "The network has three stations, all of them read by hand at seven in the morning.",
            72,
            100,
            11,
        ),
        ("Table 1: Stations and rainfall", 72, 130, 11),
    ]
    for number, row in enumerate(rows):
        page += [(cell, 72 + 115 * at, 150 + 16 * number, 11) for at, cell in enumerate(row)]
    return pdf([page])


def picture() -> bytes:
    """A small grey picture as PNG."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (40, 40), 180).save(out, "PNG")
    return out.getvalue()


def scanned(written: int, pictures: int) -> bytes:
    """A PDF whose first pages have words and whose last ones are pictures."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for number in range(written):
        canvas.drawString(
            72, 700, f"Deed number {number + 1} of the Ashgrove orchard, signed at dusk."
        )
        canvas.showPage()
    for _ in range(pictures):
        canvas.drawImage(ImageReader(io.BytesIO(picture())), 0, 0, 500, 700)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def policy() -> bytes:
    """A Word document with headings, a list, and a table."""
    import docx

    made = docx.Document()
    made.core_properties.title = "Travel policy"
    made.core_properties.author = "Noor Haddad"
    made.core_properties.modified = datetime.datetime(2023, 5, 4)
    made.add_heading("Travel policy", 0)
    made.add_heading("Who approves", 1)
    made.add_paragraph(
        "Trips of up to three days are approved by the head of the team. Longer ones need the "
        "signature of Noor Haddad."
    )
    made.add_heading("Allowances", 1)
    made.add_paragraph("Meals are paid by the day, as follows.")
    table = made.add_table(rows=1, cols=3)
    for cell, words in zip(table.rows[0].cells, ("Country", "Breakfast", "Dinner"), strict=True):
        cell.text = ""
        cell.paragraphs[0].add_run(words).bold = True
    for row in (("Portugal", "8 €", "27 €"), ("Norway", "14 €", "46 €"), ("Japan", "11 €", "38 €")):
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = words
    made.add_heading("Luggage", 1)
    for item in ("Two bags are paid for.", "Skis count as one bag.", "Cellos are sent by sea."):
        made.add_paragraph(item, style="List Bullet")
    return _saved(made)


def letter() -> bytes:
    """A short Word document."""
    import docx

    made = docx.Document()
    made.add_heading("Letter to the tenants", 1)
    made.add_paragraph(
        "The boiler in the east wing will be replaced on 21 August. The caretaker, Gideon Plume, "
        "will hand out electric heaters from the cellar."
    )
    return _saved(made)


def _saved(made: object) -> bytes:
    out = io.BytesIO()
    made.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def strategy() -> bytes:
    """Slides with a list, a table, a chart and notes."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    made = pptx.Presentation()
    made.core_properties.title = "Strategy 2030"
    first = made.slides.add_slide(made.slide_layouts[0])
    first.shapes.title.text = "Strategy 2030"
    first.placeholders[1].text = "Board retreat at Lake Virelle"
    second = made.slides.add_slide(made.slide_layouts[1])
    second.shapes.title.text = "Three aims"
    second.placeholders[
        1
    ].text = "Open a workshop in Tarn Isle\nHalve the scrap rate\nTrain sixty apprentices"
    second.notes_slide.notes_text_frame.text = (
        "Mention that the bank Corvane & Sons lends us nine million for the workshop."
    )
    third = made.slides.add_slide(made.slide_layouts[5])
    third.shapes.title.text = "Budget by department"
    rows = [("Department", "2024", "2030"), ("Foundry", "410", "655"), ("Paint shop", "120", "95")]
    table = third.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for at, row in enumerate(rows):
        for column, words in enumerate(row):
            table.cell(at, column).text = words
    fourth = made.slides.add_slide(made.slide_layouts[5])
    fourth.shapes.title.text = "Orders by country"
    data = CategoryChartData()
    data.categories = ["Denmark", "Uruguay"]
    data.add_series("Orders", (732, 88))
    fourth.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(6), Inches(4), data
    )
    return _saved(made)


def training() -> bytes:
    """A presentation of one slide."""
    import pptx

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Fire drill"
    slide.placeholders[1].text = "The meeting point is the walnut tree behind the kiln."
    return _saved(made)


def sales() -> bytes:
    """A workbook of two sheets: amounts, shares and dates under a title; names and grades."""
    import openpyxl

    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Sales 2023"
    sheet["A1"] = "Sales by region, in crowns"
    sheet.append([])
    sheet.append(["Region", "Revenue", "Growth", "Closed on", "Manager"])
    rows = [
        ("North", 1204500, 0.125, datetime.date(2023, 12, 29), "Yara Lindholm"),
        ("Coast", 893250, -0.04, datetime.date(2023, 12, 31), "Otis Bramble"),
        ("Highlands", 77310, 0.31, datetime.date(2024, 1, 3), "Senna Voss"),
    ]
    for row in rows:
        sheet.append(row)
    for at in range(4, 7):
        sheet.cell(at, 2).number_format = "#,##0"
        sheet.cell(at, 3).number_format = "0.0%"
    other = made.create_sheet("Staff")
    other.append(["Name", "Role", "Grade", "Desk"])
    other.append(["Yara Lindholm", "Regional manager", "E4", "North 12"])
    other.append(["Tomas Ferrel", "Bookkeeper", "C2", "Annex 3"])
    return _saved(made)


def inventory() -> bytes:
    """A workbook of one unnamed sheet."""
    import openpyxl

    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (["Part", "Bin", "Stock"], ["Brass hinge", "K7", 1420], ["Oak dowel", "B2", 95]):
        sheet.append(row)
    return _saved(made)


def book(title: str, author: str, chapters: dict[str, str]) -> bytes:
    """An EPUB whose chapters stand in the archive in another order than they are read in."""
    out = io.BytesIO()
    names = [f"c{number}.xhtml" for number in range(1, len(chapters) + 1)]
    items = "".join(
        f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<metadata><dc:title>{title}</dc:title><dc:creator>{author}</dc:creator>"
            f"<dc:date>2016-03-01</dc:date></metadata><manifest>{items}</manifest>"
            f"<spine>{spine}</spine></package>",
        )
        for name, (heading, words) in reversed(list(zip(names, chapters.items(), strict=True))):
            archive.writestr(
                f"OEBPS/{name}",
                '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x'
                f"</title></head><body><h1>{heading}</h1><p>{words}</p></body></html>",
            )
    return out.getvalue()


NOVEL = {
    "The Arrival": "Miss Corisande came to Thistle Hall in a rainstorm, with a parrot named "
    "Bartholomew and no luggage at all. The butler took her for the new cook.",
    "The Locked Library": "Behind the third shelf she found the will of Sir Eustace, who had left "
    "the house to the village school. It had been hidden there since the winter of 1811.",
    "A Reckoning": "The parrot repeated what it had heard in the stables, and Captain Drummond "
    "fled to Lisbon before breakfast.",
}
BEES = {
    "Hives": "A hive needs a south-facing wall and at least four litres of water a day in July.",
    "Swarms": "A swarm is best caught at dusk, in a straw basket rubbed with lemon balm.",
}


def invoice() -> bytes:
    """A message with two attachments that can be read and one that cannot."""
    made = EmailMessage()
    made["From"] = "Dagny Ekholm <dagny@ekholm.example>"
    made["To"] = "accounts@larkspur.example"
    made["Subject"] = "Invoice for the copper roof"
    made["Date"] = "Tue, 14 Mar 2023 09:12:00 +0100"
    made.set_content(
        "Dear colleagues,\n\nplease find our invoice attached. The second instalment of 5,600 "
        "crowns is due on 30 April.\n\nKind regards\nDagny Ekholm\n"
    )
    made.add_attachment(
        pdf([[("Copper sheets: 340, delivered in nine crates.", 72, 72, 11)]]),
        maintype="application",
        subtype="pdf",
        filename="delivery-note.pdf",
    )
    made.add_attachment(
        letter(), maintype="application", subtype="octet-stream", filename="tenants.docx"
    )
    made.add_attachment(picture(), maintype="image", subtype="png", filename="roof-plan-b7.png")
    return made.as_bytes()


def newsletter() -> bytes:
    """A message whose only body is HTML laid out with tables."""
    made = EmailMessage()
    made["From"] = "club@glider.example"
    made["To"] = "members@glider.example"
    made["Subject"] = "Glider club: season opening"
    made["Date"] = "Fri, 01 Apr 2022 18:00:00 +0000"
    made.set_content(
        "<html><body><table><tr><td><h1>Season opening</h1><p>We fly again from 23 April. The "
        "winch has a new cable of 1,200 metres.</p></td></tr></table></body></html>",
        subtype="html",
    )
    return made.as_bytes()


REPLY = """From: Bram Okafor <bram@garden.example>
To: Ulla Stern <ulla@garden.example>
Subject: Re: hornbeams
Date: Mon, 5 Mar 2018 11:30:00 +0000
Message-ID: <a1@garden.example>

The nursery can deliver on 22 March. They want a deposit of 150 francs.

> Have you heard from Lindau?
"""


def files() -> dict[str, bytes]:
    """The good files by their names."""
    return {
        "handbook.md": HANDBOOK.encode(),
        "releases.md": RELEASES.encode(),
        "lighthouse.txt": LIGHTHOUSE.encode(),
        "cafe.txt": CAFE.encode("cp1252"),
        "minutes.txt": MINUTES.encode("utf-16"),
        "museum.html": ARTICLE.encode(),
        "fares.html": PRICES.encode(),
        "bats.html": deep().encode(),
        "timetable.txt": NAMED_TEXT.encode(),
        "annual-report.pdf": report(),
        "moss.pdf": columns(),
        "stations.pdf": tabled(),
        "deeds.pdf": scanned(2, 2),
        "travel.docx": policy(),
        "tenants-letter.pdf": letter(),
        "strategy.pptx": strategy(),
        "drill.pptx": training(),
        "sales.xlsx": sales(),
        "parts.xlsx": inventory(),
        "ferries.csv": FERRIES.encode(),
        "birds.tsv": BIRDS.encode(),
        "phones.csv": RAGGED.encode(),
        "adressen.csv": WESTERN.encode("cp1252"),
        "novel.epub": book("The Parrot of Thistle Hall", "A. M. Quell", NOVEL),
        "bees.epub": book("Bees for Beginners", "Jory Penrose", BEES),
        "invoice.eml": invoice(),
        "season.eml": newsletter(),
        "reply.eml": REPLY.encode(),
        "faq.jsonl": FAQ.encode(),
    }


def write(folder: Path, made: dict[str, bytes]) -> None:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (folder / name).write_bytes(data)
