"""What visitors thought of answers, kept in a file on this machine and sent nowhere.

One JSON row a vote: when, "up", "down" or "none" (taken back), the question, the answer with its
citations, and which index gave it. A vote that is changed is a new row with the same `id`; the last
one counts.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from rag.errors import RagError
from rag.page.bot import Bot
from rag.page.sessions import Turn
from rag.public import answer_keys

FILE = "feedback.jsonl"
MOST_BYTES = 100_000_000
"""The file does not grow beyond this."""


class Feedback:
    """The file of votes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()

    def store(self, turn: Turn, bot: Bot) -> None:
        """Add the vote on an answered turn; RagError when it cannot be written."""
        if turn.answer is None:
            return
        commit = bot.index.commit
        row = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "id": turn.id,
            "vote": turn.vote or "none",
            "restored": turn.restored,
            "answer": answer_keys(turn.answer),
            "index": {
                "content": commit.content,
                "embedder": commit.embedder,
                "revision": commit.revision,
            },
            "generator": bot.settings.models.generator,
            "passages": bot.settings.retriever.top_k,
            "min_answerable": bot.settings.reader.min_answerable,
        }
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if self.path.exists() and self.path.stat().st_size > MOST_BYTES:
                    raise RagError("There is no room for more votes.")
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise RagError(f"The vote could not be kept ({error.strerror}).") from error
