"""The stubs by which x86-64 code calls functions of other files: the procedure linkage table.

No symbol names them.  Each jumps through a word that the dynamic linker fills, and the
relocation of that word names the function (System V ABI, AMD64 supplement, section 5.2; the
sections .plt.sec and .plt.got are binutils').  As in gdb the stub of `malloc` is `malloc@plt`.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from dscript.kernel.elf import Elf, Function

# Elf64_Rela: offset, info (the symbol's number in its upper half), addend.  <elf.h>: R_X86_64_*.
_RELOCATION = struct.Struct("<QQq")
_GLOB_DAT, _JUMP_SLOT = 6, 7
_SYMBOL_SIZE = 24
# Sections, and the size of their stubs; .plt.got has them of 16 bytes where each begins with
# endbr64.
_SECTIONS = {".plt": 16, ".plt.sec": 16, ".plt.got": 8}
_ENDBR64 = b"\xf3\x0f\x1e\xfa"
_JUMP, _PUSH = b"\xff\x25", 0x68  # jmp *word(%rip); push $number, of a relocation of .rela.plt


def stub_at(image: Elf, address: int) -> Function | None:
    """The stub that an address lies in, as a function."""
    for start, code, size in _tables(image):
        if start <= address < start + len(code):
            at = (address - start) // size * size
            name = _called(image, code[at : at + size], start + at)
            return Function(f"{name}@plt", start + at, size) if name else None
    return None


@lru_cache(maxsize=64)
def _tables(image: Elf) -> tuple[tuple[int, bytes, int], ...]:
    """Addresses and code of the sections with stubs, and how long each stub is."""
    found = []
    for name, size in _SECTIONS.items() if image.machine == "EM_X86_64" else ():
        start, code = image.section(name) or (0, b"")
        if code:
            found.append((start, code, 16 if code.startswith(_ENDBR64) else size))
    return tuple(found)


def _called(image: Elf, stub: bytes, address: int) -> str:
    """The function that a stub is for; empty for what begins the table."""
    words, lazy = _relocations(image)
    jump = stub.find(_JUMP)
    if jump >= 0 and jump + 6 <= len(stub):
        (distance,) = struct.unpack_from("<i", stub, jump + 2)
        return _symbol(image, words.get(address + jump + 6 + distance, 0))
    body = stub.removeprefix(_ENDBR64)
    if len(body) > 5 and body[0] == _PUSH:
        (number,) = struct.unpack_from("<I", body, 1)
        return _symbol(image, lazy[number] if number < len(lazy) else 0)
    return ""


@lru_cache(maxsize=64)
def _relocations(image: Elf) -> tuple[dict[int, int], list[int]]:
    """Numbers of symbols: by the word where the dynamic linker puts their addresses, and in
    the order of .rela.plt."""
    words: dict[int, int] = {}
    lazy: list[int] = []
    for section in (".rela.dyn", ".rela.plt"):
        _, data = image.section(section) or (0, b"")
        for address, info, _addend in _RELOCATION.iter_unpack(data):
            if info & 0xFFFFFFFF in (_GLOB_DAT, _JUMP_SLOT):
                words[address] = info >> 32
            if section == ".rela.plt":
                lazy.append(info >> 32)
    return words, lazy


def _symbol(image: Elf, number: int) -> str:
    """The name of a dynamic symbol."""
    _, symbols = image.section(".dynsym") or (0, b"")
    _, strings = image.section(".dynstr") or (0, b"")
    at = number * _SYMBOL_SIZE
    if not number or at + _SYMBOL_SIZE > len(symbols):
        return ""
    (start,) = struct.unpack_from("<I", symbols, at)
    return strings[start : strings.find(b"\0", start)].decode("utf-8", "replace")
