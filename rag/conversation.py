"""Make a follow-up question stand alone, from the turns before it.

Rules, not a model. The turns are read from the oldest on, each question made to stand alone by
those before it, so that what the talk is about lives on through questions that only say "it". A
question that stands alone is returned as it is. What "he" or "it" mean is known by `entities`,
how a question is asked again in another way by `rephrasing`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import mentions, rephrasing, replies, smalltalk, words
from rag.entities import Entities
from rag.questions import analyse

TURNS = 8  # that are looked back at
OPENING_CHARS, CLOSING_CHARS = 250, 100  # of a long answer that are read: who spoke may stand last

_LEAD = r"(?:(?:and|but|so|ok(?:ay)?|then|well|also|yes|no)\b[\s,]*)*"
_AGAIN = re.compile(
    rf"{_LEAD}(?P<word>who|(?:why|when|where|how)(?: (?:did|was|is) (?:it|that|this)"
    r"(?: (?:happen|so|done|take place|occur))?)?)(?: (?:not|then|exactly|so))?\W*",
    re.I,
)
_DONE = re.compile(
    r"\b(?:did|does|do|done) (?:it|that|this|so)\W*$|\b(?:it|that|this) happen", re.I
)
_INSTEAD = re.compile(rf"{_LEAD}(?:(?:what|how) about|what of|and|or) (?P<what>[^?]+?)\W*", re.I)
_ECHO = re.compile(
    r"(?P<before>.*\b(?:say|says|said|think|thinks|thought|believe|believes|claim|claims|claimed|"
    r"explain|explains)) (?:that|this|so|it)\W*",
    re.I,
)
_EXPLETIVE = re.compile(
    r"\bit (?:take|cost|matter|mean)s? (?:(?:a|an|the|for)? ?\w+ )?to\b"
    r"|\b(?:is|was|isn't|wasn't) it (?:\w+ ){1,3}(?:to|that|for|if|when)\b"
    r"|\bit(?:'s| is| was) (?:\w+ ){1,3}(?:to|that|for|if)\b",
    re.I,
)
_CLAUSE = re.compile(r"[.,;:!?]|\b(?:and|but|if|when|because|while|that|before|after)\b", re.I)
_EXISTS = re.compile(r"\b(?:is|are|was|were|been|be) there\b|\bthere(?:'s| is| are| was| were)\b")
_THIS_TEXT = re.compile(r"\b(?:this|the|these) (?:article|document|text|story|page|file)s?\b", re.I)
_GENDER = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "hers": "f"}
_THING = frozenset("it its they them their theirs".split())
_POSSESSIVE = frozenset("his its their hers theirs".split())
_ASKING = frozenset("who whom whose what which when where why how".split())
_LEANING = frozenset("that this these those there one ones same another other others else".split())


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return the question with what it points back to; unchanged when it stands alone."""
    talk = Talk()
    for asked, answer in history[-TURNS:]:
        if smalltalk.reply(asked, tuple) is None:
            talk.hear(asked, answer)
    resolved = talk.resolve(question)
    return question if resolved == question else re.sub(rf"^{_LEAD}", "", resolved, flags=re.I)


class Talk:
    """The turns so far."""

    def __init__(self) -> None:
        self._entities = Entities()
        self._question = self._answer = ""  # the last ones

    def hear(self, question: str, answer: str) -> None:
        """Take in a turn; an abstention answers nothing."""
        self._question = self.resolve(question)
        silent = answer.startswith(replies.NOT_FOUND)
        self._answer = "" if silent else _ends(re.sub(r"\s*\[\d+\]", "", answer))
        self._entities.hear(self._question, self._answer)

    def resolve(self, question: str) -> str:
        """Return the question made to stand alone after the turns so far."""
        if not self._question or _THIS_TEXT.search(question):
            return question
        if found := _AGAIN.fullmatch(question):
            return rephrasing.again(self._question, found["word"].split()[0], self._answer)
        if (found := _ECHO.fullmatch(question)) and self._answer:
            before = self._pronoun(found["before"]) or found["before"]
            return f"{before} {rephrasing.echo(self._answer)}?"
        if _DONE.search(question) and len(words.content(question)) < 2:
            return f"{rephrasing.gist(self._question)}: {question}"
        if pointed := self._pronoun(question):
            return pointed
        if (found := _INSTEAD.fullmatch(question)) and self._is_fragment(found["what"]):
            instead = rephrasing.instead(self._question, found["what"], self._entities.names)
            return instead or self._front(question)
        return self._front(question) if self._is_elliptic(question) else question

    def _pronoun(self, question: str) -> str:
        """Return the question with its first pronoun that points back replaced, or ""."""
        named = mentions.names(question, self._entities.names)
        for match in re.finditer(r"[^\W_]+", question):
            word, before = match[0].casefold(), question[: match.start()]
            inside = [m.text for m in named if m.start < match.start()]
            clauses = _CLAUSE.split(before)
            if word in _GENDER:
                # "Did Ana hire her?": an object is not its own subject
                is_object = word in ("him", "her") and not _owns(match)
                if inside and not (is_object and len(inside) == len(clauses) == 1):
                    return ""
                return _put(match, self._entities.person(_GENDER[word], besides=inside))
            if word in _THING and not _EXPLETIVE.search(question):
                if inside or any(map(words.content, clauses[:-1])):
                    return ""
                return _put(match, self._entities.thing(plural=word[0] == "t"))
        return ""

    def _is_fragment(self, what: str) -> bool:
        said = [words.fold(t) for t in words.tokens(what)]
        asks = _ASKING.intersection(said[:1]) and len(said) > 1
        return len(said) <= 6 and not asks and mentions.AUXILIARIES.isdisjoint(said)

    def _is_elliptic(self, question: str) -> bool:
        """Tell whether a question has too few words of its own to stand alone."""
        asked = analyse(question)
        if asked.names or mentions.names(question, self._entities.names):
            return False
        plain = _EXISTS.sub(" ", question.casefold())
        leans = not _LEANING.isdisjoint(map(words.fold, words.tokens(plain)))
        bare = asked.subject and asked.content and "the " not in plain  # "what is rust?"
        few = len(asked.content) < 2 and not bare
        return few or (leans and len(asked.content) < 3)

    def _front(self, question: str) -> str:
        topic = self._entities.topic()
        return f"{topic}: {question}" if topic else question


def _ends(answer: str) -> str:
    """Return an answer, of a long one how it opens and how it ends, in whole words."""
    if len(answer) <= OPENING_CHARS + CLOSING_CHARS:
        return answer
    opening, closing = answer[:OPENING_CHARS], answer[-CLOSING_CHARS:]
    return f"{opening.rpartition(' ')[0]} … {closing.partition(' ')[2]}"


def _owns(match: re.Match[str]) -> bool:
    """Tell a possessive pronoun; "her" is one when a word of content follows."""
    word, after = match[0].casefold(), words.tokens(match.string[match.end() :])[:1]
    return word in _POSSESSIVE or (
        word == "her" and bool(after) and words.fold(after[0]) not in words.STOP_WORDS
    )


def _put(match: re.Match[str], meant: str) -> str:
    """Return the question with what is meant in the pronoun's place; "" when nothing is."""
    if meant and _owns(match):
        meant += "’" if meant.endswith("s") else "’s"
    return match.string[: match.start()] + meant + match.string[match.end() :] if meant else ""
