"""Subroutines on path names: basename, dirname, cleanpath."""

from __future__ import annotations

from dscript.lowering.generator import Generator, StringInto
from dscript.lowering.steps import Step, Words, if_below, only_if, shared, steps, words
from dscript.lowering.string_arguments import Argument, argument, limit_of, part
from dscript.object.function import Function
from dscript.object.values import Value, const
from dscript.semantics import tree

_SLASH, _DOT = ord("/"), ord(".")

# Where the last component starts and ends, where the one before it ended, and whether the
# scan is inside one.
_COMPONENTS = ("start", "end", "before", "inside")


def _components(g: Generator, path: Argument) -> Words:
    state = words(g, start=0, end=0, before=0, inside=0)
    size = g.unit.program.strsize
    function = shared(
        g,
        "path_components",
        [("path", "ptr"), ("state", "ptr")],
        lambda f: _build_components(f, size),
    )
    g.f.call(function, [path.pointer, state.base])
    return state


def _build_components(f: Function, size: int) -> None:
    path, base = f.params
    state = Words(f, base, _COMPONENTS)
    with steps(f, "path_components_step", size, state, path=path) as s:
        c, w = s.f, s.words
        byte = s.byte("path", s.index, size)
        s.stop_if(c.icmp("eq", byte, 0))
        with only_if(c, c.icmp("eq", byte, _SLASH)):
            w["inside"] = 0
            s.next()
        with only_if(c, c.icmp("eq", w["inside"], 0)):
            w["before"] = w["end"]
            w["start"] = s.index
            w["inside"] = 1
        w["end"] = c.op("add", s.index, 1)


def _one(g: Generator, destination: Value, byte: Value, limit: int) -> None:
    """A string of one byte, where there is room for it."""
    f = g.f
    if limit > 1:
        f.store(f.trunc(byte, "i8"), destination, align=1)
    f.store(const(0, "i8"), f.gep(destination, min(1, limit - 1)), align=1)


def _without_components(g: Generator, path: Argument) -> Value:
    """What basename() and dirname() make of a path of slashes only, and of an empty one."""
    f = g.f
    return f.select(f.icmp("eq", path.length, 0), const(_DOT), const(_SLASH))


def _basename(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """basename(1): the last component; trailing slashes do not count."""
    f = g.f
    limit = limit_of(call, capacity)
    path = argument(g, call.args[0])
    state = _components(g, path)
    some, none, done = f.block("some"), f.block("none"), f.block("basename")
    f.cbr(f.icmp("ne", state["end"], 0), some, none)
    f.at(some)
    start = state["start"]
    part(g, path, start, f.op("sub", state["end"], start), destination, limit)
    f.br(done)
    f.at(none)
    _one(g, destination, _without_components(g, path), limit)
    f.br(done)
    f.at(done)


def _dirname(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """dirname(1): all but the last component, without trailing slashes."""
    f = g.f
    limit = limit_of(call, capacity)
    path = argument(g, call.args[0])
    state = _components(g, path)
    some, none, done = f.block("some"), f.block("none"), f.block("dirname")
    before = state["before"]
    f.cbr(f.icmp("ne", before, 0), some, none)
    f.at(some)
    part(g, path, f.opaque(const(0)), before, destination, limit)
    f.br(done)
    f.at(none)
    # A component at the very start has the current directory before it.
    relative = f.op("and", f.icmp("ne", state["end"], 0), f.icmp("eq", state["start"], 0))
    _one(g, destination, f.select(relative, const(_DOT), _without_components(g, path)), limit)
    f.br(done)
    f.at(done)


# ------------------------------------------------------------------------------- cleanpath

# Mode: what has been read but not written yet: 0 nothing, 1 "/", 2 "/.", 3 "/..".  From 4 on
# the last component is being taken back; then comes a "/": 4 one to wait, 5 the last byte.
_CLEANING = ("mode", "at", "out")
_TAKING_BACK, _TAKING_BACK_LAST = 4, 5


def _cleanpath(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    limit = limit_of(call, capacity)
    path = argument(g, call.args[0])
    state = words(g, mode=0, at=0, out=0)
    size = g.unit.program.strsize
    function = shared(
        g,
        f"cleanpath_{limit}",
        [("destination", "ptr"), ("path", "ptr"), ("state", "ptr")],
        lambda f: _build_cleanpath(f, size, limit),
    )
    g.f.call(function, [destination, path.pointer, state.base])


def _build_cleanpath(f: Function, size: int, limit: int) -> None:
    """Each step reads one byte or takes one back, so two a byte are enough."""
    destination, path, base = f.params
    state = Words(f, base, _CLEANING)
    with steps(f, f"{f.name}_step", 2 * size + 4, state, destination=destination, path=path) as s:
        mode = s.words["mode"]
        with only_if(s.f, s.f.icmp("uge", mode, _TAKING_BACK)):
            _take_back(s, mode, limit)
        _read(s, mode, size, limit)
    with if_below(f, state["out"], limit) as end:
        f.store(const(0, "i8"), f.gep(destination, end), align=1)


def _take_back(s: Step, mode: Value, limit: int) -> None:
    c, w = s.f, s.words
    out = w["out"]
    with only_if(c, c.icmp("ne", out, 0)):
        last = c.op("sub", out, 1)
        byte = s.byte("destination", last, limit)
        w["out"] = last
        s.next_if(c.icmp("ne", byte, _SLASH))
    with only_if(c, c.icmp("eq", mode, _TAKING_BACK_LAST)):
        s.put("destination", "out", _SLASH, limit - 1)
        s.stop()
    w["mode"] = 1
    s.next()


def _read(s: Step, mode: Value, size: int, limit: int) -> None:
    c, w = s.f, s.words
    at = w["at"]
    byte = s.byte("path", at, size)
    w["at"] = c.op("add", at, 1)
    up = c.icmp("eq", mode, 3)
    with only_if(c, c.icmp("eq", byte, _SLASH)):
        w["mode"] = c.select(up, const(_TAKING_BACK), const(1))
        s.next()
    waiting = c.icmp("ult", c.op("sub", mode, 1), 2)
    with only_if(c, c.op("and", c.icmp("eq", byte, _DOT), waiting)):
        w["mode"] = c.op("add", mode, 1)
        s.next()
    with only_if(c, c.op("and", c.icmp("eq", byte, 0), up)):
        w["mode"] = _TAKING_BACK_LAST
        s.next()
    for least, text in ((1, _SLASH), (2, _DOT), (3, _DOT)):
        with only_if(c, c.icmp("uge", mode, least)):
            s.put("destination", "out", text, limit - 1)
    s.stop_if(c.icmp("eq", byte, 0))
    s.put("destination", "out", byte, limit - 1)
    w["mode"] = 0


STRINGS: dict[str, StringInto] = {
    "basename": _basename,
    "cleanpath": _cleanpath,
    "dirname": _dirname,
}
