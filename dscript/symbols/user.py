"""User addresses to symbols, by bcc's symbol cache in libbcc_bpf (no LLVM, 3 ms to load).

bcc knows ELF symbol tables, separate debug files, the vDSO and the perf maps that JIT
compilers write (/tmp/perf-PID.map), which is what jstack() shows of Java and Node.
"""

from __future__ import annotations

import ctypes
import os

from dscript.kernel.processes import start_time
from dscript.symbols.types import Symbol

_LIBRARIES = ("libbcc_bpf.so.0", "libbcc.so.0")


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


class UserSymbols:
    """Symbol caches by process.

    A cache made while its process lives keeps working after the end of the process.
    Raises UserSymbolsUnavailable when made without bcc's library.
    """

    def __init__(self, libraries: tuple[str, ...] = _LIBRARIES) -> None:
        self._library = _load(libraries)
        self._caches: dict[int, tuple[int, int]] = {}  # pid → (start time, handle)
        self._found: dict[tuple[int, int], Symbol | None] = {}

    def holds(self, pid: int) -> bool:
        """Whether a process runs, so that bcc can look at it."""
        return start_time(pid) != 0

    def lookup(self, pid: int, address: int) -> Symbol | None:
        """Symbol of an address in a process; None when process or mapping are unknown."""
        key = (pid, address)
        try:
            return self._found[key]
        except KeyError:
            handle = self._handle(pid)
            symbol = self._resolve(handle, address) if handle else None
            if handle:
                self._found[key] = symbol
            return symbol

    def _handle(self, pid: int) -> int:
        """bcc's cache for a process; 0 when the process is gone and was never seen."""
        start = start_time(pid)
        known = self._caches.get(pid)
        if known is not None and (start == 0 or start == known[0]):
            return known[1]
        if known is not None:
            # The number belongs to another process now.
            self._library.bcc_free_symcache(known[1], pid)
            del self._caches[pid]
            self._found = {key: s for key, s in self._found.items() if key[0] != pid}
        if start == 0:
            return 0
        handle = self._library.bcc_symcache_new(pid, None) or 0
        if handle:
            self._caches[pid] = (start, handle)
        return int(handle)

    def _resolve(self, handle: int, address: int) -> Symbol | None:
        found = _BccSymbol()
        status = self._library.bcc_symcache_resolve(handle, address, ctypes.byref(found))
        module = os.path.basename((found.module or b"").decode("utf-8", "replace"))
        if status < 0:
            return Symbol(module, "", 0) if module and found.offset else None
        name = (found.demangle_name or found.name or b"").decode("utf-8", "replace")
        self._library.bcc_symbol_free_demangle_name(ctypes.byref(found))
        return Symbol(module, name, found.offset)

    def close(self) -> None:
        for pid, (_, handle) in self._caches.items():
            self._library.bcc_free_symcache(handle, pid)
        self._caches.clear()


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
