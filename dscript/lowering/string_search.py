"""Subroutines that search strings: index, rindex, strstr, strchr, strrchr, substr, strtok."""

from __future__ import annotations

from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.steps import Words, only_if, room, shared, steps, words
from dscript.lowering.string_arguments import Argument, argument, copy_text, limit_of, part, tail
from dscript.object.function import Function
from dscript.object.values import Value, const
from dscript.semantics import tree
from dscript.semantics.conversions import is_null

_FIND = ("last", "length", "position", "matched", "step", "result")


def _find(g: Generator, text: Argument, sought: Argument, start: Value, step: int) -> Value:
    """Offset of the first match from `start` on in direction `step`, -1 for none."""
    f = g.f
    state = words(
        g,
        last=f.op("sub", text.length, sought.length),
        length=sought.length,
        position=start,
        matched=0,
        step=step,
        result=-1,
    )
    size = g.unit.program.strsize
    function = shared(
        g,
        "find_string",
        [("text", "ptr"), ("sought", "ptr"), ("state", "ptr")],
        lambda f: _build_find(f, size),
    )
    f.call(function, [text.pointer, sought.pointer, state.base])
    return state["result"]


def _build_find(f: Function, size: int) -> None:
    """One comparison of two bytes a step."""
    text, sought, base = f.params
    with steps(
        f, "find_string_step", size * size, Words(f, base, _FIND), text=text, sought=sought
    ) as s:
        c, w = s.f, s.words
        position, matched = w["position"], w["matched"]
        s.stop_if(c.icmp("slt", position, 0))
        s.stop_if(c.icmp("sgt", position, w["last"]))
        with only_if(c, c.icmp("uge", matched, w["length"])):
            w["result"] = position
            s.stop()
        here = s.byte("text", c.op("add", position, matched), size)
        wanted = s.byte("sought", matched, size)
        with only_if(c, c.icmp("eq", here, wanted)):
            w["matched"] = c.op("add", matched, 1)
            s.next()
        w["matched"] = 0
        w["position"] = c.op("add", position, w["step"])


def _index(g: Generator, call: tree.SubroutineCall) -> Value:
    """Positions are taken as Perl's index() takes them: put inside the string first."""
    f = g.f
    text, sought = argument(g, call.args[0]), argument(g, call.args[1])
    start = const(0)
    if len(call.args) == 3:
        start = g.value(call.args[2])
        start = f.select(f.icmp("slt", start, 0), const(0), start)
        start = f.select(f.icmp("sgt", start, text.length), text.length, start)
    return _find(g, text, sought, start, 1)


def _rindex(g: Generator, call: tree.SubroutineCall) -> Value:
    """Perl's rindex(): a negative start finds only the empty string, at 0."""
    f = g.f
    text, sought = argument(g, call.args[0]), argument(g, call.args[1])
    start = f.op("sub", text.length, sought.length)
    if len(call.args) == 3:
        wanted = g.value(call.args[2])
        none = f.op("and", f.icmp("slt", wanted, 0), f.icmp("eq", sought.length, 0))
        wanted = f.select(none, const(0), wanted)
        start = f.select(f.icmp("slt", wanted, start), wanted, start)
    return _find(g, text, sought, start, -1)


def _strstr(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    text, sought = argument(g, call.args[0]), argument(g, call.args[1])
    found = _find(g, text, sought, const(0), 1)
    tail(g, text, found, destination, limit_of(call, capacity))


# ------------------------------------------------------------------------------ characters

_CHARACTER = ("character", "result")


def _character(name: str, *, last: bool) -> StringInto:
    """strchr() and strrchr(): from the first or last such byte on; the final NUL counts."""

    def lower(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
        text = argument(g, call.args[0])
        sought = g.f.op("and", g.value(call.args[1]), 0xFF)
        state = words(g, character=sought, result=-1)
        size = g.unit.program.strsize
        function = shared(
            g, name, [("text", "ptr"), ("state", "ptr")], lambda f: _build_character(f, size, last)
        )
        g.f.call(function, [text.pointer, state.base])
        tail(g, text, state["result"], destination, limit_of(call, capacity))

    return lower


def _build_character(f: Function, size: int, last: bool) -> None:
    text, base = f.params
    state = Words(f, base, _CHARACTER)
    with steps(f, f"{f.name}_step", size, state, text=text) as s:
        c = s.f
        byte = s.byte("text", s.index, size)
        with only_if(c, c.icmp("eq", byte, s.words["character"])):
            s.words["result"] = s.index
            if not last:
                s.stop()
        s.stop_if(c.icmp("eq", byte, 0))


# ---------------------------------------------------------------------------------- substr


def _substr(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """Perl's substr(): a negative start counts from the end, a negative length leaves that
    many bytes off the end; a start before the string takes what lies inside."""
    f = g.f
    text = argument(g, call.args[0])
    start = g.value(call.args[1])
    size = g.unit.program.strsize
    length = g.value(call.args[2]) if len(call.args) == 3 else const(size)
    moved = f.op("add", start, text.length)
    negative = f.icmp("slt", start, 0)
    start = f.select(negative, moved, start)
    before = f.op(
        "and", f.icmp("slt", start, 0), f.icmp("sgt", f.op("add", start, length), const(0))
    )
    length = f.select(before, f.op("add", length, start), length)
    start = f.select(before, const(0), start)
    rest = f.op("sub", text.length, start)
    length = f.select(f.icmp("slt", length, 0), f.op("add", length, rest), length)
    outside = f.icmp("uge", start, text.length)
    length = f.select(outside, const(0), length)
    part(g, text, f.opaque(start), length, destination, limit_of(call, capacity))


# ---------------------------------------------------------------------------------- strtok

# What strtok() keeps from call to call of a firing: the offset of the rest, then the text.
_SAVED = 8
_TABLE = 256
_TOKEN = ("length",)


def saved_size(strsize: int) -> int:
    """Bytes of scratch that a program which calls strtok() needs all through a firing."""
    return _SAVED + room(strsize)


def forget_tokens(f: Function, saved: Value) -> None:
    """At the start of a firing: strtok(NULL, …) before any other call finds nothing.

    The clauses of a firing share what strtok() keeps, as they share clause-local variables.
    """
    f.store(const(0), saved)
    f.store(const(0), f.gep(saved, _SAVED))


def _strtok(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    f = g.f
    limit = limit_of(call, capacity)
    first: tree.Expr | None = call.args[0]
    if isinstance(first, tree.ToString) and is_null(first.operand):
        first = None
    text = None if first is None else g.string(first)
    delimiters = argument(g, call.args[1])
    saved = g.scratch_at(g.unit.scratch.tokens)
    if text is not None:
        copy_text(g, text, f.gep(saved, _SAVED))
        f.store(const(0), saved)
    table = g.temporary_at(_TABLE)
    f.memset(table, _TABLE)
    state = words(g, length=0)
    size = g.unit.program.strsize
    function = shared(
        g,
        f"strtok_{limit}",
        [(name, "ptr") for name in ("destination", "saved", "delimiters", "table", "state")],
        lambda f: _build_strtok(f, size, limit),
    )
    f.store(const(0, "i8"), destination, align=1)
    f.call(function, [destination, saved, delimiters.pointer, table, state.base])


def _build_strtok(f: Function, size: int, limit: int) -> None:
    """Mark the delimiters in a table, then take the bytes up to one that follows others."""
    destination, saved, delimiters, table, base = f.params
    with steps(f, f"{f.name}_mark", size, delimiters=delimiters, table=table) as s:
        byte = s.byte("delimiters", s.index, size)
        s.stop_if(s.f.icmp("eq", byte, 0))
        where = s.f.gep(s.pointer("table"), s.f.op("and", byte, 0xFF))
        s.f.store(const(1, "i8"), where, align=1)
    state = Words(f, base, _TOKEN)
    with steps(
        f, f"{f.name}_step", size, state, saved=saved, table=table, destination=destination
    ) as s:
        c, w = s.f, s.words
        at = s.within(c.load("i64", s.pointer("saved")), size)
        byte = c.zext(c.load("i8", c.gep(c.gep(s.pointer("saved"), at), _SAVED), align=1), "i64")
        s.stop_if(c.icmp("eq", byte, 0))
        c.store(c.op("add", at, 1), s.pointer("saved"))
        mark = c.load("i8", c.gep(s.pointer("table"), c.op("and", byte, 0xFF)), align=1)
        length = c.opaque(w["length"])
        with only_if(c, c.icmp("ne", mark, 0)):
            s.stop_if(c.icmp("ne", length, 0))
            s.next()
        s.next_if(c.icmp("uge", length, limit - 1))
        end = c.gep(s.pointer("destination"), length)
        c.store(c.trunc(byte, "i8"), end, align=1)
        c.store(const(0, "i8"), c.gep(end, 1), align=1)
        w["length"] = c.op("add", length, 1)


SCALARS: dict[str, Scalar] = {"index": _index, "rindex": _rindex}
STRINGS: dict[str, StringInto] = {
    "strchr": _character("strchr", last=False),
    "strrchr": _character("strrchr", last=True),
    "strstr": _strstr,
    "strtok": _strtok,
    "substr": _substr,
}

__all__ = ["SCALARS", "STRINGS", "forget_tokens", "saved_size"]
