"""Kernel addresses to symbols, from /proc/kallsyms, read when first asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from dscript.symbols.types import Symbol

KALLSYMS = "/proc/kallsyms"
BASE_MODULE = "vmlinux"
# An address further than this behind a symbol lies in no function of it.
_LARGEST_FUNCTION = 1 << 24


class KernelSymbols:
    """A sorted table of (address, symbol); among aliases the kernel's own choice, the first.

    `path` is read by the first `lookup`.  `readable` is False afterwards when the file
    could not be read or shows no addresses (kptr_restrict).
    """

    def __init__(self, path: str = KALLSYMS) -> None:
        self.path = path
        self.readable: bool | None = None
        self._addresses: list[int] = []
        self._names: list[bytes] = []
        self._cache: dict[int, Symbol | None] = {}

    def lookup(self, address: int) -> Symbol | None:
        try:
            return self._cache[address]
        except KeyError:
            found = self._cache[address] = self._find(address)
            return found

    def _find(self, address: int) -> Symbol | None:
        if self.readable is None:
            self._load()
        index = bisect_right(self._addresses, address) - 1
        if index < 0:
            return None
        offset = address - self._addresses[index]
        if offset >= _LARGEST_FUNCTION:
            return None
        name, _, module = self._names[index].decode().partition("\t")
        return Symbol(module.strip("[]") or BASE_MODULE, name, offset)

    def _load(self) -> None:
        try:
            with open(self.path, "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            lines = []
        self._addresses, self._names = _table(lines)
        self.readable = bool(self._addresses)


def _table(lines: Iterable[bytes]) -> tuple[list[int], list[bytes]]:
    """Parallel lists of addresses and `name[TAB[module]]`, sorted by address.

    A line is `ADDRESS TYPE NAME[TAB[MODULE]]`; address 0 is hidden or per-CPU.
    """
    table: dict[int, bytes] = {}
    for line in lines:
        address = int(line[:16], 16)
        if address and line[17:18] not in b"aA":
            table.setdefault(address, line[19:])
    addresses = sorted(table)
    return addresses, [table[address] for address in addresses]
