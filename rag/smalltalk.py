"""Small talk: greetings, thanks, and questions about the program itself.

Replies are fixed sentences and titles of documents, so they carry no citations and are no
abstentions. Only whole messages are recognised, from tables of phrases: "what do you know?" is
about the program, "what do you know about the Zetas?" about the documents. `without_greeting`
takes a greeting off a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rag.types import Document

TITLES = 10  # documents named at most


def _phrases(table: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in table.split(","))


_GREETING = _phrases(
    """hi, hello, hey, hiya, howdy, greetings, good morning, good afternoon, good evening, good day,
    nice to meet you, pleased to meet you"""
)
_THANKS = _phrases(
    """thank, thanks, thank you, thank you you, thanks you, thx, cheers, many thanks, thanks a lot,
    thank you a lot, thanks a bunch, thanks for your help, thank you for your help, thanks for that,
    much appreciated, that was helpful, that is helpful, that helps,
    that is helpful thanks, that was helpful thanks, ok thanks, okay thanks, great thanks,
    perfect thanks, ok thank you, great thank you, no thanks, no thank you"""
)
_PRAISE = _phrases(
    """ok, okay, great, perfect, cool, nice, good, fine, wow, interesting, i see, got it,
    understood, never mind, sorry, no problem, well done, good job, good answer, lol, haha,
    yes, no, sure, all right, alright"""
)
_GOODBYE = _phrases(
    """bye, goodbye, bye bye, bye-bye, good bye, see you, see you later, see you soon, good night,
    have a nice day, have a good day, have a great day, farewell, take care"""
)
_SELF = _phrases(
    """how are you, how are you doing, how do you do, what is up, how is it going, are you ok,
    are you okay, are you well, are you there, are you alive, are you real, are you human,
    are you a human, are you a human being, are you a person, are you a real person,
    are you a robot, are you a bot, are you a machine, are you a computer, are you a program,
    are you a chatbot, are you ai, are you an ai, are you chatgpt, are you conscious,
    are you sentient, am i talking to a human, am i talking to a person, am i talking to a bot,
    am i talking to a robot, do you have feelings, do you have a name, do you sleep, who made you,
    who built you, who created you, who wrote you, who programmed you, who trained you,
    what is your name, how old are you, where are you from, tell me about yourself,
    what model are you, which model are you, what model do you use"""
)
_LANGUAGES = _phrases(
    """what languages do you speak, which languages do you speak, how many languages do you speak,
    what languages do you know, what languages do you understand, what languages do you support,
    which languages do you understand, which languages do you support, what language do you speak,
    do you speak english, do you speak spanish, do you speak french, do you speak german,
    do you speak italian, do you speak portuguese, do you speak other languages,
    do you understand spanish, can you speak spanish, can you answer in spanish"""
)
_LIMITS = _phrases(
    """can you search the internet, can you search the web, do you use the internet,
    do you have internet access, can you browse the web, are you online, are you connected to the
    internet, what time is it, what day is it, tell me a joke, how is the weather"""
)
_ABILITY = _phrases(
    """who are you, what are you, what can you do, what can you tell me, what can you answer,
    what can you help me with, what do you do, how do you work, help, help me, what can i ask,
    what can i ask you, what should i ask, what should i ask you, what could i ask,
    how does this work, can you help, can you help me, could you help me, how can you help,
    how can you help me, how do i use this, how do i use you, can i trust you, should i trust you,
    are you always right, are you reliable, do you lie, do you make things up, do you hallucinate"""
)
_DOCUMENTS = _phrases(
    """what documents do you have, which documents do you have, how many documents do you have,
    what documents do you know, which documents do you know, how many documents do you know,
    what documents do you use, which documents do you use, how many documents are there,
    what documents are there, which documents are there, what documents are indexed,
    which documents are indexed, how many documents are indexed, what documents are loaded,
    which documents are loaded, how many documents are loaded, what documents are available,
    which documents are available, what documents have you read, which documents have you read,
    how many documents have you read, list documents, list the documents, list all documents,
    list all the documents, list your documents, show documents, show the documents,
    show all documents, show me the documents, show me your documents, show me all documents,
    what are your documents, what have you read, what do you know, what do you have,
    where do your answers come from, where do you get your answers,
    where do you get your information, what is in your index, what is in the index"""
)
_REPLIES = (
    (_GREETING, "Hello. Ask me anything about the documents."),
    (_THANKS, "You are welcome."),
    (_PRAISE, "All right. Ask me anything about the documents."),
    (_GOODBYE, "Goodbye."),
    (_SELF, "I am a program, and I am running. Ask me anything about the documents."),
    (
        _LANGUAGES,
        "I read questions in English. Documents in other languages are searched and quoted as they "
        "are.",
    ),
    (_LIMITS, "I have only the documents, and look at nothing else. Ask me about them."),
)

_FILLING = frozenset(
    "please there again everyone all bot friend today now then so very much a lot".split()
)
"""Words that may stand at the end of any small talk: "thanks so much", "hello everyone"."""
_LEADING = frozenset("please ok okay well so great alright and".split())
"""Words that may stand before any: "ok bye", "well thanks"."""
_NOUNS = re.compile(r"\b(?:files?|articles?|sources?|texts?|document)\b")
_OPENING = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|perfect),? )?(?:hi|hello|hey|hiya|howdy|greetings|"
    r"good (?:morning|afternoon|evening|day)|excuse me|please|thanks|thank you|ok(?:ay)?|great)"
    r"(?: (?:there|again|everyone|all|bot|friend))?"
    r"(?:[,.!:;–—-]+\s*|\s+(?=(?:who|what|when|where|why|how|which|is|are|was|were|do|does|did|can|"
    r"could|tell|please)\b))",
    re.I,
)


def reply(message: str, documents: Callable[[], Sequence[Document]]) -> str | None:
    """Return what to say to small talk, or None for anything else."""
    said = _trimmed(message)
    if said not in _ABILITY | _DOCUMENTS and not any(said in table for table, _ in _REPLIES):
        said = _trimmed(without_greeting(message))
    if said in _ABILITY:
        return (
            "I answer questions from the documents I was given, and quote the exact words each "
            "answer rests on. When the documents don't say, I say so. " + _listed(documents())
        )
    if said in _DOCUMENTS:
        return _listed(documents())
    return next((answer for table, answer in _REPLIES if said in table), None)


def without_greeting(message: str) -> str:
    """Return a message without the greeting or courtesy it opens with, unless that is all."""
    rest = message
    while (found := _OPENING.match(rest)) and any(c.isalnum() for c in rest[found.end() :]):
        rest = rest[found.end() :]
    return rest


def _trimmed(message: str) -> str:
    """Return the message as the tables write it: plain words, no courtesies at either end."""
    plain = re.sub(r"[’']s\b", " is", message.casefold())
    said = re.sub(r"[^\w\s'-]", " ", plain).split()
    while len(said) > 1 and said[-1] in _FILLING:
        said.pop()
    while len(said) > 1 and said[0] in _LEADING:
        said.pop(0)
    return _NOUNS.sub("documents", " ".join(said)).strip(" '-")


def _listed(documents: Sequence[Document]) -> str:
    titles = [f"“{d.title or d.source or d.id}”" for d in documents[:TITLES]]
    more = len(documents) - len(titles)
    listed = ", ".join(titles) + (f" and {more} more" if more > 0 else "")
    count = "1 document" if len(documents) == 1 else f"{len(documents)} documents"
    return f"I have {count}: {listed}."
