"""One clause as code: predicate, record, body, and the way out of a fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dscript.lowering import call_names, speculations, unwinding, variables
from dscript.lowering.generator import Generator, Unit, count_drop
from dscript.lowering.layout import State
from dscript.lowering.probes import enabled_probe_id
from dscript.lowering.threads import read_ids, thread_id
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import NULL, Value, const
from dscript.program import DropKind, ErrorRecord, RecordHeader
from dscript.semantics import tree
from dscript.semantics.walk import walk, walk_body, walk_clause

# Expressions of a clause, each with its operands.
_LONG = 40


def lower_clause(g: Generator, clause: tree.Clause, report: Function | None) -> None:
    """Emit the clause; control goes on after it.

    A fault calls `report`, which fires ERROR.  Without one the function returns 1 at once
    for its caller to do so; ERROR's own clauses go on, since their faults are not reported.
    """
    f = g.f
    end, faulted = f.block("end"), f.block("faulted")
    g.clause, g.action, g.cached = clause.index, 0, {}
    g.begin_statement()
    g.fault_label, g.skip_label = faulted, end
    g.record = None
    g.spares_stack = unwinding.wanted(clause) or _is_long(clause)
    g.at(clause.span)
    g.shape = call_names.shape(clause)
    leaving = end
    if g.shape is not None:
        end = f.block("leave")
        g.skip_label = end
        own = call_names.enter(g, clause, leaving)
    if clause.predicate is not None:
        _prefetch(g, walk(clause.predicate), walk_body(clause.body))
        passed = f.block("passed")
        f.cbr(g.truth(clause.predicate), passed, end)
        f.at(passed)
        g.begin_statement()
    _prefetch(g, walk_body(clause.body))
    record = _reserve(g, end) if g.plan.has_record else None
    _statements(g, clause.body)
    if record is not None:
        if g.plan.speculates:
            keep = f.block("keep")
            f.cbr(speculations.lost(g), g.skip_label, keep)
            f.at(keep)
        f.helper(Helper.RINGBUF_SUBMIT, [record, const(0)])
        f.br(end)
        _give_back(g, record, end, faulted)
    else:
        f.br(end)
        f.at(faulted)
    _faulted(g, clause, report, end)
    f.at(end)
    if g.shape is not None:
        call_names.leave(g, own)
        f.br(leaving)
        f.at(leaving)


def _is_long(clause: tree.Clause) -> bool:
    """Whether LLVM may keep so many values on the stack that keys had better not be there."""
    return sum(1 for _ in walk_clause(clause)) > _LONG


def _statements(g: Generator, body: Sequence[tree.Stmt]) -> None:
    f = g.f
    for statement in body:
        g.at(statement.span)
        g.begin_statement()
        if isinstance(statement, tree.If):
            then, otherwise, done = f.block("then"), f.block("else"), f.block("endif")
            f.cbr(g.truth(statement.condition), then, otherwise)
            f.at(then)
            _statements(g, statement.then)
            f.br(done)
            f.at(otherwise)
            _statements(g, statement.otherwise)
            f.br(done)
            f.at(done)
        elif isinstance(statement, tree.Do):
            if not isinstance(statement.expr, tree.ActionCall):
                g.action += 1
            g.effect(statement.expr)


# ---------------------------------------------------------------------------- prefetching


def _prefetch(g: Generator, now: Iterable[tree.Expr], later: Iterable[tree.Expr] = ()) -> None:
    """Compute once what the clause uses more than once, where it dominates all uses.

    The manual has timestamp the same throughout a clause; of the rest it saves calls.
    """
    counts: dict[str, int] = {}
    spans = {}
    for node in now:
        if isinstance(node, tree.Builtin):
            name = _GROUPS.get(node.name, node.name)
            counts[name] = counts.get(name, 0) + 1
            spans[name] = node.span
    for node in later:
        if isinstance(node, tree.Builtin):
            name = _GROUPS.get(node.name, node.name)
            if name in counts:
                counts[name] += 1
    # timestamp first: vtimestamp is counted up to it.
    for name, count in sorted(counts.items(), key=lambda item: item[0] != "timestamp"):
        once = name in ("timestamp", "walltimestamp", "vtimestamp")
        if name in g.cached or (count < 2 and not once):
            continue
        if name == "timestamp":
            g.cached[name] = g.f.helper(Helper.KTIME_GET_NS, [])
        elif name == "walltimestamp":
            g.cached[name] = variables.read_walltime(g)
        elif name == "vtimestamp":
            g.cached[name] = variables.read_vtime(g, spans[name])
        elif name == "ids":
            g.cached[name] = read_ids(g)
        elif name == "syscall_arguments" and g.firing == "syscall_entry":
            g.cached[name] = variables.read_syscall_arguments(g)


_GROUPS = {"pid": "ids", "tid": "ids", **{f"arg{n}": "syscall_arguments" for n in range(6)}}


# --------------------------------------------------------------------------------- record


def _reserve(g: Generator, end: str) -> Value:
    """Take the record from the ring buffer and fill its header; `g.record` is its body."""
    f = g.f
    size = RecordHeader.SIZE + g.plan.size
    record = f.helper(Helper.RINGBUF_RESERVE, [g.unit.records, const(size), const(0)], "ptr")
    full, room = f.block("full"), f.block("record")
    f.cbr(f.icmp("eq", record, NULL), full, room)
    f.at(full)
    g.count_drop(DropKind.RECORD)
    f.br(end)
    f.at(room)
    g.record = f.gep(record, RecordHeader.SIZE)
    g.fault_label, g.skip_label = f.block("giveback"), f.block("giveup")
    probe = f.load("i64", g.state_at(State.PROBE))
    header = f.op("or", f.op("shl", probe, 32), g.clause)
    f.store(header, record)
    cpu = f.helper(Helper.GET_SMP_PROCESSOR_ID, [])
    if g.unit.flowindent:
        cpu = f.op("or", cpu, f.op("shl", thread_id(g), 32))
    f.store(cpu, f.gep(record, 8))
    f.store(const(0), f.gep(record, 16))
    if g.plan.presence_size:
        f.memset(g.record, g.plan.presence_size)
    return record


def _give_back(g: Generator, record: Value, end: str, faulted: str) -> None:
    """The early ways out of a clause that holds a record: it is discarded first."""
    f = g.f
    for label, following in ((g.skip_label, end), (g.fault_label, faulted)):
        f.at(label)
        f.helper(Helper.RINGBUF_DISCARD, [record, const(0)])
        f.br(following)
    f.at(faulted)


def _faulted(g: Generator, clause: tree.Clause, report: Function | None, end: str) -> None:
    """The end of a clause after the fault that the state block describes."""
    f = g.f
    if g.firing == "error":
        f.br(end)
        return
    f.store(const(clause.index), g.state_at(State.FAULT_CLAUSE))
    epid = enabled_probe_id(g) if g.unit.error_reads_epid else const(0)
    f.store(epid, g.state_at(State.FAULT_EPID))
    if report is None:
        f.ret(1)
        return
    f.call(report, [g.ctx, g.state, g.scratch])
    f.br(end)


def report_function(unit: Unit, name: str, error_clauses: Function | None) -> Function:
    """ERROR: run its clauses, then tell user space what happened.

    The clauses see the faulting firing's state; their own key is ERROR's while they run.
    """
    f = unit.module.function(name, [("ctx", "ptr"), ("state", "ptr"), ("scratch", "ptr")])
    ctx, state, scratch = f.params
    if error_clauses is not None:
        probe = f.load("i64", state)
        saved = [f.load("i64", f.gep(state, at)) for at in _FAULT_WORDS]
        f.store(const(unit.error_probe), state)
        f.call(error_clauses, [ctx, state, scratch])
        f.store(probe, state)
        for at, word in zip(_FAULT_WORDS, saved, strict=True):
            f.store(word, f.gep(state, at))
    size = RecordHeader.SIZE + ErrorRecord.SIZE
    record = f.helper(Helper.RINGBUF_RESERVE, [unit.records, const(size), const(0)], "ptr")
    room, full = f.block("record"), f.block("full")
    f.cbr(f.icmp("eq", record, NULL), full, room)
    f.at(full)
    count_drop(f, unit.drops, DropKind.RECORD)
    f.ret(0)
    f.at(room)
    probe = f.load("i64", state)
    header = f.op("or", f.op("shl", probe, 32), const(RecordHeader.ERROR_CLAUSE))
    f.store(header, record)
    f.store(f.helper(Helper.GET_SMP_PROCESSOR_ID, []), f.gep(record, 8))
    f.store(const(0), f.gep(record, 16))
    body = f.gep(record, RecordHeader.SIZE)
    for offset, place in ((0, State.FAULT_CLAUSE), (4, State.FAULT_ACTION), (8, State.FAULT)):
        f.store(f.trunc(f.load("i64", f.gep(state, place)), "i32"), f.gep(body, offset))
    f.store(const(0xFFFFFFFF, "i32"), f.gep(body, 12))
    f.store(f.load("i64", f.gep(state, State.FAULT_ADDRESS)), f.gep(body, 16))
    f.helper(Helper.RINGBUF_SUBMIT, [record, const(0)])
    f.ret(0)
    return f


_FAULT_WORDS = (
    State.FAULT,
    State.FAULT_CLAUSE,
    State.FAULT_ACTION,
    State.FAULT_ADDRESS,
    State.FAULT_EPID,
)
