"""aggpack: a whole distribution on one line, a character a bucket."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.output.histograms import labels, shown
from dscript.program import Aggregation

# Eight heights; the first character is for an empty bucket.
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " _.-=+*#@"


class PackedRow:
    """The common scale of all rows of one aggregation.

    The buckets shown run from the first to the last that any row fills, with an empty one
    at each end.  Heights are shares of the row's sum, with aggzoom of its highest bucket.
    """

    def __init__(
        self, spec: Aggregation, rows: Sequence[Sequence[int]], width: int, zoom: bool
    ) -> None:
        merged = [any(column) for column in zip(*rows, strict=True)]
        self.first, self.last = _range(spec, merged)
        self.width = width
        self.zoom = zoom
        name = labels(spec)
        self.low = name(self.first)
        self.high = name(self.last)
        import locale  # costs time to load; few programs need it

        unicode = locale.getpreferredencoding(False).lower().replace("-", "") == "utf8"
        self.marks = _BLOCKS if unicode else _ASCII

    def heading(self) -> bytes:
        ruler = b"." + b"-" * (self.last - self.first + 1) + b"."
        low, high = len(self.low), len(self.high)
        return b"\n%*s  %*s %s %-*s | %s\n" % (
            self.width,
            b"key" if self.width else b"",
            max(3, low),
            b"min",
            ruler,
            max(3, high),
            b"max",
            b"count",
        )

    def line(self, name: bytes, words: Sequence[int], count: int) -> bytes:
        part = [abs(word) for word in words[self.first : self.last + 1]]
        total = max(part) if self.zoom else sum(part)
        marks = "".join(self.marks[self._height(word, total)] for word in part)
        low, high = max(3, len(self.low)), max(3, len(self.high))
        body = (self.width, name, low, self.low, marks.encode(), high, self.high, count)
        return b"%*s  %*s :%s: %-*s | %d\n" % body

    @staticmethod
    def _height(word: int, total: int) -> int:
        """0 for an empty bucket, else 1 to 8."""
        return max(1, min(8, round(8 * word / total))) if word else 0


def _range(spec: Aggregation, merged: Sequence[int]) -> tuple[int, int]:
    """quantize() is cut to what was seen; the linear kinds show their whole range."""
    return shown(spec, merged) if spec.function == "quantize" else (0, len(merged) - 1)
