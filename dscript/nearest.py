"""Near misses: the known name that somebody who mistyped one meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(written: str, known: Iterable[str]) -> str | None:
    """The known name that takes the fewest edits, if they are few for its length.

    An edit adds, drops or changes a character, or swaps two neighbours; case is free.
    Names of two characters and less are too short to guess from.
    """
    lowered = written.lower()
    limit = (len(written) + 1) // 3 if len(written) > 2 else 0
    best: tuple[int, int, str] | None = None
    for name in known:
        gap = abs(len(name) - len(written))
        if gap > limit:
            continue
        edits = _edits(lowered, name.lower())
        if edits <= limit and name != written and (best is None or (edits, gap, name) < best):
            best = (edits, gap, name)
    return best[2] if best else None


def _edits(left: str, right: str) -> int:
    """Distance of optimal string alignment."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                edits = min(edits, above[j - 2] + 1)
            row.append(edits)
    return row[-1]
