"""The kernel's symbols (/proc/kallsyms), kept sorted by name in the user's cache.

Reading the file takes the kernel some 100 ms; the saved copy holds for one boot and one set
of loaded modules.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dscript.kernel import cachedir

_CACHE = "kallsyms"
# Owners whose symbols come and go: loaded BPF programs, trampolines of ftrace and kprobes.
_FLEETING = (b"\tbpf", b"\t__builtin__ftrace", b"\t__builtin__kprobes")
_TEXT = frozenset("tTwW")
_DATA = frozenset("dDbBrRvV")


class Symbol(NamedTuple):
    """`kind` is the letter of nm(1); `address` is 0 where the kernel hides addresses."""

    name: str
    address: int
    kind: str
    module: str

    @property
    def is_text(self) -> bool:
        return self.kind in _TEXT

    @property
    def is_data(self) -> bool:
        return self.kind in _DATA


def identity() -> str:
    """Equal as long as the symbols are: the boot and the modules loaded (with addresses)."""
    return f"{_content('/proc/sys/kernel/random/boot_id').strip()}-" + format(
        zlib.crc32(_module_list().encode()), "08x"
    )


def lookup(name: str, module: str = "") -> list[Symbol]:
    """All symbols of this name, of the module given or of any; vmlinux's first."""
    data = _table()
    found: list[Symbol] = []
    key = b"\n" + name.encode(errors="replace") + b"\t"
    at = data.find(key)
    while at >= 0:
        end = data.index(b"\n", at + 1)
        symbol = _symbol(data[at + 1 : end])
        if module in ("", symbol.module):
            found.append(symbol)
        at = data.find(key, end)
    return sorted(found, key=lambda symbol: symbol.module != "vmlinux")


def data_symbol(name: str, module: str = "") -> Symbol | None:
    """A kernel variable."""
    return next((symbol for symbol in lookup(name, module) if symbol.is_data), None)


@lru_cache(maxsize=1)
def has_data() -> bool:
    """Whether the kernel lists its variables: without CONFIG_KALLSYMS_ALL it does not.

    `init_task` is a variable of every kernel.
    """
    return data_symbol("init_task", "vmlinux") is not None


def text_symbol(name: str, module: str = "") -> Symbol | None:
    """A kernel function."""
    return next((symbol for symbol in lookup(name, module) if symbol.is_text), None)


def symbols() -> Iterator[Symbol]:
    """All text and data symbols, sorted by name; none of BPF programs and trampolines."""
    return (_symbol(line) for line in _table().split(b"\n")[1:-1])


def modules() -> set[str]:
    """Names of the loaded modules."""
    return {line.split(" ", 1)[0] for line in _module_list().splitlines()}


def _symbol(line: bytes) -> Symbol:
    name, address, kind, module = line.decode(errors="replace").split("\t")
    return Symbol(name, int(address, 16), kind, module)


@lru_cache(maxsize=1)
def _table() -> bytes:
    """Header line, then `name TAB address TAB kind TAB module` lines sorted by name."""
    header = f"dscript-kallsyms-2 {identity()} {os.geteuid()}\n".encode()
    saved = cachedir.read(_CACHE)
    if saved is not None and saved.startswith(header) and saved.endswith(b"\n"):
        return saved
    try:
        with open("/proc/kallsyms", "rb") as file:
            raw = file.read()
    except OSError:
        return header
    lines = re.sub(
        rb"(?m)^([0-9a-f]+) (.) ([^\t\n]+)(?:\t\[([^]\n]+)\])?[^\n]*$",
        lambda m: b"%b\t%b\t%b\t%b" % (m[3], m[1], m[2], m[4] or b"vmlinux"),
        raw,
    ).split(b"\n")
    letters = {ord(letter) for letter in _TEXT | _DATA}
    kept = sorted(
        line
        for line in lines
        if line and line.split(b"\t", 3)[2][0] in letters and not line.endswith(_FLEETING)
    )
    table = header + b"\n".join(kept) + b"\n"
    if any(line.split(b"\t", 2)[1].strip(b"0") for line in kept[:100]):
        cachedir.write(_CACHE, table)
    return table


def _module_list() -> str:
    return _content("/proc/modules")


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
