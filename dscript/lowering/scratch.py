"""Scratch memory: slots of a map value that replace the 512-byte stack.

Every CPU owns SLOTS slots.  A program takes one by setting a bit of its CPU's word and gives
it back at its end; nesting depth would not do, since a tracing program can be preempted on
its CPU by another task's.  A slot holds, in this order:

    clause-local variables too big for the state block
    the heap of alloca() and of copyin() of unknown size
    what strtok() keeps between its calls
    temporaries of the statement being computed (strings, keys)
"""

from __future__ import annotations

from dataclasses import dataclass

from dscript.object.function import Function
from dscript.object.helpers import Helper, MapType
from dscript.object.ir import Module
from dscript.object.values import Value, const

SLOTS = 4
_NULL = Value("null", "ptr")


@dataclass(slots=True)
class ScratchSizes:
    """Byte offsets of the parts of a slot; `size` is known when everything is lowered."""

    this: int = 0
    heap: int = 0
    heap_size: int = 0
    tokens: int = 0
    tokens_size: int = 0
    temporaries: int = 0
    size: int = 0

    @property
    def heap_room(self) -> int:
        """Bytes a firing may have of the heap.

        It is twice as big, and a NUL: what begins in its first half and is no longer than
        that ends inside, which is all the verifier has to know.
        """
        return max(0, self.heap_size - 8) // 2

    def fix(self, this: int, heap_room: int, tokens_size: int) -> None:
        self.heap = this
        self.heap_size = 2 * heap_room + 8 if heap_room else 0
        self.tokens = this + self.heap_size
        self.tokens_size = tokens_size
        self.temporaries = self.tokens + tokens_size


def declare(module: Module, size: int, cpus: int) -> None:
    """The maps, once the size of a slot is known.

    Entry `cpu * SLOTS + n` of `scratch` is slot n of that CPU; `scratch_taken` holds a word
    of SLOTS bits for each CPU.
    """
    module.map("scratch", MapType.ARRAY, 4, size, cpus * SLOTS)
    module.map("scratch_taken", MapType.ARRAY, 4, 8, cpus)


SCRATCH = Value("@scratch", "ptr")
TAKEN = Value("@scratch_taken", "ptr")


def acquire(f: Function, none_free: str) -> tuple[Value, Value, Value]:
    """Take a slot; goes to `none_free` without one.

    Returns (slot pointer, pointer to the CPU's word, bit to clear).
    """
    cpu = f.helper(Helper.GET_SMP_PROCESSOR_ID, [])
    key = f.slot("slot", 4, 4)
    f.store(f.trunc(cpu, "i32"), key)
    word = f.helper(Helper.MAP_LOOKUP_ELEM, [TAKEN, key], "ptr")
    have = f.block("word")
    f.cbr(f.icmp("eq", word, _NULL), none_free, have)
    f.at(have)
    got = f.block("got")
    wins: list[tuple[Value, str]] = []
    for number in range(SLOTS):
        old = f.atomic("or", word, const(1 << number))
        free = f.icmp("eq", f.op("and", old, 1 << number), 0)
        wins.append((const(number), f.current))
        following = f.block("next") if number + 1 < SLOTS else none_free
        f.cbr(free, got, following)
        if following != none_free:
            f.at(following)
    f.at(got)
    taken = f.phi("i64", wins)
    index = f.op("add", f.op("mul", cpu, SLOTS), taken)
    f.store(f.trunc(index, "i32"), key)
    slot = f.helper(Helper.MAP_LOOKUP_ELEM, [SCRATCH, key], "ptr")
    good = f.block("slot")
    f.cbr(f.icmp("eq", slot, _NULL), none_free, good)
    f.at(good)
    bit = f.op("shl", const(1), taken)
    return slot, word, bit


def release(f: Function, word: Value, bit: Value) -> None:
    f.atomic("and", word, f.op("xor", bit, -1))
