"""Answer questions over documents, with every citation an exact, verified span.

    from rag import Pipeline
    answer = Pipeline.open().ask("Who founded the Zetas?")

Importing this package is cheap: models and their libraries load when a pipeline opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

__version__ = "0.1.0"
__all__ = ["Pipeline", "__version__"]


def __getattr__(name: str) -> Any:
    """Import `Pipeline` on first use, so that `import rag` stays fast."""
    if name == "Pipeline":
        from rag.pipeline import Pipeline

        return Pipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
