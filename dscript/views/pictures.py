"""Pictures asked for on the command line: what each shows, and its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dscript.aggregates import AggregationState
from dscript.errors import TracingError
from dscript.output.aggregations import DISTRIBUTIONS
from dscript.output.text import TextPrinter
from dscript.program import Aggregation
from dscript.request import Picture
from dscript.views.flamegraph import flame_graph
from dscript.views.folding import FoldedStacks, fold, folded_lines
from dscript.views.heatmap import HeatMap

_STACKS = frozenset({"stack", "ustack"})


def picture_views(
    pictures: Sequence[Picture], sink: TextPrinter, heatmap_interval: float
) -> list[FileView]:
    """A `runtime.sink.View` for each picture.

    Raises TracingError when no aggregation, or none in particular, suits a picture, or its
    file cannot be written.
    """
    views: list[FileView] = []
    for picture in pictures:
        state = _choose(picture, sink.aggregations)
        _try_file(picture.path)
        if picture.kind == "heatmap":
            views.append(HeatMapFile(picture.path, state, heatmap_interval))
        else:
            draw = folded_lines if picture.kind == "folded" else flame_graph
            views.append(StackFile(picture.path, state, sink, draw))
    return views


class FileView:
    """A file written when tracing is over."""

    interval = 0.0

    def __init__(self, path: str, state: AggregationState) -> None:
        self.path = path
        self.state = state

    def start(self) -> None:
        """Nothing to do but for heat maps."""

    def refresh(self) -> None:
        """Nothing to do but for heat maps."""

    def finish(self) -> None:
        _write(self.path, self.content())

    def content(self) -> str:
        raise NotImplementedError


class StackFile(FileView):
    """A flame graph or folded stacks: `draw` makes the text."""

    def __init__(
        self,
        path: str,
        state: AggregationState,
        sink: TextPrinter,
        draw: Callable[[FoldedStacks], str],
    ) -> None:
        super().__init__(path, state)
        self._sink = sink
        self._draw = draw

    def content(self) -> str:
        stacks = fold(self.state, self._sink.writer)
        if stacks.left_out:
            many = "" if stacks.left_out == 1 else "s"
            self._sink.tell(
                f"{self.path}: {stacks.left_out} stack{many} without a positive value left out"
            )
        return self._draw(stacks)


class HeatMapFile(FileView):
    """A heat map, with a column for every `interval` seconds."""

    def __init__(self, path: str, state: AggregationState, interval: float) -> None:
        super().__init__(path, state)
        self.interval = interval
        self._map = HeatMap(state.spec, interval)
        state.observer = self._map.add

    def start(self) -> None:
        self._map.start()

    def refresh(self) -> None:
        self._map.sample()

    def content(self) -> str:
        return self._map.svg()


def _suits(picture: Picture, spec: Aggregation) -> bool:
    if picture.kind == "heatmap":
        return spec.function in DISTRIBUTIONS
    return any(field.kind in _STACKS for field in spec.keys)


def _choose(picture: Picture, states: Sequence[AggregationState]) -> AggregationState:
    """The aggregation a picture names, or the only one that suits it."""
    needed = (
        "a quantize(), lquantize() or llquantize() aggregation"
        if picture.kind == "heatmap"
        else "an aggregation with stack() or ustack() in its key"
    )
    option = f"--{picture.kind}"
    if picture.aggregation is not None:
        name = picture.aggregation
        for state in states:
            if state.spec.name == name:
                if _suits(picture, state.spec):
                    return state
                raise TracingError(f"{option} needs {needed}, and @{name} is none")
        raise TracingError(f"{option}: the program has no aggregation @{name}")
    found = [state for state in states if _suits(picture, state.spec)]
    if not found:
        raise TracingError(f"{option} needs {needed}, and the program has none")
    if len(found) > 1:
        names = ", ".join(f"@{state.spec.name}" for state in found)
        raise TracingError(
            f"{option}: several aggregations could be drawn: {names}",
            f"name one: {option} @{found[0].spec.name}={picture.path}",
        )
    return found[0]


def _try_file(path: str) -> None:
    """Find out before tracing whether the file can be written; what it holds stays."""
    try:
        with open(path, "ab"):
            return
    except OSError as error:
        raise TracingError(f"failed to open '{path}': {error.strerror}") from None


def _write(path: str, content: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as error:
        raise TracingError(f"failed to write '{path}': {error.strerror}") from None
