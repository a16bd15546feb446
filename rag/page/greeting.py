"""What stands where no answer stands yet: how far the opening is, and questions to ask, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from rag.page.bot import Readiness
from rag.page.render import escape


def welcome(
    readiness: Readiness, documents: int, examples: Sequence[str], *, looking: bool = False
) -> str:
    """Return what stands in an empty conversation: progress, a failure, or examples to click.

    `looking` says that more examples are being looked for.
    """
    if readiness.state == "failed":
        inner = (
            '<div class="rag-answer rag-error" role="alert">'
            f"<p>{escape(readiness.message)}</p>"
            f'<p class="rag-hint">{escape(readiness.hint)}</p></div>'
        )
    elif readiness.state == "loading":
        count = f" {readiness.done} of {readiness.total}" if readiness.total else ""
        inner = (
            '<p class="rag-stage" role="status"><span class="rag-pulse"></span>'
            f"{escape((readiness.stage or 'loading models').capitalize())}…{count}</p>"
        )
    else:
        chips = "".join(_example(i, question, "ask") for i, question in enumerate(examples))
        few = f"{documents:,} document{'s' if documents != 1 else ''}, ready."
        if not documents:
            few = "There are no documents yet. Add some to ask about them."
        more = ""
        if looking:
            more = (
                '<p class="rag-stage"><span class="rag-pulse"></span>Looking for questions they '
                "answer…</p>"
            )
        elif examples:
            few += " They answer, among others:"
        inner = f'<p class="rag-note">{few}</p><ul class="rag-examples">{chips}</ul>{more}'
    return (
        '<div class="rag-welcome"><h2>What would you like to know?</h2>'
        "<p>Answers come from the documents alone. Each one cites the exact words it rests on; "
        f"where the documents don’t say, neither will it.</p>{inner}</div>"
    )


def follow_ups(questions: Sequence[str]) -> str:
    """Return questions to go on with after an answer."""
    if not questions:
        return ""
    chips = "".join(_example(i, question, "next") for i, question in enumerate(questions))
    return (
        '<div class="rag-following"><p class="rag-label">You could go on with</p>'
        f'<ul class="rag-examples">{chips}</ul></div>'
    )


def _example(number: int, question: str, act: str) -> str:
    return (
        f'<li><button type="button" class="rag-example" data-act="{act}" data-example="{number}">'
        f"{escape(question)}</button></li>"
    )
