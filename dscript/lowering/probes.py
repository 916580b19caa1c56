"""`probefunc` and its kin, `id` and `epid`: constant tables indexed by probe key.

A program that serves one probe uses constants; one that serves many looks its key up.
"""

from __future__ import annotations

import struct

from dscript.lowering.generator import Generator
from dscript.lowering.layout import State, round_up
from dscript.lowering.records import PART_NAMES
from dscript.object.values import Value, const

# Where each is in `Unit.probe_names`.
PARTS = {name: at for at, name in enumerate(PART_NAMES)}


def probe_string(g: Generator, name: str) -> tuple[Value, int]:
    """Pointer to the NUL-terminated name and the bytes it can take."""
    part = PARTS[name]
    texts = {key: names[part].encode() for key, names in g.unit.probe_names.items()}
    if g.firing == "error":
        only = (b"dtrace", b"", b"", b"ERROR")[part]
        return g.unit.module.string(only), len(only) + 1
    distinct = set(texts.values())
    if len(distinct) == 1:
        only = distinct.pop()
        return g.unit.module.string(only), len(only) + 1
    width = round_up(max(len(text) for text in texts.values()) + 1)
    table, first, count = _table(g, name, width, texts)
    return g.f.gep(table, _slot(g, first, count, width)), width


def probe_id(g: Generator) -> Value:
    ids = g.unit.probe_ids
    if g.firing == "error":
        return const(3)
    if len(set(ids.values())) == 1:
        return const(next(iter(ids.values())))
    texts = {key: struct.pack("<Q", value) for key, value in ids.items()}
    table, first, count = _table(g, "id", 8, texts)
    return g.f.load("i64", g.f.gep(table, _slot(g, first, count, 8)))


def enabled_probe_id(g: Generator) -> Value:
    """The enabled probe ID of the running clause at the probe that fired."""
    clause = g.unit.program.clauses[g.clause]
    first = g.unit.epids[g.clause]
    if g.firing == "error" or len(clause.points) < 2:
        return const(first)
    numbered = enumerate(clause.points, first)
    texts = {point.probe.id: struct.pack("<I", epid) for epid, point in numbered}
    table, lowest, count = _table(g, f"epid {g.clause}", 4, texts)
    at = g.f.gep(table, _slot(g, lowest, count, 4))
    return g.f.zext(g.f.load("i32", at), "i64")


def _table(g: Generator, name: str, width: int, texts: dict[int, bytes]) -> tuple[Value, int, int]:
    known = g.unit.probe_tables.get(name)
    if known is None:
        first, last = min(texts), max(texts)
        rows = (texts.get(key, b"").ljust(width, b"\0") for key in range(first, last + 1))
        value = g.unit.module.data(b"".join(rows))
        known = g.unit.probe_tables[name] = (value, first, last + 1 - first)
    return known


def _slot(g: Generator, first: int, count: int, width: int) -> Value:
    """Byte offset of this probe's row, kept within the table for the verifier."""
    f = g.f
    key = f.load("i64", g.state_at(State.PROBE))
    row = f.opaque(f.op("sub", key, first))
    inside = f.icmp("ult", row, count)
    # Opaque once more, or LLVM multiplies first and compares the factor that it keeps.
    row = f.opaque(f.select(inside, row, const(0)))
    return f.op("mul", row, width)
