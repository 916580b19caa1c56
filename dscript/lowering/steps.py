"""Loops the verifier checks once, however often they run: bpf_loop() with a callback.

The callback sees the pointers of its frame, a few words on the caller's stack, and numbers
in `Words`, which lie in scratch memory.  What is loaded from scratch is unknown to the
verifier, so that the state after one step equals the state before it and checking ends
there; kept on the stack, a counter would be followed through all its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dscript.lowering.generator import Generator
from dscript.lowering.layout import round_up
from dscript.object.function import Function, Operand
from dscript.object.helpers import Helper
from dscript.object.values import Value, const

# BPF_MAX_LOOPS, include/linux/bpf.h: more steps than this are refused.
MAX_STEPS = 8 << 20


class Words:
    """Named 64-bit numbers at `base` in scratch memory, as `f` loads and stores them."""

    def __init__(self, f: Function, base: Value, names: Sequence[str]) -> None:
        self.f = f
        self.base = base
        self.names = tuple(names)

    def place(self, name: str) -> Value:
        """Where the number lies."""
        return self.f.gep(self.base, 8 * self.names.index(name))

    def __getitem__(self, name: str) -> Value:
        return self.f.load("i64", self.place(name))

    def __setitem__(self, name: str, value: Operand) -> None:
        self.f.store(const(value) if isinstance(value, int) else value, self.place(name))

    def seen_by(self, f: Function, base: Value) -> Words:
        return Words(f, base, self.names)


def words(g: Generator, **initial: Operand) -> Words:
    """Fresh words of this statement, with what they hold at first."""
    made = Words(g.f, g.temporary_at(8 * len(initial)), tuple(initial))
    for name, value in initial.items():
        made[name] = value
    return made


class Step:
    """The callback of a loop under construction: `f` builds it, `index` counts from 0.

    `frame` holds the loop's pointers and behind them that of its words.
    """

    def __init__(self, f: Function, pointers: Sequence[str], words: Words | None) -> None:
        self.f = f
        self.index, self.frame = f.params
        self._pointers = tuple(pointers)
        self.next_label, self.stop_label = f.block("next"), f.block("stop")
        self.words = Words(f, self.frame, ())
        if words is not None:
            base = f.load("ptr", f.gep(self.frame, 8 * len(self._pointers)))
            self.words = words.seen_by(f, base)

    def pointer(self, name: str) -> Value:
        return self.f.load("ptr", self.f.gep(self.frame, 8 * self._pointers.index(name)))

    def within(self, at: Value, limit: int) -> Value:
        """An offset known to be below the limit; the loop stops at another."""
        at = self.f.opaque(at)
        self.stop_if(self.f.icmp("uge", at, limit))
        return at

    def byte(self, name: str, at: Value, limit: int) -> Value:
        """The byte at an offset of what a pointer points to; past `limit` the loop stops."""
        where = self.f.gep(self.pointer(name), self.within(at, limit))
        return self.f.zext(self.f.load("i8", where, align=1), "i64")

    def put(self, name: str, word: str, byte: Operand, limit: int) -> None:
        """Append a byte at the offset `word` holds, which moves on; stops when `limit` is full."""
        f = self.f
        at = self.within(self.words[word], limit)
        narrow = const(byte, "i8") if isinstance(byte, int) else f.trunc(byte, "i8")
        f.store(narrow, f.gep(self.pointer(name), at), align=1)
        self.words[word] = f.op("add", at, 1)

    def stop_if(self, condition: Value) -> None:
        self._leave_if(condition, self.stop_label)

    def next_if(self, condition: Value) -> None:
        self._leave_if(condition, self.next_label)

    def _leave_if(self, condition: Value, label: str) -> None:
        stay = self.f.block("stay")
        self.f.cbr(condition, label, stay)
        self.f.at(stay)

    def next(self) -> None:
        self.f.br(self.next_label)

    def stop(self) -> None:
        self.f.br(self.stop_label)


@contextmanager
def steps(
    f: Function, name: str, count: int, words: Words | None = None, **pointers: Value
) -> Iterator[Step]:
    """`with steps(f, name, n, words, text=p) as s:` builds the body of a loop of `n` steps.

    The loop itself is emitted into `f` when the block ends.  `name` is the callback's.
    """
    frame = f.alloca(8 * (len(pointers) + 1), name="frame")
    for at, pointer in enumerate(pointers.values()):
        f.store(pointer, f.gep(frame, 8 * at))
    if words is not None:
        f.store(words.base, f.gep(frame, 8 * len(pointers)))
    callback = f.module.function(name, [("index", "i64"), ("frame", "ptr")])
    step = Step(callback, tuple(pointers), words)
    yield step
    if not callback.terminated:
        callback.br(step.next_label)
    callback.at(step.next_label)
    callback.ret(0)
    callback.at(step.stop_label)
    callback.ret(1)
    f.helper(Helper.LOOP, [const(min(count, MAX_STEPS)), callback.value, frame, const(0)])


def shared(
    g: Generator,
    name: str,
    params: Sequence[tuple[str, str]],
    build: Callable[[Function], None],
) -> Function:
    """The subprogram of that name, built when first asked for; it returns 0 unless `build` does."""
    return g.unit.subprogram(name, params, build)


@contextmanager
def only_if(f: Function, condition: Value) -> Iterator[None]:
    """What is built inside happens only under the condition."""
    then, done = f.block("then"), f.block("done")
    f.cbr(condition, then, done)
    f.at(then)
    yield
    if not f.terminated:
        f.br(done)
    f.at(done)


@contextmanager
def if_below(f: Function, value: Value, limit: int) -> Iterator[Value]:
    """What is built inside happens where `value`, unsigned, is below the limit.

    Inside, the value given is one whose bounds the verifier knows: the optimiser can neither
    merge the test with another one nor compute on a copy of what was tested.
    """
    value = f.opaque(value)
    with only_if(f, f.icmp("ult", value, limit)):
        yield value


def room(limit: int) -> int:
    """Bytes of a buffer for a string of `limit` bytes with some slack for looking ahead."""
    return round_up(limit) + 8
