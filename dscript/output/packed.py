"""aggpack: a whole distribution on one line, a character a bucket.

The characters stand for eight heights of a row's sum (with aggzoom of its highest bucket);
where the terminal cannot show blocks, or with encoding=ascii, there are fewer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from dscript.aggregates import QUANTIZE_BUCKETS, QUANTIZE_ZERO
from dscript.output.histograms import labels, scale
from dscript.program import Aggregation

PACKABLE: Final = frozenset({"quantize", "lquantize"})

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "__xxxxXX"
_NEGATIVE: Final = "vvvvVV"
_PLAIN_TERMINALS: Final = frozenset({"sun", "sun-color", "dumb"})
# Width of the first and last bounds of lquantize(); those of quantize() have at least 4.
_BOUND: Final = 8
_DIGITS: Final = 4


class PackedRow:
    """What all rows of one aggregation have in common; `rows` are their value words.

    The buckets of quantize() run from the first to the last that any row fills, with an
    empty one at each end, but none below 0 where all is positive; lquantize() shows all.
    `width` is that of the key columns, 0 without a key.
    """

    def __init__(
        self,
        spec: Aggregation,
        rows: Sequence[Sequence[int]],
        width: int,
        zoom: bool,
        encoding: str,
    ) -> None:
        merged = [any(column) for column in zip(*rows, strict=True)]
        self.first, self.last = _range(spec, merged)
        self.width = width
        self.zoom = zoom
        name = labels(spec)
        self.low = name(self.first)
        self.high = name(self.last)
        if spec.function == "quantize":
            self.low_width = _digits(int(self.low))
            self.high_width = _digits(int(self.high))
            self.head_width = self.low_width
        else:
            self.low_width, self.high_width = _BOUND - 1, _BOUND
            self.head_width = _BOUND - 1
        plain = encoding == "ascii" or (
            encoding != "utf8" and os.environ.get("TERM") in _PLAIN_TERMINALS
        )
        self.marks = _ASCII if plain else _BLOCKS

    def heading(self) -> bytes:
        ruler = b"." + b"-" * (self.last - self.first + 1) + b"."
        key = b"key" if self.width else b""
        parts = (self.width, key, self.head_width, b"min", ruler, self.high_width, b"max")
        return b"\n%*s %*s %s %-*s | count\n" % parts

    def line(self, words: Sequence[int], count: int) -> bytes:
        """What follows the key, to the end of the line."""
        part = words[self.first : self.last + 1]
        total = scale(part, self.zoom)
        marks = ""
        for word in part:
            heights = self.marks if word > 0 else _NEGATIVE
            marks += heights[total.share(word, len(heights) - 1)] if word else " "
        body = (self.low_width, self.low, marks.encode(), self.high_width, self.high, count)
        return b" %*s :%s: %-*s | %d\n" % body


def _range(spec: Aggregation, merged: Sequence[bool]) -> tuple[int, int]:
    if spec.function == "lquantize":
        return 0, len(merged) - 1
    filled = [i for i in range(QUANTIZE_BUCKETS) if merged[i]] or [QUANTIZE_ZERO]
    first = filled[0] if filled[0] in (0, QUANTIZE_ZERO) else filled[0] - 1
    return first, min(filled[-1] + 1, QUANTIZE_BUCKETS - 1)


def _digits(bound: int) -> int:
    """Columns of a bound of quantize()."""
    return max(_DIGITS, len(str(bound)))
