"""System calls under other names: when a clause is for a call, and where its arguments lie."""

from __future__ import annotations

from dscript.lowering.generator import Generator
from dscript.lowering.layout import State
from dscript.lowering.variables import read_syscall_arguments
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.providers.base import Shape, Test
from dscript.semantics import tree


def shape(clause: tree.Clause) -> Shape | None:
    """What makes the clause's calls another one; such a clause has no other points."""
    return clause.points[0].attach.shape if clause.points else None


def enter(g: Generator, clause: tree.Clause, end: str) -> Value:
    """Go on for calls that the clause is for, else to `end`; the probe becomes the clause's own.

    Returns the call's number, for `leave`.
    """
    f, known = g.f, g.shape
    assert known is not None
    place = g.state_at(State.PROBE)
    own = f.load("i64", place)
    if known.when or known.unless:
        g.cached["syscall_arguments"] = registers = read_syscall_arguments(g)
        for test in known.when:
            _require(g, _holds(g, registers, test), end)
        for tests in known.unless:
            claimed = const(1, "i1")
            for test in tests:
                claimed = f.op("and", claimed, _holds(g, registers, test))
            _require(g, f.op("xor", claimed, const(1, "i1")), end)
    f.store(const(clause.points[0].probe.id), place)
    return own


def leave(g: Generator, own: Value) -> None:
    g.f.store(own, g.state_at(State.PROBE))


def _require(g: Generator, condition: Value, end: str) -> None:
    passed = g.f.block("mine")
    g.f.cbr(condition, passed, end)
    g.f.at(passed)


def _holds(g: Generator, registers: Value, test: Test) -> Value:
    f, places = g.f, g.unit.kernel.registers["syscall"]
    value = f.load("i64", f.gep(registers, places[test.argument] - min(places)))
    if test.memory:
        word = f.slot("pointed", 8)
        # Memory that is not there counts as zeros.
        f.store(const(0), word)
        f.helper(Helper.PROBE_READ_USER, [word, const(8), value])
        value = f.load("i64", word)
    mask = test.mask - (1 << 64) if test.mask >> 63 else test.mask
    wanted = test.value - (1 << 64) if test.value >> 63 else test.value
    return f.icmp("eq" if test.equal else "ne", f.op("and", value, mask), wanted)
