"""Small talk: greetings, thanks, and questions about the program itself.

Replies are fixed sentences and titles of documents, so they carry no citations and are no
abstentions. Only whole messages are recognised: "hi, who founded the Zetas?" is a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rag.types import Document

TITLES = 10  # documents named at most

_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day))"
    r"(?: (?:there|again|everyone|all|bot))?"
)
_THANKS = re.compile(
    r"(?:ok(?:ay)?,? )?(?:many )?(?:thanks?|thank you|thx|cheers)"
    r"(?: (?:you|a lot|so much|very much|again))*"
)
_GOODBYE = re.compile(r"(?:good)?bye(?:[- ]bye)?|see you(?: later| soon)?|good night")
_FEELING = re.compile(r"how are you(?: doing)?(?: today)?|how do you do|what's up")
_ABILITY = re.compile(
    r"(?:who|what) are you|what can you do(?: for me)?|what do you do|how do you work|help"
    r"|what can i ask(?: you)?|how does this work|can you help(?: me)?"
)
_DOCUMENTS = re.compile(
    r"(?:what|which) (?:documents?|files?|articles?|sources?|texts?)"
    r"(?: do you (?:have|know|use)| are (?:there|indexed|loaded|available)| have you read)"
    r"|(?:list|show)(?: me)?(?: all)?(?: the| your)? (?:documents|files|articles|sources)"
    r"|what (?:have you read|do you know)"
)


def reply(message: str, documents: Callable[[], Sequence[Document]]) -> str | None:
    """Return what to say to small talk, or None for anything else."""
    said = " ".join(re.sub(r"[^\w\s',-]", " ", message.casefold()).split()).strip(" ,-")
    if _GREETING.fullmatch(said):
        return "Hello. Ask me anything about the documents."
    if _THANKS.fullmatch(said):
        return "You are welcome."
    if _GOODBYE.fullmatch(said):
        return "Goodbye."
    if _FEELING.fullmatch(said):
        return "I am a program, and I am running. Ask me anything about the documents."
    if _ABILITY.fullmatch(said):
        return (
            "I answer questions from the documents I was given, and quote the exact words each "
            "answer rests on. When the documents don't say, I say so. " + _listed(documents())
        )
    if _DOCUMENTS.fullmatch(said):
        return _listed(documents())
    return None


def _listed(documents: Sequence[Document]) -> str:
    titles = [f"“{d.title or d.source or d.id}”" for d in documents[:TITLES]]
    more = len(documents) - len(titles)
    listed = ", ".join(titles) + (f" and {more} more" if more > 0 else "")
    count = "1 document" if len(documents) == 1 else f"{len(documents)} documents"
    return f"I have {count}: {listed}."
