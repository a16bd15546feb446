"""`rag eval`: a dataset's index, its questions, and the report in text or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rag import evaluation
from rag.cli import outcome_rows, shown, workers
from rag.cli import rows as lines
from rag.cli.terminal import Progress, Terminal
from rag.dataset import Dataset, Item
from rag.entailment import Entailment
from rag.outcomes import Outcome
from rag.pipeline import Pipeline, build
from rag.settings import Settings

RANKED_PASSAGES = 50
NO_JUDGE = "no judge of support is installed: citation recall and precision are left out"


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
    jobs: int,
    given: Path | None,
) -> None:
    """Evaluate and print. `given` are rows of an earlier run, measured again instead of asking."""
    dataset = Dataset.open(folder)
    with terminal.progress() as progress:
        if given is not None:
            asked, outcomes = outcome_rows.read(given, dataset)
        else:
            asked = dataset.sample(limit, seed) if limit else dataset
            place = _index(dataset, index, settings, progress)
            way = answering if dataset.judges_answers else searching
            opener = partial(ranking if retrieval_only else way, place, alone(settings))
            outcomes = workers.deal(asked.items, opener, jobs, _staged(progress, "questions"))
        outcomes = _judged(outcomes, settings, terminal, progress)
    done = evaluation.report(asked, outcomes, seed=seed)
    if rows:
        with lines.written(rows) as file:
            file.writelines(f"{lines.dump(outcome_rows.row(one))}\n" for one in outcomes)
    terminal.print(lines.dump(done.row()) if json else shown.report(done))


def alone(settings: Settings) -> Settings:
    """Return settings with one thread a process, unless a number was asked for.

    The number of threads may change the last bits of a score, so that it must not depend on how
    many processes there are.
    """
    models = settings.models.model_copy(update={"threads": settings.models.threads or 1})
    return settings.model_copy(update={"models": models})


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

    models = settings.models
    rest = filter(None, (models.embedder_model, models.passage_prefix))
    cut = "\n".join((models.embedder, *rest, settings.passages.model_dump_json()))
    return f"{dataset.digest[:16]}-{hashlib.sha256(cut.encode()).hexdigest()[:8]}"


@contextmanager
def ranking(place: Path, settings: Settings) -> Iterator[Callable[[Item], Outcome]]:
    """Open what ranks deep enough for ten documents; the generator is not loaded."""
    from rag.choosing import open_embedder
    from rag.index import Index
    from rag.retriever import Retriever

    embedder = open_embedder(settings.models)
    deep = settings.retriever.model_copy(update={"top_k": RANKED_PASSAGES})
    with Index.open(place, embedder.identity) as index:
        yield partial(evaluation.rank, retrieve=Retriever(index, embedder, deep).retrieve)


@contextmanager
def searching(place: Path, settings: Settings) -> Iterator[Callable[[Item], Outcome]]:
    """Open a pipeline of one's own that ranks as it would to answer, deep enough likewise."""
    with Pipeline.open(index=place, settings=settings) as bot:
        yield partial(evaluation.rank, retrieve=partial(bot.search, more=RANKED_PASSAGES))


@contextmanager
def answering(place: Path, settings: Settings) -> Iterator[Callable[[Item], Outcome]]:
    """Open a pipeline of one's own."""
    with Pipeline.open(index=place, settings=settings) as bot:
        yield partial(evaluation.answer, ask=bot.ask, document=bot.document)


def _judged(
    outcomes: tuple[Outcome, ...],
    settings: Settings,
    terminal: Terminal,
    progress: Progress | None,
) -> tuple[Outcome, ...]:
    """Have the answers judged, if there are any and the judge's weights are here."""
    if all(one.answer is None for one in outcomes):
        return outcomes
    judge = Entailment.shipped(settings.models)
    if judge is None:
        terminal.note(NO_JUDGE)
        return outcomes
    return evaluation.judge(outcomes, judge, _staged(progress, "support"))


def _staged(progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(stage, done, total)
