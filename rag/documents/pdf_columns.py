"""The runs of a page in the order they are read: column after column, lines from top to bottom.

Pure geometry over boxes. A gutter is a strip that no run crosses, with lines of prose on both
sides; what is as wide as both columns parts the page into bands. The columns of a table are no
columns here, since their cells do not fill them as lines of prose do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rag.documents.pdf_glyphs import Run

LEAST_LINES = 4  # on each side of a gutter
LEAST_CHARS = 16  # of the usual line beside a gutter
FILLED = 0.6  # of a column's width that its usual line takes
WIDE = 0.62  # of the width of the text: a run this wide crosses columns
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Line:
    """Runs side by side, from left to right; `column` numbers the columns of the page."""

    runs: tuple[Run, ...]
    column: int = 0

    @property
    def text(self) -> str:
        """The words of the line."""
        return " ".join(run.text for run in self.runs)

    @property
    def left(self) -> float:
        """Where the line starts."""
        return self.runs[0].left

    @property
    def right(self) -> float:
        """Where the line ends."""
        return max(run.right for run in self.runs)

    @property
    def top(self) -> float:
        """The upper edge."""
        return min(run.top for run in self.runs)

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return max(run.bottom for run in self.runs)

    @property
    def size(self) -> float:
        """The size of most of its letters."""
        return max(self.runs, key=lambda run: len(run.text)).size

    @property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(run.bold for run in self.runs)


def ordered(runs: Sequence[Run]) -> list[Line]:
    """Return the lines of a page in reading order."""
    return [
        Line(line, column)
        for column, part in enumerate(_parts(list(runs), MAX_DEPTH))
        for line in lines(part)
    ]


def lines(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """Group runs whose boxes overlap by at least half their height, from top to bottom."""
    found: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (run.top + run.bottom, run.left)):
        last = found[-1] if found else []
        if last:
            top, bottom = min(r.top for r in last), max(r.bottom for r in last)
            height = min(bottom - top, run.bottom - run.top)
            if min(bottom, run.bottom) - max(top, run.top) >= height / 2:
                last.append(run)
                continue
        found.append([run])
    return [tuple(sorted(line, key=lambda run: run.left)) for line in found]


def _parts(runs: list[Run], depth: int) -> list[list[Run]]:
    """Return the runs parted into what is read one after the other."""
    if depth == 0 or len(runs) < 2 * LEAST_LINES:
        return [runs] if runs else []
    left, right = min(run.left for run in runs), max(run.right for run in runs)
    narrow = [run for run in runs if run.width < WIDE * (right - left)]
    gutter = _gutter(narrow)
    if gutter is None:
        return [runs]
    crossing = [run for run in runs if run.left < gutter < run.right]
    found: list[list[Run]] = []
    rest = [run for run in runs if not run.left < gutter < run.right]
    for across in [*lines(crossing), None]:
        edge = min(run.top for run in across) if across else float("inf")
        band = [run for run in rest if (run.top + run.bottom) / 2 < edge]
        rest = [run for run in rest if (run.top + run.bottom) / 2 >= edge]
        for side in ([r for r in band if r.right <= gutter], [r for r in band if r.left >= gutter]):
            found += _parts(side, depth - 1)
        if across:
            if found and found[-1] and found[-1][-1] in crossing:
                found[-1].extend(across)
            else:
                found.append(list(across))
    return found


def _gutter(runs: Sequence[Run]) -> float | None:
    """Return the middle of the widest strip with prose on both sides and nothing in it."""
    edges = sorted((run.left, run.right) for run in runs)
    strips: list[tuple[float, float]] = []
    end = edges[0][1] if edges else 0.0
    for left, right in edges[1:]:
        if left > end + 4:
            strips.append((left - end, (left + end) / 2))
        end = max(end, right)
    for _, middle in sorted(strips, reverse=True):
        sides = [[r for r in runs if r.right <= middle], [r for r in runs if r.left >= middle]]
        if all(map(_prose, sides)) and _beside(*sides):
            return middle
    return None


def _prose(runs: Sequence[Run]) -> bool:
    """Judge whether runs are lines of text that fill their column."""
    if len(runs) < LEAST_LINES:
        return False
    width = max(run.right for run in runs) - min(run.left for run in runs)
    usual = median(run.width for run in runs)
    return usual >= FILLED * width and median(len(run.text) for run in runs) >= LEAST_CHARS


def _beside(first: Sequence[Run], second: Sequence[Run]) -> bool:
    """Judge whether two groups stand side by side, for at least a third of the lower one."""
    tops = [min(run.top for run in side) for side in (first, second)]
    ends = [max(run.bottom for run in side) for side in (first, second)]
    shared = min(ends) - max(tops)
    return shared >= min(end - top for end, top in zip(ends, tops, strict=True)) / 3
