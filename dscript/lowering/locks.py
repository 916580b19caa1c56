"""Subroutines on kernel locks: what the lock's own words say at this moment.

Sources: kernel/locking/mutex.c (MUTEX_FLAGS), kernel/locking/rwsem.c (RWSEM_*),
include/asm-generic/qrwlock.h (_QW_*).
"""

from __future__ import annotations

from dscript.dtypes.types import PointerType, StructType
from dscript.lowering import memory
from dscript.lowering.generator import Generator, Scalar
from dscript.lowering.threads import task
from dscript.object.values import Value
from dscript.semantics import tree

# Low bits of a mutex's owner word that are flags.
_MUTEX_FLAGS = 7
# rw_semaphore.count: a writer has it; somebody waits; readers from here on, but the sign.
_SEM_WRITER, _SEM_WAITERS, _SEM_READER_SHIFT = 1, 2, 8
_SEM_READERS = (1 << 55) - 1
# qrwlock.cnts: a writer has it; one waits; readers from here on.
_QUEUE_WRITER, _QUEUE_WAITING, _QUEUE_READER_SHIFT = 0xFF, 0x100, 9


def _word(g: Generator, call: tree.SubroutineCall, struct: str, path: str, size: int) -> Value:
    f = g.f
    offset = g.unit.kernel.offset(struct, path, call.span)
    where = f.op("add", g.value(call.args[0]), offset)
    buffer = f.alloca(8, name="lock")
    memory.read_kernel(g, buffer, size, where)
    return f.load("i64", buffer) if size == 8 else f.zext(f.load("i32", buffer), "i64")


def _flag(g: Generator, condition: Value) -> Value:
    return g.f.zext(condition, "i64")


# ------------------------------------------------------------------------------- mutexes


def _owner(g: Generator, call: tree.SubroutineCall) -> Value:
    """The thread that holds a mutex, 0 for none."""
    return g.f.op("and", _word(g, call, "mutex", "owner", 8), ~_MUTEX_FLAGS)


def _mutex_owned(g: Generator, call: tree.SubroutineCall) -> Value:
    """Whether the current thread holds it."""
    owner = _owner(g, call)
    return _flag(g, g.f.icmp("eq", owner, g.address_of(task(g))))


def _mutex_type(adaptive: bool) -> Scalar:
    """Every Linux mutex spins while its owner runs and sleeps otherwise: all are adaptive."""

    def lower(g: Generator, call: tree.SubroutineCall) -> Value:
        owner = _word(g, call, "mutex", "owner", 8)
        return _flag(g, g.f.icmp("uge" if adaptive else "ult", owner, 0))

    return lower


# --------------------------------------------------------------------- reader-writer locks


def _is_rwlock(expr: tree.Expr) -> bool:
    """Whether the operand points to an `rwlock_t`; anything else is a semaphore."""
    while isinstance(expr, tree.Convert):
        expr = expr.operand
    type_ = expr.type.resolve()
    if not isinstance(type_, PointerType):
        return False
    if str(type_.target) in ("rwlock_t", "struct qrwlock"):
        return True
    pointed = type_.target.resolve()
    return isinstance(pointed, StructType) and any(
        member.name in ("raw_lock", "cnts") for member in pointed.members
    )


def _reader_writer(which: str) -> Scalar:
    """rw_read_held, rw_write_held, rw_iswriter (held or wanted by a writer)."""

    def lower(g: Generator, call: tree.SubroutineCall) -> Value:
        f = g.f
        if _is_rwlock(call.args[0]):
            word = _word(g, call, "qrwlock", "cnts", 4)
            readers = f.op("lshr", word, _QUEUE_READER_SHIFT)
            writer, waiting = _QUEUE_WRITER, _QUEUE_WAITING
        else:
            word = _word(g, call, "rw_semaphore", "count", 8)
            readers = f.op("and", f.op("lshr", word, _SEM_READER_SHIFT), _SEM_READERS)
            writer, waiting = _SEM_WRITER, _SEM_WAITERS
        if which == "read_held":
            return _flag(g, f.icmp("ne", readers, 0))
        # Readers wait only behind a writer.
        mask = writer if which == "write_held" else writer | waiting
        return _flag(g, f.icmp("ne", f.op("and", word, mask), 0))

    return lower


SCALARS: dict[str, Scalar] = {
    "mutex_owned": _mutex_owned,
    "mutex_owner": _owner,
    "mutex_type_adaptive": _mutex_type(True),
    "mutex_type_spin": _mutex_type(False),
    "rw_iswriter": _reader_writer("iswriter"),
    "rw_read_held": _reader_writer("read_held"),
    "rw_write_held": _reader_writer("write_held"),
}
