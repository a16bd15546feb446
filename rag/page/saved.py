"""A conversation in the visitor's own browser, so that it is there when the page is loaded again.

What comes back from a browser may be anything. It is read strictly; a citation counts only when the
document holds its very words where it says; and all of it is shown to the one who sent it only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rag.page.bot import Bot
from rag.page.preferences import Preferences
from rag.page.sessions import Turn
from rag.types import Answer, Citation, Hit, Passage

TURNS = 20
"""Turns kept at most, the latest."""
CHARS = 200_000
"""Characters of all of them at most."""
TEXT = 20_000
"""Characters of one text at most."""


def packed(turns: Sequence[Turn], preferences: Preferences) -> dict[str, Any]:
    """Return what the browser keeps: the latest turns that fit, and the visitor's settings."""
    rows: list[dict[str, Any]] = []
    room = CHARS
    for turn in reversed(turns[-TURNS:]):
        row = _packed(turn)
        room -= len(json.dumps(row))
        if room < 0:
            break
        rows.insert(0, row)
    chosen = {"passages": preferences.passages, "strictness": preferences.strictness}
    return {"turns": rows, "preferences": chosen}


def _packed(turn: Turn) -> dict[str, Any]:
    row: dict[str, Any] = {"id": turn.id, "question": turn.question, "vote": turn.vote}
    answer = turn.answer
    if answer is None:
        return {**row, "draft": turn.draft, "error": turn.error, "hint": turn.hint}
    return {
        **row,
        "answer": {
            "text": answer.text,
            "abstained": answer.abstained,
            "confidence": answer.confidence,
            "rejected": answer.rejected,
            "total": answer.timings.get("total", 0.0),
            "citations": [
                [c.marker, c.document, c.start, c.end, c.quote] for c in answer.citations
            ],
            "passages": [
                [h.document, h.start, h.end, h.score, h.dense, h.lexical] for h in answer.passages
            ],
        },
    }


def unpacked(value: Any, bot: Bot) -> tuple[tuple[Turn, ...], Preferences]:
    """Return the turns and settings a browser kept; what makes no sense is left out."""
    if not isinstance(value, Mapping):
        return (), Preferences()
    chosen = value.get("preferences")
    preferences = Preferences.checked(chosen if isinstance(chosen, Mapping) else {})
    rows = value.get("turns")
    turns = [_turn(row, bot) for row in rows[-TURNS:]] if isinstance(rows, list) else []
    return tuple(turn for turn in turns if turn is not None), preferences


def _turn(row: Any, bot: Bot) -> Turn | None:
    if not isinstance(row, Mapping) or not _text(row.get("question")):
        return None
    question = _text(row["question"])
    fields: dict[str, Any] = {"restored": True}
    if isinstance(row.get("id"), str) and row["id"].isalnum() and len(row["id"]) <= 32:
        fields["id"] = row["id"]
    if row.get("vote") in ("up", "down"):
        fields["vote"] = row["vote"]
    answer = row.get("answer")
    if isinstance(answer, Mapping):
        return Turn(question, _answer(question, answer, bot), **fields)
    texts = (_text(row.get("draft")), _text(row.get("error")), _text(row.get("hint")))
    return Turn(question, None, *texts, **fields)


def _answer(question: str, kept: Mapping[str, Any], bot: Bot) -> Answer:
    citations, passages = _list(kept.get("citations")), _list(kept.get("passages"))
    total = _share(kept.get("total"), 1e6)
    return Answer(
        question=question,
        text=_text(kept.get("text")),
        abstained=kept.get("abstained") is True,
        confidence=_share(kept.get("confidence"), 1.0),
        citations=tuple(cited for row in citations if (cited := _citation(row, bot)) is not None),
        passages=tuple(hit for row in passages if (hit := _hit(row, bot)) is not None),
        timings={"total": total} if total else {},
        rejected=int(_share(kept.get("rejected"), 100)),
    )


def _list(value: Any) -> list[Any]:
    return value[:50] if isinstance(value, list) else []


def _citation(row: Any, bot: Bot) -> Citation | None:
    """Return a citation whose words stand where it says, else None."""
    if not isinstance(row, list) or len(row) != 5 or not _whole(row[0]):
        return None
    words = _words(row[1], row[2], row[3], bot)
    return Citation(*row) if words and words == row[4] else None


def _hit(row: Any, bot: Bot) -> Hit | None:
    if not isinstance(row, list) or len(row) != 6:
        return None
    document, start, end, *scores = row
    words = _words(document, start, end, bot)
    if not words or not isinstance(scores[0], int | float):
        return None
    dense, lexical = (one if isinstance(one, int | float) else None for one in scores[1:])
    passage = Passage(f"{document}:{start}-{end}", document, start, end, words)
    return Hit(passage, float(scores[0]), dense, lexical)


def _words(document: Any, start: Any, end: Any, bot: Bot) -> str:
    """Return a document's words between two offsets; "" when there are none."""
    if not isinstance(document, str) or not _whole(start) or not _whole(end) or start >= end:
        return ""
    try:
        text = bot.document(document).text
    except KeyError:
        return ""
    return text[start:end] if end <= len(text) else ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _text(value: Any) -> str:
    return value[:TEXT] if isinstance(value, str) else ""


def _share(value: Any, most: float) -> float:
    number = float(value) if isinstance(value, int | float) and value == value else 0.0
    return min(max(number, 0.0), most)
