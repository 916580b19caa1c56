"""The D options that shape text output, read from their texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dscript.aggregates import SortOrder
from dscript.output.aggregations import Layout
from dscript.output.stacks import STACK_INDENT

_OFF = frozenset({"0", "disable", "disabled", "no", "off", "unset", "false"})


def is_set(options: Mapping[str, str], name: str) -> bool:
    """Whether a flag is on: named at all, and not with a word that means off."""
    text = options.get(name)
    return text is not None and text.strip().lower() not in _OFF


class Settings(NamedTuple):
    quiet: bool
    flow: bool
    raw_bytes: bool
    stack_indent: int
    layout: Layout

    @staticmethod
    def read(options: Mapping[str, str]) -> Settings:
        raw_bytes = is_set(options, "rawbytes")
        indent = options.get("stackindent", "")
        return Settings(
            quiet=is_set(options, "quiet"),
            flow=is_set(options, "flowindent"),
            raw_bytes=raw_bytes,
            stack_indent=int(indent) if indent.isdecimal() else STACK_INDENT,
            layout=Layout(
                order=SortOrder.from_options(options),
                zoom=is_set(options, "aggzoom"),
                histogram=is_set(options, "agghist"),
                packed=is_set(options, "aggpack"),
                raw_bytes=raw_bytes,
            ),
        )
