"""Where the arguments of a statically defined probe are: the operands of its note.

A note's argument string holds what the assembler was given, `SIZE@OPERAND` each, separated by
blanks; a negative size is that of a signed value, `f` behind it marks floating point
(SystemTap's wiki, "UserSpaceProbeImplementation").  Operands are those of the GNU assembler:
x86-64 in AT&T syntax (its manual, section "Memory References"), aarch64 in Arm's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

# Byte offsets in struct pt_regs (arch/x86/include/uapi/asm/ptrace.h).
_X86 = {
    "r15": 0, "r14": 8, "r13": 16, "r12": 24, "bp": 32, "bx": 40, "r11": 48, "r10": 56,
    "r9": 64, "r8": 72, "ax": 80, "cx": 88, "dx": 96, "si": 104, "di": 112, "ip": 128,
    "sp": 152,
}  # fmt: skip
# In struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h).
_ARM_SP, _ARM_PC = 248, 256

Symbol = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Location:
    """Where an argument is: `size` bytes, in a register, in the process's memory or constant.

    `register` and `index` are byte offsets in struct pt_regs, -1 for none; memory is at
    register + offset + index * scale, of the index `index_size` bytes with their sign or not.
    `shift` is 8 for the second byte of a register.  Kind "address" is that sum itself.
    """

    size: int
    signed: bool
    kind: str  # "constant", "register", "memory", "address"
    register: int = -1
    offset: int = 0  # for a constant, its value
    index: int = -1
    scale: int = 1
    shift: int = 0
    index_size: int = 8
    index_signed: bool = False


# An operand may hold blanks inside brackets.
_ARGUMENT = re.compile(
    r"(?:(?P<size>-?\d+)(?P<float>f?)@)?(?P<operand>(?:\[[^\]]*\]|\([^)]*\)|\S)+)"
)
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|\d+)")
_TERM = re.compile(r"\s*([-+]?)\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_.$][\w.$]*))\s*")


def locations(text: str, machine: str, symbol: Symbol, address: int) -> tuple[Location | None, ...]:
    """The places that the argument string of a note at `address` names, in order.

    None stands for one that a probe cannot read.  `machine` is e_machine, `symbol` gives
    link-time addresses.
    """
    found: list[Location | None] = []
    parse = _arm if machine == "EM_AARCH64" else _x86
    for match in _ARGUMENT.finditer(text):
        size = int(match["size"] or 8)
        if match["float"] or abs(size) not in (1, 2, 4, 8):
            found.append(None)
            continue
        plain = Location(abs(size), size < 0, "memory")
        found.append(parse(match["operand"], plain, symbol, address))
    return tuple(found)


def _constant(plain: Location, value: int) -> Location:
    """A constant as a variable of the argument's size would hold it."""
    bits = 8 * plain.size
    value &= (1 << bits) - 1
    if plain.signed and value >> (bits - 1):
        value -= 1 << bits
    return replace(plain, kind="constant", offset=value)


def _sum(text: str) -> tuple[int, str] | None:
    """`8+foo-4` as a number and the name of a symbol, "" for none; None for anything else."""
    at, total, name = 0, 0, ""
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or (at and not found[1]):
            return None
        if found[2]:
            total += -int(found[2], 0) if found[1] == "-" else int(found[2], 0)
        elif name or found[1] == "-":
            return None
        else:
            name = found[3]
        at = found.end()
    return total, name


# ------------------------------------------------------------------------------- x86-64

_X86_MEMORY = re.compile(
    r"(?:%[de]?s:)?(?P<displacement>[^()%:]*)"
    r"(?:\(\s*(?P<base>%\w+)?\s*(?:,\s*(?P<index>%\w+)?\s*(?:,\s*(?P<scale>[1248])\s*)?)?\))?"
)


def _x86(operand: str, plain: Location, symbol: Symbol, address: int) -> Location | None:
    if operand.startswith("$"):
        parts = _sum(operand[1:])
        if parts is None:
            return None
        if not parts[1]:
            return _constant(plain, parts[0])
        return _relative(replace(plain, kind="address"), parts, symbol, address, _X86["ip"])
    if operand.startswith("%") and ":" not in operand:
        known = _x86_register(operand)
        if known is None:
            return None
        return replace(plain, kind="register", register=known[0], shift=known[1])
    found = _X86_MEMORY.fullmatch(operand)
    parts = None if found is None else _sum(found["displacement"])
    if found is None or parts is None or not operand:
        return None
    base, index = (_x86_register(found[part] or "") for part in ("base", "index"))
    if (base is None and found["base"]) or (index is None and found["index"]):
        return None
    place = replace(
        plain,
        register=-1 if base is None else base[0],
        index=-1 if index is None else index[0],
        scale=int(found["scale"] or 1),
        offset=parts[0],
    )
    if not parts[1]:
        return place
    if place.register not in (-1, _X86["ip"]):
        if place.index >= 0:
            return None
        place = replace(place, register=-1, index=place.register, scale=1)
    return _relative(place, parts, symbol, address, _X86["ip"])


def _relative(
    place: Location, parts: tuple[int, str], symbol: Symbol, address: int, counter: int
) -> Location | None:
    """A place counted from a symbol, by its distance from the probe's own instruction: wherever
    the file is loaded, the program counter tells."""
    at = symbol(parts[1])
    if at is None:
        return None
    return replace(place, register=counter, offset=parts[0] + at - address)


def _x86_register(text: str) -> tuple[int, int] | None:
    """(offset in pt_regs, bits to shift) of `%rax`, `%eax`, `%ax`, `%al`, `%ah`, `%r8d`, …"""
    name = text.removeprefix("%")
    if name in ("ah", "bh", "ch", "dh"):
        return _X86[name[0] + "x"], 8
    if name[-1:] in ("d", "w", "b", "l") and name[:-1] in _X86 and name[0] == "r":
        name = name[:-1]
    elif name in ("al", "bl", "cl", "dl"):
        name = name[0] + "x"
    elif name[-1:] == "l" and name[:-1] in ("si", "di", "bp", "sp"):
        name = name[:-1]
    elif name not in _X86 and name[:1] in ("r", "e"):
        name = name[1:]
    return (_X86[name], 0) if name in _X86 else None


# ------------------------------------------------------------------------------ aarch64

_ARM_MEMORY = re.compile(
    r"\[\s*(?P<base>\w+)\s*(?:,\s*(?:#?(?P<offset>[-+]?(?:0[xX][0-9a-fA-F]+|\d+))"
    r"|:lo12:(?P<low>[A-Za-z_.$][\w.$+-]*)"
    r"|(?P<index>\w+)\s*(?:,\s*(?P<how>lsl|[su]xt[wx])\s*(?:#?(?P<shift>\d))?\s*)?))?\s*\]!?"
)
_ARM_NAMES = {"fp": 29, "lr": 30, "ip0": 16, "ip1": 17}


def _arm(operand: str, plain: Location, symbol: Symbol, address: int) -> Location | None:
    number = operand.removeprefix("#")
    if _NUMBER.fullmatch(number):
        return _constant(plain, int(number, 0))
    if operand in ("xzr", "wzr"):
        return _constant(plain, 0)
    register = _arm_register(operand)
    if register is not None:
        return replace(plain, kind="register", register=register)
    found = _ARM_MEMORY.fullmatch(operand)
    if found is None:
        parts = _sum(operand)
        if parts is None or not parts[1]:
            return None
        return _relative(plain, parts, symbol, address, _ARM_PC)
    base = _arm_register(found["base"])
    if base is None:
        return None
    if found["low"]:  # the base holds the symbol's page: together they are the symbol
        parts = _sum(found["low"])
        return None if parts is None else _relative(plain, parts, symbol, address, _ARM_PC)
    place = replace(plain, register=base, offset=int(found["offset"] or "0", 0))
    return _arm_indexed(place, found) if found["index"] else place


def _arm_indexed(place: Location, found: re.Match[str]) -> Location | None:
    """`[x1, x2, lsl 3]`, `[x1, w2, sxtw 2]`: a register shifted and extended."""
    if found["index"] in ("xzr", "wzr"):
        return place
    index = _arm_register(found["index"])
    if index is None:
        return None
    narrow = found["index"].startswith("w")
    return replace(
        place,
        index=index,
        scale=1 << int(found["shift"] or 0),
        index_size=4 if narrow else 8,
        index_signed=(found["how"] or "").startswith("s"),
    )


def _arm_register(name: str) -> int | None:
    """Byte offset in struct user_pt_regs."""
    if name in ("sp", "wsp"):
        return _ARM_SP
    if name in _ARM_NAMES:
        return 8 * _ARM_NAMES[name]
    found = re.fullmatch(r"[xw](\d+)", name)
    return 8 * int(found[1]) if found and int(found[1]) <= 30 else None
