"""Stacks with their values: folded into lines, and merged into a tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from dscript.aggregates import AggregationState, KeyValue, SortOrder, join
from dscript.output.aggregations import AggregationWriter
from dscript.output.stacks import symbol_text, user_frames
from dscript.program import Aggregation, Field

FrameKind = Literal["root", "key", "user", "kernel"]


class Frame(NamedTuple):
    """One function of a stack (``module`symbol``, the address where there is none), or one
    of the other parts of the key."""

    name: str
    kind: FrameKind


class FoldedStacks(NamedTuple):
    """Each stack from its root on, with its value (> 0); `left_out` had none."""

    spec: Aggregation
    stacks: list[tuple[tuple[Frame, ...], int]]
    left_out: int


def fold(state: AggregationState, writer: AggregationWriter) -> FoldedStacks:
    """The stacks of an aggregation, sorted; equal ones (without their offsets) are added up.

    Other parts of the key come first, then the user's frames, then the kernel's, which the
    user's called.  A distribution counts as the sum of its buckets.
    """
    fields = state.spec.keys
    totals: dict[tuple[Frame, ...], int] = {}
    left_out = 0
    for key, entries in join((state,), SortOrder()):
        value = state.number(entries[0])
        if value <= 0:
            left_out += 1
            continue
        frames = _frames(fields, key, writer)
        totals[frames] = totals.get(frames, 0) + value
    return FoldedStacks(state.spec, sorted(totals.items()), left_out)


def folded_lines(folded: FoldedStacks) -> str:
    """`root;caller;callee 12`, one line a stack: what other flame graph tools read."""
    lines = []
    for frames, value in folded.stacks:
        names = ";".join(frame.name.replace(";", ":") for frame in frames)
        lines.append(f"{names} {value}\n")
    return "".join(lines)


def _frames(
    fields: tuple[Field, ...], key: tuple[KeyValue, ...], writer: AggregationWriter
) -> tuple[Frame, ...]:
    symbols = writer.stacks.symbol_functions()
    parts: dict[FrameKind, list[Frame]] = {"key": [], "user": [], "kernel": []}
    for field, part in zip(fields, key, strict=True):
        if field.kind == "stack":
            names = [symbols["sym"](address) for address in part]
            parts["kernel"] += [Frame(_text(name), "kernel") for name in reversed(names)]
        elif field.kind == "ustack":
            found = user_frames(writer.stacks.symbols, part)
            names = [symbol_text(symbol, address) for address, symbol in found]
            parts["user"] += [Frame(_text(name), "user") for name in reversed(names)]
        else:
            parts["key"].append(Frame(_text(writer.plain_key(field, part)), "key"))
    return (*parts["key"], *parts["user"], *parts["kernel"])


def _text(name: bytes) -> str:
    """On one line, and valid text whatever a process calls itself."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Node:
    """A frame of the merged stacks: `value` includes those of its children."""

    __slots__ = ("children", "frame", "start", "value")

    def __init__(self, frame: Frame, start: int) -> None:
        self.frame = frame
        self.start = start  # sum of the values left of it
        self.value = 0
        self.children: list[Node] = []


def merge(stacks: Iterable[tuple[tuple[Frame, ...], int]]) -> Node:
    """The tree of stacks that are sorted: equal callers in a row are one node."""
    root = Node(Frame("all", "root"), 0)
    for frames, value in stacks:
        node = root
        start = root.value
        node.value += value
        for frame in frames:
            last = node.children[-1] if node.children else None
            if last is None or last.frame != frame:
                last = Node(frame, start)
                node.children.append(last)
            node = last
            node.value += value
    return root
