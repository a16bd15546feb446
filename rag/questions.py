"""What a question asks for: the kind of answer it expects, and the words that must be met.

Rules on the question's own words only; nothing here has seen a document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag import words

Expected = Literal["person", "time", "place", "number", "reason", "quote", "contact", "other"]

_NUMBER = re.compile(
    r"\bhow (?:many|much|old|big|large|tall|long|far|high|often|deep|heavy|fast|wide|few)\b"
    r"|\bwhat (?:number|percentage|percent|proportion|share|age|amount|price)\b|\bwhat is the "
    r"(?:number|population|size|height|length|age|distance|cost|price|rate|percentage)\b"
)
_CONTACT = re.compile(
    r"\b(?:(?:tele)?phone|mobile|fax|contact) (?:number|no\b)|\be-?mail address\b"
    r"|\bwhat number\b.{1,40}\b(?:call|dial|ring)\b"
    r"|\b(?:what|which) (?:is|are|was) .{1,60}\be-?mails?\W*$"
    r"|\b(?:what|which) .{0,60}\b(?:web ?sites?|web address|homepage|url)\W*$"
    r"|\bwhat (?:is|are) the (?:e-?mail|web ?site|homepage|url) of\b"
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:what|which|in what|in which) (?:year|month|day|date|decade|century|time|week)\b"
    r"|\bhow long ago\b|\bwhat date\b"
)
_PLACE = re.compile(
    r"\bwhere\b|\b(?:what|which|whose) (?:town|city|state|country|place|region|village|province"
    r"|continent|county|location|area|river|island)s?\b|\bof which (?:state|country)\b"
)
_PERSON = re.compile(r"\bwho(?:se|m)?\b|\b(?:what|which) (?:person|man|woman|author|president)\b")
_REASON = re.compile(r"\bwhy\b|\bwhat (?:caused|causes|led to|is the reason|was the reason)\b")
_QUOTE = re.compile(
    r"\b(?:what|how) (?:did|does|do|was|is) .{1,60}\b(?:say|says|said|call|think|describe|argue|"
    r"claim|believe|warn|respond|reply|answer)\b|\b(?:quote|motto|slogan|in .{1,30} words)\b"
)
_WHO_IS = re.compile(r"^\s*(?:who|what) (?:is|was|are|were) (?P<what>[^?]{2,60})\??\s*$", re.I)

_STANDS_FOR = re.compile(r"\bwhat (?:does|did|do) (?P<what>.{2,40}?) (?:stand for|mean)\b", re.I)

_DOCUMENTS = (
    r"(?:it|they|you|this|we|(?:(?:the|this|these|your) )?(?:documents?|articles?|texts?|sources?|"
    r"files?|story|report))"
)
_ABOUT = r"(?:about|on|of|regarding|concerning)"
_TOPIC = re.compile(
    r"^\W*(?:"
    + "|".join(
        pattern.replace("DOCUMENTS", _DOCUMENTS).replace("ABOUT", _ABOUT)
        for pattern in (
            r"what (?:do|does|can|did) DOCUMENTS(?: have to)? (?:say|tell|mention|report|"
            r"know|write)(?: (?:us|me))? ABOUT",
            r"(?:do|does|did) DOCUMENTS (?:say|tell|mention|report|know|have) "
            r"(?:anything|something|much|more)(?: (?:us|me))? ABOUT",
            r"what(?:'s| is| was| has been) (?:there|said|written|mentioned|reported|known) ABOUT",
            r"(?:is|was) there (?:anything|something|any \w+)(?: said| written| mentioned)? about",
            r"(?:anything|something|(?:any )?(?:more|info|information|details|news))(?: else| "
            r"said)? (?:about|on|regarding|concerning)",
            r"(?:(?:can|could) you |please )*(?:tell|show|give) (?:me|us) "
            r"(?:(?:more|something|anything|everything|a bit|a little|all|(?:some )?(?:more )?"
            r"(?:info|information|details))(?: more| you know)? )?(?:about|on|regarding)",
        )
    )
    + r") (?P<what>.+?)\W*$",
    re.I,
)
_YES_OR_NO = re.compile(
    r"^(?:[^?]{1,60}: )?(?:(?:and|but|so|or|then|well|ok|okay)\W+)*(?:is|are|was|were|am|do|does|"
    r"did|has|have|had|can|could|will|would|should|may|might|must)(?:n[’']t)?\s+(?P<rest>.+)",
    re.I | re.S,
)
_TAG = re.compile(
    r",\s*(?:right|correct|true|no|yes|(?:is|are|was|were|do|does|did|has|have|had|ca|could|wo|would)"
    r"n[’']t (?:it|he|she|they|there|that))\s*\?+\s*$",
    re.I,
)
_TO_THE_BOT = re.compile(
    r"(?:you|anyone|anybody|someone|somebody|we|i)\b.{0,20}\b(?:tell|know|say|explain|list|name|show|"
    r"give|describe|find|help|ask|summari[sz]e|ask|get)\b",
    re.I,
)
_CHOICE = re.compile(r"\bor\b(?! not\b)|\b(?:and|,) (?:who|what|when|where|why|how|which)\b", re.I)

_ALSO = re.compile(
    r",?\s+(?:and|as well as)\s+(?=(?:(?:in|at|on|by|from|with|to|for|of) )?"
    r"(?:who|whom|whose|what|when|where|why|which|how)\b"
    r"(?!\s+(?:i|you|he|she|it|we|they|the|an?|his|her|its|their|this|that|these|those)\b)"
    r"\s+\w+\s+\w+)",
    re.I,
)

_ALONE = re.compile(
    r"(?:[^?]{1,60}: )?(?:(?:in|at|on|by|from|with|to|for|of) )?"
    r"(?:who|whom|whose|what|when|where|why|which|how)\b",
    re.I,
)

_TWICE = re.compile(
    r"(?:(?:in|at|on|by|from|with|to|for|of) )?(?:who|whom|whose|what|when|where|why|which|how)\b"
    r".*?\band\s+(?:who|whom|what|when|where|why|how)\b",
    re.I | re.S,
)

_COUNTED = re.compile(
    r"\bhow many (?P<what>(?:[\w’'-]+ ){0,3}?[\w’'-]+)"
    r"(?= (?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|may|might|must)\b)"
    r"|\bhow many (?P<first>[\w’'-]+)",
    re.I,
)

_PICTURE = re.compile(r"\b(?:photo|picture|image|caption)", re.I)
_MAKER = re.compile(r"\b(?:who|whose|whom|by|credit\w*|photographer)\b", re.I)

_CLUES: dict[Expected, re.Pattern[str]] = {
    "time": re.compile(
        r"\b(?:1\d{3}|20\d{2})s?\b|\b(?:january|february|march|april|june|july|august|september|"
        r"october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
        r"century|decade|ago|yesterday|today|tonight|spring|summer|autumn|winter|dawn|noon|"
        r"last (?:week|month|year)|[0-9]+ (?:years|months|days|weeks|hours))\b|\bMay\b",
        re.I,
    ),
    "reason": re.compile(
        r"\b(?:because|since|due to|owing|so that|in order|after|when|as|for fear|therefore|"
        r"thanks to|result|reason|caused?|to \w+)\b",
        re.I,
    ),
    "quote": re.compile(r"[“”\"‘]"),
    "contact": re.compile(
        r"\+?\d[\d ()/.-]{3,}\d|\S@\S|\bwww\.|\bhttps?:|\b\w+\.(?:com|org|net)\b"
    ),
    "place": re.compile(
        r"\b(?:in|at|from|to|near|of|on|across|through|into)\s+(?:the\s+)?[^\Wa-z_]"
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question's analysis.

    `content` are the stems of its content words, each once, in order; `names` the stems of those
    that are proper names, `numbers` the numbers written in digits. `subject` is the X of a bare
    "who is X" or "what is X", else empty.
    """

    text: str
    expected: Expected
    content: tuple[str, ...]
    names: tuple[str, ...]
    numbers: frozenset[str]
    subject: str = ""


def analyse(text: str) -> Question:
    """Return what the question asks for."""
    content = tuple(dict.fromkeys(words.content(text)))
    bare = _WHO_IS.match(text)
    names = (words.stem(n) for n in words.names(text))
    return Question(
        text=text,
        expected=_expected(text.casefold()),
        content=content,
        names=tuple(n for n in dict.fromkeys(names) if n in content),
        numbers=words.numbers(" ".join(t for t in words.tokens(text) if t[0].isdigit())),
        subject=bare["what"] if bare else "",
    )


def _expected(text: str) -> Expected:
    if _CONTACT.search(text):
        return "contact"
    if _NUMBER.search(text):
        return "number"
    if _TIME.search(text):
        return "time"
    if _REASON.search(text):
        return "reason"
    if _QUOTE.search(text):
        return "quote"
    if _PLACE.search(text):
        return "place"
    if _PERSON.search(text):
        return "person"
    return "other"


def offers(question: Question, sentence: str) -> bool:
    """Tell whether the sentence holds something of the kind the question expects.

    Something new: a number, a name or a date that the question itself already speaks of is no
    answer to it. Always true where the kind is `other`.
    """
    kind = question.expected
    if kind == "other":
        return True
    if kind == "number":
        return bool(words.numbers(sentence) - question.numbers)
    if kind == "person":
        known = set(question.content)
        return any(words.stem(n) not in known for n in words.names(sentence)) or bool(
            question.subject
        )
    if kind == "place" and not any(
        words.stem(n) not in question.content for n in words.names(sentence)
    ):
        return False
    return _CLUES[kind].search(sentence) is not None


def stands_for(question: str) -> str:
    """Return the X of "what does X stand for" or "what does X mean"; empty for other questions."""
    found = _STANDS_FOR.search(question)
    return found["what"].strip(" '\"‘’“”") if found else ""


def defines(question: Question, sentence: str) -> bool:
    """Tell whether the sentence says what the question's subject or abbreviation is.

    It is followed by "is", "was", a bracket, or a comma and an article or relative word ("Ana
    Ruiz, the engineer"), or it stands in brackets behind its long form ("the guild (CJNG)").
    """
    subject = question.subject or stands_for(question.text)
    if not subject:
        return False
    name = re.escape(re.sub(r"^(?:the|a|an)\s+", "", subject.strip(), flags=re.I))
    after = r"(?:\s+(?:is|was|are|were)\b|\s*\(|,\s+(?:an?|the|who|which|whose|former|retired)\b)"
    return re.search(rf"\b{name}\b{after}|\(\s*{name}\b", sentence, re.I) is not None


def spells_out(question: str, sentence: str) -> bool:
    """Tell whether the sentence sets what a question asks the long form of beside brackets."""
    name = re.escape(stands_for(question))
    return (
        bool(name)
        and re.search(rf"\(\s*{name}\b|\b{name}\W{{0,2}}\s*\(", sentence, re.I) is not None
    )


def topic(question: str) -> str:
    """Return the X of "what do the documents say about X" or "tell me about X", else "".

    An X that is only a pronoun is none.
    """
    found = _TOPIC.search(question)
    about = found["what"] if found else ""
    return "" if words.PRONOUNS.issuperset(map(words.fold, words.tokens(about))) else about


def asks_yes_or_no(question: str) -> bool:
    """Tell whether "yes" or "no" would answer: "Was it sold?", "It was sold, wasn't it?".

    Choices ("red or blue?") and requests ("can you tell me who ...?") are not answered so.
    """
    if _TAG.search(question):
        return True
    found = _YES_OR_NO.match(question.strip())
    return (
        found is not None
        and _TO_THE_BOT.match(found["rest"]) is None
        and _CHOICE.search(found["rest"]) is None
    )


def parts(question: str) -> tuple[str, ...]:
    """Return the questions that are asked in one: "Who won, and when did they arrive?" are two.

    Each is a clause with a question word, and the first has something of its own to ask about; the
    second may point back to the first. A question that asks one thing is returned alone.
    """
    found = [part.strip(" ?") for part in _ALSO.split(question.strip())]
    alone = _ALONE.match(found[0]) and words.content(found[0])
    if len(found) < 2 or not alone:
        return (question,)
    return tuple(f"{part[0].upper()}{part[1:]}?" for part in found)


def asks_twice(question: str) -> bool:
    """Tell whether a question of one part has two question words: "what is new, and what old?"."""
    return len(parts(question)) == 1 and _TWICE.match(question.strip()) is not None


def counted(question: str) -> str:
    """Return the stem of what "how many ...?" asks the number of, else ""."""
    found = _COUNTED.search(question)
    stems = words.content(found["what"] or found["first"]) if found else ()
    return stems[-1] if stems else ""


def about_pictures(question: str) -> bool:
    """Tell whether a question asks who made a picture.

    Credits are names and agencies: they share no word with that question, so no search finds them
    by itself.
    """
    return bool(_PICTURE.search(question) and _MAKER.search(question))
