"""The D options that shape text output, read from their texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dscript.aggregates import SortOrder
from dscript.options import count, flag, size, text
from dscript.output.aggregations import Layout
from dscript.output.stacks import STACK_INDENT


class Settings(NamedTuple):
    quiet: bool
    flow: bool
    raw_bytes: bool
    stack_indent: int
    strsize: int
    no_resolve: bool
    drop_tags: bool
    layout: Layout

    @staticmethod
    def read(options: Mapping[str, str]) -> Settings:
        raw_bytes = flag(options, "rawbytes")
        indent = count(options, "stackindent")
        return Settings(
            quiet=flag(options, "quiet"),
            flow=flag(options, "flowindent"),
            raw_bytes=raw_bytes,
            stack_indent=STACK_INDENT if indent is None else indent,
            strsize=size(options, "strsize"),
            no_resolve=flag(options, "noresolve"),
            drop_tags=flag(options, "droptags"),
            layout=Layout(
                order=SortOrder.from_options(options),
                zoom=flag(options, "aggzoom"),
                histogram=flag(options, "agghist"),
                packed=flag(options, "aggpack"),
                encoding=text(options, "encoding"),
                raw_bytes=raw_bytes,
                strsize=size(options, "strsize"),
            ),
        )
