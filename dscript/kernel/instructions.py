"""Where a function returns, and where its instructions begin, by capstone's disassembler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import capstone
from capstone import arm64_const, x86_const

_MACHINES = {
    "EM_X86_64": (capstone.CS_ARCH_X86, capstone.CS_MODE_64),
    "EM_AARCH64": (capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM),
}


@dataclass(frozen=True, slots=True)
class Body:
    """The decoded code of a function, or of the part of it that was split off as cold.

    Offsets are bytes from the start of the code.  `returns` are the instructions through
    which it is left: returns, and jumps to other functions (tail calls), which the manual's
    pid provider counts as returns too.  They are None when that cannot be told: the code
    does not decode to its end, or it jumps through a register to who knows where.  None at
    all are an answer: exit(3) does not return, nor does a program's `_start`, which has no
    return address that a probe could replace.
    """

    instructions: tuple[int, ...]
    returns: tuple[int, ...] | None


def decode(machine: str, code: bytes, parts: Sequence[range] = ()) -> Body:
    """Decode code; `machine` is an ELF machine name (`EM_X86_64`).

    `parts` are where the function's other parts lie, from the start of this one: a jump
    there does not leave the function.
    """
    instructions: list[int] = []
    returns: list[int] = []
    known = True
    end = 0
    inside = (range(len(code)), *parts)
    for at, size, how in _instructions(machine, code, inside):
        instructions.append(at)
        end = at + size
        if how == "return":
            returns.append(at)
        elif how == "unknown":
            known = False
    complete = known and end == len(code) > 0
    return Body(tuple(instructions), tuple(returns) if complete else None)


# Opcodes that the kernel's uprobes refuse on x86-64 (arch/x86/kernel/uprobes.c, good_insns_64):
# privileged ones, those that are gone in 64-bit mode, int3, in and out.  Of instructions with a
# VEX or EVEX prefix the kernel looks up the opcode in the same table.
_REFUSED_X86 = frozenset(
    bytes.fromhex(
        "06070e16171e1f26272e2f36373e3f60616c6d6e6f829acccdcecfd4d6e4e5e6e7eaecedeeeff0f1f4fafb"
    )
)
# The same file, is_prefix_bad(): segments but fs and gs, and lock.
_REFUSED_PREFIXES = frozenset(b"\x26\x2e\x36\x3e\xf0")
_HARMLESS_PREFIXES = frozenset(b"\x64\x65\x66\x67\xf2\xf3")
# Bytes before the opcode, prefix included.
_VECTOR_PREFIXES = {0xC5: 2, 0xC4: 3, 0x62: 4}
# Opcodes that it carries out or sets right itself (branch_setup_xol_ops(), push_setup_xol_ops(),
# arch_uprobe_analyze_insn()), without a look at the prefix: `vxorps` would be taken for a push,
# `vpcmpeqb` for a jump, and the program would go on with wrong values.
_MISTAKEN_X86 = frozenset(bytes.fromhex("909a9dc2c3cacbcfe8e9eaebff")) | {
    *range(0x50, 0x58),
    *range(0x70, 0x80),
}


def probeable(machine: str, code: bytes) -> bool:
    """Whether the kernel places probes on the instruction at the start of the code, and then
    does the same as it."""
    if machine != "EM_X86_64":
        return True
    at = 0
    while at < len(code) and code[at] in _HARMLESS_PREFIXES:
        at += 1
    if at >= len(code) or code[at] in _REFUSED_PREFIXES:
        return False
    if code[at] & 0xF0 == 0x40:  # REX
        at += 1
    vector = _VECTOR_PREFIXES.get(code[at], 0) if at < len(code) else 0
    at += vector
    if vector and at < len(code) and code[at] in _MISTAKEN_X86:
        return False
    if code[at : at + 1] == b"\x8e":  # mov to ss masks exceptions
        return code[at + 1 : at + 2] == b"" or code[at + 1] >> 3 & 7 != 2
    return at < len(code) and code[at] not in _REFUSED_X86


def _instructions(
    machine: str, code: bytes, inside: Sequence[range]
) -> Iterator[tuple[int, int, str]]:
    """(offset, size, "" | "return" | "unknown") of each instruction."""
    disassembler = _disassembler(machine)
    if disassembler is None:
        return
    how = _leaves_x86 if machine == "EM_X86_64" else _leaves_arm
    for instruction in disassembler.disasm(code, 0):
        yield instruction.address, instruction.size, how(instruction, inside)


@lru_cache(maxsize=2)
def _disassembler(machine: str) -> capstone.Cs | None:
    if machine not in _MACHINES:
        return None
    disassembler = capstone.Cs(*_MACHINES[machine])
    disassembler.detail = True
    return disassembler


def _leaves_x86(instruction: capstone.CsInsn, inside: Sequence[range]) -> str:
    if instruction.id in (x86_const.X86_INS_RET, x86_const.X86_INS_RETF):
        return "return"
    if instruction.group(capstone.CS_GRP_JUMP):
        operand = instruction.operands[0]
        if operand.type == x86_const.X86_OP_IMM:
            stays = instruction.id != x86_const.X86_INS_JMP or _within(operand.imm, inside)
            return "" if stays else "return"
        # With -fcf-protection a jump table is entered by `notrack jmp`.
        return "" if instruction.prefix[1] == 0x3E else "unknown"
    return ""


def _leaves_arm(instruction: capstone.CsInsn, inside: Sequence[range]) -> str:
    if instruction.id == arm64_const.ARM64_INS_RET:
        return "return"
    if instruction.id == arm64_const.ARM64_INS_B and not instruction.mnemonic.startswith("b."):
        return "" if _within(instruction.operands[0].imm, inside) else "return"
    return "unknown" if instruction.id == arm64_const.ARM64_INS_BR else ""


def _within(target: int, parts: Sequence[range]) -> bool:
    # Targets before the code come out of the disassembler as unsigned numbers.
    signed = target - (1 << 64) if target >> 63 else target
    return any(signed in part for part in parts)
