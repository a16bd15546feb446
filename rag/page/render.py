"""Answers as HTML, and `escape`, through which goes every text that becomes part of the page.

Nothing is read as Markdown, no address in a text becomes a link, and no attribute but fixed ones
and numbers of our own is written. `[1]` becomes a button only where the answer has a citation of
that number.
"""

from __future__ import annotations

import html
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rag.page.sessions import Turn
from rag.places import spoken
from rag.replies import NOT_FOUND
from rag.settings import Settings
from rag.types import Answer, Entry, Hit

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_MARKER = re.compile(r"\[(\d{1,4})\]")
_SNIPPET = 180
_TIED = 30  # a longer word may part from its marker

STAGES = {
    "search": "Searching the documents",
    "read": "Reading what was found",
    "write": "Writing a draft",
    "verify": "Checking every sentence",
}


def escape(text: str) -> str:
    """Return text that shows as itself wherever HTML is read, in content and in attributes.

    Control characters and directional overrides (which reorder what stands beside them) are
    dropped; newline and tab stay.
    """
    return html.escape(_CONTROLS.sub("", text), quote=True)


def snippet(text: str, length: int = _SNIPPET) -> str:
    """Return the beginning of a text on one line, cut at a word, with an ellipsis if cut."""
    line = " ".join(text[: length * 4].split())
    if len(line) <= length:
        return line
    return line[:length].rsplit(" ", 1)[0].rstrip(",;:—- ") + "…"


def confidence_words(value: float) -> str:
    """Return a confidence in [0, 1] as a word and a whole percentage."""
    word = "High" if value >= 0.8 else "Fair" if value >= 0.5 else "Low"
    return f"{word} confidence · {round(100 * min(max(value, 0.0), 1.0))}%"


def marked(answer: Answer, turn: int) -> str:
    """Return the answer's text with its citation markers as buttons."""
    known = {citation.marker for citation in answer.citations}
    parts: list[str] = []
    end = 0
    for match in _MARKER.finditer(answer.text):
        marker = int(match[1])
        if marker not in known:
            continue
        parts.append(_tied(answer.text[end : match.start()], _marker_button(turn, marker)))
        end = match.end()
    parts.append(escape(answer.text[end:]))
    return "".join(parts)


def _tied(words: str, button: str) -> str:
    """Return words and a marker's button, kept on one line with the word before it."""
    kept = words.rstrip(" ")
    cut = max(kept.rfind(" "), kept.rfind("\n")) + 1
    space = "&nbsp;" if kept != words else ""
    if not kept or len(kept) - cut > _TIED:
        return f"{escape(kept)}{space}{button}"
    last = escape(kept[cut:])
    return f'{escape(kept[:cut])}<span class="rag-tie">{last}{space}{button}</span>'


def _marker_button(turn: int, marker: int) -> str:
    return (
        f'<button type="button" class="rag-marker" data-act="cite" data-turn="{turn}" '
        f'data-marker="{marker}" aria-controls="rag-sources" '
        f'aria-label="Citation {marker}, show it in the source">[{marker}]</button>'
    )


def question(text: str) -> str:
    """Return a question as the person's bubble."""
    return (
        '<div class="rag-question"><span class="rag-sr">You asked: </span>'
        f'<p dir="auto">{escape(text)}</p></div>'
    )


def turn(index: int, turn: Turn, entries: Mapping[str, Entry]) -> str:
    """Return one finished turn. `entries` are the documents by id."""
    if turn.answer is not None:
        body = _answer(index, turn.answer, turn.vote, entries)
    elif turn.error:
        body = (
            f'<div class="rag-answer rag-error" role="alert"><p>{escape(turn.error)}</p>'
            f'<p class="rag-hint">{escape(turn.hint)}</p></div>'
        )
    else:
        shown = f'<p class="rag-draft" dir="auto">{escape(turn.draft)}</p>' if turn.draft else ""
        body = (
            f'<div class="rag-answer rag-stopped">{shown}'
            '<p class="rag-note">Stopped before it was checked.</p></div>'
        )
    return f'<section class="rag-turn">{question(turn.question)}{body}</section>'


def _answer(index: int, answer: Answer, chosen: str, entries: Mapping[str, Entry]) -> str:
    kind = "rag-abstained" if answer.abstained else "rag-verified"
    heading = '<h3 class="rag-verdict">The documents don’t say</h3>' if answer.abstained else ""
    nearest = _nearest(index, answer.passages[:3], entries) if answer.abstained else ""
    text = marked(answer, index)
    votes = "".join(_vote(index, vote, chosen) for vote in ("up", "down"))
    if answer.abstained:  # the heading says it
        text = text.removeprefix(escape(NOT_FOUND)).lstrip()
    text = f'<p class="rag-text" dir="auto">{text}</p>' if text else ""
    return (
        f'<div class="rag-answer {kind}">{heading}'
        f"{text}{_sources(answer, entries)}{nearest}"
        f'<div class="rag-under">{_facts(answer)}<span class="rag-votes">{votes}</span></div>'
        f"{_retrieved(index, answer.passages, entries)}</div>"
    )


def _sources(answer: Answer, entries: Mapping[str, Entry]) -> str:
    """Return where each citation stands: the document, its page and headings."""
    places: dict[tuple[str, str], list[int]] = {}
    for citation in answer.citations:
        name = name_of(entries, citation.document, file=bool(citation.place.page))
        words = ", ".join(filter(None, (name, spoken(citation.place, name))))
        places.setdefault((citation.document, words), []).append(citation.marker)
    rows = "".join(
        f'<li><span class="rag-numbers">{" ".join(f"[{marker}]" for marker in markers)}</span>'
        f'<span dir="auto">{escape(snippet(words, 160))}</span></li>'
        for (_, words), markers in places.items()
    )
    return f'<ul class="rag-places" aria-label="Sources">{rows}</ul>' if rows else ""


def name_of(entries: Mapping[str, Entry], document: str, *, file: bool = False) -> str:
    """Return what a document is called: its title, else its file's name, else its id.

    With `file` the file's name comes first: one who is to turn to a page looks for the file.
    """
    entry = entries.get(document)
    if entry is None:
        return document
    names = (PurePath(entry.source).name, entry.title)
    first, second = names if file else names[::-1]
    return first or second or document


_THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 10.5h3.5V20H3zM8.5 20h8.3a2 2 0 0 0 '
    "2-1.5l1.7-6.5a2 2 0 0 0-1.9-2.5h-4.8V5a1.6 1.6 0 0 0-1.6-1.6L8.5 "
    '10.5z"/></svg>'
)


def _vote(index: int, vote: str, chosen: str) -> str:
    words = "This answer is good" if vote == "up" else "This answer is bad"
    pressed = "true" if vote == chosen else "false"
    return (
        f'<button type="button" class="rag-vote" data-act="vote" data-turn="{index}" '
        f'data-vote="{vote}" aria-pressed="{pressed}" aria-label="{words}" '
        f'title="{words} (kept on the machine that runs this page)">{_THUMB}</button>'
    )


def _facts(answer: Answer) -> str:
    level = "high" if answer.confidence >= 0.8 else "fair" if answer.confidence >= 0.5 else "low"
    about = "that the documents don’t say" if answer.abstained else "that this answer is right"
    facts = [
        f'<span class="rag-confidence" data-level="{level}" title="{about}">'
        f"{confidence_words(answer.confidence)}</span>"
    ]
    if answer.citations:
        count = len(answer.citations)
        facts.append(f"<span>{count} quote{'s' if count > 1 else ''}, checked word for word</span>")
    if answer.rejected:
        many = f"{answer.rejected} drafted sentence{'s' if answer.rejected > 1 else ''}"
        facts.append(f"<span>{many} not supported, left out</span>")
    if answer.notice:
        facts.append(f"<span>{escape(answer.notice)}</span>")
    if "total" in answer.timings:
        facts.append(f"<span>{answer.timings['total']:.1f} s</span>")
    return f'<p class="rag-facts">{"".join(facts)}</p>'


def _nearest(index: int, hits: Sequence[Hit], entries: Mapping[str, Entry]) -> str:
    if not hits:
        return ""
    rows = "".join(
        f"<li>{_passage_button(index, rank, hit, entries)}</li>" for rank, hit in enumerate(hits)
    )
    return f'<p class="rag-note">The nearest passages:</p><ul class="rag-nearest">{rows}</ul>'


def _passage_button(index: int, rank: int, hit: Hit, entries: Mapping[str, Entry]) -> str:
    title = escape(snippet(name_of(entries, hit.document), 60))
    return (
        f'<button type="button" class="rag-passage" data-act="passage" data-turn="{index}" '
        f'data-rank="{rank}" aria-controls="rag-sources"><span dir="auto">'
        f'{escape(snippet(hit.text))}</span><small dir="auto">{title}</small></button>'
    )


def _retrieved(index: int, hits: Sequence[Hit], entries: Mapping[str, Entry]) -> str:
    """Return the foldable table of what was retrieved, with its scores."""
    if not hits:
        return ""
    rows = "".join(
        f'<tr><td class="rag-number">{rank + 1}</td>'
        f"<td>{_passage_button(index, rank, hit, entries)}</td>"
        f'<td class="rag-number">{hit.score:.3f}</td>'
        f'<td class="rag-number">{_score(hit.dense)}</td>'
        f'<td class="rag-number">{_score(hit.lexical)}</td></tr>'
        for rank, hit in enumerate(hits)
    )
    return (
        f'<details class="rag-retrieved"><summary>What was retrieved <span>{len(hits)}</span>'
        '</summary><div class="rag-scroll" tabindex="0" role="region" '
        'aria-label="Retrieved passages"><table><thead><tr>'
        '<th scope="col" title="Rank">#</th><th scope="col">Passage</th>'
        '<th scope="col" title="What it is ranked by">Score</th>'
        '<th scope="col" title="Cosine similarity of the embeddings">Dense</th>'
        '<th scope="col" title="Match of the words">BM25</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _score(value: float | None) -> str:
    return '<span title="not found by this search">–</span>' if value is None else f"{value:.2f}"


def transcript(turns: Sequence[Turn], entries: Mapping[str, Entry]) -> str:
    """Return all finished turns, as a log that a screen reader announces additions to."""
    shown = "".join(turn(i, t, entries) for i, t in enumerate(turns))
    return f'<div class="rag-log" role="log" aria-label="Conversation">{shown}</div>'


def live(asked: str, stage: str, draft: str) -> str:
    """Return the turn being made: the question, what is done now, and the unverified draft."""
    label = escape(STAGES.get(stage, stage or "Waiting"))
    body = ""
    if draft:
        body = (
            '<p class="rag-label">Unverified draft</p>'
            f'<p class="rag-draft" dir="auto" aria-live="off">{escape(draft)}</p>'
        )
        label = "checking" if stage == "verify" else label
    return (
        f'<section class="rag-turn rag-live">{question(asked)}<div class="rag-answer">{body}'
        f'<p class="rag-stage" role="status"><span class="rag-pulse"></span>{label}…</p>'
        "</div></section>"
    )


def carried(name: str, text: str) -> str:
    """Return a file of ours for the script to save, as text of the page: JSON, nothing else."""
    return escape(json.dumps({"name": name, "text": text, "nonce": secrets.token_hex(8)}))


def models(settings: Settings) -> str:
    """Return which models answer, for reading only."""
    rows = (
        ("Writes", settings.models.generator),
        ("Finds", settings.models.embedder),
    )
    inner = "".join(f"<dt>{word}</dt><dd>{escape(snippet(name, 80))}</dd>" for word, name in rows)
    return f'<dl class="rag-models">{inner}</dl>'
