"""A heat map: a distribution over time, a column a sample and a row a bucket."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from dscript.aggregates import bucket_bounds
from dscript.output.histograms import labels
from dscript.program import Aggregation
from dscript.views.svg import MARGIN, WIDTH, document, escaped, number, percent

# Neighbouring columns are added up when there are more.
_MOST_COLUMNS = 600
_LEFT = 120  # where columns begin; labels of rows stand before them
_RIGHT = 170  # totals of rows
_TOP = 84
_BOTTOM = 74
_MOST_HEIGHT = 560
# Colours of cells from few to many: the red, green and blue of five steps.
_RAMP = ((255, 236, 179), (253, 174, 97), (230, 85, 70), (158, 30, 110), (52, 10, 90))
# Distances of the lines of the time axis, in seconds.
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)
_LONG_STEPS = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200)


class HeatMap:
    """Collects the words of a distribution, all keys together, as they are drained.

    `interval` is the width of a column in seconds; it doubles when columns run out.
    """

    def __init__(self, spec: Aggregation, interval: float) -> None:
        self.spec = spec
        self.interval = interval
        self.columns: list[dict[int, int]] = []
        self._bounds = bucket_bounds(spec)
        self._fresh: dict[int, int] = {}
        self._began = time.monotonic()
        self._sampled = 0.0  # seconds after the beginning
        self._drained = self._began

    def start(self) -> None:
        """The first column begins now."""
        self._began = self._drained = time.monotonic()

    def add(self, words: Sequence[int]) -> None:
        """What one drain found under one key."""
        self._drained = time.monotonic()
        fresh = self._fresh
        for i, _ in enumerate(self._bounds):
            if words[i]:
                fresh[i] = fresh.get(i, 0) + words[i]

    def sample(self, now: float | None = None) -> None:
        """What came since the last sample belongs to the column of the time half way."""
        now = (time.monotonic() if now is None else now) - self._began
        at = int((self._sampled + now) / 2 / self.interval)
        self._sampled = now
        while at >= _MOST_COLUMNS:
            self._halve()
            at //= 2
        while len(self.columns) <= at:
            self.columns.append({})
        _add(self.columns[at], self._fresh)
        self._fresh = {}

    def _halve(self) -> None:
        for even, odd in zip(self.columns[::2], self.columns[1::2], strict=False):
            _add(even, odd)
        self.columns = self.columns[::2]
        self.interval *= 2

    def svg(self) -> str:
        """The file.  Takes what came since the last sample."""
        if self._fresh or not self.columns:
            self.sample(self._drained)  # printing may have taken a while since
        return _Drawing(self).text()


def _add(column: dict[int, int], more: dict[int, int]) -> None:
    for bucket, count in more.items():
        column[bucket] = column.get(bucket, 0) + count


class _Drawing:
    def __init__(self, source: HeatMap) -> None:
        self.spec = source.spec
        self.columns = source.columns
        self.interval = source.interval
        self.bounds = bucket_bounds(source.spec)
        filled = [bucket for column in self.columns for bucket in column]
        first, last = (min(filled), max(filled)) if filled else (0, 0)
        self.rows = list(range(last, first - 1, -1)) if filled else []
        self.totals = {
            bucket: sum(column.get(bucket, 0) for column in self.columns) for bucket in self.rows
        }
        self.total = sum(self.totals.values())
        self.most = max(
            (abs(count) for column in self.columns for count in column.values()), default=0
        )
        self.row_height = min(24.0, max(4.0, _MOST_HEIGHT / max(1, len(self.rows))))
        self.bottom = _TOP + self.row_height * len(self.rows)
        self.column_width = (WIDTH - _LEFT - _RIGHT) / len(self.columns)

    def text(self) -> str:
        seconds = number(len(self.columns) * self.interval)
        body = [
            f'<g id="map" data-columns="{len(self.columns)}" data-interval="{self.interval!r}"'
            f' data-left="{_LEFT}" data-right="{WIDTH - _RIGHT}" data-top="{_TOP - 4}"'
            f' data-bottom="{number(self.bottom)}" data-steps="{_step_list()}">',
            *self._time_axis(),
            *self._rows(),
            *self._cells(),
            "</g>",
            *self._legend(),
            f'<text id="details" x="{MARGIN}" y="{number(self.bottom + _BOTTOM - 12)}"></text>',
        ]
        return document(
            name="heatmap",
            title=f"@{self.spec.name}: {self.spec.function}() over time",
            subtitle=f"total {self.total} in {seconds} s, {number(self.interval)} s a column",
            hint="Search a value",
            height=self.bottom + _BOTTOM,
            body=body,
        )

    def _rows(self) -> Iterator[str]:
        """A row a bucket: its label, a stripe under its cells, and its total with a bar."""
        label = labels(self.spec)
        largest = max((abs(total) for total in self.totals.values()), default=0)
        right = WIDTH - _RIGHT
        for place, bucket in enumerate(self.rows):
            y = _TOP + place * self.row_height
            low, high = self.bounds[bucket]
            total = self.totals[bucket]
            bar = 70 * abs(total) / largest if largest else 0
            middle = number(y + self.row_height / 2 + 4)
            # Where rows are low, not every one has room for its label.
            every = max(1, math.ceil(13 / self.row_height))
            name = label(bucket).decode() if place % every == 0 else ""
            yield (
                f'<g class="row" data-bucket="{bucket}" data-low="{_bound(low)}"'
                f' data-high="{_bound(high)}" data-total="{total}">'
                f'<rect class="stripe" x="{_LEFT}" y="{number(y)}" width="{right - _LEFT}"'
                f' height="{number(self.row_height)}"/>'
                f'<text class="axis" x="{_LEFT - 8}" y="{middle}" text-anchor="end">'
                f"{escaped(name)}</text>"
                f'<rect class="bar" x="{right + 8}" y="{number(y + 1)}" width="{number(bar)}"'
                f' height="{number(self.row_height - 2)}"/>'
                f'<text class="axis total" x="{right + 84}" y="{middle}">'
                f"{total if place % every == 0 else ''}</text></g>"
            )

    def _cells(self) -> Iterator[str]:
        yield '<g id="cells">'
        gap = 1 if self.column_width > 4 else 0
        for at, column in enumerate(self.columns):
            for bucket, count in sorted(column.items()):
                if not count:
                    continue
                x = _LEFT + at * self.column_width
                y = _TOP + (self.rows[0] - bucket) * self.row_height
                tip = f"{self._span(at)}\n{self._range(bucket)}\n{count}"
                yield (
                    f'<rect class="cell" data-column="{at}" data-bucket="{bucket}"'
                    f' data-count="{count}" x="{number(x)}" y="{number(y)}"'
                    f' width="{number(self.column_width - gap)}"'
                    f' height="{number(self.row_height - 1)}" fill="{self._colour(count)}">'
                    f"<title>{escaped(tip)}</title></rect>"
                )
        yield "</g>"

    def _span(self, column: int) -> str:
        return f"{number(column * self.interval)}–{number((column + 1) * self.interval)} s"

    def _range(self, bucket: int) -> str:
        low, high = self.bounds[bucket]
        if low is None:
            return f"value ≤ {high}"
        return f"value ≥ {low}" if high is None else f"value {low}…{high}"

    def _colour(self, count: int) -> str:
        """By the logarithm of the count; negative ones (of weights) are blue."""
        if count < 0:
            return "#5b8dd9"
        share = math.log1p(count) / math.log1p(self.most) if self.most > 1 else 1.0
        return _ramp(share)

    def _time_axis(self) -> Iterator[str]:
        """Grid and seconds; the script draws the same for a part of the columns."""
        yield '<g id="time">'
        whole = len(self.columns) * self.interval
        scale = (WIDTH - _LEFT - _RIGHT) / whole
        step = _step(whole)
        for i in range(int(whole / step + 1e-6) + 1):
            x = number(_LEFT + i * step * scale)
            yield f'<path class="grid" d="M{x} {_TOP - 4}V{number(self.bottom + 4)}"/>'
            yield (
                f'<text class="axis" x="{x}" y="{number(self.bottom + 18)}" text-anchor="middle">'
                f"{number(i * step)} s</text>"
            )
        yield "</g>"

    def _legend(self) -> Iterator[str]:
        """Colours with their counts, under the map."""
        y = self.bottom + 32
        for i in range(40):
            colour = _ramp(i / 39)
            x = _LEFT + i * 4
            yield f'<rect x="{x}" y="{number(y)}" width="4" height="10" fill="{colour}"/>'
        yield f'<text class="axis" x="{_LEFT - 8}" y="{number(y + 9)}" text-anchor="end">1</text>'
        yield (
            f'<text class="axis" x="{_LEFT + 168}" y="{number(y + 9)}">{self.most} in a cell'
            f" (logarithmic), {percent(self.most, self.total)} of all</text>"
        )


def _step_list() -> str:
    return " ".join(map(str, (*_STEPS, *_LONG_STEPS)))


def _step(whole: float) -> float:
    """Seconds between the lines of the time axis, for at most ten of them."""
    return next(
        (s for s in (*_STEPS, *_LONG_STEPS) if s * 10 >= whole), 86400.0 * (1 + whole // 864000)
    )


def _bound(value: int | None) -> str:
    return "" if value is None else str(value)


def _ramp(share: float) -> str:
    """The colour at a share (0 to 1) of the ramp."""
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    below = min(int(place), len(_RAMP) - 2)
    part = place - below
    mixed = (round(a + (b - a) * part) for a, b in zip(_RAMP[below], _RAMP[below + 1], strict=True))
    return "#" + "".join(f"{c:02x}" for c in mixed)
