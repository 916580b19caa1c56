"""The table of docs/providers.md, from what the providers say of themselves.

`python -m dscript.providers.document [FILE]` brings the table in FILE (docs/providers.md) up
to date; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from dscript.providers import absent, descriptions

BEGIN = "<!-- The table is made by python -m dscript.providers.document -->\n"
END = "<!-- end of the table -->\n"
_HEAD = ("provider", "probe", "Linux mechanism", "`args[]`", "exactness", "where it is missing")


def table() -> str:
    """The table in Markdown, a line for each `Described` and one for each absent provider."""
    lines = [_line(_HEAD), _line(("---",) * len(_HEAD))]
    lines += map(_line, _rows())
    return "".join(lines)


def _rows() -> Iterator[tuple[str, ...]]:
    present = descriptions()
    for provider, described in present:
        for row in described:
            yield (
                f"`{provider}`",
                row.probes,
                row.mechanism,
                row.arguments,
                row.exactness,
                row.fallback,
            )
    here = {provider for provider, _described in present}
    for provider, nearest in absent.nearest_probes():
        if provider not in here:
            yield f"`{provider}`", "all", "none", "", "absent", f"nearest: `{nearest}`"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def updated(text: str) -> str:
    """A document with the table between its two marks brought up to date."""
    head, found, rest = text.partition(BEGIN)
    _old, ended, tail = rest.partition(END)
    if not (found and ended):
        raise ValueError("the marks of the table are missing")
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/providers.md")
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
