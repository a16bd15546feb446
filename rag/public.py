"""An answer as other programs see it: plain values in their documented order.

The command line, batches and the page's interface give the same keys; each adds its own.
"""

from __future__ import annotations

from typing import Any

from rag.places import known
from rag.types import Answer


def answer_keys(answer: Answer) -> dict[str, Any]:
    """Return the public keys of an answer; `notice` comes last, and only where there is one."""
    row = {
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "confidence": answer.confidence,
        "citations": [
            {
                "marker": one.marker,
                "document": one.document,
                "start": one.start,
                "end": one.end,
                "quote": one.quote,
                **known(one.place),
            }
            for one in answer.citations
        ],
        "passages": [
            {"document": hit.document, "start": hit.start, "end": hit.end, "score": hit.score}
            for hit in answer.passages
        ],
        "timings": dict(answer.timings),
    }
    return row | ({"notice": answer.notice} if answer.notice else {})
