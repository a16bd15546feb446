"""The library as HTML: a visitor's own files and what became of each, and everybody's documents.

Names, titles and passages are texts of others: everything goes through `render.escape`, and
attributes hold numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rag.page.render import escape, snippet
from rag.page.uploads import Upload, megabytes
from rag.types import Entry, Passage

LISTED = 200
"""Documents listed at most; the search finds the others."""


def name_of(entry: Entry) -> str:
    """Return what a document is called: its title, else its file's name, else its id."""
    return entry.title or PurePath(entry.source).name or entry.id


def files(uploads: Sequence[Upload]) -> str:
    """Return a visitor's files, the newest first, each with its state."""
    if not uploads:
        return ""
    rows = "".join(_file(upload) for upload in reversed(uploads))
    added = sum(upload.state == "indexed" for upload in uploads)
    skipped = sum(upload.state == "skipped" for upload in uploads)
    busy = len(uploads) - added - skipped
    return (
        f'<section class="rag-files" data-added="{added}" data-skipped="{skipped}" '
        f'data-busy="{busy}"><h3 class="rag-shelf">Yours <small>only you see them</small></h3>'
        f'<ul class="rag-rows">{rows}</ul></section>'
    )


def _file(upload: Upload) -> str:
    name = escape(snippet(upload.name, 80))
    inner = (
        f'<span class="rag-name" dir="auto">{name}</span>'
        f'<small dir="auto">{_what(upload)}</small>{_bar(upload)}'
    )
    if upload.documents:
        inner = (
            f'<button type="button" class="rag-book" data-act="own" '
            f'data-upload="{upload.number}" aria-controls="rag-sources">{inner}</button>'
        )
    else:
        inner = f'<div class="rag-book">{inner}</div>'
    remove = ""
    if upload.over:
        word = "Delete" if upload.documents else "Dismiss"
        remove = (
            f'<button type="button" class="rag-remove" data-act="remove" '
            f'data-upload="{upload.number}" title="{word}"><span aria-hidden="true">×</span>'
            f'<span class="rag-sr">{word} {name}</span></button>'
        )
    return f'<li class="rag-row" data-state="{upload.state}">{inner}{remove}</li>'


def _what(upload: Upload) -> str:
    """Say in a few words how far a file is."""
    if upload.state == "skipped":
        return f"Not added. {escape(snippet(upload.reason, 300))}"
    if upload.state == "indexed":
        many = len(upload.documents)
        what = "Added" if many == 1 else f"Added, {many} documents"
        passages = f" · {upload.total} passages" if upload.total else ""
        note = f" · Left out: {escape(snippet(upload.reason, 300))}" if upload.reason else ""
        return f"{what} · {megabytes(upload.size)}{passages}{note}"
    if upload.state == "indexing" and upload.total:
        return f"Indexing · {upload.done} of {upload.total} passages"
    words = {
        "sending": "Arriving",
        "waiting": "Waiting for its turn",
        "reading": "Reading the file",
        "indexing": "Indexing",
    }
    return f"{words[upload.state]}… · {megabytes(upload.size)}"


def _bar(upload: Upload) -> str:
    if upload.over:
        return ""
    if upload.total:
        share = f'value="{upload.done}" max="{upload.total}"'
        return f'<progress {share} aria-label="Progress"></progress>'
    return '<progress aria-label="Progress"></progress>'


def books(entries: Sequence[Entry], own: Sequence[Upload]) -> str:
    """Return the documents that are everybody's; a click names one by its number in `entries`."""
    mine = {id for upload in own for id in upload.documents}
    shown = [(n, entry) for n, entry in enumerate(entries) if entry.id not in mine]
    if not shown:
        return ""
    rows = "".join(_book(number, entry) for number, entry in shown[:LISTED])
    left = len(shown) - LISTED
    rest = f'<p class="rag-note">{left:,} more; search to find them.</p>' if left > 0 else ""
    heading = f'<h3 class="rag-shelf">Documents <small>{len(shown):,}</small></h3>'
    return f'<section>{heading}<ul class="rag-rows">{rows}</ul>{rest}</section>'


def _book(number: int, entry: Entry) -> str:
    file = PurePath(entry.source).name
    facts = [escape(snippet(file, 60))] if file and file != name_of(entry) else []
    facts.append(f"about {max(1, round(entry.chars / 600)) * 100:,} words")
    return (
        '<li class="rag-row"><button type="button" class="rag-book" data-act="open" '
        f'data-number="{number}" aria-controls="rag-sources">'
        f'<span class="rag-name" dir="auto">{escape(snippet(name_of(entry), 120))}</span>'
        f'<small dir="auto">{" · ".join(facts)}</small></button></li>'
    )


def results(
    query: str,
    entries: Sequence[Entry],
    titles: Sequence[int],
    passages: Sequence[Passage],
    names: Mapping[str, str],
) -> str:
    """Return what a search found: documents by their names, then passages by their words."""
    rows = "".join(_book(number, entries[number]) for number in titles)
    rows += "".join(
        '<li class="rag-row"><button type="button" class="rag-book" data-act="passage" '
        f'data-number="{number}" aria-controls="rag-sources">'
        f'<span class="rag-words" dir="auto">{escape(around(passage.text, query))}</span>'
        f'<small dir="auto">{escape(snippet(names.get(passage.document, ""), 80))}</small>'
        "</button></li>"
        for number, passage in enumerate(passages)
    )
    if not rows:
        return f'<p class="rag-note" dir="auto">Nothing holds “{escape(snippet(query, 80))}”.</p>'
    heading = f'<h3 class="rag-shelf">Found <small>{len(titles) + len(passages)}</small></h3>'
    return f'<section>{heading}<ul class="rag-rows">{rows}</ul></section>'


def around(text: str, query: str, length: int = 170) -> str:
    """Return a stretch of a text around the first of the query's words that it holds."""
    low = text.lower()
    places = [low.find(word) for word in query.lower().split() if word in low]
    start = max(0, min(places, default=0) - length // 3)
    if start:
        start = text.find(" ", start) + 1 or start
    return ("…" if start else "") + snippet(text[start:], length)
