"""User addresses to symbols, by bcc's symbol cache in libbcc_bpf (no LLVM, 3 ms to load).

bcc knows ELF symbol tables, separate debug files and the perf maps that JIT compilers write
(/tmp/perf-PID.map), which is what jstack() shows of Java and Node.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from dscript.kernel.processes import VDSO, code_mappings, reachable, shares_files, start_time
from dscript.symbols.types import Symbol

if TYPE_CHECKING:
    from dscript.kernel.elf import Elf, Naming
    from dscript.symbols.mappings import Mapping

_LIBRARIES = ("libbcc_bpf.so.0", "libbcc.so.0")

# bcc reads the symbol tables of every object anew for each process: some 0.5 MiB of each.
_MOST_PROCESSES = 64
_MOST_ADDRESSES = 100_000
# How long a process is taken to be the one that it was: reading /proc takes 15 us.
_FRESH_NS = 20_000_000


class _BccSymbol(ctypes.Structure):
    # struct bcc_symbol of bcc_syms.h
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("demangle_name", ctypes.c_char_p),
        ("module", ctypes.c_char_p),
        ("offset", ctypes.c_uint64),
    )


class UserSymbolsUnavailable(Exception):
    """bcc's library is not there; the message says what to install."""


class _Process:
    """bcc's cache of a process, and the addresses found in it.

    `start` tells the process from another one of the same number; it was last looked at
    `checked` nanoseconds of the monotonic clock ago, and then ran or not.
    """

    __slots__ = ("alive", "checked", "found", "handle", "mapped", "naming", "shares_files", "start")

    def __init__(self, pid: int, start: int, handle: int) -> None:
        self.start, self.handle = start, handle
        self.alive, self.checked = True, time.monotonic_ns()
        self.found: dict[int, Symbol | None] = {}
        self.naming: dict[str, Naming | None] = {}  # by path of a file
        self.shares_files = shares_files(pid)
        # Code of the process, and what opens its file.
        self.mapped: list[tuple[Mapping, str]] = []

    def mapped_at(self, address: int) -> tuple[Mapping, str] | None:
        return next((m for m in self.mapped if m[0].start <= address < m[0].end), None)

    def map_anew(self, pid: int) -> _Process:
        from dscript.symbols.mappings import Mapping

        with suppress(OSError):
            self.mapped = [
                (
                    Mapping(mapping.start, mapping.end, mapping.offset, mapping.path),
                    "" if mapping.path == VDSO else reachable(pid, mapping, self.shares_files)[0],
                )
                for mapping in code_mappings(pid)
            ]
        return self


class UserSymbols:
    """Symbol caches by process, of the processes last asked for.

    A cache made while its process lives keeps working after the end of the process.
    Raises UserSymbolsUnavailable when made without bcc's library.
    """

    def __init__(
        self,
        libraries: tuple[str, ...] = _LIBRARIES,
        *,
        processes: int = _MOST_PROCESSES,
        addresses: int = _MOST_ADDRESSES,
    ) -> None:
        """At most so many processes, and addresses of them all, are remembered."""
        self._library = _load(libraries)
        self._caches: OrderedDict[int, _Process] = OrderedDict()
        self._most_processes, self._most_addresses = processes, addresses
        self._addresses = 0

    def holds(self, pid: int) -> bool:
        """Whether a process runs, so that bcc can look at it."""
        known = self._caches.get(pid)
        if known is not None and time.monotonic_ns() - known.checked < _FRESH_NS:
            return known.alive
        return start_time(pid) != 0

    def lookup(self, pid: int, address: int) -> Symbol | None:
        """Symbol of an address in a process; None when process or mapping are unknown."""
        process = self._process(pid)
        if process is None:
            return None
        try:
            return process.found[address]
        except KeyError:
            symbol, path = self._resolve(process.handle, address)
            # Which bcc finds no longer, looks for in a file that is not there, or does not know:
            # functions without a size, stubs of the linker, Go's own table.
            if symbol is not None and (path.endswith(" (deleted)") or not symbol.name):
                symbol = _by_mapping(pid, process, path, address) or symbol
            elif symbol is not None:
                symbol = _plainest(pid, process, path, symbol)
            if self._addresses >= self._most_addresses:
                self._forget_addresses()
            process.found[address] = symbol
            self._addresses += 1
            return symbol

    def _process(self, pid: int) -> _Process | None:
        """The cache for a process; None when it is gone and was never seen."""
        known = self._caches.get(pid)
        if known is not None and time.monotonic_ns() - known.checked < _FRESH_NS:
            return known
        start = start_time(pid)
        if known is not None and start in (0, known.start):
            known.checked, known.alive = time.monotonic_ns(), start != 0
            self._caches.move_to_end(pid)
            return known
        if known is not None:  # the number belongs to another process now
            self._drop(pid)
        handle = int(self._library.bcc_symcache_new(pid, None) or 0) if start else 0
        if not handle:
            return None
        while len(self._caches) >= self._most_processes:
            self._drop(next(iter(self._caches)))
        made = self._caches[pid] = _Process(pid, start, handle)
        return made

    def _drop(self, pid: int) -> None:
        process = self._caches.pop(pid)
        self._addresses -= len(process.found)
        self._library.bcc_free_symcache(process.handle, pid)

    def _forget_addresses(self) -> None:
        for process in self._caches.values():
            process.found.clear()
        self._addresses = 0

    def _resolve(self, handle: int, address: int) -> tuple[Symbol | None, str]:
        """The symbol, and the path of the file that is mapped there."""
        found = _BccSymbol()
        status = self._library.bcc_symcache_resolve(handle, address, ctypes.byref(found))
        path = os.fsdecode(found.module or b"")
        module = os.path.basename((found.module or b"").decode("utf-8", "replace"))
        if status < 0:
            return (Symbol(module, "", 0) if module and found.offset else None), path
        plain = (found.name or b"").decode("utf-8", "replace")
        name = (found.demangle_name or b"").decode("utf-8", "replace") or plain
        if plain.startswith("_R") or "17h" in plain:  # Rust's, which bcc does not know
            from dscript.kernel.demangle import demangle

            name = demangle(plain)
        self._library.bcc_symbol_free_demangle_name(ctypes.byref(found))
        return Symbol(module, name, found.offset), path

    def close(self) -> None:
        for pid in list(self._caches):
            self._drop(pid)


def _plainest(pid: int, process: _Process, path: str, symbol: Symbol) -> Symbol:
    """The symbol by the name that is shown of several of one place; bcc takes any of them."""
    naming = _naming(pid, process, path)
    best = None if naming is None else naming.preferred.get(symbol.name)
    if best is None:
        return symbol
    from dscript.kernel.demangle import demangle

    return Symbol(symbol.module, demangle(best), symbol.offset)


def _naming(pid: int, process: _Process, path: str) -> Naming | None:
    """About the names in a file that a process has mapped; None where it is not to be had."""
    if path not in process.naming:
        process.naming[path] = None
        if path.startswith("/"):
            from dscript.kernel import elf

            file = path if process.shares_files else f"/proc/{pid}/root{path}"
            with suppress(elf.BadElf):
                process.naming[path] = _naming_of(elf.read(file))
    return process.naming[path]


@lru_cache(maxsize=64)
def _naming_of(image: Elf) -> Naming:
    return image.naming()


def _by_mapping(pid: int, process: _Process, path: str, address: int) -> Symbol | None:
    """The symbol by the file that is mapped at an address, or of the kernel's library.

    The kernel still opens a file that was deleted or replaced since for those who may trace
    the process (proc(5), map_files).
    """
    from dscript.symbols import files

    held = process.mapped_at(address) or process.map_anew(pid).mapped_at(address)
    naming = _naming(pid, process, path)
    sized = naming is not None and not naming.unsized
    return None if held is None else files.symbol(pid, held[0], address, held[1], stubs_only=sized)


def _load(names: tuple[str, ...]) -> ctypes.CDLL:
    for name in names:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        pointer, symbol = ctypes.c_void_p, ctypes.POINTER(_BccSymbol)
        library.bcc_symcache_new.restype = pointer
        library.bcc_symcache_new.argtypes = [ctypes.c_int, pointer]
        library.bcc_free_symcache.restype = None
        library.bcc_free_symcache.argtypes = [pointer, ctypes.c_int]
        library.bcc_symcache_resolve.restype = ctypes.c_int
        library.bcc_symcache_resolve.argtypes = [pointer, ctypes.c_uint64, symbol]
        library.bcc_symbol_free_demangle_name.restype = None
        library.bcc_symbol_free_demangle_name.argtypes = [symbol]
        library.bcc_symcache_refresh.restype = None
        library.bcc_symcache_refresh.argtypes = [pointer]
        return library
    raise UserSymbolsUnavailable(
        f"user symbols stay addresses: {names[0]} is missing (Debian package python3-bpfcc)"
    )
