"""Names of places in files and in code that was made at run time (JIT)."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from functools import lru_cache

from dscript.kernel import elf, plt
from dscript.kernel.demangle import demangle
from dscript.kernel.processes import VDSO, vdso_image
from dscript.symbols.mappings import Mapping
from dscript.symbols.types import Symbol

_MOST_FILES = 256
_read: OrderedDict[tuple[str, str], elf.Elf] = OrderedDict()  # by path and build ID


def symbol(
    pid: int, mapping: Mapping, address: int, file: str = "", perf_map: str = ""
) -> Symbol | None:
    """The symbol at an address of a mapping; `pid` need not run any more.

    `file` opens what was mapped where its path does not, and `perf_map` what the process's own
    compiler writes.  The name is empty where nothing tells it; None where there is no file either.
    """
    made = perf_map or perf_map_of(pid)
    if mapping.path == VDSO:
        # The one of 32-bit processes, below 4 GiB, is another.
        image = _vdso() if mapping.start >> 32 else None
    elif not mapping.path.startswith("/") or mapping.path.startswith("//anon"):
        return _made_at_run_time(made, address)
    else:
        image = _image(file or mapping.path, mapping.build_id)
    place = None if image is None else image.address_at(address - mapping.start + mapping.offset)
    if image is not None and place is not None:
        # Stubs first: a function without a size seems to reach there.
        function = plt.stub_at(image, place) or image.function_at(place)
        if function is not None:
            name, offset = demangle(function.name), place - function.address
            return Symbol(_module(mapping), name, offset)
    # Some compilers share the memory for their code through a file.
    return _made_at_run_time(made, address) or Symbol(_module(mapping), "", 0)


def _module(mapping: Mapping) -> str:
    return os.path.basename(mapping.path.removesuffix(" (deleted)"))


def _image(path: str, build_id: str) -> elf.Elf | None:
    """The file that was mapped: at its path, or what debuggers keep of its build.

    One that is there no longer is what it was when it was last read.
    """
    candidates = [path]
    if len(build_id) > 2:
        candidates.append(f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug")
    for candidate in candidates:
        try:
            image = elf.read(candidate)
        except elf.BadElf:
            continue
        if not build_id or image.build_id == build_id:
            _read[path, build_id] = image
            _read.move_to_end((path, build_id))
            if len(_read) > _MOST_FILES:
                _read.popitem(last=False)
            return image
    return _read.get((path, build_id))


@lru_cache(maxsize=1)
def _vdso() -> elf.Elf | None:
    """The kernel's own library, in a file of memory that stays open."""
    file = os.memfd_create("vdso")
    os.write(file, vdso_image())
    try:
        return elf.read(f"/proc/self/fd/{file}")
    except elf.BadElf:
        return None


def perf_map_of(pid: int, root: str = "") -> str:
    """The perf map of a process, by its own number and below its own root."""
    return f"{root}/tmp/perf-{pid}.map"


def _made_at_run_time(path: str, address: int) -> Symbol | None:
    """From the perf map that a JIT compiler wrote (Linux, tools/perf/Documentation/jit)."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    starts, rows = _perf_map(path, stat.st_mtime_ns, stat.st_size)
    at = bisect_right(starts, address) - 1
    if at < 0 or address >= starts[at] + rows[at][0]:
        return None
    return Symbol(os.path.basename(path), rows[at][1], address - starts[at])


@lru_cache(maxsize=32)
def _perf_map(path: str, _time: int, _size: int) -> tuple[list[int], list[tuple[int, str]]]:
    """Addresses, and (size, name) beside them; a line is `START SIZE NAME`, in hexadecimal."""
    found: dict[int, tuple[int, str]] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.rstrip("\n").split(" ", 2)
                if len(fields) == 3:
                    found[int(fields[0], 16)] = (int(fields[1], 16), fields[2])
    except (OSError, ValueError):
        return [], []
    starts = sorted(found)
    return starts, [found[start] for start in starts]
