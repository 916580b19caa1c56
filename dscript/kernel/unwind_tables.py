"""The table of a file: made of its call frame information once, and kept in the cache.

A table is what a map of `unwind_rows.TABLES` holds: the number of rows, then the rows, each
a little-endian 64-bit number.
"""

from __future__ import annotations

import mmap
import os
import sys
from array import array
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from dscript.kernel import cachedir
from dscript.kernel.cfi import X86_64, Fragment, fragments
from dscript.kernel.elf_headers import Code, Headers, NoElf
from dscript.kernel.processes import vdso_image
from dscript.kernel.unwind_rows import MACHINES, ROW_STEPS, Rule, row

# The format's number is part of the name: other rows, other number.
_KIND: Final = "unwind-"
_PREFIX: Final = f"{_KIND}2-"
_MOST_FILES, _MOST_BYTES = 512, 128 << 20
# Functions are aligned with padding that nothing executes; what is longer may be code
# without information.
_PADDING: Final = 16
# mov $__NR_rt_sigreturn, %rax; syscall: where a signal handler returns to (x86-64).
_SIGNAL_RETURNS: Final = (
    b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05",
    b"\xb8\x0f\x00\x00\x00\x0f\x05",
)
_REGISTERS: Final = {"x86_64": X86_64}


def cached(name: str) -> bytes | None:
    """The table kept under a name."""
    data = cachedir.read(name)
    if data is None or len(data) < 8 or len(data) != 8 + 8 * int.from_bytes(data[:8], "little"):
        return None
    return data


def name_of(path: str) -> str:
    """The name in the cache of a file's table: by its build ID, else by what stat(2) says.

    Raises OSError when it cannot be read, NoElf when it is none.
    """
    with open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            headers = Headers(data)  # type: ignore[arg-type]  # read as bytes are
            build_id, code = headers.build_id(), headers.code()
    if build_id and code:
        # Rows count from the start of the file: tools that keep the build ID may move the code.
        return f"{_PREFIX}{build_id}-{code[0].offset:x}-{code[0].size:x}"
    facts = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return _PREFIX + "-".join(f"{fact:x}" for fact in facts)


def make(path: str, name: str) -> bytes:
    """Build the table of a file, and keep it; an empty one where the file tells nothing."""
    try:
        with open(path, "rb") as file:
            table = build(file.read())
    except OSError:
        return b""
    _prune()
    cachedir.write(name, table)
    return table


def build(data: bytes) -> bytes:
    """The table of an ELF file or image; empty rows where it has no information."""
    rows: list[int] = []
    try:
        headers = Headers(data)
        if headers.machine in MACHINES:
            rows = _assemble(_fragments(headers, data), headers.code())
    except NoElf:
        pass
    if len(rows) >= 1 << ROW_STEPS:
        rows = []
    table = array("Q", [len(rows)])
    table.extend(rows)
    if sys.byteorder == "big":
        table.byteswap()
    return table.tobytes()


def vdso() -> bytes:
    """The table of the library that the kernel gives to every 64-bit process."""
    image = vdso_image()
    return build(image) if image else b""


def _fragments(headers: Headers, data: bytes) -> list[Fragment]:
    """What .eh_frame tells, and .debug_frame of other functions, in order of address."""
    registers = _REGISTERS[headers.machine]
    found: list[Fragment] = []
    covered: set[int] = set()
    for section, debug in ((headers.eh_frame(), False), (headers.section(".debug_frame"), True)):
        if section is None:
            continue
        more = fragments(section, registers, debug=debug)
        found += [fragment for fragment in more if fragment.start not in covered]
        covered.update(fragment.start for fragment in more)
    found += _signal_returns(headers, data, found)
    found.sort(key=attrgetter("start"))
    return found


def _signal_returns(headers: Headers, data: bytes, known: list[Fragment]) -> Iterator[Fragment]:
    """Returns from signal handlers of which no information tells (musl, Go)."""
    half = row(0, Rule.SIGNAL)
    for code in headers.code():
        end = code.offset + code.size
        for pattern in _SIGNAL_RETURNS:
            at = data.find(pattern, code.offset, end)
            while at >= 0:
                address = at - code.offset + code.address
                if not any(f.start <= address < f.end for f in known):
                    # The return address is looked up by the byte before it.
                    start = address - 1
                    yield Fragment(start, address + len(pattern), [(start, half)])
                at = data.find(pattern, at + 1, end)


def _assemble(found: list[Fragment], segments: list[Code]) -> list[int]:
    """Rows by offset in the file."""
    rows: list[int] = []
    last_half = int(Rule.NONE)
    last_end, last_shift = -1, 0
    for fragment in found:
        segment = _segment(segments, fragment.start)
        if segment is None or fragment.start < last_end:
            continue
        shift = segment.offset - segment.address
        if 0 <= last_end < fragment.start - _PADDING and last_half != Rule.NONE:
            rows.append(last_end + last_shift << 32)
            last_half = int(Rule.NONE)
        end = min(fragment.end, segment.address + segment.size)
        for address, half in fragment.rows:
            if half != last_half and address < end:
                rows.append(address + shift << 32 | half)
                last_half = half
        last_end, last_shift = end, shift
    if last_end >= 0:
        rows.append(last_end + last_shift << 32)
    return rows


def _segment(segments: list[Code], address: int) -> Code | None:
    """The segment that an address lies in, within the offsets that rows can hold."""
    for code in segments:
        if code.address <= address < code.address + code.size:
            return code if code.offset + code.size < 1 << 32 else None
    return None


def _prune() -> None:
    """Make room for one more: drop the tables that have not been written for longest."""
    folder = cachedir.path()
    if folder is None:
        return
    kept = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_KIND):
                try:
                    stat = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                kept.append((stat.st_mtime_ns, stat.st_size, entry.path))
    kept.sort(reverse=True)
    total = 0
    for number, (_, size, path) in enumerate(kept):
        total += size
        if number >= _MOST_FILES - 1 or total > _MOST_BYTES:
            try:
                os.unlink(path)
            except OSError:
                continue
