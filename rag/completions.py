"""Chat completions as OpenAI's interface has them, from vLLM, Ollama, llama.cpp's server or others.

`EndpointGenerator` is a `Generator`: the same messages go to another program, and its reply is a
draft like any other, to be verified. What leaves the machine is the prompt: the question, the
evidence found for it, and worked examples; and only to the address that was set.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rag.endpoint import Endpoint

if TYPE_CHECKING:
    from rag.prompts import Message
    from rag.settings import GeneratorSettings, ModelSettings

BYTES_A_TOKEN = 3  # fewer than most tokenizers need: a prompt counted so is seldom longer
WIDEST_TOKEN = 12  # bytes; a server that was asked for n tokens and writes more than n of these
EVENT_BYTES = 4_096  # that a server may spend on one token: its name, the model's, the time
OTHER_BYTES = 1 << 16  # and on the reply as a whole
_MARK = re.compile(
    r"<(?=/?\|)|<(?=/?(?:s|bos|eos|start_of_turn|end_of_turn|think)>)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])",
    re.I,
)


class EndpointGenerator:
    """A language model behind an address."""

    remote = True

    def __init__(self, endpoint: Endpoint, settings: GeneratorSettings) -> None:
        self._endpoint = endpoint
        self._settings = settings

    @classmethod
    def open(cls, settings: ModelSettings, generation: GeneratorSettings) -> EndpointGenerator:
        """Take the address and the model the settings name; nothing is contacted yet."""
        return cls(Endpoint("generator", settings), generation)

    @property
    def name(self) -> str:
        """What the server calls the model."""
        return self._endpoint.model

    def count(self, text: str) -> int:
        """Estimate how many tokens a text takes; the server is not asked."""
        return estimate(text)

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield pieces of the reply as the server writes them.

        The reply ends as the server ends it, at the latest where `max_new_tokens` wide tokens
        would. The iterator raises; calling this does not.

        Raises:
            EndpointError, ModelMissing: see `rag.endpoint`.
        """
        most = self._settings.max_new_tokens
        written = 0
        events = self._endpoint.events(
            "/chat/completions",
            self._body(messages),
            OTHER_BYTES + most * EVENT_BYTES,
            stop or threading.Event(),
        )
        with closing(events):
            for event in events:
                try:
                    piece, last = delta(event)
                except (LookupError, TypeError, AttributeError) as error:
                    raise self._endpoint.nonsense("no piece of a chat", str(event)) from error
                if piece:
                    yield piece
                    written += len(piece.encode())
                if last or written >= most * WIDEST_TOKEN:
                    return

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        body = {
            "model": self._endpoint.model,
            "messages": chat(messages),
            "max_tokens": self._settings.max_new_tokens,
            "temperature": self._settings.temperature,
            "stream": True,
        }
        return body | ({"seed": self._settings.seed} if self._settings.temperature else {})


def estimate(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few; 0 for none."""
    return -(-len(text.encode("utf-8", errors="replace")) // BYTES_A_TOKEN)


def chat(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as the interface wants them, no text able to end its own turn.

    A server reads its model's control marks wherever they stand. Which ones they are only it
    knows; the common forms are broken up: `<|im_end|>` becomes `< |im_end|>`.
    """
    return [
        {"role": message.role, "content": _MARK.sub(lambda found: f"{found[0]} ", message.content)}
        for message in messages
    ]


def delta(event: Any) -> tuple[str, bool]:
    """Return the text that an event of a streamed chat adds, and whether it is the last.

    Raises:
        LookupError, TypeError, AttributeError: it is no such event.
    """
    if not event["choices"]:  # a count of tokens comes so
        return "", False
    choice = event["choices"][0]
    text = (choice.get("delta") or {}).get("content") or ""
    return text.encode("utf-8", errors="replace").decode(), choice.get("finish_reason") is not None
