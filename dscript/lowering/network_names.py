"""Addresses as text: inet_ntoa, inet_ntoa6, inet_ntop, link_ntop.

The address is read from kernel memory, or from scratch memory where copyin() put it.  The
kernel's own bpf_snprintf() writes the numbers.
"""

from __future__ import annotations

from dscript.lowering import memory
from dscript.lowering.generator import Generator, StringInto
from dscript.lowering.operands import Place
from dscript.lowering.steps import Step, Words, if_below, only_if, shared, steps, words
from dscript.lowering.string_arguments import limit_of
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree

# include/linux/socket.h and include/uapi/linux/if_arp.h
_AF_INET, _AF_INET6 = 2, 10
_ARPHRD_ETHER, _ARPHRD_INFINIBAND = 1, 32
_ETHER_BYTES, _INFINIBAND_BYTES = 6, 20

# Longer than any of the texts, with slack for one more number.
_TEXT = 128


def _address(g: Generator, expr: tree.Expr, size: int) -> Value:
    where = Place(address=g.value(expr), user=tree.is_user_pointer(expr.type))
    copy = g.temporary_at(size)
    memory.read(g, copy, size, where)
    return copy


def _print(g: Generator, where: Value, size: int, form: str, values: list[Value]) -> None:
    """bpf_snprintf() with 64-bit arguments."""
    f = g.f
    data = g.temporary_at(8 * len(values))
    for at, value in enumerate(values):
        f.store(value, f.gep(data, 8 * at))
    text = g.unit.module.string(form.encode())
    f.helper(Helper.SNPRINTF, [where, const(size), text, data, const(8 * len(values))])


def _bytes(g: Generator, address: Value, first: int, count: int) -> list[Value]:
    f = g.f
    return [
        f.zext(f.load("i8", f.gep(address, at), align=1), "i64")
        for at in range(first, first + count)
    ]


def _finish(g: Generator, text: Value, destination: Value, limit: int) -> None:
    g.f.helper(Helper.PROBE_READ_KERNEL_STR, [destination, const(limit), text])


def _ipv4(g: Generator, address: Value, first: int, text: Value, prefix: str = "") -> None:
    """Dotted decimal, most significant byte first."""
    _print(g, text, _TEXT, f"{prefix}%u.%u.%u.%u", _bytes(g, address, first, 4))


def _inet_ntoa(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    text = g.temporary_at(_TEXT)
    _ipv4(g, _address(g, call.args[0], 4), 0, text)
    _finish(g, text, destination, limit_of(call, capacity))


def _inet_ntoa6(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    text = g.temporary_at(_TEXT)
    _ipv6(g, _address(g, call.args[0], 16), text, embedded_only=True)
    _finish(g, text, destination, limit_of(call, capacity))


def _inet_ntop(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """By address family; another one is an illegal operation."""
    f = g.f
    family = g.value(call.args[0])
    text = g.temporary_at(_TEXT)
    four, other, six, done = (f.block(name) for name in ("inet", "other", "inet6", "ntop"))
    f.cbr(f.icmp("eq", family, _AF_INET), four, other)
    f.at(four)
    _ipv4(g, _address(g, call.args[1], 4), 0, text)
    f.br(done)
    f.at(other)
    g.fault_if(f.icmp("ne", family, _AF_INET6), Fault.ILLOP)
    f.br(six)
    f.at(six)
    _ipv6(g, _address(g, call.args[1], 16), text, embedded_only=False)
    f.br(done)
    f.at(done)
    _finish(g, text, destination, limit_of(call, capacity))


# ------------------------------------------------------------------------------------ IPv6

_RUN = ("start", "length", "best", "longest", "out")
_NONE = 16


def _ipv6(g: Generator, address: Value, text: Value, *, embedded_only: bool) -> None:
    """RFC 1884's second form: hexadecimal groups, "::" for the longest run of zeroes.

    Addresses that hold an IPv4 one show it: alone for inet_ntoa6(), after "::" or "::ffff:"
    for inet_ntop().
    """
    f = g.f
    high = f.load("i64", address)
    low = f.load("i32", f.gep(address, 8))
    last = f.intrinsic("llvm.bswap.i32", [f.load("i32", f.gep(address, 12))], "i32")
    mapped = f.op("and", f.icmp("eq", high, 0), f.icmp("eq", low, -0x10000))
    # "::" and "::1" hold no IPv4 address.
    compatible = f.op("and", f.icmp("eq", high, 0), f.icmp("eq", low, 0))
    compatible = f.op("and", compatible, f.icmp("ugt", last, 1))
    is_mapped, not_mapped, is_compatible, plain, done = (
        f.block(name) for name in ("mapped", "unmapped", "compatible", "plain", "ipv6")
    )
    f.cbr(mapped, is_mapped, not_mapped)
    f.at(not_mapped)
    f.cbr(compatible, is_compatible, plain)
    f.at(is_mapped)
    _ipv4(g, address, 12, text, "" if embedded_only else "::ffff:")
    f.br(done)
    f.at(is_compatible)
    _ipv4(g, address, 12, text, "" if embedded_only else "::")
    f.br(done)
    f.at(plain)
    state = words(g, start=0, length=0, best=_NONE, longest=0, out=0)
    function = shared(
        g,
        "ipv6_groups",
        [("address", "ptr"), ("text", "ptr"), ("state", "ptr")],
        lambda f: _build_ipv6(g, f),
    )
    f.call(function, [address, text, state.base])
    f.br(done)
    f.at(done)


def _group(f: Function, address: Value, index: Value) -> Value:
    word = f.load("i16", f.gep(address, f.op("shl", index, 1)))
    return f.zext(f.intrinsic("llvm.bswap.i16", [word], "i16"), "i64")


def _build_ipv6(g: Generator, f: Function) -> None:
    address, text, base = f.params
    state = Words(f, base, _RUN)
    with steps(f, "ipv6_run", 8, state, address=address) as s:
        c, w = s.f, s.words
        s.stop_if(c.icmp("uge", s.index, 8))
        with only_if(c, c.icmp("ne", _group(c, s.pointer("address"), s.index), 0)):
            w["length"] = 0
            s.next()
        with only_if(c, c.icmp("eq", w["length"], 0)):
            w["start"] = s.index
        length = c.op("add", w["length"], 1)
        w["length"] = length
        with only_if(c, c.icmp("ugt", length, w["longest"])):
            w["longest"] = length
            w["best"] = w["start"]
    with steps(f, "ipv6_group", 8, state, address=address, text=text) as s:
        _ipv6_group(g, s)
    # A run at the end lacks its second colon, and the NUL that follows a number.
    at_end = f.icmp("eq", f.op("add", state["best"], state["longest"]), 8)
    with only_if(f, at_end), if_below(f, state["out"], _TEXT - 16) as out:
        end = f.gep(text, out)
        f.store(const(ord(":"), "i8"), end, align=1)
        f.store(const(0, "i8"), f.gep(end, 1), align=1)


def _ipv6_group(g: Generator, s: Step) -> None:
    c, w = s.f, s.words
    s.stop_if(c.icmp("uge", s.index, 8))
    best = w["best"]
    inside = c.icmp("ult", c.op("sub", s.index, best), w["longest"])
    with only_if(c, inside):
        with only_if(c, c.icmp("eq", s.index, best)):
            s.put("text", "out", ord(":"), _TEXT - 16)
        s.next()
    with only_if(c, c.icmp("ne", s.index, 0)):
        s.put("text", "out", ord(":"), _TEXT - 16)
    out = s.within(w["out"], _TEXT - 16)
    data = c.alloca(8, name="group")
    c.store(_group(c, s.pointer("address"), s.index), data)
    form = g.unit.module.string(b"%x")
    used = c.helper(
        Helper.SNPRINTF, [c.gep(s.pointer("text"), out), const(8), form, data, const(8)]
    )
    w["out"] = c.op("sub", c.op("add", out, used), 1)


# ------------------------------------------------------------------------------ link layer


def _link_ntop(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """By hardware type (ARPHRD_ETHER, ARPHRD_INFINIBAND): two hexadecimal digits a byte."""
    f = g.f
    kind = g.value(call.args[0])
    text = g.temporary_at(_TEXT)
    ether, other, done = f.block("ether"), f.block("other"), f.block("link")
    f.cbr(f.icmp("eq", kind, _ARPHRD_ETHER), ether, other)
    f.at(ether)
    _hexadecimal(g, _address(g, call.args[1], _ETHER_BYTES), _ETHER_BYTES, text)
    f.br(done)
    f.at(other)
    g.fault_if(f.icmp("ne", kind, _ARPHRD_INFINIBAND), Fault.ILLOP)
    _hexadecimal(g, _address(g, call.args[1], _INFINIBAND_BYTES), _INFINIBAND_BYTES, text)
    f.br(done)
    f.at(done)
    _finish(g, text, destination, limit_of(call, capacity))


def _hexadecimal(g: Generator, address: Value, count: int, text: Value) -> None:
    """At most 10 bytes a call: bpf_snprintf() takes 12 arguments."""
    for first in range(0, count, 10):
        some = min(10, count - first)
        form = (":" if first else "") + ":".join(["%02x"] * some)
        where = g.f.gep(text, max(0, 3 * first - 1))
        _print(g, where, 32, form, _bytes(g, address, first, some))


STRINGS: dict[str, StringInto] = {
    "inet_ntoa": _inet_ntoa,
    "inet_ntoa6": _inet_ntoa6,
    "inet_ntop": _inet_ntop,
    "link_ntop": _link_ntop,
}
