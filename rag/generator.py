"""The language model behind one Protocol: messages in, pieces of text out.

`Generator` is the seam: anything with these three members can replace the built-in. One that was
trained for the product's own prompts says so with a fourth, `adapted`: it gets no worked examples,
and is asked to `reread` (`rag.rereading.Rereader`);
one in another program says `remote`, and is asked nothing before there is a question.
The module turns chats into tokens and tokens into text; `rag.decoding` does the steps between. It
knows nothing of documents or citations, and imports torch only when a model is opened.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rag import adapter, models
from rag.decoding import Decoder
from rag.errors import QuestionError
from rag.prompts import NONE, short_prompt
from rag.settings import DEFAULT_GENERATOR
from rag.threads import limit_threads
from rag.types import Rereading

if TYPE_CHECKING:
    from rag.prompts import Message
    from rag.settings import GeneratorSettings, ModelSettings

CHUNK_BFLOAT16 = 128
CHUNK_FLOAT32 = 64
"""Prompt tokens read in one pass, which takes two cores about 0.1 s: a stop waits no longer."""

LONGEST_ANSWER = 24  # tokens of the words that answer, when a text is read again
HALF = "\ufffd"  # what a tokenizer shows for a character whose bytes are not all there yet


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

    def __init__(
        self,
        name: str,
        decoder: Decoder,
        tokenizer: Any,
        settings: GeneratorSettings,
        *,
        adapted: bool = False,
    ) -> None:
        self._name = name
        self.adapted = adapted
        self.decoder = decoder
        self.tokenizer = tokenizer
        self.settings = settings

    @classmethod
    def open(cls, settings: ModelSettings, generation: GeneratorSettings) -> TransformersGenerator:
        """Load the generator the settings name, from this machine only.

        Weights are used as bfloat16 on processors that calculate with it (three times as fast),
        else as float32. The built-in model gets the adapter that ships with the package, where it
        is there and not switched off.

        Raises:
            ModelMissing, ModelDamaged: see `rag.models.locate` and `rag.adapter.merge`.
        """
        folder = models.locate(settings.generator, settings)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        limit_threads(settings.threads)
        logging.disable_progress_bar()
        narrow = calculates_bfloat16()
        here = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **here)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16 if narrow else torch.float32,
            use_safetensors=True,
            **here,
        ).eval()
        wanted = generation.adapter and settings.generator == DEFAULT_GENERATOR
        if weights := adapter.shipped() if wanted else None:
            adapter.merge(model, folder, weights)
        decoder = Decoder(
            model, _end_marks(model, tokenizer), CHUNK_BFLOAT16 if narrow else CHUNK_FLOAT32
        )
        return cls(settings.generator, decoder, tokenizer, generation, adapted=weights is not None)

    @property
    def name(self) -> str:
        """What the model is called in the settings."""
        return self._name

    def count(self, text: str) -> int:
        """Return how many tokens a text takes, without any chat marks."""
        return len(self._ids(text))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def stream(
        self, messages: Sequence[Message], *, stop: threading.Event | None = None
    ) -> Iterator[str]:
        """Yield pieces of the reply; joined they are the decoded text, never half a character.

        Raises:
            QuestionError: the messages do not fit the model.
        """
        prompt, shared = self.encode(messages)
        most, event = self.settings.max_new_tokens, stop or threading.Event()
        if self.settings.temperature:
            tokens = self.decoder.sample(
                prompt,
                shared,
                most,
                event,
                temperature=self.settings.temperature,
                seed=self.settings.seed,
            )
        else:
            tokens = self.decoder.greedy(prompt, shared, most, event)
        return self._decode(tokens)

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        """Return what it makes of a text, and of the words in it that may be the answer.

        It tells something only with the adapter, which learned it.
        """
        budget = self.settings.max_prompt_tokens
        prompt = self.encode(short_prompt(question, text, budget=budget, count=self.count))
        said = [*self._ids(answer), self.tokenizer.eos_token_id] if answer else []
        found = self.decoder.weigh(*prompt, self._ids(NONE)[0], said, LONGEST_ANSWER)
        chance = min(1 - 1e-6, max(1e-6, math.exp(found.refusal)))
        return Rereading(
            math.log(chance / (1 - chance)),
            self.tokenizer.decode(found.own, skip_special_tokens=True).strip(),
            sum(found.odds) / len(found.odds),
            sum(found.reply) / len(found.reply) if said else None,
        )

    def encode(self, messages: Sequence[Message]) -> tuple[list[int], int]:
        """Return the prompt's tokens, and how many of them come before the last message.

        Raises:
            QuestionError: the messages do not fit the model.
        """
        chat = [
            {"role": message.role, "content": self._inert(message.content)} for message in messages
        ]
        prompt = self._render(chat, asking=True)
        before = self._render(chat[:-1], asking=False) if len(chat) > 1 else []
        room = getattr(self.decoder.model.config, "max_position_embeddings", None)
        if room and len(prompt) + self.settings.max_new_tokens > room:
            most = room - self.settings.max_new_tokens
            raise QuestionError(
                f"the prompt takes {len(prompt)} tokens and the model has room for {most}",
                hint="ask a shorter question, or lower RAG_GENERATOR__MAX_PROMPT_TOKENS",
            )
        return prompt, _common(before, prompt)

    def _render(self, chat: list[dict[str, str]], *, asking: bool) -> list[int]:
        """Turn a chat into tokens, by the model's own template where it has one."""
        if self.tokenizer.chat_template is None:
            text = "\n\n".join(turn["content"] for turn in chat) + "\n"
            return list(self.tokenizer(text)["input_ids"])
        text = self.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=asking
        )
        return self._ids(text)

    def _inert(self, text: str) -> str:
        """Break up the model's control marks, so that a document cannot end its own turn."""
        for mark in self.tokenizer.all_special_tokens:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text

    def _decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Turn tokens into pieces of text as soon as their characters are whole."""
        ids: list[int] = []
        shown = ""
        for token in tokens:
            ids.append(token)
            text = self.tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            if len(text) > len(shown) and not text.endswith(HALF):
                yield text[len(shown) :]
                shown = text


def calculates_bfloat16() -> bool:
    """Say whether this processor has instructions for bfloat16, not only a slow emulation."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _end_marks(model: Any, tokenizer: Any) -> frozenset[int]:
    """Collect the tokens that end a reply."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in [*listed, tokenizer.eos_token_id] if end is not None)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the common beginning."""
    pairs = zip(first, second, strict=False)
    return next(
        (i for i, (left, right) in enumerate(pairs) if left != right), min(len(first), len(second))
    )
