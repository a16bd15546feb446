"""Questions to the mixed folder, written before any of them was asked.

Each has the file that answers it, words that a right answer holds (one of them, in any case), and
the place that a citation of that file must name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; `page`, `heading` and `table` are empty where the place has none to check."""

    question: str
    file: str
    answers: tuple[str, ...]
    page: str = ""
    heading: str = ""
    table: str = ""


QUESTIONS = (
    Asked("Who found the lost anchor of the Stormpetrel?", "annual-report.pdf", ("Quist",), "9"),
    Asked("How much does the lost anchor weigh?", "annual-report.pdf", ("860",), "9"),
    Asked("How many complaints concerned the ticket machines?", "annual-report.pdf", ("204",), "6"),
    Asked("What is the name of the hydrogen ferry?", "annual-report.pdf", ("Halcyon",), "11"),
    Asked(
        "Within how many days may a bicycle be returned?", "handbook.md", ("45",), heading="Refunds"
    ),
    Asked(
        "Who fills in the customs papers for parcels abroad?",
        "handbook.md",
        ("Marchetti",),
        heading="Abroad",
    ),
    Asked("When do offline tiles expire?", "releases.md", ("60 days",), heading="Version 4.2"),
    Asked(
        "What is the adult fare from Morwen to Gull Head?",
        "fares.html",
        ("24.00",),
        table="Single tickets",
    ),
    Asked("Who is the captain of the Little Wren?", "ferries.csv", ("Ashgrove",)),
    Asked("What was the rainfall at Crow Pass in 2021?", "stations.pdf", ("2310",), "1"),
    Asked("How much is paid for dinner in Norway?", "travel.docx", ("46",), heading="Allowances"),
    Asked("How are cellos sent?", "travel.docx", ("by sea",), heading="Luggage"),
    Asked("Which bank lends nine million for the workshop?", "strategy.pptx", ("Corvane",), "2"),
    Asked(
        "What is the budget of the foundry in 2030?",
        "strategy.pptx",
        ("655",),
        "3",
        "Budget by department",
    ),
    Asked("What was the revenue of the Coast region?", "sales.xlsx", ("893,250",), table="Sales"),
    Asked("What is the grade of Tomas Ferrel?", "sales.xlsx", ("C2",), table="Staff"),
    Asked(
        "Where was the will of Sir Eustace found?",
        "novel.epub",
        ("shelf",),
        heading="The Locked Library",
    ),
    Asked(
        "What is the name of the picture attached to the invoice for the copper roof?",
        "invoice.eml",
        ("roof-plan-b7",),
    ),
    Asked("How many bittern nests were there in 2020?", "birds.tsv", ("5",)),
    Asked("Who devised the needle method for measuring moss?", "moss.pdf", ("Arkwright",), "1"),
)

MORE = (  # written after the answers to the others had been looked at, and before their own
    Asked("When was the Aurora Bell built?", "ferries.csv", ("1998",), table="ferries"),
    Asked("How long is the Stormpetrel in metres?", "ferries.csv", ("56",), table="ferries"),
    Asked("How many coot nests were counted in 2019?", "birds.tsv", ("52",), table="birds"),
    Asked(
        "What does a child pay from Tarn Isle to Gull Head?",
        "fares.html",
        ("5.50",),
        table="Single tickets",
    ),
    Asked("Who is the manager of the Highlands region?", "sales.xlsx", ("Voss",), table="Sales"),
    Asked("At which desk does Tomas Ferrel sit?", "sales.xlsx", ("Annex 3",), table="Staff"),
    Asked("How many oak dowels are in stock?", "parts.xlsx", ("95",), table="parts"),
    Asked("Who is the warden at Lower Fen?", "stations.pdf", ("Lindqvist",), "1"),
    Asked("What does breakfast cost in Japan?", "travel.docx", ("11",), heading="Allowances"),
    Asked("How many orders came from Uruguay?", "strategy.pptx", ("88",), "4"),
    Asked("When is the second instalment due?", "invoice.eml", ("30 April",)),
    Asked("How many copper sheets were delivered?", "invoice.eml", ("340",), "1", "delivery-note"),
    Asked("How many oak piles did the divers replace?", "annual-report.pdf", ("forty-two",), "7"),
    Asked("Where is the meeting point for the fire drill?", "drill.pptx", ("walnut",), "1"),
    Asked("When was the will hidden?", "novel.epub", ("1811",), heading="The Locked Library"),
    Asked("When does the funicular stop on weekdays?", "timetable.txt", ("20:40",)),
)
