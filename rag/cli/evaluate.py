"""`rag eval`: a dataset's index, its questions, and the report in text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag import evaluation
from rag.cli import rows as lines
from rag.cli import shown
from rag.cli.terminal import Progress, Terminal
from rag.dataset import Dataset
from rag.outcomes import Outcome
from rag.pipeline import Pipeline, build
from rag.settings import Settings

RANKED_PASSAGES = 50


def run(
    terminal: Terminal,
    settings: Settings,
    folder: Path,
    *,
    index: Path | None,
    json: bool,
    limit: int,
    retrieval_only: bool,
    seed: int,
    rows: str,
) -> None:
    """Evaluate and print."""
    dataset = Dataset.open(folder)
    asked = dataset.sample(limit, seed) if limit else dataset
    with terminal.progress() as progress:
        place = _index(dataset, index, settings, progress)
        if retrieval_only or not dataset.judges_answers:
            outcomes = _ranked(asked, place, settings, progress)
        else:
            outcomes = _answered(asked, place, settings, progress)
    done = evaluation.report(asked, outcomes, seed=seed)
    if rows:
        with lines.written(rows) as file:
            file.writelines(f"{lines.dump(outcome_row(one))}\n" for one in outcomes)
    terminal.print(lines.dump(done.row()) if json else shown.report(done))


def _index(
    dataset: Dataset, index: Path | None, settings: Settings, progress: Progress | None
) -> Path:
    """Return the folder of the dataset's index, building it when it is not there.

    An index the user names is used as it is. The default one lies in the cache folder under a
    name made of the corpus, the embedder and the cutting of passages.
    """
    if index is not None and any(index.glob("*")):
        return index
    place = index or settings.models.cache / "eval" / _key(dataset, settings)
    build([dataset.corpus], place, settings, progress=progress)
    return place


def _key(dataset: Dataset, settings: Settings) -> str:
    import hashlib

    cut = f"{settings.models.embedder}\n{settings.passages.model_dump_json()}"
    return f"{dataset.digest[:16]}-{hashlib.sha256(cut.encode()).hexdigest()[:8]}"


def _ranked(
    dataset: Dataset, place: Path, settings: Settings, progress: Progress | None
) -> tuple[Outcome, ...]:
    """Retrieve deep enough that ten documents are ranked; the generator is not loaded."""
    from rag.embedder import SentenceEmbedder
    from rag.index import Index
    from rag.retriever import Retriever

    embedder = SentenceEmbedder.open(settings.models)
    deep = settings.retriever.model_copy(update={"top_k": RANKED_PASSAGES})
    with Index.open(place, embedder.identity) as index:
        retriever = Retriever(index, embedder, deep)
        return evaluation.rank(dataset, retriever.retrieve, _staged(progress))


def _answered(
    dataset: Dataset, place: Path, settings: Settings, progress: Progress | None
) -> tuple[Outcome, ...]:
    bot = Pipeline.open(index=place, settings=settings, progress=progress)
    try:
        return evaluation.answer(dataset, bot.ask, bot.document, _staged(progress))
    finally:
        bot.close()


def _staged(progress: Progress | None) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress("questions", done, total)


def outcome_row(one: Outcome) -> dict[str, Any]:
    """Return one question's outcome as JSON can hold it."""
    row: dict[str, Any] = {
        "id": one.item.id,
        "question": one.item.question,
        "answerable": one.item.answerable,
        "answers": list(one.item.answers),
        "gold": dict(one.item.gold),
        "ranked": list(one.ranked),
        "seconds": one.seconds,
    }
    if one.answer is not None:
        row |= {"right": one.right, "answer": lines.answer_row(one.answer, one.item.id)}
        row |= {"draft": one.answer.draft, "rejected": one.answer.rejected}
    return row
