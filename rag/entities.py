"""Whom and what a conversation is about, so that "he" and "it" can be given their meaning.

Every turn's names and phrases gain weight and all older ones fade (salience, as in Lappin & Leass
1994, "An algorithm for pronominal anaphora resolution", with far fewer factors). It is told
questions that already stand alone, so what is spoken of as "it" keeps its weight. It knows
nothing of how a question is put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag import mentions, words
from rag.mentions import Mention
from rag.questions import analyse

FADES = 0.7  # of its weight that an entity keeps from turn to turn
ASKED, ALSO_ASKED, PLACED = 1.0, 0.6, 0.3  # the first thing in a question, others, only a place
ANSWERED, HEARD = 1.5, 0.2  # a name that answers "who ...?", another in an answer

_ASKED_FOR = frozenset("reason cause motive explanation purpose answer".split())
_ASKS_FOR_PERSON = frozenset("who whom".split())


@dataclass(slots=True)
class Entity:
    """Something spoken of: its fullest form, and how much it is on one's mind."""

    text: str
    key: frozenset[str]
    name: bool
    person: bool
    weight: float = 0.0
    gender: str = ""

    @property
    def meant(self) -> str:
        """The text, but "" of "the reason" that was asked for: what it is was answered."""
        head = words.tokens(self.text.split(" of ")[0])[-1:]
        return "" if _ASKED_FOR.issuperset(head) else self.text


class Entities:
    """What was spoken of so far."""

    def __init__(self) -> None:
        self._all: list[Entity] = []
        self.names: frozenset[str] = frozenset()
        """Folded words that were written as names."""

    def hear(self, question: str, answer: str) -> None:
        """Take in a turn."""
        for entity in self._all:
            entity.weight *= FADES
        for text in (question, answer):
            self.names |= {words.fold(n) for n in mentions.written(text) if len(n) > 1}
        asked = mentions.names(question, self.names)
        heard = mentions.names(answer, self.names)
        first = True
        for mention in asked:
            self._add(mention, PLACED if mention.placed else ASKED if first else ALSO_ASKED)
            first = first and mention.placed
        if first and (phrase := asked_about(question)):
            self._add(phrase, ASKED)
        found = answering(question, asked, heard)
        for mention in heard:
            self._add(mention, ANSWERED if mention is found else HEARD)

    def person(self, gender: str, besides: Sequence[str] = ()) -> str:
        """Return the person most likely meant by a pronoun of this gender, or ""."""
        for entity in self._ranked():
            if entity.person and entity.gender in ("", gender) and entity.text not in besides:
                entity.gender = gender
                return entity.text
        return ""

    def thing(self, *, plural: bool) -> str:
        """Return what "it", or with `plural` "they", most likely means, or ""."""
        for entity in self._ranked():
            several = plural and entity.text.endswith("s")  # a band's name looks like a person's
            if not entity.gender and (not entity.person or several):
                return entity.meant
        return self.topic()

    def topic(self) -> str:
        """Return what weighs most, or ""."""
        ranked = self._ranked()
        return ranked[0].meant if ranked else ""

    def _ranked(self) -> list[Entity]:
        return sorted(self._all, key=lambda entity: -entity.weight)

    def _add(self, mention: Mention, weight: float) -> None:
        key = frozenset(words.stem(t) for t in words.tokens(mention.text)) - words.STOP_WORDS
        for entity in self._all:
            if mention.name and entity.name and (key <= entity.key or entity.key <= key):
                if (len(key), mention.text[0].isupper()) > (
                    len(entity.key),
                    entity.text[0].isupper(),
                ):
                    entity.text, entity.key = mention.text, key
                break
            if key == entity.key:
                break
        else:
            entity = Entity(mention.text, key, mention.name, mention.person)
            self._all.append(entity)
        entity.weight += weight
        entity.person = entity.gender != "" or (entity.person and mention.person)


def answering(question: str, asked: Sequence[Mention], heard: Sequence[Mention]) -> Mention | None:
    """Return the person of an answer whom "who ...?" asked for, or None.

    Somebody with a title, or who is said to speak, rather than somebody else; nobody whose name is
    among the words of the question.
    """
    seeks = _ASKS_FOR_PERSON.intersection(map(words.fold, words.tokens(question)[:2]))
    if not seeks or any(m.person and m.text[0].isupper() for m in asked):
        return None
    said = words.stems(question)
    new = [m for m in heard if m.person and not words.stems(m.text) <= said]
    return next((m for m in new if m.sure), next(iter(new), None))


def asked_about(question: str) -> Mention | None:
    """Return the phrase a question without names is about, or None."""
    bare = analyse(question).subject.strip(" ?.!")
    if bare and not words.PRONOUNS.intersection(map(words.fold, words.tokens(bare))):
        return Mention(bare, 0)
    runs = mentions.phrases(question)
    steady = [p for p in runs if not p.placed] or list(runs)
    articles = [p for p in steady if mentions.has_article(p.text)]
    return next(iter(articles or steady), None)
