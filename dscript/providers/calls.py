"""System calls in the D of derived probes: their numbers and arguments at sys_enter, sys_exit."""

from __future__ import annotations

import os

from dscript.kernel import syscalls

ENTER, EXIT = ("regs", "id"), ("regs", "ret")
_AARCH64 = os.uname().machine == "aarch64"
# sys_exit has no number of its own: the registers keep it.
NUMBER = "regs->syscallno" if _AARCH64 else "regs->orig_ax"
_REGISTERS = ("di", "si", "dx", "r10", "r8", "r9")
# x86-64 numbers calls of 32-bit programs differently and marks them so (TS_COMPAT in
# arch/x86/include/asm/thread_info.h).
_NATIVE = "" if _AARCH64 else " && (curthread->thread_info.status & 2) == 0"


def is_call(value: str, *names: str) -> str:
    """D that tells whether a call number is that of one of these calls."""
    known = syscalls.table()
    tests = [f"{value} == {known[name]}" for name in names if name in known]
    return f"(({' || '.join(tests)}){_NATIVE})" if tests else "0"


def argument(index: int) -> str:
    """D for an argument of the call, at its return too."""
    return f"regs->regs[{index}]" if _AARCH64 else f"regs->{_REGISTERS[index]}"
