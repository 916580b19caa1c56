"""Operands of probe notes: every form that the GNU assembler's manual has for the two machines.

Offsets of registers are those of struct pt_regs and struct user_pt_regs, from the kernel's
headers, by hand.
"""

from __future__ import annotations

import pytest

from dscript.kernel.usdt_operands import Location, locations

SYMBOLS = {"foo": 0x4000, ".LC0": 0x2000}
ADDRESS = 0x1000
IP, PC = 128, 256

AX, BX, CX, DX, SI, DI, BP, SP = 80, 40, 88, 96, 104, 112, 32, 152


def _register(size: int, offset: int, shift: int = 0) -> Location:
    return Location(abs(size), size < 0, "register", offset, shift=shift)


def _memory(
    size: int, register: int = -1, offset: int = 0, index: int = -1, scale: int = 1
) -> Location:
    return Location(abs(size), size < 0, "memory", register, offset, index, scale)


def _constant(size: int, value: int) -> Location:
    return Location(abs(size), size < 0, "constant", offset=value)


X86 = {
    "8@%rax": _register(8, AX), "4@%eax": _register(4, AX), "-4@%eax": _register(-4, AX),
    "2@%ax": _register(2, AX), "1@%al": _register(1, AX), "1@%ah": _register(1, AX, 8),
    "-1@%dh": _register(-1, DX, 8), "8@%rsi": _register(8, SI), "4@%edi": _register(4, DI),
    "2@%bp": _register(2, BP), "1@%sil": _register(1, SI), "1@%bpl": _register(1, BP),
    "8@%rsp": _register(8, SP), "8@%r8": _register(8, 72), "4@%r9d": _register(4, 64),
    "2@%r10w": _register(2, 56), "1@%r15b": _register(1, 0), "-8@%r12": _register(-8, 24),
    "8@%rip": _register(8, IP), "%rdx": _register(8, DX),
    "8@$5": _constant(8, 5), "8@$-1": _constant(8, 2**64 - 1), "-8@$-1": _constant(-8, -1),
    "-4@$0xffffffff": _constant(-4, -1), "4@$-1": _constant(4, 0xFFFFFFFF),
    "1@$300": _constant(1, 44), "-4@$4294967291": _constant(-4, -5), "8@$0x10": _constant(8, 16),
    "8@(%rax)": _memory(8, AX), "-4@-20(%rbp)": _memory(-4, BP, -20),
    "8@0x18(%rsp)": _memory(8, SP, 24), "4@+8(%rcx)": _memory(4, CX, 8),
    "8@(%rax,%rbx,8)": _memory(8, AX, 0, BX, 8), "2@-2(%rax,%r9,2)": _memory(2, AX, -2, 64, 2),
    "8@(%rdx,%rcx)": _memory(8, DX, 0, CX), "8@16(,%rax,4)": _memory(8, -1, 16, AX, 4),
    "8@( %rax , %rbx , 8 )": _memory(8, AX, 0, BX, 8), "4@8+16-4(%rdi)": _memory(4, DI, 20),
    "8@%ds:8(%rax)": _memory(8, AX, 8), "8@0x601040": _memory(8, -1, 0x601040),
    "8@foo(%rip)": _memory(8, IP, 0x3000), "8@foo+8(%rip)": _memory(8, IP, 0x3008),
    "8@8+foo(%rip)": _memory(8, IP, 0x3008), "4@foo-4(%rip)": _memory(4, IP, 0x2FFC),
    "8@.LC0(%rip)": _memory(8, IP, 0x1000),
    "8@foo": _memory(8, IP, 0x3000), "8@foo(,%rax,8)": _memory(8, IP, 0x3000, AX, 8),
    "4@foo+4(%rbx)": _memory(4, IP, 0x3004, BX),
    "8@$foo": Location(8, False, "address", IP, 0x3000),
    "8@$foo+16": Location(8, False, "address", IP, 0x3010), "8@12(%rip)": _memory(8, IP, 12),
    "8f@%xmm0": None, "4f@(%rax)": None, "8@%xmm3": None, "16@(%rax)": None, "8@%st(1)": None,
    "8@%fs:0x10": None, "8@%gs:(%rax)": None, "8@absent(%rip)": None, "8@foo(%rax,%rbx,8)": None,
    "8@%k1": None, "8@foo@GOTPCREL(%rip)": None,
}  # fmt: skip


def _arm(register: int) -> int:
    return 8 * register


ARM = {
    "8@x0": _register(8, 0), "4@w19": _register(4, _arm(19)), "-4@w1": _register(-4, 8),
    "1@w2": _register(1, 16), "8@x30": _register(8, 240), "8@lr": _register(8, 240),
    "8@fp": _register(8, 232), "8@sp": _register(8, 248), "8@ip0": _register(8, 128),
    "8@xzr": _constant(8, 0), "4@wzr": _constant(4, 0),
    "8@5": _constant(8, 5), "-8@-1": _constant(-8, -1), "4@#7": _constant(4, 7),
    "4@-1": _constant(4, 0xFFFFFFFF), "8@0x20": _constant(8, 32),
    "8@[x1]": _memory(8, 8), "4@[sp, 12]": _memory(4, 248, 12), "4@[sp,12]": _memory(4, 248, 12),
    "-4@[x29, -20]": _memory(-4, 232, -20), "8@[x0, #16]": _memory(8, 0, 16),
    "8@[x0, #0x10]": _memory(8, 0, 16), "8@[x3, 8]!": _memory(8, 24, 8),
    "8@[x1, x2]": _memory(8, 8, 0, 16), "8@[x1, x2, lsl 3]": _memory(8, 8, 0, 16, 8),
    "4@[x1, x2, lsl #2]": _memory(4, 8, 0, 16, 4), "8@[x1, xzr]": _memory(8, 8),
    "4@[x1, w2, sxtw]": Location(4, False, "memory", 8, 0, 16, 1, 0, 4, True),
    "4@[x1, w2, sxtw 2]": Location(4, False, "memory", 8, 0, 16, 4, 0, 4, True),
    "4@[x1, w2, uxtw #2]": Location(4, False, "memory", 8, 0, 16, 4, 0, 4, False),
    "8@[x1, w2]": Location(8, False, "memory", 8, 0, 16, 1, 0, 4, False),
    "8@[x1, x2, sxtx 3]": Location(8, False, "memory", 8, 0, 16, 8, 0, 8, True),
    "8@[x5, :lo12:foo]": _memory(8, PC, 0x3000), "8@[x5, :lo12:foo+8]": _memory(8, PC, 0x3008),
    "8@foo": _memory(8, PC, 0x3000), "8@foo+8": _memory(8, PC, 0x3008),
    "8f@d0": None, "4@s0": None, "8@v1": None, "16@q0": None, "8@x31": None, "8@[d0]": None,
}  # fmt: skip


def _parse(text: str, machine: str) -> tuple[Location | None, ...]:
    return locations(text, machine, SYMBOLS.get, ADDRESS)


@pytest.mark.parametrize("text", X86)
def test_x86_64(text: str) -> None:
    assert _parse(text, "EM_X86_64") == (X86[text],)


@pytest.mark.parametrize("text", ARM)
def test_aarch64(text: str) -> None:
    assert _parse(text, "EM_AARCH64") == (ARM[text],)


def test_an_argument_that_cannot_be_read_keeps_its_place() -> None:
    text = "8@%rdi 8f@%xmm0 -4@8(%rbp) 8@?what 4@$3"
    found = _parse(text, "EM_X86_64")
    assert found == (_register(8, DI), None, _memory(-4, BP, 8), None, _constant(4, 3))
    found = _parse("8@[x1, x2, lsl 3] 4@[sp, 12] 8@x0", "EM_AARCH64")
    assert found == (_memory(8, 8, 0, 16, 8), _memory(4, 248, 12), _register(8, 0))


def test_no_arguments() -> None:
    assert _parse("", "EM_X86_64") == () and _parse("  ", "EM_AARCH64") == ()
