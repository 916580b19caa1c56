"""A flame graph: callers below callees, as wide as the values of the stacks above them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from dscript.views.folding import FoldedStacks, Frame, FrameKind, Node, merge
from dscript.views.svg import MARGIN, WIDTH, document, escaped, fitted, number, percent

_ROW = 19
_TOP = 70
_BOTTOM = 44
# A browser stays quick up to about this many frames.
_MOST_FRAMES = 20_000

# Hue, how far it varies, saturation and lightness, by the kind of frame.
_COLOURS = {
    "root": (0, 0, 0, 84),
    "key": (262, 24, 42, 82),
    "user": (186, 44, 46, 72),
    "kernel": (14, 36, 82, 72),
}
# Functions whose values do not add up to one of a caller.
_NOT_ADDITIVE = frozenset({"avg", "min", "max", "stddev"})


def flame_graph(folded: FoldedStacks) -> str:
    """The SVG file, the same for the same stacks."""
    root = merge(folded.stacks)
    nodes = sorted(_walk(root, 0), key=lambda found: (found[1], found[0].start))
    narrowest, hidden = _narrowest([node.value for node, _ in nodes])
    shown = [(node, depth) for node, depth in nodes if node.value >= narrowest]
    rows = 1 + max(depth for _, depth in shown)
    height = _TOP + rows * _ROW + _BOTTOM
    base = height - _BOTTOM - _ROW
    body = ['<g id="frames">']
    body += [_frame(node, depth, root.value, base) for node, depth in shown]
    body += ["</g>", *_legend({node.frame.kind for node, _ in shown}, height - 26)]
    body.append(f'<text id="details" x="{MARGIN}" y="{height - 16}"></text>')
    return document(
        name="flamegraph",
        title=f"@{folded.spec.name}: {folded.spec.function}() by stack",
        subtitle=_subtitle(folded, root.value, hidden),
        hint="Search functions",
        height=height,
        body=body,
    )


def _subtitle(folded: FoldedStacks, total: int, hidden: int) -> str:
    stacks = len(folded.stacks)
    text = f"total {total} in {stacks} stack{'' if stacks == 1 else 's'}"
    if folded.spec.function in _NOT_ADDITIVE:
        text += f"; callers show the sum of their {folded.spec.function}() values"
    if hidden:
        text += f"; {hidden} narrow frames not drawn"
    return text


def _walk(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, without recursion: stacks may be 127 frames and more."""
    waiting = [(node, depth)]
    while waiting:
        found, at = waiting.pop()
        yield found, at
        waiting.extend((child, at + 1) for child in found.children)


def _narrowest(values: list[int]) -> tuple[int, int]:
    """Least value drawn, and how many frames have less."""
    if len(values) <= _MOST_FRAMES:
        return 0, 0
    least = sorted(values, reverse=True)[_MOST_FRAMES] + 1
    return least, sum(value < least for value in values)


def _frame(node: Node, depth: int, total: int, base: float) -> str:
    room = WIDTH - 2 * MARGIN
    scale = room / total if total else 0
    x, width = MARGIN + node.start * scale, node.value * scale
    if not total:  # only the root is there
        width = room
    y = base - depth * _ROW
    name = node.frame.name
    tip = f"{name}\n{node.value} ({percent(node.value, total)})"
    return (
        f'<g class="frame {node.frame.kind}" data-name="{escaped(name)}"'
        f' data-start="{node.start}" data-value="{node.value}" data-depth="{depth}">'
        f"<title>{escaped(tip)}</title>"
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{_ROW - 1}"'
        f' rx="2" fill="{_colour(node.frame)}"/>'
        f'<text x="{number(x + 4)}" y="{number(y + 13)}">{escaped(fitted(name, width))}</text></g>'
    )


def _legend(kinds: set[FrameKind], y: float) -> Iterator[str]:
    """What the colours mean, under the right end of the frames."""
    x = WIDTH - MARGIN
    for kind in ("kernel", "user", "key"):
        if kind in kinds:
            x -= 14 + len(kind) * 7
            hue, spread, saturation, light = _COLOURS[kind]
            colour = f"hsl({hue + spread // 2},{saturation}%,{light - 4}%)"
            yield f'<rect x="{x - 16}" y="{number(y)}" width="11" height="11" fill="{colour}"/>'
            yield f'<text class="axis" x="{x}" y="{number(y + 10)}">{kind}</text>'
            x -= 10


def _colour(frame: Frame) -> str:
    """The same for the same name in every picture."""
    hue, spread, saturation, light = _COLOURS[frame.kind]
    code = zlib.crc32(frame.name.encode("utf-8", "replace"))
    return f"hsl({hue + code % (spread + 1)},{saturation}%,{light - code // 64 % 9}%)"
