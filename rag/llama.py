"""A `.gguf` file as a generator, read by llama.cpp in this process.

The library is an extra (`pip install 'rag[llama]'`) and is loaded when such a generator is opened.
Its streamed chats have the form of OpenAI's, which `rag.completions` knows.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import models
from rag.completions import chat, delta
from rag.errors import ModelDamaged, QuestionError
from rag.threads import available

if TYPE_CHECKING:
    from rag.prompts import Message
    from rag.settings import GeneratorSettings, ModelSettings

MARGIN = 64  # tokens of the context that a chat's own marks may take


class LlamaGenerator:
    """A language model that llama.cpp runs."""

    def __init__(self, name: str, model: Any, settings: GeneratorSettings) -> None:
        self._name = name
        self._model = model
        self._settings = settings

    @classmethod
    def open(cls, settings: ModelSettings, generation: GeneratorSettings) -> LlamaGenerator:
        """Load the file the settings name.

        Raises:
            ModelMissing: the file or the library is not there.
            ModelDamaged: it is no GGUF file, or the library cannot read it.
        """
        path = models.locate(settings.generator, settings)
        library = importlib.import_module(models.LLAMA)
        try:
            model = library.Llama(
                model_path=str(path),
                n_ctx=generation.max_prompt_tokens + generation.max_new_tokens + MARGIN,
                n_threads=settings.threads or available(),
                seed=generation.seed,
                verbose=False,
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise ModelDamaged(
                f"llama.cpp cannot read {path.name}: {error}",
                hint="choose another file, or a newer llama-cpp-python",
            ) from error
        return cls(Path(settings.generator).name, model, generation)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._name

    def count(self, text: str) -> int:
        """Return how many tokens a text takes, without any chat marks."""
        data = text.encode("utf-8", errors="replace")
        return len(self._model.tokenize(data, add_bos=False, special=False))

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield pieces of the reply; end after the token being written when `stop` is set.

        Raises:
            QuestionError: the messages do not fit the model.
        """
        if stop is not None and stop.is_set():
            return
        try:
            events = self._model.create_chat_completion(
                messages=chat(messages),
                max_tokens=self._settings.max_new_tokens,
                temperature=self._settings.temperature,
                seed=self._settings.seed,
                stream=True,
            )
            for event in events:
                if stop is not None and stop.is_set():
                    return
                piece, last = delta(event)
                if piece:
                    yield piece
                if last:
                    return
        except ValueError as error:  # what the library says of a prompt beyond its context
            raise QuestionError(
                f"the prompt does not fit the model: {error}",
                hint="ask a shorter question, or lower RAG_GENERATOR__MAX_PROMPT_TOKENS",
            ) from error
