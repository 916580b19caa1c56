"""Tables of the documentation that the code makes, each between two marks of its document."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path


def table_line(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def put_between(text: str, begin: str, end: str, content: str) -> str:
    """A document with what stands between its two marks replaced.

    Raises ValueError where a mark is missing.
    """
    head, found, rest = text.partition(begin)
    _old, ended, tail = rest.partition(end)
    if not (found and ended):
        raise ValueError("the marks of the table are missing")
    return f"{head}{begin}\n{content}\n{end}{tail}"


def bring_up_to_date(default: str, updated: Callable[[str], str]) -> None:
    """Rewrite the document that the command line names, or the usual one."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
