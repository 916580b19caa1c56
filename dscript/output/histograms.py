"""The pictures of quantize, lquantize and llquantize, and the bars of aggzoom.

Layout as the manual prints it (chapter "Aggregations"): a heading, then one row a bucket
with a bar of up to 40 `@`, from the empty bucket before the first value to the empty one
after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dscript.aggregates import (
    QUANTIZE_BUCKETS,
    QUANTIZE_ZERO,
    divide,
    llquantize_bounds,
    quantize_bucket,
)
from dscript.program import Aggregation

BAR: Final = 40
TITLE: Final = b"------------- Distribution -------------"
# With aggzoom the longest bar takes 0.95 of the width.
_ZOOM: Final = (1 / 0.95).as_integer_ratio()
# Left blocks of the encoding utf8, from none to seven eighths, and the full one.
_EIGHTHS: Final = ("", *(chr(0x258F - i) for i in range(7)))
_FULL: Final = "\u2588"


class Scale(NamedTuple):
    """What bars are measured against, as an exact fraction: counts have 64 bits."""

    numerator: int
    denominator: int = 1

    def share(self, count: int, of: int) -> int:
        """The part of `of` that a count takes, rounded half up."""
        if not self.numerator:
            return 0
        doubled = 2 * abs(count) * of * self.denominator + self.numerator
        return min(of, doubled // (2 * self.numerator))


def heading(first: str = "value", width: int = 16) -> bytes:
    return b"\n%*s %41s %-9s\n" % (width, first.encode(), TITLE, b"count")


def scale(counts: Sequence[int], zoom: bool) -> Scale:
    """The scale of some counts: their sum, or with aggzoom the largest."""
    if zoom:
        largest = max((abs(count) for count in counts), default=0)
        return Scale(largest * _ZOOM[0], _ZOOM[1])
    return Scale(sum(abs(count) for count in counts))


def bar(count: int, total: Scale, positives: bool, negatives: bool, encoding: str = "") -> bytes:
    """The bar of one row with its axis, 41 characters wide."""
    if not negatives:
        if positives and encoding == "utf8":
            return _smooth(count, total)
        depth = total.share(count, BAR) if positives else 0
        return b"|" + b"@" * depth + b" " * (BAR - depth)
    if not positives:
        depth = total.share(count, BAR)
        return b" " * (BAR - depth) + b"@" * depth + b"|"
    half = BAR // 2
    depth = total.share(count, half)
    if count <= 0:
        return b" " * (half - depth) + b"@" * depth + b"|" + b" " * half
    return b" " * half + b"|" + b"@" * depth + b" " * (half - depth)


def _smooth(count: int, total: Scale) -> bytes:
    """The bar in eighths of a character, rounded down."""
    eighths = 8 * BAR * abs(count) * total.denominator // total.numerator
    drawn = _FULL * (eighths // 8) + _EIGHTHS[eighths % 8]
    return b"|" + drawn.ljust(BAR).encode()


def histogram(
    spec: Aggregation,
    words: Sequence[int],
    divisor: int,
    zoom: bool = False,
    encoding: str = "",
) -> bytes:
    """The whole picture of one entry, newline before and after."""
    first, last = shown(spec, words)
    part = words[first : last + 1]
    positives = any(count > 0 for count in part)
    negatives = any(count < 0 for count in part)
    total = scale(part, zoom)
    name = labels(spec)
    rows = [heading()]
    for i in range(first, last + 1):
        count = words[i]
        picture = bar(count, total, positives, negatives, encoding)
        rows.append(b"%16s %s %-9d\n" % (name(i), picture, divide(count, divisor)))
    return b"".join(rows)


def shown(spec: Aggregation, words: Sequence[int]) -> tuple[int, int]:
    """First and last bucket of the picture.

    Without data the buckets around 0 (quantize) or the first ones are shown.
    """
    top = (QUANTIZE_BUCKETS if spec.function == "quantize" else len(words)) - 1
    filled = [i for i in range(top + 1) if words[i]]
    if not filled:
        if spec.function == "quantize":
            return QUANTIZE_ZERO - 1, QUANTIZE_ZERO + 1
        return 0, min(2 if spec.function == "lquantize" else 1, top)
    return max(filled[0] - 1, 0), min(filled[-1] + 1, top)


def labels(spec: Aggregation) -> Callable[[int], bytes]:
    """Index of a bucket → its text in the value column."""
    if spec.function == "quantize":
        return lambda i: b"%d" % quantize_bucket(i)
    if spec.function == "lquantize":
        base, _, step = spec.params[:3]
        levels = spec.value_words - 2
        bounds: Sequence[int] = [base + i * step for i in range(levels + 1)]
    else:
        bounds = llquantize_bounds(*spec.params[:4])
    top = len(bounds)

    def label(i: int) -> bytes:
        if i == 0:
            return b"< %d" % bounds[0]
        if i == top:
            return b">= %d" % bounds[top - 1]
        return b"%d" % bounds[i - 1]

    return label
