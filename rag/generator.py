"""The language model behind one Protocol: messages in, pieces of text out.

The decoding loop is our own, over the model's forward pass, for three reasons. It runs in the
caller's thread, so stopping is leaving the loop and no thread can leak. The prompt is read in
chunks, so a long one can be stopped too. And drafts mostly copy from the evidence, so the words
that followed the last two tokens the last time they occurred are guessed and checked in one pass
(prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding), which changes the
speed and not the text.

The module knows nothing of documents or citations, and imports torch only when a model is opened.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rag import models
from rag.errors import QuestionError
from rag.threads import limit_threads

if TYPE_CHECKING:
    from rag.prompts import Message
    from rag.settings import GeneratorSettings, ModelSettings

CHUNK = 64  # prompt tokens a pass; bounds how long a stop has to wait
GUESS = 8  # tokens guessed a pass


class Generator(Protocol):
    """Write text that continues a chat."""

    @property
    def name(self) -> str:
        """What the model is called in the settings."""
        ...

    def count(self, text: str) -> int:
        """Return how many tokens a text takes, without any chat marks."""
        ...

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield pieces of the reply as they are written; end soon after `stop` is set."""
        ...


class TransformersGenerator:
    """Any causal language model that transformers can load, on the CPU."""

    def __init__(self, name: str, model: Any, tokenizer: Any, settings: GeneratorSettings) -> None:
        self.name = name
        self.model = model
        self.tokenizer = tokenizer
        self.settings = settings

    @classmethod
    def open(cls, settings: ModelSettings, generation: GeneratorSettings) -> TransformersGenerator:
        """Load the generator the settings name, from this machine only.

        Raises:
            ModelMissing, ModelDamaged: see `rag.models.locate`.
        """
        folder = models.locate(settings.generator, settings)
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        limit_threads(settings.threads)
        logging.disable_progress_bar()
        safe = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=_fast_dtype(), use_safetensors=True, **safe
        )
        return cls(settings.generator, model.eval(), tokenizer, generation)

    def count(self, text: str) -> int:
        """Return how many tokens a text takes, without any chat marks."""
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield pieces of the reply; joined they are the decoded text, never half a character."""
        ids: list[int] = []
        shown = ""
        for token in self._tokens(self._encode(messages), stop or threading.Event()):
            ids.append(token)
            text = self.tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            if not text.endswith("\ufffd") and len(text) > len(shown):
                yield text[len(shown) :]
                shown = text

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        chat = [{"role": message.role, "content": message.content} for message in messages]
        rendered = self.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True
        )
        ids: list[int] = self.tokenizer(rendered, add_special_tokens=False)["input_ids"]
        room = self.model.config.max_position_embeddings - self.settings.max_new_tokens
        if len(ids) > room:
            raise QuestionError(
                f"the prompt takes {len(ids)} tokens; the model has room for {room}"
            )
        return ids

    def _tokens(self, prompt: list[int], stop: threading.Event) -> Iterator[int]:
        """Yield the tokens of the reply, up to and without the end mark."""
        import torch
        from transformers.cache_utils import DynamicCache

        ends = self.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        cache = DynamicCache(config=self.model.config)
        ids = list(prompt)
        pending = list(prompt)
        written = 0
        while pending and not stop.is_set():
            with torch.inference_mode():
                part, pending = pending[:CHUNK], pending[CHUNK:]
                output = self.model(
                    input_ids=torch.tensor([part]),
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
            if pending:
                continue
            token = int(output.logits[0, -1].argmax())
            if token in ends:
                return
            yield token
            written += 1
            if written < self.settings.max_new_tokens:
                ids.append(token)
                pending = [token]


def _fast_dtype() -> Any:
    import torch

    capable = torch.cpu.get_capabilities()
    return (
        torch.bfloat16 if capable.get("avx512_bf16") or capable.get("amx_bf16") else torch.float32
    )
