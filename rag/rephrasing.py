"""Ask a question again in another way: of something else, or for its reason, time or place.

Pure functions of text, for questions that already stand alone. Rules on the order of words in
English questions; nothing here knows the turns before.
"""

from __future__ import annotations

import re

from rag import mentions, words
from rag.mentions import AUXILIARIES, PLACING, Mention, has_article

ECHO_WORDS = 25  # of an answer that are repeated at most
REASON_WORDS = 3  # of content, of an answer that the reason is asked of

_PREPOSITIONS = PLACING | frozenset("of for with by to about against between among after".split())
_AUXILIARY = rf"(?:{'|'.join(sorted(AUXILIARIES))})\b"
_PLACING = rf"(?:{'|'.join(sorted(PLACING))})\b"
_OPENING = re.compile(  # "in which boats did": question word, its noun, auxiliary
    r"(?:(?:in|on|at|to|from|by|for) )?"
    r"(?P<ask>who|whom|what|which|whose|when|where|why|how)\b"
    rf"(?P<noun>(?: (?!{_AUXILIARY})[^\s?]+){{0,3}}?) (?P<aux>{_AUXILIARY})(?P<rest>.*)",
    re.I,
)
_COUNTED = re.compile(  # "how many boats", and "sank" where "at Arta" follows
    r"\bhow (?:many|much) (?P<noun>[^\s?]+(?: [^\s?]+){0,2}?)"
    rf"(?: [^\s?]+(?= {_PLACING})| (?={_AUXILIARY})|$)",
    re.I,
)
_PARTICIPLE = re.compile(
    r" (?:[^\W\d_]+(?:ed|en|wn|ght|ing)|shot|made|sold|held|told|paid|sent|hit|put|cut|sunk|hung)\b"
)
_NO = re.compile(r"no\b(?! (?:one|longer|more|doubt))\W*", re.I)
_NEGATED = {"can": "can't", "will": "won't", "shall": "shan't", "am": "aren't", "may": "may not"}
_COUNTS = re.compile(r"^ ?(?:many|much)\b", re.I)
_SUBJECT = re.compile(r"(?P<ask>who|what|which|how (?:many|much)) (?P<rest>.+)", re.I)
_REQUEST = re.compile(
    r"\W*(?:(?:please|can you|could you) )*"
    r"(?:name|list|give|enumerate|mention|state|identify|provide)(?: (?:me|us))? (?!of )"
    r"(?P<count>(?:(?:all|some|any|the|two|three|four|five|\d)(?: of)? )*)(?P<rest>.+)",
    re.I | re.S,
)
_RELATIVE = re.compile(
    r"(?P<noun>(?:[\w’'-]+ ){0,4}?[\w’'-]+),? "
    r"(?:that|which|who) (?P<be>is |are |was |were )?(?P<said>.+)",
    re.S,
)
_NAMES_OF = re.compile(r" of (?:those|people|persons|everyone)$", re.I)
_ONE = re.compile(r"^(?:an?|one) (?!of )", re.I)
_THINGS = frozenset("thing things".split())
_PEOPLE = frozenset("people persons person everyone everybody those".split())
_MANY = re.compile(
    r"(?:[\w’'-]+ ){0,2}?(?:[\w’'-]*[^\Wsu]s|people|men|women|children)\b(?: .+)?", re.S
)


def interrogative(question: str) -> str:
    """Return a request as a question: "Name two things that are wrong with it" -> "What is ...?".

    A question, or a request whose grammar is not known here, is returned as it is. How many are
    asked for is lost where it hinders: the readers of documents are trained on questions.
    """
    found = _REQUEST.fullmatch(question.strip().rstrip(" ?.!"))
    if found is None:
        return question
    relative = _RELATIVE.fullmatch(found["rest"])
    if relative is not None and not _NAMES_OF.search(relative["noun"]):
        noun, be, said = _ONE.sub("", relative["noun"]), relative["be"] or "", relative["said"]
        last = words.fold(noun.split()[-1])
        if noun.casefold() in _THINGS:
            return f"What {be.replace('are', 'is').replace('were', 'was')}{said}?"
        if last in _PEOPLE and " " not in noun:
            return f"Who {be}{said}?"
        return f"Which {noun} {be}{said}?"
    if _MANY.fullmatch(found["rest"]):
        return f"What are {found['count']}{found['rest']}?"
    return question


def again(question: str, word: str, answer: str = "") -> str:
    """Return the question with another question word: "when?" after "Who sank the boats?".

    What the question leaves open is filled with "someone" or "something". Where its `answer` was
    "No", "why?" asks for the reason of what that says, or why not.
    """
    word, plain = word.capitalize(), question.strip().rstrip(" ?.!")
    first = words.fold((words.tokens(plain) or [""])[0])
    if first in AUXILIARIES and word != "Who":
        auxiliary = first
        if word == "Why" and (denial := _NO.match(answer)):
            said = mentions.first_sentence(answer)[denial.end() :].strip(" .!?")
            if len(words.content(said)) >= REASON_WORDS:
                return f"Why is it that {said}?"
            auxiliary = _NEGATED.get(first, f"{first}n't")
        return f"{word} {auxiliary}{plain[len(first) :]}?"
    if word != "Who" and (found := _OPENING.fullmatch(plain)):
        return f"{word} {found['aux'].lower()}{_filled(found)}?"
    if word != "Who" and (found := _SUBJECT.fullmatch(plain)):
        filled = {"who": "someone ", "what": "something "}.get(found["ask"].casefold(), "")
        return f"{word} was it that {filled}{found['rest']}?"
    return f"{plain}: {word.lower()}?"


def _filled(found: re.Match[str]) -> str:
    """Return what follows the auxiliary, with what the old question word stood for."""
    ask = words.fold(found["ask"].split()[0])
    noun = (
        _COUNTS.sub("", found["noun"]).strip() if ask in ("how", "what", "which", "whose") else ""
    )
    does = found["aux"].casefold() in ("do", "does", "did")
    rest = found["rest"]
    if noun and (ask != "how" or _COUNTS.match(found["noun"])):
        return f"{rest} the {noun}" if does else f" the {noun}{rest}"
    if ask in ("who", "whom", "what") and does:
        before = re.search(rf" (?:{'|'.join(sorted(_PREPOSITIONS))}) |$", rest)
        end = before.start() if before else len(rest)
        return f"{rest[:end]} that{rest[end:]}"
    if ask in ("who", "what") and _PARTICIPLE.match(rest):
        return f" {'someone' if ask == 'who' else 'something'}{rest}"
    return rest


def instead(question: str, what: str, known: frozenset[str] = frozenset()) -> str:
    """Return the question asked of something else, or "" where no part of it is of that kind.

    "in Lima" takes the place of another "in ...", or comes at the end; a name takes the place of
    the first name, and a phrase that of the last phrase with an article if it has one itself.
    `known` are folded words that are names however they are written.
    """
    plain = question.strip().rstrip(" ?.!")
    opens = words.fold((words.tokens(what) or [""])[0])
    if opens in _PREPOSITIONS:
        alike = "|".join(PLACING) if opens in PLACING else opens
        place = re.search(
            rf"\b(?:{alike}) (?:(?:the|a|an|el|la) )?[^\s,]+(?: [A-Z][^\s,]*)*", plain
        )
        if place:
            return f"{plain[: place.start()]}{what}{plain[place.end() :]}?"
        return f"{plain} {what}?"
    if old := _counterpart(plain, what, known):
        return f"{plain[: old.start]}{what}{plain[old.start + len(old.text) :]}?"
    return ""


def _counterpart(question: str, what: str, known: frozenset[str]) -> Mention | None:
    """Return the part of the question that something else may take the place of."""
    named = mentions.names(question, known)
    if what[:1].isupper() or mentions.names(f"it {what}", known):
        return next((m for m in named if not m.placed), named[0] if named else None)
    article = has_article(what)
    counted = _COUNTED.search(question)
    if counted and not article:
        return Mention(counted["noun"], counted.start("noun"))
    others = [
        phrase
        for phrase in mentions.phrases(question)
        if not phrase.placed
        and has_article(phrase.text) == article
        and not any(m.start <= phrase.start < m.start + len(m.text) for m in named)
    ]
    return (others[-1] if article else others[0]) if others else None


def echo(answer: str) -> str:
    """Return what an answer says in quotation marks: its own quotation, else its first sentence."""
    said = words.quotations(answer) or (mentions.first_sentence(answer),)
    return f"“{' '.join(said[0].split()[:ECHO_WORDS]).rstrip(' .,!?')}”"


def gist(question: str) -> str:
    """Return a question's content words as written, to stand for what happened."""
    return " ".join(t for t in words.tokens(question) if words.fold(t) not in words.STOP_WORDS)
