"""System calls of 32-bit programs: another numbering, other registers.

On x86-64 `int $0x80`, from whatever program, and sysenter go through the i386 table.  Such a
call fires the probe of its own name, not that of the name its number has for 64-bit programs;
one that only the i386 table has fires none.  On aarch64 the calls of 32-bit programs fire none.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from dscript.kernel import syscalls
from dscript.lowering.generator import Generator, Unit
from dscript.lowering.layout import State
from dscript.lowering.steps import shared
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const

_NONE = 0xFFFF
# Registers of an i386 call in struct pt_regs: first argument bx, fourth and fifth as below.
_BX, _BP = 40, 32


class _Mark(NamedTuple):
    """What tells a 32-bit call: bits of a 32-bit member of the running task."""

    struct: str
    member: str
    bits: int


# TS_COMPAT of arch/x86/include/asm/thread_info.h, TIF_32BIT of arch/arm64's.
_MARKS = {
    "x86_64": _Mark("task_struct", "thread_info.status", 0x2),
    "aarch64": _Mark("task_struct", "thread_info.flags", 1 << 22),
}


def own_number(f: Function, unit: Unit, call: Value, state: Value) -> Value:
    """The call's number in the table of 64-bit calls, -1 for a call that has no place there.

    Notes in the firing's state that it is a 32-bit call.
    """
    kernel = unit.kernel
    mark = _MARKS.get(kernel.machine)
    if mark is None or not kernel.has(mark.struct, mark.member):
        return call
    task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
    word = f.load("i32", f.gep(task, kernel.offset(mark.struct, mark.member, None)))
    bits = f.op("and", f.opaque(f.zext(word, "i64")), mark.bits)
    start = f.current
    narrow, done = f.block("compat"), f.block("number")
    f.cbr(f.icmp("eq", bits, 0), done, narrow)
    f.at(narrow)
    f.store(const(1), f.gep(state, State.COMPAT))
    found = _translated(f, unit, call) if kernel.machine == "x86_64" else const(-1)
    end = f.current
    f.br(done)
    f.at(done)
    return f.phi("i64", [(call, start), (found, end)])


def _translated(f: Function, unit: Unit, call: Value) -> Value:
    numbers = i386_numbers()
    count = len(numbers)
    table = unit.module.data(struct.pack(f"<{count}H", *numbers))
    row = f.opaque(call)
    # Opaque once more, or LLVM multiplies first and compares the factor that it keeps.
    row = f.opaque(f.select(f.icmp("ult", row, count), row, const(count - 1)))
    number = f.zext(f.load("i16", f.gep(table, f.op("mul", row, 2))), "i64")
    return f.select(f.icmp("eq", number, _NONE), const(-1), number)


@lru_cache(maxsize=1)
def i386_numbers() -> tuple[int, ...]:
    """64-bit number of the call that has the i386 number; the last entry stands for no call."""
    own, narrow = syscalls.table("x86_64"), syscalls.table("i386")
    numbers = [_NONE] * (max(narrow.values()) + 2)
    for name, number in narrow.items():
        numbers[number] = own.get(name, _NONE)
    return tuple(numbers)


def fix_arguments(g: Generator, buffer: Value, regs: Value) -> None:
    """Where the call is a 32-bit one, put its arguments in the places of a 64-bit call's.

    `buffer` holds the bytes of struct pt_regs from the lowest to the highest argument register.
    """
    if g.unit.kernel.machine != "x86_64":
        return
    f = g.f
    low = min(g.unit.kernel.registers["syscall"])
    function = shared(
        g,
        "compat_arguments",
        [("buffer", "ptr"), ("regs", "i64")],
        lambda c: _moved(c, g.unit.kernel.registers["syscall"], low),
    )
    narrow, done = f.block("compat"), f.block("arguments")
    f.cbr(f.icmp("eq", f.load("i64", g.state_at(State.COMPAT)), 0), done, narrow)
    f.at(narrow)
    f.call(function, [buffer, regs])
    f.br(done)
    f.at(done)


def _moved(c: Function, places: tuple[int, ...], low: int) -> None:
    """i386 passes bx, cx, dx, si, di, bp; a 64-bit call di, si, dx, r10, r8, r9."""
    buffer, regs = c.params
    di, si, dx, r10, r8, r9 = (place - low for place in places)
    cx = c.load("i64", c.gep(buffer, 88 - low))
    fourth, fifth = c.load("i64", c.gep(buffer, si)), c.load("i64", c.gep(buffer, di))
    c.store(cx, c.gep(buffer, si))
    c.store(fourth, c.gep(buffer, r10))
    c.store(fifth, c.gep(buffer, r8))
    for place, register in ((di, _BX), (r9, _BP)):
        c.helper(
            Helper.PROBE_READ_KERNEL,
            [c.gep(buffer, place), const(8), c.op("add", regs, register)],
        )
    for place in (di, si, dx, r10, r8, r9):
        word = c.gep(buffer, place)
        c.store(c.op("and", c.load("i64", word), 0xFFFFFFFF), word)
    c.ret(0)
