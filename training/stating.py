"""Turn a question and its short answer into a sentence, where that takes little grammar.

"Who gave the boy a ring?" and "the old woman" make "The old woman gave the boy a ring.": where the
question word is the subject, the answer takes its place. "What did Ann sell in May?" and "a goat"
make "Ann sold a goat in May.", of verbs that are known here. Everything else is left alone, since a
sentence that is put together wrongly teaches worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rag.words import PRONOUNS, STOP_WORDS, fold, tokens

LONGEST = 12  # words of an answer
IRREGULAR = dict(
    pair.split(":")
    for pair in "become:became begin:began bring:brought build:built buy:bought catch:caught "
    "choose:chose come:came draw:drew drive:drove eat:ate fall:fell fight:fought find:found "
    "fly:flew get:got give:gave go:went grow:grew hear:heard hold:held keep:kept know:knew "
    "lead:led leave:left lose:lost make:made meet:met pay:paid put:put ride:rode rise:rose run:ran "
    "say:said see:saw sell:sold send:sent shoot:shot show:showed sing:sang sit:sat sleep:slept "
    "speak:spoke spend:spent stand:stood steal:stole swear:swore take:took teach:taught tell:told "
    "think:thought throw:threw wear:wore win:won write:wrote feel:felt".split()
)
REGULAR = frozenset(
    "accept add adopt agree allow announce appear approve arrive ask attack attend award believe "
    "belong call carry cause change claim close complete conquer contain contribute cover create "
    "criticize cross decide declare defeat defend design destroy develop die direct discover "
    "earn elect end enter establish expand explain express fail follow force form found gain "
    "help host identify implement improve include increase introduce invade invent invite issue "
    "join kill land launch live look lower marry move name need occur offer open oppose order own "
    "perform plan play prevent produce promise propose protect publish purchase reach receive "
    "record refer refuse reject release remain remove replace report represent return reveal save "
    "serve settle share sign start state stop study succeed suffer suggest support survive "
    "transfer travel try turn use visit vote walk want warn wish work".split()
)
PAST = frozenset(IRREGULAR.values())
FINITE = frozenset(
    "is are was were has have had can could will would did does do may might must".split()
)
MEANT = frozenset("agree begin decide fail need offer plan promise refuse start try want".split())
KNOWN = "|".join(sorted(REGULAR | IRREGULAR.keys()))
NOUN = r"(?:the|a|an|his|her|its|their|this|[A-Z][\w’'-]*)"
SUBJECT = rf"(?P<subject>(?:he|she|it|they|{NOUN}(?: (?!do |feel )[\w’'.-]+){{0,4}}?))"
PLACE = r"(?: (?P<rest>(?:in|on|at|from|with|for|during|after|before|when|while|under|as) .+))?"
DOES = re.compile(rf"what did {SUBJECT} do(?: .+)?")
MEANS = re.compile(rf"what did {SUBJECT} (?P<verb>\w+) to do(?: .+)?")
FEELS = re.compile(rf"how did {SUBJECT} feel(?: .+)?")
DID = re.compile(rf"(?P<word>who|what|when|where) did {SUBJECT} (?P<verb>{KNOWN}){PLACE}")
NAMED = re.compile(
    rf"(?:what|who) (?P<be>is|are|was|were) "
    rf"(?P<rest>the (?:\w+ )?(?:name|names|title|capital|age|number|population|motto|nickname) "
    rf"(?:of|for) {NOUN}.*)"
)
SUBJECTS = re.compile(
    r"(?:who|what|(?:what|which) \w+) (?P<verb>\w+ed|{}) (?P<rest>.+)".format(
        "|".join(sorted(PAST))
    )
)
PASSIVE = re.compile(r"(?:who|what) (?P<be>was|were) (?P<verb>\w+ed) (?P<rest>.+)")
PREPOSITION = re.compile(r"\b(?:of|by|to|in|on|at|for|from|with|as|about|into|after)$")
WHEN = re.compile(r"(?:in|on|at|during|after|before|around) .+", re.IGNORECASE)
WHERE = re.compile(r"(?:in|on|at|near|to|under|into|from|across|behind) .+", re.IGNORECASE)


def stated(question: str, answer: str) -> str | None:
    """Return the sentence that says the answer, or None where it may come out wrong."""
    asked = " ".join(question.split()).rstrip("? ")
    asked = asked[:1].lower() + asked[1:]
    said = answer.strip().rstrip(".")
    if not 0 < len(tokens(said)) <= LONGEST or said != said.strip(" \"'“”,;:"):
        return None
    found = next((made for way in WAYS if (made := way(asked, said))), None)
    return sentence(found) if found else None


def sentence(text: str) -> str:
    """Return the text with a capital at its start and a full stop at its end."""
    return f"{text[0].upper()}{text[1:]}."


def past(verb: str) -> str | None:
    """Return the past of a verb in its plain form; None where it is not known."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb not in REGULAR:
        return None
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search(r"[^aeiou]y$", verb) else f"{verb}ed"


def past_form(word: str) -> bool:
    """Tell whether a word looks like a verb of the past."""
    return word in PAST or (word.endswith("ed") and len(word) > 4)


def nominal(text: str) -> bool:
    """Tell whether a short answer can stand for a thing: a name, or an article and a noun."""
    said = tokens(text)
    first = fold(said[0])
    if not (FINITE | PAST).isdisjoint(map(fold, said)):
        return False
    if text[0].isupper():
        return first not in PRONOUNS and first not in STOP_WORDS - {"the", "a", "an"}
    return first in ("the", "a", "an", "his", "her", "their") and len(said) > 1


def _subject(asked: str, said: str) -> str | None:
    """Put the answer where the question has its question word as a subject."""
    if not nominal(said) or PREPOSITION.search(asked):
        return None
    if match := NAMED.fullmatch(asked):
        return f"{match['rest']} {match['be']} {said}"
    if match := PASSIVE.fullmatch(asked):
        return f"{said} {match['be']} {match['verb']} {match['rest']}"
    match = SUBJECTS.fullmatch(asked)
    if match and match["verb"] != "happened" and past_form(match["verb"]):
        return f"{said} {match['verb']} {match['rest']}"
    return None


def _action(asked: str, said: str) -> str | None:
    """Answer what somebody did, or wanted to do, or how they felt."""
    first = fold(tokens(said)[0])
    if (match := DOES.fullmatch(asked)) and past_form(first):
        return f"{match['subject']} {_lowered(said)}"
    if (match := MEANS.fullmatch(asked)) and match["verb"] in MEANT and past(first):
        return f"{match['subject']} {past(match['verb'])} to {_lowered(said)}"
    if (match := FEELS.fullmatch(asked)) and len(tokens(said)) <= 3 and first not in STOP_WORDS:
        return f"{match['subject']} felt {_lowered(said)}"
    return None


def _object(asked: str, said: str) -> str | None:
    """Put the answer behind the verb that asks for it."""
    match = DID.fullmatch(asked)
    verb = match and past(match["verb"])
    if not match or not verb:
        return None
    rest = f" {match['rest']}" if match["rest"] else ""
    if match["word"] in ("who", "what"):
        return f"{match['subject']} {verb} {said}{rest}" if nominal(said) else None
    if match["word"] == "when" and re.fullmatch(r"1\d{3}|20\d\d", said):
        said = f"in {said}"
    right = WHEN if match["word"] == "when" else WHERE
    return f"{match['subject']} {verb}{rest} {_lowered(said)}" if right.fullmatch(said) else None


def _lowered(text: str) -> str:
    """Return the text with a small first letter; what is used here does not begin with a name."""
    return f"{text[0].lower()}{text[1:]}"


WAYS: tuple[Callable[[str, str], str | None], ...] = (_action, _subject, _object)
