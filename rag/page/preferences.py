"""What a visitor may set for himself: how much is read, and how sure an answer must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.page.bot import Bot
from rag.settings import Settings

PASSAGES = (1, 30)
STRICTNESS = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Preferences:
    """None leaves a value as the page was started with.

    `passages` are handed to the reader; `strictness` is the least probability of an answer, below
    which the documents are said not to hold it.
    """

    passages: int | None = None
    strictness: float | None = None

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Preferences:
        """Return what a browser sent, kept inside the bounds; anything else is left unset."""
        passages, strictness = values.get("passages"), values.get("strictness")
        return cls(
            _inside(passages, PASSAGES) if _number(passages) else None,
            round(_inside(strictness, STRICTNESS), 2) if _number(strictness) else None,
        )

    def beside(self, settings: Settings) -> Preferences:
        """Return them with what is as the page was started left unset."""
        passages = None if self.passages == settings.retriever.top_k else self.passages
        least = round(settings.reader.min_answerable, 2)
        return Preferences(passages, None if self.strictness == least else self.strictness)

    def applied(self, bot: Bot) -> Bot:
        """Return the bot with these settings; the same one when none is set."""
        if self.passages is None and self.strictness is None:
            return bot
        return bot.tuned(passages=self.passages, min_answerable=self.strictness)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _inside(value: Any, bounds: tuple[Any, Any]) -> Any:
    return type(bounds[0])(min(max(value, bounds[0]), bounds[1]))
