"""The table of docs/providers.md, from what the providers say of themselves.

`python -m dscript.providers.document [FILE]` brings the table in FILE (docs/providers.md) up
to date; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from dscript.documents import bring_up_to_date, put_between, table_line
from dscript.providers import absent, descriptions

BEGIN = "<!-- The table is made by python -m dscript.providers.document -->\n"
END = "<!-- end of the table -->\n"
_HEAD = ("provider", "probe", "Linux mechanism", "`args[]`", "exactness", "where it is missing")


def table() -> str:
    """The table in Markdown, a line for each `Described` and one for each absent provider."""
    lines = [table_line(_HEAD), table_line(("---",) * len(_HEAD))]
    lines += map(table_line, _rows())
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


def updated(text: str) -> str:
    """A document with the table between its two marks brought up to date."""
    return put_between(text, BEGIN, END, table())


if __name__ == "__main__":
    bring_up_to_date("docs/providers.md", updated)
