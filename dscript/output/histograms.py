"""The pictures of quantize, lquantize and llquantize, and the bars of aggzoom.

Layout as the manual prints it (chapter "Aggregations"): a heading, then one row a bucket
with a bar of up to 40 `@`, from the empty bucket before the first value to the empty one
after the last.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from dscript.aggregates import (
    QUANTIZE_BUCKETS,
    QUANTIZE_ZERO,
    divide,
    llquantize_bounds,
    quantize_bucket,
)
from dscript.program import Aggregation

_FLOAT = struct.Struct("f")
BAR = 40
TITLE = b"------------- Distribution -------------"
# With aggzoom the longest bar takes this share of the width.
ZOOM = 0.95


def heading(first: str = "value", width: int = 16) -> bytes:
    return b"\n%*s %41s %-9s\n" % (width, first.encode(), TITLE, b"count")


def scale(counts: Sequence[int], zoom: bool) -> float:
    """What the bars are measured against: the sum, or with aggzoom the largest count."""
    if zoom:
        return max((abs(count) for count in counts), default=0) / ZOOM
    return float(sum(abs(count) for count in counts))


def bar(count: int, total: float, positives: bool, negatives: bool) -> bytes:
    """The bar of one row with its axis, 41 characters wide."""
    if not negatives:
        depth = _depth(count, BAR, total) if positives else 0
        return b"|" + b"@" * depth + b" " * (BAR - depth)
    if not positives:
        depth = _depth(count, BAR, total)
        return b" " * (BAR - depth) + b"@" * depth + b"|"
    half = BAR // 2
    depth = _depth(count, half, total)
    if count <= 0:
        return b" " * (half - depth) + b"@" * depth + b"|" + b" " * half
    return b" " * half + b"|" + b"@" * depth + b" " * (half - depth)


def _depth(count: int, length: int, total: float) -> int:
    if not total:
        return 0
    # The share is a C float, which matters where a half is just missed.
    share: float = _FLOAT.unpack(_FLOAT.pack(abs(count) * length / total))[0]
    return min(length, int(share + 0.5))


def histogram(spec: Aggregation, words: Sequence[int], divisor: int, zoom: bool = False) -> bytes:
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
        picture = bar(count, total, positives, negatives)
        rows.append(b"%16s %s %-9d\n" % (name(i), picture, divide(count, divisor)))
    return b"".join(rows)


def shown(spec: Aggregation, words: Sequence[int]) -> tuple[int, int]:
    """First and last bucket of the picture.

    Without data the buckets around 0 (quantize) or the first three are shown.
    """
    top = (QUANTIZE_BUCKETS if spec.function == "quantize" else len(words)) - 1
    filled = [i for i in range(top + 1) if words[i]]
    if not filled:
        if spec.function == "quantize":
            return QUANTIZE_ZERO - 1, QUANTIZE_ZERO + 1
        return 0, min(2, top)
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
