"""A conversation as a file: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rag.page.render import confidence_words
from rag.page.sessions import Turn
from rag.public import answer_keys

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def plain(text: str) -> str:
    """Return text that Markdown shows as itself: nothing in it becomes markup or a link."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    return re.sub(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)", r"\1\\\2", escaped, flags=re.MULTILINE)


def markdown(turns: Sequence[Turn], names: Mapping[str, str]) -> str:
    """Return the conversation as Markdown; `names` are what documents are called, by id."""
    parts = ["# Conversation\n"]
    for turn in turns:
        parts.append(f"## {plain(' '.join(turn.question.split()))}\n")
        answer = turn.answer
        if answer is None:
            parts.append(f"*{plain(turn.error or 'Stopped before it was checked.')}*\n")
            continue
        parts.append(f"{plain(answer.text)}\n")
        for citation in answer.citations:
            name = plain(names.get(citation.document) or citation.document)
            page = f", p. {plain(citation.place.page)}" if citation.place.page else ""
            quote = plain(" ".join(citation.quote.split()))
            parts.append(f"> \\[{citation.marker}\\] “{quote}”\n> {name}{page}\n")
        parts.append(f"{confidence_words(answer.confidence)}\n")
    return "\n".join(parts)


def rows(turns: Sequence[Turn], names: Mapping[str, str]) -> str:
    """Return the conversation as JSON: what was asked and answered, as the `chat` endpoint does."""
    found: list[dict[str, Any]] = []
    for turn in turns:
        if turn.answer is None:
            found.append({"question": turn.question, "error": turn.error, "draft": turn.draft})
        else:
            found.append(answer_keys(turn.answer) | ({"vote": turn.vote} if turn.vote else {}))
    cited = {
        c.document: names.get(c.document, "")
        for turn in turns
        if turn.answer
        for c in turn.answer.citations
    }
    return json.dumps({"turns": found, "documents": cited}, ensure_ascii=False, indent=2)
