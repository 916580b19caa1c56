"""`--top`: the aggregations of a running program on the terminal, greatest values first.

What the program prints is held back; the last lines of it are shown, and all of it is
written when tracing ends.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dscript.aggregates import AggregationState, Entry, Key, SortOrder, bucket_bounds, join
from dscript.errors import TracingError
from dscript.output.aggregations import DISTRIBUTIONS, AggregationWriter
from dscript.program import Aggregation
from dscript.views.held import HeldOutput

if TYPE_CHECKING:
    from dscript.output.text import TextPrinter

_SHORTEST = 0.1  # seconds between pictures
_OUTPUT_LINES = 6
_MOST_ROWS = 500  # no window is higher
_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS = ".:-=+*#%"


class Row(NamedTuple):
    """One line of a table: the key's parts, the value, and what stands behind it."""

    key: tuple[str, ...]
    value: int
    counts: tuple[int, ...] = ()  # of a distribution, from its first to its last bucket
    low: str = ""
    high: str = ""


class Screen:
    """The live view: a `runtime.sink.View`, and a context that gives the terminal back.

    `output` and `messages` take the place of standard output and standard error.  Raises
    TracingError where standard output is no terminal that can be drawn on.
    """

    def __init__(self, interval: float, probes: int) -> None:
        if not sys.stdout.isatty():
            raise TracingError("--top needs a terminal, and standard output is none")
        if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
            raise TracingError("--top cannot draw on this terminal (TERM is unset or dumb)")
        self.set_interval(interval)
        self._head = f"{probes} probe{'' if probes == 1 else 's'}"
        self._held = HeldOutput(sys.stdout.buffer)
        self._held_messages = HeldOutput(sys.stderr.buffer)
        # Exported COLUMNS and LINES would keep it from following the window.
        fixed = ("COLUMNS", "LINES")
        environment = {name: text for name, text in os.environ.items() if name not in fixed}
        self._console = Console(file=sys.stdout, highlight=False, _environ=environment)
        self._blocks = _BLOCKS if self._console.encoding.startswith("utf") else _PLAIN_BLOCKS
        self._live: Live | None = None
        self._tables: list[tuple[Aggregation, list[Row]]] = []
        self._states: Sequence[AggregationState] = ()
        self._sink: TextPrinter | None = None
        self._drawing = False
        self._resized = False
        self._before: object = None
        self._began = time.monotonic()

    @property
    def output(self) -> BinaryIO:
        return cast(BinaryIO, self._held)

    @property
    def messages(self) -> BinaryIO:
        return cast(BinaryIO, self._held_messages)

    def set_interval(self, seconds: float) -> None:
        """Draw so often from the next time on."""
        self.interval = max(seconds, _SHORTEST)

    def show(self, sink: TextPrinter) -> None:
        """The aggregations to show are those of this sink."""
        self._sink = sink
        self._states = sink.aggregations

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()
        self._held.release()
        self._held_messages.release()

    # What the session calls.

    def start(self) -> None:
        self._began = time.monotonic()
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._picture,
        )
        self._live.start()
        self._before = signal.signal(signal.SIGWINCH, self._resize)
        self.refresh()

    def refresh(self) -> None:
        sink = self._sink
        if sink is None:
            return
        order = SortOrder.from_options(sink.options)
        self._tables = [(state.spec, _rows(state, sink.writer, order)) for state in self._states]
        self._draw()

    def finish(self) -> None:
        self._leave()

    # Inner workings.

    def _leave(self) -> None:
        if self._live is None:
            return
        signal.signal(signal.SIGWINCH, self._before)  # type: ignore[arg-type]  # was got from it
        self._live.stop()
        self._live = None

    def _resize(self, number: int, frame: FrameType | None) -> None:
        """The window has another size: draw the same rows again."""
        self._resized = True
        if not self._drawing:
            self._draw()

    def _draw(self) -> None:
        if self._live is None:
            return
        self._drawing = True
        try:
            self._live.refresh()
            while self._resized:
                self._resized = False
                self._live.refresh()
        finally:
            self._drawing = False

    def _picture(self) -> RenderableType:
        width, height = self._console.size
        seconds = int(time.monotonic() - self._began)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        parts: list[RenderableType] = [Text(f"dscript  {self._head}  {clock}", style="bold")]
        printed = self._printed(max(0, min(_OUTPUT_LINES, (height - 8) // 4)))
        room = height - 1 - (len(printed) + 1 if printed else 0)
        for index, (spec, rows) in enumerate(self._tables):
            share = room // (len(self._tables) - index)
            lines = min(len(rows), share - 2)
            if lines >= 0:
                parts.append(self._table(spec, rows[:lines], width))
                room -= lines + 2
        if printed:
            parts += [Text("output", style="bold"), *printed]
        return Group(*parts)

    def _printed(self, count: int) -> list[Text]:
        """The end of what the program printed, messages last."""
        lines = self._held.last_lines(count) + self._held_messages.last_lines(2)
        texts = [line.decode("utf-8", "replace").expandtabs() for line in lines[-count:]]
        return [Text(_printable(text), no_wrap=True, overflow="ellipsis") for text in texts]

    def _table(self, spec: Aggregation, rows: list[Row], width: int) -> Table:
        """Two lines of heading (a blank and the names), then the rows."""
        table = Table(
            box=None, padding=(0, 1), pad_edge=False, expand=True, show_edge=False, title=" "
        )
        heads = [field.type_name or field.kind for field in spec.keys]
        for head in heads:
            table.add_column(
                Text(head, style="dim"), no_wrap=True, overflow="ellipsis", max_width=width // 2
            )
        name = Text(f"@{spec.name} {spec.function}()", style="bold cyan")
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True, ratio=1)
        largest = max((abs(row.value) for row in rows), default=0)
        for row in rows:
            behind = self._distribution(row) if row.counts else _bar(row.value, largest, width // 4)
            table.add_row(*map(Text, row.key), Text(str(row.value)), behind)
        return table

    def _distribution(self, row: Row) -> Text:
        """The buckets side by side, between the bounds of the first and the last."""
        most = max(map(abs, row.counts))
        top = len(self._blocks) - 1
        picture = "".join(
            self._blocks[round(abs(count) * top / most)] if count else " " for count in row.counts
        )
        return Text.assemble(f"{row.low} ", (picture, "green"), f" {row.high}")


def _bar(value: int, largest: int, width: int) -> Text:
    length = round(width * abs(value) / largest) if largest else 0
    return Text("|" * length, style="green" if value >= 0 else "red")


def _rows(state: AggregationState, writer: AggregationWriter, order: SortOrder) -> list[Row]:
    """The keys of an aggregation, greatest value first unless options say otherwise."""
    found = [
        _row(state, writer, key, entry)
        for key, entries in join((state,), order)[-_MOST_ROWS:]
        if (entry := entries[0]) is not None
    ]
    found.reverse()
    return found


def _row(state: AggregationState, writer: AggregationWriter, key: Key, entry: Entry) -> Row:
    spec = state.spec
    parts = tuple(
        _printable(writer.plain_key(field, part).decode("utf-8", "replace"))
        for field, part in zip(spec.keys, key, strict=True)
    )
    value = state.number(entry)
    if spec.function not in DISTRIBUTIONS:
        return Row(parts, value)
    filled = [i for i, count in enumerate(entry.words) if count]
    if not filled:
        return Row(parts, value)
    bounds = bucket_bounds(spec)
    low, high = bounds[filled[0]][0], bounds[filled[-1]][1]
    counts = tuple(entry.words[filled[0] : filled[-1] + 1])
    return Row(parts, value, counts, "…" if low is None else str(low), _last(high))


def _last(high: int | None) -> str:
    return "…" if high is None else str(high)


def _printable(text: str) -> str:
    """Control characters would move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
