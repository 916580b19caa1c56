"""Numbers in strings: strtoll and lltostr."""

from __future__ import annotations

from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.steps import Words, if_below, only_if, shared, steps, words
from dscript.lowering.string_arguments import argument, limit_of
from dscript.object.function import Function, Operand
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree


def _base(g: Generator, call: tree.SubroutineCall) -> Value:
    """The second argument, 10 without one; an illegal operation outside 2 … 36."""
    if len(call.args) < 2:
        return const(10)
    f = g.f
    base = g.value(call.args[1])
    g.fault_if(f.icmp("ugt", f.op("sub", base, 2), 34), Fault.ILLOP)
    return base


# --------------------------------------------------------------------------------- strtoll

# Mode: 0 blanks and a sign may come, 1 the sign was there, 2 digits.  Bytes before `skip` are
# done with.
_PARSING = ("base", "mode", "skip", "negative", "value")


def _strtoll(g: Generator, call: tree.SubroutineCall) -> Value:
    """Blanks, a sign, "0x" in base 16, digits up to what is none; overflow wraps."""
    f = g.f
    text = argument(g, call.args[0])
    state = words(g, base=_base(g, call), mode=0, skip=0, negative=0, value=0)
    size = g.unit.program.strsize
    function = shared(
        g, "strtoll", [("text", "ptr"), ("state", "ptr")], lambda f: _build_strtoll(f, size)
    )
    f.call(function, [text.pointer, state.base])
    value = state["value"]
    return f.select(f.icmp("ne", state["negative"], 0), f.op("sub", 0, value), value)


def _build_strtoll(f: Function, size: int) -> None:
    text, base = f.params
    with steps(f, "strtoll_step", size, Words(f, base, _PARSING), text=text) as s:
        c, w = s.f, s.words
        here = c.gep(s.pointer("text"), s.within(s.index, size))
        byte = c.zext(c.load("i8", here, align=1), "i64")
        s.stop_if(c.icmp("eq", byte, 0))
        s.next_if(c.icmp("ult", s.index, w["skip"]))
        mode = w["mode"]
        with only_if(c, c.icmp("eq", mode, 0)):
            s.next_if(c.op("or", c.icmp("eq", byte, 0x20), c.icmp("eq", byte, 9)))
            minus = c.icmp("eq", byte, ord("-"))
            with only_if(c, c.op("or", minus, c.icmp("eq", byte, ord("+")))):
                w["negative"] = c.zext(minus, "i64")
                w["mode"] = 1
                s.next()
        w["mode"] = 2
        hexadecimal = c.op("and", c.icmp("ne", mode, 2), c.icmp("eq", w["base"], 16))
        with only_if(c, c.op("and", hexadecimal, c.icmp("eq", byte, ord("0")))):
            x = c.op("or", c.load("i8", c.gep(here, 1), align=1), 0x20)
            digit = _digit(c, c.zext(c.load("i8", c.gep(here, 2), align=1), "i64"))
            with only_if(c, c.op("and", c.icmp("eq", x, ord("x")), c.icmp("ult", digit, 16))):
                w["skip"] = c.op("add", s.index, 2)
                s.next()
        digit = _digit(c, byte)
        s.stop_if(c.icmp("uge", digit, w["base"]))
        w["value"] = c.op("add", c.op("mul", w["value"], w["base"]), digit)


def _digit(f: Function, byte: Value) -> Value:
    """0 … 35, more for what is neither digit nor letter."""
    number = f.op("sub", byte, ord("0"))
    letter = f.op("sub", f.op("or", byte, 0x20), ord("a"))
    other = f.select(f.icmp("ult", letter, 26), f.op("add", letter, 10), const(255))
    return f.select(f.icmp("ult", number, 10), number, other)


# --------------------------------------------------------------------------------- lltostr

_FORMATTING = ("value", "base", "at")
# Most that can be written: 64 binary digits and a NUL, or a prefix and fewer.
_DIGITS = 72


def _lltostr(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """Signed in base 10, else unsigned; base 8 begins with "0" and base 16 with "0x"."""
    f = g.f
    value = g.value(call.args[0])
    base = _base(g, call)
    digits = g.temporary_at(_DIGITS)
    negative = f.op("and", f.icmp("slt", value, 0), f.icmp("eq", base, 10))
    size = f.select(negative, f.op("sub", 0, value), value)
    state = words(g, value=size, base=base, at=_DIGITS - 1)
    f.store(const(0, "i8"), f.gep(digits, _DIGITS - 1), align=1)
    function = shared(g, "format_digits", [("digits", "ptr"), ("state", "ptr")], _build_digits)
    f.call(function, [digits, state.base])
    zero = f.icmp("eq", value, 0)
    sixteen = f.icmp("eq", base, 16)
    prefixed = f.op("or", f.op("or", zero, f.icmp("eq", base, 8)), sixteen)
    _prepend(f, state, digits, "0", f.op("and", zero, sixteen))
    _prepend(f, state, digits, "x", sixteen)
    _prepend(f, state, digits, "0", prefixed)
    _prepend(f, state, digits, "-", negative)
    with if_below(f, state["at"], _DIGITS) as at:
        limit = limit_of(call, capacity)
        f.helper(Helper.PROBE_READ_KERNEL_STR, [destination, const(limit), f.gep(digits, at)])


def _build_digits(f: Function) -> None:
    """Digits from the last to the first, in front of each other; none for 0."""
    digits, base = f.params
    with steps(f, "format_digits_step", 64, Words(f, base, _FORMATTING), digits=digits) as s:
        c, w = s.f, s.words
        value = w["value"]
        s.stop_if(c.icmp("eq", value, 0))
        digit = c.op("urem", value, w["base"])
        w["value"] = c.op("udiv", value, w["base"])
        letter = c.icmp("ugt", digit, 9)
        byte = c.op("add", digit, c.select(letter, const(ord("a") - 10), const(ord("0"))))
        _put_before(c, w, s.pointer("digits"), byte)


def _prepend(f: Function, state: Words, digits: Value, text: str, condition: Value) -> None:
    with only_if(f, condition):
        _put_before(f, state, digits, ord(text))


def _put_before(f: Function, state: Words, digits: Value, byte: Operand) -> None:
    at = f.op("sub", state["at"], 1)
    narrow = const(byte, "i8") if isinstance(byte, int) else f.trunc(byte, "i8")
    with if_below(f, at, _DIGITS) as at:
        f.store(narrow, f.gep(digits, at), align=1)
        state["at"] = at


SCALARS: dict[str, Scalar] = {"strtoll": _strtoll}
STRINGS: dict[str, StringInto] = {"lltostr": _lltostr}
