"""The kernel functions that can be probed, kept sorted by name in the user's cache.

They are the entries of ftrace's available_filter_functions where that can be read, else the
text symbols that BTF has a prototype for, else all text symbols; without those on the
kprobe blacklist.  A clone that the C compiler made (`foo.isra.0`) is found under the name
in the source (`foo`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dscript.kernel import btf, cachedir, kallsyms, tracefs
from dscript.kernel.mounts import private_mount

_CACHE = "functions"

# Suffixes that GCC and Clang give to specialised copies; all but `.llvm` may have parameters of
# their own.  `.part` is the rest of a function whose beginning was inlined into its callers: it
# stands for the function where nothing else does.  `.cold` is jumped to and has no entry.
_CLONE = re.compile(r"\.(?:isra|constprop|llvm)(?:\.\d+)?(?=\.|$)")
_PART = re.compile(r"\.part(?:\.\d+)?(?=\.|$)")
_CHANGED = re.compile(r"\.(?:isra|constprop|part)(?=\.|$)")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NOT_SOURCE = ("__pfx_", "__cfi_", "__SCT__", "__SCK__", "__bpf_trace_", "__traceiter_")


class KernelFunction(NamedTuple):
    """`name` is as in the source, `symbol` as in kallsyms.

    `typed`: BTF has its prototype under this symbol.  `unique`: no other function has the
    symbol (only then can it be attached to by name).  `position` counts from 0 in the list.
    """

    name: str
    symbol: str
    module: str
    typed: bool
    unique: bool
    position: int


def named(name: str) -> list[KernelFunction]:
    """All functions of this name in the source."""
    data = _table()
    key = b"\n" + name.encode(errors="replace") + b"\t"
    found: list[KernelFunction] = []
    at = data.find(key)
    while at >= 0:
        end = data.index(b"\n", at + 1)
        position = data.count(b"\n", 0, at + 1) - 1
        found.append(_function(data[at + 1 : end].decode(), position))
        at = data.find(key, end)
    return found


def functions() -> list[KernelFunction]:
    """All of them, sorted by name."""
    lines = _table().decode().split("\n")[1:-1]
    return [_function(line, position) for position, line in enumerate(lines)]


def names() -> list[str]:
    """Their names in the source, sorted, each once."""
    lines = _table().decode().split("\n")[1:-1]
    return list(dict.fromkeys(line.partition("\t")[0] for line in lines))


def source_name(symbol: str) -> str:
    """The name in the source of a symbol that may be a clone's."""
    return _CLONE.sub("", symbol)


def has_own_parameters(symbol: str) -> bool:
    """Whether a clone's parameters and result need not be those of its source."""
    return _CHANGED.search(symbol) is not None


def _function(line: str, position: int) -> KernelFunction:
    name, symbol, module, flags = line.split("\t")
    return KernelFunction(name, symbol, module, "t" in flags, "u" in flags, position)


@lru_cache(maxsize=1)
def _table() -> bytes:
    """Header line, then `name TAB symbol TAB module TAB flags` lines.

    Flags: `t` typed, `u` unique.
    """
    header = f"dscript-functions-2 {kallsyms.identity()} {tracefs.root() is not None}\n".encode()
    saved = cachedir.read(_CACHE)
    if saved is not None and saved.startswith(header) and saved.endswith(b"\n"):
        return saved
    table = header + "".join(sorted(_lines())).encode()
    cachedir.write(_CACHE, table)
    return table


def _lines() -> set[str]:
    count: dict[str, int] = {}
    places: set[tuple[str, str]] = set()
    first, last = _init_section()
    for symbol in kallsyms.symbols():
        if symbol.is_text and not first <= symbol.address < last:
            count[symbol.name] = count.get(symbol.name, 0) + 1
            places.add((symbol.name, symbol.module))
    traceable = _traceable()
    typed = _typed()
    blacklist = _blacklist()
    lines: set[str] = set()
    candidates = places if traceable is None else traceable
    whole = {(source_name(symbol_name), module) for symbol_name, module in candidates}
    for symbol_name, module in candidates:
        name = source_name(symbol_name)
        if (_PART.sub("", name), module) not in whole:
            name = _PART.sub("", name)
        if not _PLAIN.fullmatch(name) or name.startswith(_NOT_SOURCE) or symbol_name in blacklist:
            continue
        known = typed.get(module)
        clone = name != symbol_name
        if traceable is None and known is not None and name not in known and not clone:
            continue
        flags = "t" if known is not None and symbol_name in known else ""
        flags += "u" if count.get(symbol_name) == 1 else ""
        lines.add(f"{name}\t{symbol_name}\t{module}\t{flags or '-'}\n")
    return lines


def _init_section() -> tuple[int, int]:
    """Addresses of the code that is thrown away after boot; (0, 0) when they are hidden."""
    first, last = kallsyms.text_symbol("_sinittext"), kallsyms.text_symbol("_einittext")
    return (first.address, last.address) if first is not None and last is not None else (0, 0)


def _traceable() -> set[tuple[str, str]] | None:
    """(symbol, module) of available_filter_functions; None when it cannot be read."""
    text = tracefs.read_text("available_filter_functions")
    if not text:
        return None
    result: set[tuple[str, str]] = set()
    for line in text.splitlines():
        symbol, _space, module = line.partition(" ")
        result.add((symbol, module.strip("[]") if module.startswith("[") else "vmlinux"))
    return result


def _typed() -> dict[str, set[str]]:
    """Function names that BTF has, by module."""
    result: dict[str, set[str]] = {}
    for module in (btf.VMLINUX, *btf.modules()):
        types = btf.module(module)
        if types is not None:
            result[module] = {name for name, _id in types.with_prefix(btf.Kind.FUNC, "")}
    return result


def _blacklist() -> set[str]:
    """Functions that kprobes refuse (debugfs), empty where that cannot be read."""
    for base in ("/sys/kernel/debug", private_mount("debugfs")):
        try:
            with open(f"{base}/kprobes/blacklist", encoding="ascii", errors="replace") as file:
                return {line.split("\t")[1].split(" ")[0].strip() for line in file if "\t" in line}
        except OSError:
            continue
    return set()
