"""Statically defined probes of user programs: the notes that SystemTap's <sys/sdt.h> leaves.

A note of section .note.stapsdt (owner `stapsdt`, type 3) holds three 8-byte addresses (the
probe's nop, where .stapsdt.base was linked, the semaphore or 0) and three strings: provider,
name, and the places of the arguments as the assembler wrote them, `SIZE@OPERAND` each
(SystemTap's wiki, "UserSpaceProbeImplementation").
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dscript.kernel.elf import Elf

_NT_STAPSDT = 3

# Byte offsets in struct pt_regs (arch/x86/include/uapi/asm/ptrace.h).
_X86 = {
    "r15": 0, "r14": 8, "r13": 16, "r12": 24, "bp": 32, "bx": 40, "r11": 48, "r10": 56,
    "r9": 64, "r8": 72, "ax": 80, "cx": 88, "dx": 96, "si": 104, "di": 112, "ip": 128,
    "sp": 152,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Location:
    """Where an argument is: `size` bytes, in a register, in the process's memory or constant.

    `register` and `index` are byte offsets in struct pt_regs, -1 for none; memory is at
    register + offset + index * scale.  `shift` is 8 for the second byte of a register.
    """

    size: int
    signed: bool
    kind: str  # "constant", "register", "memory"
    register: int = -1
    offset: int = 0  # for a constant, its value
    index: int = -1
    scale: int = 1
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a probe; addresses are those the file is linked for.

    An argument is None where it lies in a place that cannot be read (a vector register).
    """

    provider: str
    name: str
    address: int
    semaphore: int
    arguments: tuple[Location | None, ...]


@lru_cache(maxsize=64)
def sites(image: Elf) -> tuple[Site, ...]:
    """All probe sites of a file, in the order of its notes."""
    if not image.has_section(".note.stapsdt"):
        return ()
    base = image.section(".stapsdt.base")
    return tuple(_read(image, base[0] if base is not None else 0))


def _read(image: Elf, base: int) -> Iterator[Site]:
    for note in image.notes(".note.stapsdt"):
        if note.owner != "stapsdt" or note.kind != _NT_STAPSDT or len(note.description) < 27:
            continue
        address, linked, semaphore = struct.unpack_from("<QQQ", note.description)
        # prelink(8) moves sections and leaves notes alone.
        moved = base - linked if base else 0
        strings = note.description[24:].split(b"\0")
        provider, name, arguments = (part.decode("utf-8", "replace") for part in strings[:3])
        address += moved
        yield Site(
            provider,
            name,
            address,
            semaphore + moved if semaphore else 0,
            tuple(locations(arguments, image, address)),
        )


# A size with its sign, `@`, and an operand, which may hold blanks inside brackets.
_ARGUMENT = re.compile(r"(-?\d+)(f?)@((?:\[[^\]]*\]|\S)+)")


def locations(text: str, image: Elf, address: int) -> Iterator[Location | None]:
    """The places named by the argument string of a note at `address`."""
    parse = _arm if image.machine == "EM_AARCH64" else _x86
    for size, floating, operand in _ARGUMENT.findall(text):
        number = int(size)
        yield None if floating else parse(operand, abs(number), number < 0, image, address)


_X86_MEMORY = re.compile(
    r"(?P<symbol>[A-Za-z_.$][\w.$]*)?(?P<offset>[-+]?(?:0x[0-9a-fA-F]+|\d+)?)"
    r"\((?P<base>%\w+)?(?:,(?P<index>%\w+)(?:,(?P<scale>\d))?)?\)"
)


def _x86(operand: str, size: int, signed: bool, image: Elf, address: int) -> Location | None:
    if operand.startswith("$"):
        return _constant(operand[1:], size, signed)
    if operand.startswith("%"):
        known = _x86_register(operand[1:])
        if known is None:
            return None
        return Location(size, signed, "register", known[0], shift=known[1])
    found = _X86_MEMORY.fullmatch(operand)
    if found is None:
        return None
    offset = int(found["offset"] or "0", 0) if found["offset"] not in ("+", "-") else 0
    base = _x86_register(found["base"][1:]) if found["base"] else (-1, 0)
    index = _x86_register(found["index"][1:]) if found["index"] else (-1, 0)
    if base is None or index is None:
        return None
    if found["symbol"]:
        symbol = image.symbol(found["symbol"])
        if symbol is None or found["base"] != "%rip":
            return None
        offset += symbol - address  # the instruction pointer is at the probe itself
    return Location(size, signed, "memory", base[0], offset, index[0], int(found["scale"] or "1"))


def _x86_register(name: str) -> tuple[int, int] | None:
    """(offset in pt_regs, bits to shift) of `rax`, `eax`, `ax`, `al`, `ah`, `r8d`, …"""
    if name in ("ah", "bh", "ch", "dh"):
        return _X86[name[0] + "x"], 8
    if name[-1] in "dwb" and name[:-1] in _X86 and name[0] == "r":
        name = name[:-1]
    elif name in ("al", "bl", "cl", "dl"):
        name = name[0] + "x"
    elif name[-1] == "l" and name[:-1] in ("si", "di", "bp", "sp"):
        name = name[:-1]
    elif name not in _X86 and name[:1] in ("r", "e"):
        name = name[1:]
    return (_X86[name], 0) if name in _X86 else None


_ARM_MEMORY = re.compile(
    r"\[(?P<base>\w+)(?:\s*,\s*#?(?P<offset>-?(?:0x[0-9a-fA-F]+|\d+))|\s*,\s*(?P<index>\w+))?\]"
)


def _arm(operand: str, size: int, signed: bool, image: Elf, address: int) -> Location | None:
    number = operand.removeprefix("#")
    if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", number):
        return _constant(number, size, signed)
    register = _arm_register(operand)
    if register is not None:
        return Location(size, signed, "register", register)
    found = _ARM_MEMORY.fullmatch(operand)
    if found is None:
        return None
    base = _arm_register(found["base"])
    index = _arm_register(found["index"]) if found["index"] else -1
    if base is None or index is None:
        return None
    return Location(size, signed, "memory", base, int(found["offset"] or "0", 0), index)


def _arm_register(name: str) -> int | None:
    """Byte offset in struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h)."""
    if name == "sp":
        return 248
    found = re.fullmatch(r"[xw](\d+)", name)
    return 8 * int(found[1]) if found and int(found[1]) <= 30 else None


def _constant(text: str, size: int, signed: bool) -> Location | None:
    try:
        return Location(size, signed, "constant", offset=int(text, 0))
    except ValueError:
        return None
