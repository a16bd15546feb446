"""The names and noun phrases of a text, which a later "he", "it" or "that" may mean.

Rules on capitals, articles and a few tables of words. Nothing here knows pronouns, turns or
documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag import words

ARTICLES = frozenset("the a an".split())
PLACING = frozenset("in at on near from across inside outside around through over into".split())
AUXILIARIES = frozenset(
    """is are was were be been am do does did has have had can could will would should may might
    must shall""".split()
)

_BEING = frozenset("is are was were".split())
_DOING = AUXILIARIES - _BEING
_TITLES = frozenset(
    """mr mrs ms miss dr prof professor sir lord lady saint president minister general colonel
    captain sergeant sheriff judge senator governor mayor king queen prince princess pope""".split()
)
NOT_PEOPLE = frozenset(
    """war wars university college school institute department ministry bank company corporation
    group cartel party league club army police force forces union council committee court church
    museum street road river lake city town county state states kingdom republic island islands
    mountain north south east west northern southern eastern western new united national
    international association agency center centre house hall park band album award awards prize
    series times post journal act agreement treaty cup festival records""".split()
)
_FOREIGN_ARTICLES = frozenset("el la los las le les il lo der die das".split())
_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:[’'-][^\W_]+)*|[^\w\s]")
_LINK = re.compile(r"[ -]|\s?[“\"‘']|[”\"’']\s| (?:of|of the|de|de la|del|la|el|al|von|van|bin) ")
_DEMONYM = re.compile(r"\w(?:[bdglnst]ian|ican|[or]ean|ish|ese)$")
_SPEAKS = re.compile(r",? (?:said|says|told|thinks|argues|believes)\b")


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase as written and where it starts.

    `name` tells a proper name from other phrases, `person` whether it looks like a person's, `sure`
    whether a title or a verb of saying makes it one ("Dr. Ruiz", "Ana said"), and `placed` whether
    it only says where ("in Lima").
    """

    text: str
    start: int
    name: bool = False
    person: bool = False
    placed: bool = False
    sure: bool = False


@lru_cache(maxsize=256)
def written(text: str) -> tuple[str, ...]:
    """Return `words.names` of a text; every turn is read again for every question."""
    return words.names(text)


@lru_cache(maxsize=256)
def names(text: str, known: frozenset[str] = frozenset()) -> tuple[Mention, ...]:
    """Return the proper names of a text in order, words that belong together as one.

    `known` are folded words that are names however they are written. A demonym in front of a noun
    ("Mexican elites") is no name.
    """
    parts = frozenset(n for n in written(text) if words.fold(n)[:2] != "i'")
    spans: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0].isdigit() or (token not in parts and words.fold(token) not in known):
            continue
        owner = spans and text[spans[-1][1] - 2 : spans[-1][1]] in ("'s", "’s")
        link = spans and not owner and _LINK.fullmatch(text, spans[-1][1], match.start())
        if link or (spans and _abbreviated(text, spans[-1], match.start())):
            spans[-1] = (spans[-1][0], match.end())
        else:
            spans.append((match.start(), match.end()))
    return tuple(_name(text, *span) for span in spans if not _is_adjective(text, *span))


def _abbreviated(text: str, span: tuple[int, int], end: int) -> bool:
    """Tell whether a span is a title with its full stop, and what begins at `end` its name."""
    title = words.fold(text[slice(*span)])
    return title in _TITLES and text[span[1] : end].replace("\N{NO-BREAK SPACE}", " ") == ". "


def _is_adjective(text: str, start: int, end: int) -> bool:
    said = text[start:end]
    return " " not in said and bool(_DEMONYM.search(said) and re.match(" [a-z]", text[end:]))


def _name(text: str, start: int, end: int) -> Mention:
    said = re.sub(r"[’']s?$", "", text[start:end])
    parts = [words.fold(t) for t in words.tokens(said)]
    before = [words.fold(t) for t in words.tokens(text[max(0, start - 40) : start])[-3:]]
    if before[-1:] and before[-1] in _FOREIGN_ARTICLES:
        before.pop()
    article = before[-1:] == ["the"]
    placed = not PLACING.isdisjoint(before[-1:] if not article else before[-2:-1])
    titled = not _TITLES.isdisjoint([*parts[:1], *before[-1:]])
    speaks = _SPEAKS.match(text, end) is not None
    other = placed or article or (said.isupper() and len(parts) == 1)
    other = other or not NOT_PEOPLE.isdisjoint(parts)
    if article:
        start, said = start - 4, f"the {said}"
    sure = titled or speaks
    return Mention(said, start, True, sure or not other, placed, sure)


def phrases(text: str) -> tuple[Mention, ...]:
    """Return the runs of content words, each with its article, in order.

    Stop words and punctuation end a run; "of" holds two together: "the cost of solar power". A
    run that an auxiliary opens ends with the verb or adjective that belongs to that ("did the
    boats sink", "was the bridge long"), which is left out.
    """
    found: list[Mention] = []
    run: list[re.Match[str]] = []
    bound = previous = ""
    opened = words.fold((words.tokens(text) or [""])[0])
    for match in [*_TOKEN.finditer(f"{text} .")]:
        folded = words.fold(match[0])
        joins = folded == "of" and run and words.fold(run[-1][0]) not in ARTICLES
        if joins or (folded not in words.STOP_WORDS and folded[:1].isalnum()):
            run.append(match)
        else:
            if content := [m for m in run if words.fold(m[0]) not in ARTICLES | {"of"}]:
                if len(content) > 1 and (bound in _DOING or (bound in _BEING and opened == bound)):
                    content.pop()
                start, end = run[0].start(), content[-1].end()
                found.append(Mention(text[start:end], start, placed=bound in PLACING))
            run = [match] if folded in ARTICLES else []
        if len(run) == 1:
            bound = previous
        previous = folded
    return tuple(found)


def has_article(text: str) -> bool:
    """Tell whether a phrase opens with an article."""
    return words.fold((words.tokens(text) or [""])[0]) in ARTICLES


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop."""
    found = re.match(r".+?[.!?][”\"’]?(?=\s+[^a-z]|$)", text.strip(), re.S)
    return found[0] if found else text.strip()
