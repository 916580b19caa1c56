"""The tables of docs/options.md, from the table of D options.

`python -m dscript.options_document [FILE]` brings them up to date in FILE (docs/options.md).
"""

from __future__ import annotations

from collections.abc import Callable

from dscript.documents import bring_up_to_date, put_between, table_line
from dscript.options import OPTIONS, Option

BEGIN = "<!-- from dscript/options.py -->"
END = "<!-- end -->"

_KINDS = {
    "size": "size",
    "rate": "rate",
    "count": "number",
    "flag": "flag",
    "text": "text",
    "version": "version",
}


def tables() -> str:
    """What takes effect, what is accepted and changes nothing, what is refused."""
    parts = [
        "## Options that take effect\n",
        _table(
            ("option", "value", "default", "may be set", "meaning"),
            lambda o: None if o.harmless or o.missing else (*_head(o), _when(o), o.meaning),
        ),
        "\n## Accepted without effect\n",
        "Programs written for other systems set these; on Linux there is nothing to set.\n",
        _table(
            ("option", "value", "default", "why"),
            lambda o: (*_head(o), o.harmless) if o.harmless else None,
        ),
        "\n## Refused\n",
        _table(
            ("option", "value", "why"),
            lambda o: (*_head(o)[:2], o.missing) if o.missing else None,
        ),
    ]
    return "\n".join(parts)


def _head(option: Option) -> tuple[str, str, str]:
    value = _KINDS.get(option.kind) or ", ".join(f"`{choice}`" for choice in option.choices)
    if option.multiple:
        value += ", several times"
    default = option.default or ("off" if option.kind == "flag" else "")
    return f"`{option.name}`", value, default


def _when(option: Option) -> str:
    if option.early:
        return "before the program is read"
    return "at any time" if option.dynamic else "before tracing"


def _table(titles: tuple[str, ...], row: Callable[[Option], tuple[str, ...] | None]) -> str:
    rows = [row(OPTIONS[name]) for name in sorted(OPTIONS)]
    lines = [titles, ("---",) * len(titles), *(found for found in rows if found is not None)]
    return "".join(map(table_line, lines))


def updated(text: str) -> str:
    """A document with what stands between its two marks brought up to date."""
    return put_between(text, BEGIN, END, tables())


if __name__ == "__main__":
    bring_up_to_date("docs/options.md", updated)
