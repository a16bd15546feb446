"""How long the stages of an answer took."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the last lap, by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to a stage."""
        now = time.perf_counter()
        self._laps[stage] = now - self._last
        self._last = now

    def laps(self, stage: str = "") -> dict[str, float]:
        """Return seconds a stage and in `total`, after booking a last stage if one is named."""
        if stage:
            self.lap(stage)
        return {**self._laps, "total": time.perf_counter() - self._start}
