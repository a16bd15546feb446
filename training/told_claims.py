"""Questions whether a text says what people claimed, the claim as it stands.

`training.claim_questions` and `training.object_questions` leave out a part of a claim and ask for
it, which only two in three claims allow. Here the whole claim is the question. There are no words
to point at, so that such a row teaches the verdict alone: the claims that a premise refutes or
leaves open are near misses, too.
"""

from __future__ import annotations

from random import Random
from typing import Any

from training.claim_questions import ELSEWHERE, ENCYCLOPEDIA, parsed
from training.data import Example, Group
from training.object_questions import lowered
from training.typed import manner

ASKED = "Does the text say that {}?"


def told_group(row: dict[str, Any], random: Random, typed: float = 0.0) -> Group:
    """Ask whether a premise says its claim; empty for a row that is no claim of a person's."""
    known = row["source"].startswith(ENCYCLOPEDIA)
    if not known and not row["source"].startswith(ELSEWHERE):
        return ()
    if known and row["label"] == "unrelated":  # drawn by chance, not written
        return ()
    claim, premise = " ".join(row["hypothesis"].split()).rstrip(" ."), row["premise"]
    question = manner(typed, random)(ASKED.format(lowered(claim, premise)))
    if stated := parsed(row):
        premise, _ = stated.titled(premise, random)
    said = row["label"] == "supported"
    score, source = float(said), f"{row['source']}/told"
    return (Example(question, premise, None, score, None, not said, source=source),)
