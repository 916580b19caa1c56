"""Speculations: which are in use, and what that means for the records of clauses.

Each of the `nspec` speculations has a word in `.bss`: bit 0 tells that it is in use, the bits
above count how often it has been freed.  Records carry ID and count together, so that one
written late by another CPU, when its speculation has been committed and taken anew, belongs
to nobody.  A clause's record takes its place in the ring before its speculate() or commit()
looks at the word; thus a commit comes after everything it commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dscript.lowering.generator import Generator
from dscript.lowering.steps import Words, if_below, only_if, shared, steps, words
from dscript.object.function import Function
from dscript.object.values import Value, const
from dscript.program import DropKind, Fault, RecordHeader
from dscript.semantics import tree

# The header's words `spec` and `flags`, seen from the record's body.
_SPEC = 16 - RecordHeader.SIZE
_FLAGS = 20 - RecordHeader.SIZE
# In `flags` of a record that is still being filled: speculate() found nothing to write to.
_LOST = 1 << 31

_TAKING = ("taken",)


def _words(g: Generator) -> int:
    """Offset of the speculations' words in the state blob."""
    unit = g.unit
    if unit.speculations is None:
        unit.speculations = unit.layout.bss_size
        unit.layout.bss_size += 8 * unit.nspec
    return unit.speculations


def speculation(g: Generator, call: tree.SubroutineCall) -> Value:
    """speculation(): the ID of a free one, from 1; 0 and a counted failure without any."""
    f = g.f
    state = words(g, taken=0)
    first = g.bss(_words(g))
    function = shared(
        g,
        "take_speculation",
        [("first", "ptr"), ("state", "ptr")],
        lambda f: _build_taking(f, g.unit.nspec),
    )
    f.call(function, [first, state.base])
    taken = state["taken"]
    with only_if(f, f.icmp("eq", taken, 0)):
        g.count_drop(DropKind.SPECULATION_UNAVAILABLE)
    return taken


def _build_taking(f: Function, count: int) -> None:
    first, base = f.params
    with steps(f, "take_speculation_step", count, Words(f, base, _TAKING), first=first) as s:
        c, w = s.f, s.words
        at = s.within(s.index, count)
        word = c.gep(s.pointer("first"), c.op("shl", at, 3))
        old = c.load("i64", word, volatile=True)
        s.next_if(c.icmp("ne", c.op("and", old, 1), 0))
        seen = c.cmpxchg(word, old, c.op("or", old, 1))
        s.next_if(c.icmp("ne", seen, old))
        w["taken"] = c.op("add", s.index, 1)
        s.stop()


@contextmanager
def _in_use(g: Generator, node: tree.ActionCall) -> Iterator[tuple[Value, Value, Value]]:
    """(pointer to the word, the word, ID for records), for a speculation that is in use.

    0 and a free one are passed over without a word; any other ID is an illegal operation.
    """
    f = g.f
    which = g.value(node.args[0])
    g.fault_if(f.icmp("ugt", which, g.unit.nspec), Fault.ILLOP)
    with if_below(f, f.op("sub", which, 1), g.unit.nspec) as at:
        pointer = f.gep(g.bss(_words(g)), f.op("shl", at, 3))
        word = f.load("i64", pointer, volatile=True)
        with only_if(f, f.icmp("ne", f.op("and", word, 1), 0)):
            freed = f.op("mul", f.op("lshr", word, 1), g.unit.nspec)
            yield pointer, word, f.op("add", f.op("add", freed, at), 1)


def speculate(g: Generator, node: tree.ActionCall) -> None:
    """From here on the clause's record belongs to the speculation, or is lost without one."""
    f = g.f
    assert g.record is not None
    f.store(const(_LOST, "i32"), f.gep(g.record, _FLAGS))
    with _in_use(g, node) as (_, _, id_):
        f.store(f.trunc(id_, "i32"), f.gep(g.record, _SPEC))
        f.store(const(0, "i32"), f.gep(g.record, _FLAGS))


def lost(g: Generator) -> Value:
    """Whether the record being finished went to a speculation that is not there."""
    f = g.f
    assert g.record is not None
    return f.icmp("eq", f.load("i32", f.gep(g.record, _FLAGS)), const(_LOST, "i32"))


def settle(flag: int) -> Callable[[Generator, tree.ActionCall], None]:
    """commit() or discard(): free the speculation; only one CPU can."""

    def lower(g: Generator, node: tree.ActionCall) -> None:
        f = g.f
        assert g.record is not None
        with _in_use(g, node) as (pointer, word, id_):
            seen = f.cmpxchg(pointer, word, f.op("add", word, 1))
            with only_if(f, f.icmp("eq", seen, word)):
                f.store(f.trunc(id_, "i32"), f.gep(g.record, _SPEC))
                f.store(const(flag, "i32"), f.gep(g.record, _FLAGS))

    return lower
