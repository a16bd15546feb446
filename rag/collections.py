"""Named indexes: a collection is a folder under one root, and its name is the folder's.

This module knows names and folders, not what an index holds.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from rag.errors import CollectionMissing, CollectionNameError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FILE = "index.sqlite"  # what makes a folder a collection


class Collections:
    """The collections under a root folder, which need not exist."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def names(self) -> tuple[str, ...]:
        """Return the names of the collections there are, in alphabetical order."""
        if not self.root.is_dir():
            return ()
        return tuple(
            sorted(
                path.name
                for path in self.root.iterdir()
                if NAME.fullmatch(path.name) and (path / FILE).is_file()
            )
        )

    def folder(self, name: str) -> Path:
        """Return the folder of a collection, there or not.

        Raises:
            CollectionNameError: it is no name; a path that leaves the root never is.
        """
        if not NAME.fullmatch(name):
            raise CollectionNameError(
                f"{name!r} is no name for a collection",
                hint="use a to z, 0 to 9, - and _, at most 64, beginning with a letter or digit",
            )
        return self.root / name

    def existing(self, name: str) -> Path:
        """Return the folder of a collection that is there.

        Raises:
            CollectionNameError: it is no name.
            CollectionMissing: there is no collection of this name.
        """
        folder = self.folder(name)
        if name not in self.names():
            known = ", ".join(self.names()) or "there is none yet"
            raise CollectionMissing(
                f"there is no collection {name!r}",
                hint=f"run `rag index PATH... --collection {name}`; known: {known}",
            )
        return folder

    def size(self, name: str) -> int:
        """Return how many bytes a collection's files take."""
        return sum(path.stat().st_size for path in self.existing(name).iterdir() if path.is_file())

    def delete(self, name: str) -> None:
        """Remove a collection and everything in its folder.

        Raises:
            CollectionNameError, CollectionMissing: see `existing`.
            IndexBusy: somebody is writing it.
        """
        from rag.index.transaction import locked

        folder = self.existing(name)
        with locked(folder):
            (folder / FILE).unlink()  # from here on there is no index, whatever happens
            shutil.rmtree(folder)
