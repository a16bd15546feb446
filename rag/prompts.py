"""Every string that is sent to the language model, budgeted in tokens.

The model is small and follows instructions badly, so it is never asked to cite, refuse or format.
It gets three worked examples, the evidence that was already found and the question, and phrases one
short sentence. The examples are invented: their words must not leak into answers unnoticed, and
the verifier would not find them in any document. What stays the same in every prompt comes first,
so that a generator can remember having read it. A generator that was trained for this very prompt
needs no examples, and is not given any.

This module knows nothing of models; it is given a function that counts tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.errors import QuestionError

Count = Callable[[str], int]
Role = Literal["system", "user", "assistant"]

TURN_TOKENS = 8  # at most what a chat template adds around one message
QUESTION_SHARE = 0.5  # of the room: a longer question loses its middle


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


SYSTEM = "Answer the question in one short sentence, using only the words of the text."

EXAMPLES: tuple[tuple[str, str, str], ...] = (
    (
        "After the storm of 1902 the mayor, Ida Holm, promised to pay for a new roof and "
        "12 windows if the school stayed open.",
        "What did the mayor promise?",
        "The mayor, Ida Holm, promised to pay for a new roof and 12 windows.",
    ),
    (
        "The lighthouse at Ormen was built in 1871 by the engineer Karl Lund. "
        "It was painted red after the storm of 1902.",
        "Who built the lighthouse at Ormen?",
        "The lighthouse at Ormen was built by the engineer Karl Lund.",
    ),
    (
        "“We lost most of the harvest because the river froze in May,” said Anna Reyes, "
        "who has kept bees near Tolva for 20 years.",
        "Why was the harvest lost?",
        "Most of the harvest was lost because the river froze in May.",
    ),
)

SHORT = "Say the words of the text that answer the question. If none do, say None."
NONE = "None"

ABSTENTION = "The text does not say."
"""What a trained generator writes where the evidence does not answer.

It has no content word (see `rag.words.STOP_WORDS`), so to the verifier it answers nothing, whatever
the question and the evidence are: it is never shown as an answer.
"""


def answer_prompt(
    question: str,
    evidence: Sequence[str],
    *,
    budget: int,
    count: Count,
    history: Sequence[tuple[str, str]] = (),
    examples: Sequence[tuple[str, str, str]] = EXAMPLES,
    system: str = SYSTEM,
) -> list[Message]:
    """Ask for one sentence that answers `question` from `evidence` (best first).

    `examples` are worked ones: text, question, answer. `system` says what is wanted.

    The prompt takes at most `budget` tokens, as `count` counts them. What does not fit goes in
    this order: the oldest turns of the `history`, the last examples, the last pieces
    of evidence (cut at the end of a sentence, else of a word). The question is kept whole up to
    half the budget; of a longer one the middle is left out, marked "…", since it opens with what
    is asked or closes with it.

    Raises:
        QuestionError: the budget has no room for a question at all.
    """
    fixed = _cost([Message("system", system), Message("user", _user("", ""))], count)
    room = budget - fixed
    asked = _squeeze(" ".join(question.split()), int(room * QUESTION_SHARE), count)
    if room <= 0 or not asked:
        raise QuestionError(
            f"a prompt of {budget} tokens has no room for the question",
            hint="raise RAG_GENERATOR__MAX_PROMPT_TOKENS",
        )
    room -= count(asked)
    wanted = count(" ".join(" ".join(evidence).split()))
    worked = _fitting(examples, room - wanted, count)
    room -= _cost(worked, count)
    turns = _recent(history, room - wanted, count)
    room -= _cost(turns, count)
    final = Message("user", _user(fit(evidence, room, count), asked))
    return [Message("system", system), *worked, *turns, final]


def short_prompt(question: str, text: str, *, budget: int, count: Count) -> list[Message]:
    """Ask for the words of `text` that answer `question`, or `NONE`.

    Only a generator that was trained for it can be asked this. The prompt takes at most `budget`
    tokens, as `count` counts them: a longer text loses its end, a longer question its middle.

    Raises:
        QuestionError: the budget has no room for a question at all.
    """
    return answer_prompt(question, [text], budget=budget, count=count, examples=(), system=SHORT)


def fit(evidence: Sequence[str], room: int, count: Count) -> str:
    """Join the pieces that fit into `room` tokens; the first that does not is cut."""
    kept = ""
    for piece in evidence:
        whole = " ".join(piece.split())
        joined = f"{kept} {whole}".strip()
        if count(joined) > room:
            return f"{kept} {cut(whole, room - count(kept) - 1, count)}".strip()
        kept = joined
    return kept


def cut(text: str, room: int, count: Count) -> str:
    """Return the longest beginning of `text` within `room` tokens, at the end of a sentence.

    Where not even one sentence fits, at the end of a word; "" where no word fits.
    """
    ends = [match.end() for match in re.finditer(r"[.!?][”’\"')\]]*(?=\s|$)", text)]
    words = [match.end() for match in re.finditer(r"\S+", text)]
    for borders in (ends, words):
        fitting = _last_fitting(text, borders, room, count)
        if fitting:
            return text[:fitting]
    return ""


def _last_fitting(text: str, borders: Sequence[int], room: int, count: Count) -> int:
    """Find by halving the last border whose beginning of `text` fits; 0 for none."""
    low, high = 0, len(borders)
    while low < high:
        middle = (low + high) // 2
        if count(text[: borders[middle]]) <= room:
            low = middle + 1
        else:
            high = middle
    return borders[low - 1] if low else 0


def _squeeze(question: str, room: int, count: Count) -> str:
    """Leave out the middle of a question that takes more than `room` tokens."""
    if count(question) <= room:
        return question
    words = question.split(" ")
    low, high = 0, len(words) // 2
    while low < high:  # the most words from each end that fit
        middle = (low + high + 1) // 2
        if count(_ends(words, middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return _ends(words, low) if low else cut(question, room, count)


def _ends(words: Sequence[str], each: int) -> str:
    return " ".join([*words[:each], "…", *words[len(words) - each :]])


def _user(text: str, question: str) -> str:
    return f"Text: {text}\n\nQuestion: {question}"


def _cost(messages: Sequence[Message], count: Count) -> int:
    return sum(count(message.content) + TURN_TOKENS for message in messages)


def _pair(asked: str, replied: str) -> list[Message]:
    return [Message("user", asked), Message("assistant", replied)]


def _fitting(examples: Sequence[tuple[str, str, str]], room: int, count: Count) -> list[Message]:
    """Return the first examples that fit into `room` tokens, as turns."""
    turns: list[Message] = []
    for text, question, answer in examples:
        pair = _pair(_user(text, question), answer)
        if _cost([*turns, *pair], count) > room:
            break
        turns += pair
    return turns


def _recent(history: Sequence[tuple[str, str]], room: int, count: Count) -> list[Message]:
    """Return the latest turns of the conversation that fit into `room` tokens, in order."""
    turns: list[Message] = []
    for asked, replied in reversed(history):
        pair = _pair(asked, replied)
        if _cost([*pair, *turns], count) > room:
            break
        turns = [*pair, *turns]
    return turns
