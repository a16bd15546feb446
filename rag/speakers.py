"""Who is quoted in the documents: each one's name, with what is said of them where they speak.

No one sentence answers "which experts are quoted?"; every attribution in the document does. They
are found by their form (“...,” said Ana Ruiz, a geologist; Ana Ruiz, a geologist, said) beside a
quotation, so nothing is written anew. Nothing here knows scores or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag import mentions, words
from rag.overview import SENTENCES, Library
from rag.types import Evidence, Passage, Span

MOST = 10  # speakers named
QUOTED_WORDS = 3  # of a quotation; shorter ones are titles and mottoes
SURE = 0.9  # of an attribution found by its form; not fitted
LONGEST_DESCRIPTION = 160  # characters

_UPPER = r"[^\W\d_a-zß-öø-ÿ]"
_TITLE = r"(?:Dr|Mrs?|Ms|Prof|Gen|Col|Capt|Sgt|Lt|Sen|Gov|Rev|Professor|Sir)\b\.?\s+"
_NAME = (
    rf"(?P<name>(?:{_TITLE})?{_UPPER}[\w’'-]+"
    rf"(?:\s+(?:{_UPPER}\.|(?:de|del|de la|la|van|von|bin|al|el)\b|{_UPPER}[\w’'-]+))*)"
)
_SAYS = (
    r"(?:said|says|told|tells|added|adds|explained|explains|argued|argues|warned|warns|noted|notes|"
    r"wrote|writes|continued|recalled|recalls|insisted|insists|replied|claimed|claims)"
)
_ABOUT = rf"(?P<about>,\s[^“”\"();:]{{3,{LONGEST_DESCRIPTION}}}?)"
_BEHIND = re.compile(rf"[,”\"?!…]\s*{_SAYS}\s+{_NAME}(?:{_ABOUT}?(?=[.]?[”\"]?\s*$))")
_BEHIND_ALONE = re.compile(rf"[,”\"?!…]\s*{_SAYS}\s+{_NAME}(?=[,.;]|\s*$)")
_BEFORE = re.compile(rf"(?<!\w){_NAME}(?:{_ABOUT},)?\s+{_SAYS}\b")
_TITLED = re.compile(_TITLE)
_QUOTE = re.compile(r"[“\"]([^“”\"]+)[”\"]?")  # the marks of one pair are often of two kinds

_IN_THEM = (
    r"(?:\s+(?:in|by)\s+(?:it|here|(?:(?:the|this|that|these|your|all)\s+)*"
    r"(?:articles?|documents?|texts?|story|stories|reports?|pieces?|pages?|files?|sources?|news)))?"
)
_THEM = r"(?:it|you|they|(?:the|this|that|these)\s+(?:\w+\s+)?\w+)"
_WHOM = r"(?:(?:all|any|the|of|other)\s+)*(?P<whom>(?:[a-z-]+\s+){0,2}?[a-z-]+)"
_ASKS = tuple(
    re.compile(rf"\W*(?:(?:so|and|ok|okay|please)\W+)*{form}\W*", re.I)
    for form in (
        rf"who(?:\s+all|\s+else)?\s+(?:is|are|was|were|gets?|got)\s+(?:being\s+)?"
        rf"(?:quoted|cited){_IN_THEM}",
        rf"(?:which|what)\s+{_WHOM}\s+(?:is|are|was|were|gets?|got)\s+(?:being\s+)?"
        rf"(?:quoted|cited){_IN_THEM}",
        rf"(?:who|whom|(?:which|what)\s+{_WHOM})\s+(?:do|does|did)\s+{_THEM}\s+(?:quote|cite)",
        rf"(?:list|name|give|show)\s+(?:me\s+)?{_WHOM}\s+(?:(?:who|that)\s+(?:is|are|was|were)\s+)?"
        rf"(?:being\s+)?(?:quoted|cited){_IN_THEM}",
        rf"(?:list|name|give)\s+(?:me\s+)?{_WHOM}\s+(?:(?:who|whom|that)\s+)?{_THEM}\s+"
        rf"(?:quotes?|cites?)",
    )
)
_ASKS_OF_KIND = tuple(  # without a word of quoting: only of a kind that is asked for its opinion
    re.compile(rf"\W*(?:(?:so|and|ok|okay|please)\W+)*{form}\W*", re.I)
    for form in (
        rf"(?:list|name|give|show)\s+(?:me\s+)?{_WHOM}{_IN_THEM}"
        r"(?:\s+(?:and|with)\s+(?:their|what they)\s+\w+(?:\s+\w+)?)?",
        rf"(?:who|what)\s+are\s+{_WHOM}(?:\s+(?:mentioned|named|interviewed|speaking))?{_IN_THEM}",
    )
)
_ANYBODY = frozenset(
    words.stem(w)
    for w in """people person persons speakers sources individuals voices everyone everybody anyone
    anybody somebody someone names men""".split()
)
_EXPERTS = frozenset(
    words.stem(w)
    for w in """expert analyst professor researcher scientist scholar economist specialist academic
    historian fellow doctor lecturer engineer adviser advisor""".split()
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A name as written, what is said of it there (it may be empty), and where both stand.

    `quoted` says whether words in quotation marks are theirs, here or elsewhere.
    """

    name: str
    about: str
    passage: Passage
    span: Span
    quoted: bool

    @property
    def key(self) -> frozenset[str]:
        """The folded words of the name without its title and initials."""
        bare = _TITLED.sub("", self.name)
        return frozenset(words.fold(t) for t in words.tokens(bare) if len(t.strip(".")) > 1)

    @property
    def evidence(self) -> Evidence:
        """Return the name with its description as evidence."""
        return Evidence(self.passage, self.span.start, self.span.end, SURE)

    @property
    def sentence(self) -> str:
        """Return name and description, closed by a full stop."""
        return f"{' '.join(self.evidence.quote.split()).rstrip('.')}."

    def of(self, kind: str) -> bool:
        """Tell whether the description, or a title, makes this one of a kind (a stem)."""
        said = words.stems(self.about)
        if kind == words.stem("experts"):
            return _TITLED.match(self.name) is not None or not _EXPERTS.isdisjoint(said)
        return kind in said


def asks_for_speakers(question: str) -> str | None:
    """Return the stem of what kind of people are asked for in "which analysts are quoted?".

    "" stands for anybody; None where a question asks for something else.
    """
    for form in _ASKS:
        if found := form.fullmatch(question.strip()):
            whom = words.content(found.groupdict().get("whom") or "")
            return "" if not whom or whom[-1] in _ANYBODY else whom[-1]
    for form in _ASKS_OF_KIND:
        if found := form.fullmatch(question.strip()):
            whom = words.content(found["whom"])
            return whom[-1] if whom and whom[-1] in _EXPERTS else None
    return None


def speakers(library: Library, kind: str = "") -> tuple[Speaker, ...]:
    """Return who is quoted in the first documents of a library, each once, in document order.

    At most `MOST` of one kind; empty where none is. Each stands where most is said of them.
    """
    found: list[Speaker] = []
    for document in library.documents()[:SENTENCES]:
        for passage in library.passages(document.id):
            for speaker in attributed(passage):
                _add(found, speaker)
    whole = [s for s in found if s.quoted and (len(s.key) > 1 or _TITLED.match(s.name))]
    return tuple([s for s in whole if not kind or s.of(kind)][:MOST])


def _add(found: list[Speaker], speaker: Speaker) -> None:
    """Add a speaker, or what is newly said of one who is there."""
    for i, known in enumerate(found):
        if known.key <= speaker.key or speaker.key <= known.key:
            fuller = known.key <= speaker.key and (bool(speaker.about), len(speaker.key)) > (
                bool(known.about),
                len(known.key),
            )
            found[i] = replace(speaker if fuller else known, quoted=known.quoted or speaker.quoted)
            return
    found.append(speaker)


def attributed(passage: Passage) -> Iterator[Speaker]:
    """Yield the people who are said to say something in a passage."""
    sentences = [passage.sentence(span) for span in passage.sentences]
    quoting = [_quotes(sentence) for sentence in sentences]
    for i, (span, sentence) in enumerate(zip(passage.sentences, sentences, strict=True)):
        near = [j for j in (i - 1, i, i + 1) if 0 <= j < len(sentences)]
        quoted = any(quoting[j] and _together(passage, i, j) for j in near)
        for match in _attributions(sentence):
            start, about = match.start("name"), match.groupdict().get("about") or ""
            end = match.end("about") if about else match.end("name")
            where = Span(span.start + start, span.start + end)
            yield Speaker(match["name"], about.strip(" ,"), passage, where, quoted)


def _together(passage: Passage, one: int, other: int) -> bool:
    """Tell whether two neighbouring sentences of a passage stand in one paragraph."""
    first, second = (passage.sentences[i] for i in (min(one, other), max(one, other)))
    between = passage.text[first.end - passage.start : max(first.end, second.start) - passage.start]
    return between.count("\n") < 2


def _attributions(sentence: str) -> Sequence[re.Match[str]]:
    outside = _QUOTE.sub(lambda m: m[0][0] + "_" * (len(m[0]) - 2) + m[0][-1], sentence)
    behind = [m for m in [_BEHIND.search(outside) or _BEHIND_ALONE.search(outside)] if m]
    found = behind or list(_BEFORE.finditer(outside))
    return [m for m in found if _is_person(m["name"])]


def _quotes(sentence: str) -> bool:
    return any(len(words.tokens(m[1])) > QUOTED_WORDS for m in _QUOTE.finditer(sentence))


def _is_person(name: str) -> bool:
    said = [words.fold(t) for t in words.tokens(name)]
    outside = words.STOP_WORDS | words.PRONOUNS | mentions.NOT_PEOPLE
    return outside.isdisjoint(said) or _TITLED.match(name) is not None
