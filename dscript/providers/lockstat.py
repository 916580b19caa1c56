"""The lockstat provider: the kernel's locks (manual, chapter "lockstat Provider").

Waiting is seen by the tracepoints of the slow paths, everywhere; that a lock was had at once,
or given back, only by the functions of the locks.  Mutexes are adaptive: who waits spins while
the owner runs, then sleeps.  Flags of contention_begin: include/trace/events/lock.h.
"""

from __future__ import annotations

from dscript.providers.base import Derived, SourceKind, Step
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 17_000
_SPIN, _READ, _WRITE, _RT, _PERCPU, _MUTEX = (1 << bit for bit in range(6))
_SLEPT = 0x100

# What a thread waits for: the flags seen, and since when it spins or, once it does, sleeps.
_KEY = "[(uint64_t)lock, (uint64_t)curthread]"
_FLAGS, _SINCE, _HOLDERS = (f"__lock_{name}{_KEY}" for name in ("flags", "since", "holders"))
_BEGIN, _END = ("lock", "flags"), ("lock", "ret")
_WAITS = Step(
    "tracepoint",
    "contention_begin",
    _BEGIN,
    "",
    f"{_SINCE} = {_FLAGS} & {_SLEPT} ? {_SINCE} : (uint64_t)timestamp; "
    f"{_FLAGS} = (uint32_t)({_FLAGS} | flags | (flags & {_SPIN} ? 0 : {_SLEPT}))",
)
_DONE = Step("tracepoint", "contention_end", _END, "", f"{_FLAGS} = 0; {_SINCE} = 0", after=True)
# A semaphore's count: bit 0 a writer, from bit 8 on the readers (kernel/locking/rwsem.c).
_SEES_HOLDERS = Step(
    "tracepoint",
    "contention_begin",
    _BEGIN,
    f"flags == {_READ} || flags == {_WRITE}",
    f"{_HOLDERS} = (int64_t)((struct rw_semaphore *)lock)->count.counter",
)
_FORGETS = Step("tracepoint", "contention_end", _END, "", f"{_HOLDERS} = 0", after=True)

_TIME = ("uint64_t", f"(uint64_t)timestamp - {_SINCE}")
_LOCK = ("uintptr_t", "(uintptr_t)lock")
_NOT_RT = "real-time mutexes do not count"


def _waited(name: str, condition: str, when: str, exactness: str = "exact") -> Row:
    derived = Derived(_END, f"ret == 0 && ({condition})", (_LOCK, _TIME), steps=(_WAITS, _DONE))
    return Row(name, "contention_end", derived, when, exactness)


def _block_of_semaphore() -> Row:
    derived = Derived(
        _END,
        f"ret == 0 && {_FLAGS} & {_SLEPT} && {_FLAGS} & {_READ | _WRITE} && "
        f"!({_FLAGS} & {_PERCPU | _MUTEX})",
        (
            _LOCK,
            _TIME,
            ("int", f"{_FLAGS} & {_READ} ? 1 : 0"),
            ("int", f"(int)({_HOLDERS} & 1)"),
            ("int", f"(int)(({_HOLDERS} & 0x7fffffffffffffff) >> 8)"),
        ),
        steps=(_WAITS, _SEES_HOLDERS, _DONE, _FORGETS),
    )
    return Row("rw-block", "contention_end", derived, "of a semaphore")


def _function(
    name: str,
    kind: SourceKind,
    function: str,
    condition: str = "",
    *,
    lock: str = "lock",
    mode: int | None = None,
    near: str = "lockstat:::adaptive-block, lockstat:::rw-block, lockstat:::spin-spin",
) -> Row:
    """A function whose first argument is the lock; `mode` is RW_READER or RW_WRITER."""
    arguments: tuple[tuple[str, str], ...] = (("uintptr_t", f"(uintptr_t){lock}"),)
    if mode is not None:
        arguments += (("int", str(mode)),)
    derived = Derived((lock,), condition, arguments)
    when = {"": "", "(int)result == 0": "0", "(int)result == 1": "1"}[condition]
    return Row(name, function, derived, when, "exact", near, kind)


# RW_WRITER and RW_READER of Solaris' sys/rwlock.h.
_WRITER, _READER = 0, 1
_GOT, _TOOK = "(int)result == 0", "(int)result == 1"

_ROWS = (
    _waited(
        "adaptive-block",
        f"({_FLAGS} & {_MUTEX | _SLEPT}) == {_MUTEX | _SLEPT}",
        "of a mutex, after sleeping",
        f"exact; `arg1`: ns from the first sleep on; {_NOT_RT}",
    ),
    _waited(
        "adaptive-spin",
        f"({_FLAGS} & {_MUTEX | _SLEPT}) == {_MUTEX}",
        "of a mutex, without sleeping",
        f"exact; `arg1`: ns; {_NOT_RT}",
    ),
    _function("adaptive-acquire", "return", "mutex_lock"),
    _function("adaptive-acquire", "return", "mutex_lock_interruptible", _GOT),
    _function("adaptive-acquire", "return", "mutex_lock_killable", _GOT),
    _function("adaptive-acquire", "return", "mutex_trylock", _TOOK),
    _function("adaptive-release", "entry", "mutex_unlock"),
    _waited(
        "spin-spin",
        f"{_FLAGS} & {_SPIN} && !({_FLAGS} & {_MUTEX | _SLEPT})",
        "of a spin lock",
        "exact; locks for readers and writers that spin count too; `arg1`: ns",
    ),
    _block_of_semaphore(),
    _function("rw-acquire", "return", "down_read", mode=_READER),
    _function("rw-acquire", "return", "down_read_interruptible", _GOT, mode=_READER),
    _function("rw-acquire", "return", "down_read_killable", _GOT, mode=_READER),
    _function("rw-acquire", "return", "down_read_trylock", _TOOK, mode=_READER),
    _function("rw-acquire", "return", "down_write", mode=_WRITER),
    _function("rw-acquire", "return", "down_write_killable", _GOT, mode=_WRITER),
    _function("rw-acquire", "return", "down_write_trylock", _TOOK, mode=_WRITER),
    _function("rw-downgrade", "entry", "downgrade_write"),
    _function("rw-release", "entry", "up_read", mode=_READER),
    _function("rw-release", "entry", "up_write", mode=_WRITER),
)

# The kernel's side of tracing takes spin locks: a program at their functions runs in the middle
# of another's map access and waits for the lock that its own CPU holds.
_OWN = "tracing takes spin locks itself and could stop a CPU there; nearest: lockstat:::spin-spin"
_ABSENT = {
    "spin-acquire": _OWN,
    "spin-release": _OWN,
    "rw-upgrade": "Linux has no lock that a reader can turn into a writer's; nearest: "
    "lockstat:::rw-acquire",
    "thread-spin": "Linux has no thread locks; nearest: lockstat:::spin-spin",
}

PROVIDER = DerivedProvider("lockstat", _FIRST_ID, _ROWS, _ABSENT)
