"""Folded stacks, the tree of a flame graph, and which aggregation a picture shows."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import dscript
from dscript.errors import TracingError
from dscript.program import Aggregation, Field
from dscript.request import Picture
from dscript.views.flamegraph import flame_graph
from dscript.views.folding import fold, folded_lines, merge
from dscript.views.heatmap import HeatMap
from dscript.views.pictures import picture_views
from tests.output.machine import parsed

from .support import key, printer, stacks

SVG = "{http://www.w3.org/2000/svg}"


def folded(*entries: tuple[bytes, int]):
    sink = printer(stacks())
    for raw, count in entries:
        sink.aggregations[0].merge(raw, [count])
    return fold(sink.aggregations[0], sink.writer)


ENTRIES = (
    (key("cat", [12, 11], [1, 2]), 5),
    (key("cat", [12, 11], [2]), 3),
    (key("cat", [11], [2]), 4),
    (key("dog", [13], []), 10),
)


def test_lines_go_from_the_root_to_the_leaf() -> None:
    # Keys, then callers before callees, the kernel above the user.  `;` would end a frame.
    assert folded_lines(folded(*ENTRIES)).splitlines() == [
        "cat;a.out`main;a.out`work:now;vmlinux`vfs<&>read 3",
        "cat;a.out`main;a.out`work:now;vmlinux`vfs<&>read;vmlinux`do_read 5",
        "cat;a.out`main;vmlinux`vfs<&>read 4",
        "dog;libc.so.6`0xd 10",
    ]


def test_values_that_cannot_be_drawn_are_counted() -> None:
    found = folded((key("a", [11], []), -1), (key("b", [11], []), 0), (key("c", [11], []), 2))
    assert (len(found.stacks), found.left_out) == (1, 2)


def test_callers_hold_their_callees() -> None:
    root = merge(folded(*ENTRIES).stacks)
    cat, dog = root.children
    assert (root.value, cat.value, dog.value, dog.start) == (22, 12, 10, 12)
    (main,) = cat.children
    assert [child.value for child in main.children] == [8, 4]


def test_a_flame_graph_is_xml_and_the_same_every_time() -> None:
    text = flame_graph(folded(*ENTRIES))
    assert text == flame_graph(folded(*reversed(ENTRIES)))
    tree = ElementTree.fromstring(text)
    frames = [g for g in tree.iter(f"{SVG}g") if "frame" in (g.get("class") or "")]
    shown = sorted((g.get("data-name"), int(g.get("data-value") or 0)) for g in frames)
    assert shown == sorted(
        [
            ("all", 22), ("cat", 12), ("dog", 10), ("libc.so.6`0xd", 10), ("a.out`main", 12),
            ("a.out`work;now", 8), ("vmlinux`vfs<&>read", 8), ("vmlinux`vfs<&>read", 4),
            ("vmlinux`do_read", 5),
        ]
    )  # fmt: skip
    assert "total 22 in 4 stacks" in text
    for outside in ("http://", "https://", "href", "@import", "url("):
        rest = text.replace("http://www.w3.org/2000/svg", "").replace(
            "http://www.w3.org/1999/xhtml", ""
        )
        assert outside not in rest


def test_an_empty_flame_graph() -> None:
    assert "total 0 in 0 stacks" in flame_graph(folded())


def test_values_that_do_not_add_up_are_said_to() -> None:
    sink = printer(stacks("avg", 2))
    sink.aggregations[0].merge(key("a", [11], []), [2, 10])
    text = flame_graph(fold(sink.aggregations[0], sink.writer))
    assert "callers show the sum of their avg() values" in text


def test_names_with_control_characters() -> None:
    text = flame_graph(
        folded((key("a\x01\n\ud800b".encode("utf-8", "replace").decode(), [], []), 1))
    )
    ElementTree.fromstring(text)


def test_many_frames_drop_the_narrowest() -> None:
    entries = [(key(f"n{i}", [], []), 1) for i in range(20_500)]
    text = flame_graph(folded((key("big", [11], []), 10), *entries))
    assert text.count('class="frame') == 3  # all, big, main
    assert "20500 narrow frames not drawn" in text
    assert "total 20510 in 20501 stacks" in text


# Heat maps.

QUANTIZE = Aggregation(0, "q", "quantize", (), 0, 127, (), ("x", "y"))


def words(**counts: int) -> list[int]:
    found = [0] * 127
    for name, count in counts.items():
        found[int(name[1:])] = count
    return found


def test_samples_become_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    heat = HeatMap(QUANTIZE, 0.5)
    heat.add(words(b70=1))
    now = 100.51
    heat.sample()
    heat.add(words(b70=2, b71=3))
    heat.add(words(b70=4))
    now = 101.52  # one second later: a column was missed
    heat.sample()
    now = 101.7
    heat.add(words(b63=9))
    assert heat.columns == [{70: 1}, {}, {70: 6, 71: 3}]
    text = heat.svg()
    assert "total 19 in 2 s, 0.5 s a column" in text
    tree = ElementTree.fromstring(text)
    rows = {
        (g.get("data-low"), g.get("data-high")): int(g.get("data-total") or 0)
        for g in tree.iter(f"{SVG}g")
        if g.get("class") == "row"
    }
    # Bucket 63 + k holds 2^(k-1) to 2^k - 1; those between are shown empty.
    assert rows == {
        ("0", "0"): 9, ("1", "1"): 0, ("2", "3"): 0, ("4", "7"): 0, ("8", "15"): 0,
        ("16", "31"): 0, ("32", "63"): 0, ("64", "127"): 7, ("128", "255"): 3,
    }  # fmt: skip


def test_long_runs_double_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    heat = HeatMap(QUANTIZE, 1.0)
    for second in range(1, 1501):
        heat.add(words(b63=1))
        now = float(second)
        heat.sample()
    assert heat.interval == 4.0
    assert len(heat.columns) == 375
    assert all(column == {63: 4} for column in heat.columns)


def test_an_empty_heat_map(monkeypatch: pytest.MonkeyPatch) -> None:
    ElementTree.fromstring(HeatMap(QUANTIZE, 1.0).svg())
    # Attaching took long, and then nothing came.
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    heat = HeatMap(QUANTIZE, 1.0)
    now = 9.0
    heat.start()
    now = 9.2
    assert "total 0 in 1 s" in heat.svg()


# Which aggregation.


def _aggregations(*names: str) -> list[Aggregation]:
    return [
        Aggregation(i, name, "count", (Field("stack", 0, 32),), 32, 1, (), ("x", "y"))
        for i, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (Picture("heatmap", "f"), "--heatmap needs a quantize(), lquantize() or llquantize() agg"),
        (Picture("folded", "f"), "--folded: several aggregations could be drawn: @a, @b"),
        (Picture("folded", "f", "c"), "--folded: the program has no aggregation @c"),
        (Picture("heatmap", "f", "a"), "--heatmap needs a quantize(), lquantize() or llquantize()"),
        (Picture("flamegraph", "/no/such/f", "a"), "failed to open '/no/such/f': No such file"),
    ],
)
def test_pictures_that_cannot_be_drawn(picture: Picture, message: str) -> None:
    with pytest.raises(TracingError) as wrong:
        picture_views([picture], printer(*_aggregations("a", "b")), 1.0)
    assert str(wrong.value).startswith(message)


def test_the_named_aggregation_is_drawn(tmp_path: Path) -> None:
    sink = printer(*_aggregations("a", "b"))
    sink.aggregations[1].merge((1).to_bytes(8, "little").ljust(32, b"\0"), [6])
    path = tmp_path / "f"
    (view,) = picture_views([Picture("folded", str(path), "b")], sink, 1.0)
    view.finish()
    assert path.read_text() == "vmlinux`do_read 6\n"


def test_pictures_and_formats_from_python(tmp_path: Path) -> None:
    program = dscript.compile("BEGIN { @s[stack()] = count(); @q = quantize(5); exit(2); }")
    flame, heat = tmp_path / "flame.svg", tmp_path / "heat.svg"
    out = io.BytesIO()
    pictures = [dscript.Picture("flamegraph", str(flame)), dscript.Picture("heatmap", str(heat))]
    assert dscript.run(program, output=out, format="json", pictures=pictures) == 2
    assert parsed(out.getvalue())[-1] == {"type": "exit", "status": 2}
    assert "total 1 in 1 stack<" in flame.read_text()
    assert "total 1 in " in heat.read_text()
    with pytest.raises(ValueError, match="no such format: yaml"):
        dscript.run(program, format="yaml")  # type: ignore[arg-type]
