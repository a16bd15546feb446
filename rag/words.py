"""What counts as the same word, number, name or quotation: the vocabulary of reading and checking.

Everything here is a pure function of text. Words are compared folded (case, accents, possessive
endings and the dots of abbreviations gone) and stemmed with Snowball's English stemmer (Porter,
http://snowball.tartarus.org/algorithms/english/stemmer.html).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*(?:st|nd|rd|th|s)?(?![^\W\d_])"  # numbers, ordinals, decades
    r"|(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?|[^\W\d_]\.[^\W\d_](?![^\W_])"  # U.S.  a.k.a.
    r"|[^\W_]+(?:[’'][^\W_]+)*"  # words, O'Neil, doesn't
)
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|(?<!\w)‘([^‘’]+)’(?!\w)|(?<!\w)'([^']+)'(?!\w)")
_TITLE = re.compile(r"\b(?:Mrs?|Ms|Mx|Dr|Prof|St|Gen|Col|Capt|Sgt|Lt|Sen|Gov|Rev|Hon)\.$")
_CAPITALISED = re.compile(r"[^\W\d_a-zß-öø-ÿ]")

STOP_WORDS = frozenset(
    """a about above after again against all also although am an and any are as at be because been
    before being below between both but by can could did do does doing done down during each either
    else ever every few for from further get gets got had has have having he her here hers him his
    how however i if in into is it its itself just let like may me might more most much must my no
    nor not now of off on once one only or other ought our out over own per please same shall she
    should since so some such tell than that the their theirs them then there these they this those
    through to too under until up upon very was we were what when where whether which while who
    whom whose why will with within without would yet you your yours many s t says say said
    according called name named mean kind sort type exactly actually article text document
    documents passage mentioned mention describe described give list explain happen
    happened""".split()
)
"""Words that carry no content of their own in a question or an answer."""

NEGATIONS = frozenset(
    "no not never none nobody nothing neither nor without cannot hardly unable fail failed".split()
)

PRONOUNS = frozenset(
    "he she it they him her them his hers its their theirs this these i we".split()
)

NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
}
_IRREGULAR = {
    form: forms[0]
    for forms in (
        group.split()
        for group in """
        take took taken, give gave given, go went gone goes, come came, become became,
        begin began begun, buy bought, bring brought, build built, catch caught,
        choose chose chosen, draw drew drawn, drive drove driven, eat ate eaten,
        fall fell fallen, fight fought, fly flew flown, grow grew grown, hold held, keep kept,
        know knew known, lead led, leave left, lose lost, make made, meet met, pay paid,
        rise rose risen, run ran, see saw seen, sell sold, send sent, shoot shot,
        speak spoke spoken, spend spent, stand stood, steal stole stolen, swear swore sworn,
        teach taught, think thought, throw threw thrown, win won, write wrote written,
        bear born, break broke broken, sing sang sung, sink sank sunk, sit sat, sleep slept,
        strike struck, wear wore worn, hear heard, child children, man men, woman women,
        policeman policemen, gunman gunmen, person people, henchman henchmen,
        die died dies dying, lie lying
        """.split(",")
    )
    for form in forms[1:]
}
MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """Return the word without case, accents, possessive ending or abbreviation dots."""
    decomposed = unicodedata.normalize("NFKD", word.replace("’", "'").casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    if plain.endswith("'s"):
        plain = plain[:-2]
    plain = plain.strip("'")
    return plain.replace(".", "") if not any(c.isdigit() for c in plain) else plain


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the Snowball stem of a word, folded first.

    Irregular forms go to their base, and numbers to their one spelling (`forty` -> `40`).
    """
    folded = fold(word)
    if folded != "one" and (digits := number(word)) is not None:
        return digits
    return str(_STEMMER.stemWord(_IRREGULAR.get(folded, folded)))


def past(verb: str) -> str:
    """Return the past of a verb in its base form; of one that is not known, as a regular one."""
    folded = fold(verb)
    irregular = next((form for form, base in _IRREGULAR.items() if base == folded), "")
    if irregular:
        return irregular
    if folded.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search(r"[^aeiou]y$", folded) else f"{verb}ed"


def tokens(text: str) -> list[str]:
    """Return the words and numbers of a text, as written, in order."""
    return _TOKEN.findall(text)


def content(text: str) -> list[str]:
    """Return the stems of a text's content words, in order, repeats kept."""
    return [stem(t) for t in tokens(text) if fold(t) not in STOP_WORDS and fold(t)]


def stems(text: str) -> frozenset[str]:
    """Return the stems of all of a text's words, stop words too."""
    return frozenset(stem(t) for t in tokens(text))


def number(token: str) -> str | None:
    """Return a token's number in one spelling (`1,000` -> `1000`, `six` -> `6`), or None."""
    folded = fold(token)
    if folded in NUMBER_WORDS:
        return NUMBER_WORDS[folded]
    digits = re.fullmatch(r"(\d+(?:[.,]\d+)*)(?:st|nd|rd|th|s)?", folded)
    if digits is None:
        return None
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", digits[1])
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text in one spelling; `one` is left out, it is seldom a count."""
    found = (number(t) for t in tokens(text) if fold(t) != "one")
    return frozenset(n for n in found if n is not None)


def names(text: str) -> tuple[str, ...]:
    """Return the words of a text that look like parts of proper names, as written, in order.

    A capital counts unless it starts a sentence; there it counts only when a capital follows in
    the word (`CJNG`), another name follows it (`Ana Ruiz`), or the same word is capitalised
    elsewhere in the text. The full stop of a title ("Dr. Ruiz") ends none. Dates' words (months,
    weekdays) count: they are as checkable as names.
    """
    found: list[tuple[str, bool]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        first = _starts_sentence(text, match.start())
        if (fold(token) in STOP_WORDS - MONTHS and token != token.upper()) or len(fold(token)) < 2:
            continue
        if _CAPITALISED.match(token):
            if found and found[-1][1] and text[: match.start()].endswith(f"{found[-1][0]} "):
                found[-1] = (found[-1][0], False)
            found.append((token, first))
    inner = {fold(token) for token, first in found if not first}
    return tuple(
        token
        for token, first in found
        if not first or fold(token) in inner or _CAPITALISED.search(token[1:])
    )


def quotations(text: str) -> tuple[str, ...]:
    """Return what stands between quotation marks, without them, in order."""
    found = (next(g for g in match.groups() if g is not None) for match in _QUOTED.finditer(text))
    return tuple(q.strip() for q in found if q.strip())


def negated(text: str) -> bool:
    """Tell whether the text negates: a word of `NEGATIONS` or a contraction with n't."""
    return any(fold(t) in NEGATIONS or fold(t).endswith("n't") for t in tokens(text))


def flat(text: str) -> str:
    """Return the text folded for verbatim comparison: one spelling of quotes, dashes and space."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[“”\"‘’'`´]", "'", text)
    text = re.sub(r"[‐‑‒–—―-]+", "-", text)
    return " ".join(text.casefold().split())


def coverage(of: Iterable[str], by: frozenset[str]) -> float:
    """Return the share in [0, 1] of distinct stems `of` that are among `by`; 1 for none."""
    wanted = set(of)
    return sum(w in by for w in wanted) / len(wanted) if wanted else 1.0


def near(word: str, others: Iterable[str]) -> bool:
    """Tell whether a stem equals one of the others, but for one letter when it is long.

    Words of five letters and more may differ by one insertion, deletion, replacement or swap of
    neighbours (Damerau 1964: four of five typing errors are one of these).
    """
    return any(word == other or (len(word) >= 5 and _one_edit(word, other)) for other in others)


def _one_edit(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1 or len(b) < 4:
        return False
    if any(c.isdigit() for c in a + b):
        return False
    first = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if first is None:
        return True  # one is the other plus a letter
    rest_a, rest_b = a[first:], b[first:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    )


def _starts_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" \t\n\r“”\"'‘’([*-–—")
    titled = before.endswith(".") and _TITLE.search(before)
    return not before or (before[-1] in ".!?:…" and not titled)
