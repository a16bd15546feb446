"""The `rag` program: the package's only printer.

`program` declares the commands, `edge` turns errors into exit codes, `shown` lays values out as
text, `rows` as JSON lines, `terminal` knows what it is printing to, `chat` is the conversation.
Models and their libraries are imported inside the commands that need them, so that `rag --help`
is quick.
"""

from rag.cli.program import main

__all__ = ["main"]
