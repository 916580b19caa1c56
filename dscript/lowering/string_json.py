"""json(text, path): one element of a JSON text, in a single pass over it.

`path` names members by `.` and array elements by `[n]`, as in "a.b[2].c".  The value of a
string is what stands between its quotes, escapes untouched; an object or array comes as it
is written.  What is not there, or not JSON up to there, gives NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from dscript.lowering.generator import Generator, StringInto
from dscript.lowering.steps import Step, Words, if_below, only_if, room, shared, steps, words
from dscript.lowering.string_arguments import argument, limit_of
from dscript.object.function import Function
from dscript.object.values import Value, const
from dscript.semantics import tree


class _Mode(IntEnum):
    """What the next byte is; the first three read the path or nothing instead."""

    NUMBER = 0  # of the array element wanted, from the path
    ADVANCE = 1  # to the path's next component, the value of this one being next
    ENTER = 2  # a container on the path
    ELEMENT = 3  # an array's next element
    KEY = 4  # an object's next key
    IN_KEY = 5
    COLON = 6
    SKIP = 7  # a value off the path
    SKIP_STRING = 8
    COLLECT = 9  # the value asked for
    STRING = 10
    CONTAINER = 11
    CONTAINER_STRING = 12
    SCALAR = 13


# `component` is the offset in the packed path of the component looked for, `scan` of the byte
# of it read next; `matched` tells whether the key is the same so far; `nested` counts open
# brackets; `escaped` that a backslash came before; `found` that the value is complete.
_STATE = (
    "mode", "at", "out", "component", "scan", "matched", "array", "position", "wanted",
    "nested", "escaped", "found",
)  # fmt: skip
_SEPARATORS = b".[]"
_BLANKS = b" \t\n\r"


def _json(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    limit = limit_of(call, capacity)
    size = g.unit.program.strsize
    text, path = argument(g, call.args[0]), argument(g, call.args[1])
    packed = g.temporary_at(room(size) + 8)
    initial = dict.fromkeys(_STATE, 0) | {"mode": int(_Mode.ENTER)}
    state = words(g, **initial)
    function = shared(
        g,
        f"json_{limit}",
        [(name, "ptr") for name in ("destination", "text", "path", "packed", "state")],
        lambda f: _build(f, size, limit),
    )
    g.f.call(function, [destination, text.pointer, path.pointer, packed, state.base])


def _build(f: Function, size: int, limit: int) -> None:
    destination, text, path, packed, base = f.params
    state = Words(f, base, _STATE)
    _build_packing(f, size, state, path, packed)
    with steps(
        f, f"{f.name}_step", 6 * size, state, destination=destination, text=text, packed=packed
    ) as s:
        _build_step(s, size, limit)
    with if_below(f, f.select(f.icmp("ne", state["found"], 0), state["out"], const(0)), limit) as n:
        f.store(const(0, "i8"), f.gep(destination, n), align=1)


def _build_packing(f: Function, size: int, state: Words, path: Value, packed: Value) -> None:
    """The components one after the other, a NUL behind each and one more at the end."""
    with steps(f, f"{f.name}_pack", size, state, path=path, packed=packed) as s:
        c, w = s.f, s.words
        byte = s.byte("path", s.index, size)
        s.stop_if(c.icmp("eq", byte, 0))
        separator = _one_of(c, byte, _SEPARATORS)
        with only_if(c, separator):
            s.next_if(c.icmp("eq", w["matched"], 0))
        w["matched"] = c.zext(c.op("xor", separator, const(1, "i1")), "i64")
        s.put("packed", "out", c.select(separator, const(0), byte), size)
    with if_below(f, state["out"], size) as end:
        f.store(const(0, "i8"), f.gep(packed, end), align=1)
        f.store(const(0, "i8"), f.gep(f.gep(packed, end), 1), align=1)
    state["out"] = 0


def _one_of(f: Function, byte: Value, texts: bytes) -> Value:
    found = f.icmp("eq", byte, texts[0])
    for text in texts[1:]:
        found = f.op("or", found, f.icmp("eq", byte, text))
    return found


def _build_step(s: Step, size: int, limit: int) -> None:
    c, w = s.f, s.words
    mode = w["mode"]
    handlers = {**_READERS, **_COLLECTORS}
    labels = {handled: c.block(handled.name.lower()) for handled in handlers}
    for reads_path, build in ((_Mode.NUMBER, _number), (_Mode.ADVANCE, _advance)):
        with only_if(c, c.icmp("eq", mode, int(reads_path))):
            build(s, size)
    at = w["at"]
    byte = s.byte("text", at, size)
    s.stop_if(c.icmp("eq", byte, 0))
    w["at"] = c.op("add", at, 1)
    c.switch(mode, s.stop_label, {int(handled): label for handled, label in labels.items()})
    for handled, label in labels.items():
        c.at(label)
        handlers[handled](s, byte, limit if handled in _COLLECTORS else size)
        if not c.terminated:
            s.next()


# ------------------------------------------------------------------------------- the path


def _number(s: Step, size: int) -> None:
    c, w = s.f, s.words
    scan = w["scan"]
    byte = s.byte("packed", scan, size)
    with only_if(c, c.icmp("eq", byte, 0)):
        _go(s, _Mode.ELEMENT)
    digit = c.op("sub", byte, ord("0"))
    s.stop_if(c.icmp("ugt", digit, 9))
    w["wanted"] = c.op("add", c.op("mul", w["wanted"], 10), digit)
    w["scan"] = c.op("add", scan, 1)
    s.next()


def _advance(s: Step, size: int) -> None:
    c, w = s.f, s.words
    at = w["component"]
    after = c.op("add", at, 1)
    w["component"] = after
    byte = s.byte("packed", at, size)
    s.next_if(c.icmp("ne", byte, 0))
    following = s.byte("packed", after, size)
    last = c.icmp("eq", following, 0)
    w["mode"] = c.select(last, const(int(_Mode.COLLECT)), const(int(_Mode.ENTER)))
    s.next()


# ------------------------------------------------------------------- on the way to the value


def _go(s: Step, mode: _Mode, *, again: bool = False) -> None:
    """Take the next byte in another mode; `again`: the present one."""
    if again:
        s.words["at"] = s.f.op("sub", s.words["at"], 1)
    s.words["mode"] = int(mode)
    s.next()


def _case(s: Step, byte: Value, text: str, mode: _Mode) -> None:
    with only_if(s.f, s.f.icmp("eq", byte, ord(text))):
        _go(s, mode)


def _skip_blanks(s: Step, byte: Value) -> None:
    s.next_if(_one_of(s.f, byte, _BLANKS))


def _enter(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    _skip_blanks(s, byte)
    w["array"] = c.zext(c.icmp("eq", byte, ord("[")), "i64")
    _case(s, byte, "{", _Mode.KEY)
    s.stop_if(c.icmp("ne", byte, ord("[")))
    w["position"] = 0
    w["wanted"] = 0
    w["scan"] = w["component"]
    _go(s, _Mode.NUMBER)


def _element(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    _skip_blanks(s, byte)
    s.stop_if(c.icmp("eq", byte, ord("]")))
    with only_if(c, c.icmp("eq", w["position"], w["wanted"])):
        _go(s, _Mode.ADVANCE, again=True)
    _go(s, _Mode.SKIP, again=True)


def _key(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    _skip_blanks(s, byte)
    s.stop_if(c.icmp("ne", byte, ord('"')))
    w["matched"] = 1
    w["escaped"] = 0
    w["scan"] = w["component"]
    _go(s, _Mode.IN_KEY)


def _escaping(s: Step, byte: Value) -> Value:
    """Whether this byte is escaped or begins an escape: it cannot end a string."""
    c, w = s.f, s.words
    before = c.icmp("ne", w["escaped"], 0)
    begins = c.op("and", c.icmp("eq", byte, ord("\\")), c.op("xor", before, const(1, "i1")))
    w["escaped"] = c.zext(begins, "i64")
    return c.op("or", before, begins)


def _in_key(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    escaping = _escaping(s, byte)
    scan = w["scan"]
    wanted = s.byte("packed", scan, size)
    ends = c.op("and", c.icmp("eq", byte, ord('"')), c.op("xor", escaping, const(1, "i1")))
    same = c.icmp("eq", wanted, c.select(ends, const(0), byte))
    w["matched"] = c.op("and", w["matched"], c.zext(same, "i64"))
    with only_if(c, ends):
        _go(s, _Mode.COLON)
    # A key that differs already is not followed further.
    w["scan"] = c.op("add", scan, w["matched"])


def _colon(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    _skip_blanks(s, byte)
    s.stop_if(c.icmp("ne", byte, ord(":")))
    matched = c.icmp("ne", w["matched"], 0)
    w["mode"] = c.select(matched, const(int(_Mode.ADVANCE)), const(int(_Mode.SKIP)))
    w["nested"] = 0


def _bracket(s: Step, byte: Value) -> Value:
    """Count brackets; what is open after this byte."""
    c, w = s.f, s.words
    opens = c.zext(_one_of(c, byte, b"{["), "i64")
    closes = c.zext(_one_of(c, byte, b"}]"), "i64")
    nested = c.op("sub", c.op("add", w["nested"], opens), closes)
    w["nested"] = nested
    return nested


def _skip(s: Step, byte: Value, size: int) -> None:
    c, w = s.f, s.words
    w["escaped"] = 0
    _case(s, byte, '"', _Mode.SKIP_STRING)
    nested = _bracket(s, byte)
    # The container that was searched ends here.
    s.stop_if(c.icmp("slt", nested, 0))
    between = c.op("and", c.icmp("eq", byte, ord(",")), c.icmp("eq", nested, 0))
    s.next_if(c.op("xor", between, const(1, "i1")))
    array = c.icmp("ne", w["array"], 0)
    w["position"] = c.op("add", w["position"], 1)
    w["mode"] = c.select(array, const(int(_Mode.ELEMENT)), const(int(_Mode.KEY)))


def _skip_string(s: Step, byte: Value, size: int) -> None:
    s.next_if(_escaping(s, byte))
    _case(s, byte, '"', _Mode.SKIP)


# ------------------------------------------------------------------------------- the value


def _found(s: Step) -> None:
    s.words["found"] = 1
    s.stop()


def _collect(s: Step, byte: Value, limit: int) -> None:
    c, w = s.f, s.words
    _skip_blanks(s, byte)
    w["escaped"] = 0
    _case(s, byte, '"', _Mode.STRING)
    s.stop_if(_one_of(c, byte, b",:}]"))
    s.put("destination", "out", byte, limit - 1)
    container = _one_of(c, byte, b"{[")
    w["nested"] = 1
    w["mode"] = c.select(container, const(int(_Mode.CONTAINER)), const(int(_Mode.SCALAR)))


def _string(s: Step, byte: Value, limit: int) -> None:
    c = s.f
    escaping = _escaping(s, byte)
    with only_if(c, escaping):
        s.put("destination", "out", byte, limit - 1)
        s.next()
    with only_if(c, c.icmp("eq", byte, ord('"'))):
        _found(s)
    s.put("destination", "out", byte, limit - 1)


def _container(s: Step, byte: Value, limit: int) -> None:
    c = s.f
    s.words["escaped"] = 0
    s.put("destination", "out", byte, limit - 1)
    _case(s, byte, '"', _Mode.CONTAINER_STRING)
    with only_if(c, c.icmp("eq", _bracket(s, byte), 0)):
        _found(s)


def _container_string(s: Step, byte: Value, limit: int) -> None:
    s.put("destination", "out", byte, limit - 1)
    s.next_if(_escaping(s, byte))
    _case(s, byte, '"', _Mode.CONTAINER)


def _scalar(s: Step, byte: Value, limit: int) -> None:
    with only_if(s.f, _one_of(s.f, byte, b",}]" + _BLANKS)):
        _found(s)
    s.put("destination", "out", byte, limit - 1)


_READERS: dict[_Mode, Callable[[Step, Value, int], None]] = {
    _Mode.ENTER: _enter,
    _Mode.ELEMENT: _element,
    _Mode.KEY: _key,
    _Mode.IN_KEY: _in_key,
    _Mode.COLON: _colon,
    _Mode.SKIP: _skip,
    _Mode.SKIP_STRING: _skip_string,
}
_COLLECTORS: dict[_Mode, Callable[[Step, Value, int], None]] = {
    _Mode.COLLECT: _collect,
    _Mode.STRING: _string,
    _Mode.CONTAINER: _container,
    _Mode.CONTAINER_STRING: _container_string,
    _Mode.SCALAR: _scalar,
}

STRINGS: dict[str, StringInto] = {"json": _json}
