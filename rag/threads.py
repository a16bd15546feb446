"""How torch uses the CPU: one setting, applied wherever a model is opened.

Import this module before torch. Torch reads the environment once, when it loads.
"""

from __future__ import annotations

import os

# A thread that waits for the others should sleep, not spin: spinning takes the processor away
# from the very thread it waits for as soon as anything else runs. Five replies with two threads on
# two cores that other programs kept busy took 3 s this way and 9 to 13 s with spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def available() -> int:
    """Return the number of CPU cores this process may run on (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def limit_threads(threads: int) -> None:
    """Let torch use `threads` threads, or all cores this process may run on when it is 0.

    The number decides how sums are split and so the last bits of a result: the same machine and
    setting give the same bytes, another number of threads may not.
    """
    import torch

    torch.set_num_threads(threads or available())
