"""The thread that a probe is about: its task, its numbers, here and in the initial namespace."""

from __future__ import annotations

from dscript.errors import Span
from dscript.lowering.generator import Generator
from dscript.lowering.namespaces import current_ids, read_word, task_number
from dscript.object.helpers import Helper
from dscript.object.values import Value

COMM_SIZE = 16  # TASK_COMM_LEN, include/linux/sched.h


def task(g: Generator) -> Value:
    """struct task_struct of the current thread; direct loads through it are allowed."""
    if g.subject >= 0:
        return g.f.to_ptr(g.f.ctx_load(g.ctx, 8 * g.subject))
    return g.cached.get("task") or g.f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")


def task_load(g: Generator, span: Span, *path: tuple[str, str], type: str = "i64") -> Value:
    """Follow pointers from the current task: each (struct, member) is one load.

    The value is opaque, here and wherever else a task is loaded from: LLVM would merge this
    load with one from a map in the other arm of a condition, and the verifier lets no
    instruction load through both kinds of pointer.
    """
    f = g.f
    pointer = task(g)
    for struct, member in path[:-1]:
        pointer = f.load("ptr", f.gep(pointer, g.unit.kernel.offset(struct, member, span)))
    struct, member = path[-1]
    return f.opaque(f.load(type, f.gep(pointer, g.unit.kernel.offset(struct, member, span))))


def read_ids(g: Generator) -> Value:
    """In the initial namespace a plain helper; the choice folds away when the words are known."""
    if g.subject >= 0:
        return _subject_ids(g)
    return current_ids(g.unit, g.f)


def _subject_ids(g: Generator) -> Value:
    """As `read_ids`, of the thread the probe is about."""
    f, where = g.f, g.f.ctx_load(g.ctx, 8 * g.subject)
    where = g.address_of(f.to_ptr(where))
    pid, tid = task_pid(g, where, None), task_tid(g, where, None)
    return f.op("or", f.op("shl", pid, 32), tid)


def thread_id(g: Generator) -> Value:
    """The thread's number in the initial namespace."""
    if g.subject >= 0:
        tid = g.f.load("i32", g.f.gep(task(g), g.unit.kernel.offset("task_struct", "pid", None)))
        return g.f.zext(g.f.opaque(tid), "i64")
    return g.f.op("and", g.f.helper(Helper.GET_CURRENT_PID_TGID, []), 0xFFFFFFFF)


def task_pid(g: Generator, where: Value, span: Span | None) -> Value:
    """The process number of a task in the tracer's PID namespace; 0 when it is not in it."""
    return _number(g, where, span, process=True)


def task_tid(g: Generator, where: Value, span: Span | None) -> Value:
    return _number(g, where, span, process=False)


def _number(g: Generator, where: Value, span: Span | None, *, process: bool) -> Value:
    if g.unit.host_pids:
        member = "tgid" if process else "pid"
        return read_word(g.f, where, g.unit.kernel.offset("task_struct", member, span), 4)
    return task_number(g.unit, g.f, where, span, process=process)
