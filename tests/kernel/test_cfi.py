"""Unwind tables of real files, row by row against readelf's reading of the same sections."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from bisect import bisect_right
from pathlib import Path

import pytest

from dscript.kernel import unwind_tables
from dscript.kernel.cfi import X86_64
from dscript.kernel.elf_headers import Headers, NoElf
from dscript.kernel.unwind_rows import Rule, Saved
from tests.userland.support import build

_LOADER = "/lib64/ld-linux-x86-64.so.2"
_ROW = re.compile(r"^([0-9a-f]{16}) +(.*)$")


def files() -> list[str]:
    """What every system has: the C library, the dynamic linker, a shell."""
    maps = Path("/proc/self/maps").read_text()
    libc = re.search(r"\S+/libc\.so\.6$", maps, re.M)
    assert libc is not None
    return [libc[0], _LOADER, "/bin/sh"]


def readelf_rows(path: str) -> dict[int, tuple[str, str, str]]:
    """Address → CFA, rbp and return address, as readelf shows them."""
    text = subprocess.run(
        ["readelf", "--debug-dump=frames-interp", path],
        capture_output=True, text=True, check=False,  # it complains of padding
    ).stdout  # fmt: skip
    found: dict[int, tuple[str, str, str]] = {}
    columns: list[str] = []
    frame = False
    for line in text.splitlines():
        if " FDE " in line or " CIE" in line:
            frame = " FDE " in line
        elif "LOC" in line:
            columns = line.split()[1:]
        elif frame and (row := _ROW.match(line)):
            # `r9 (r9)` is one value: in another register.
            cells = re.sub(r"(r\d+) \(\w+\)", r"\1", row[2]).split()
            values = dict(zip(columns, cells, strict=True))
            found[int(row[1], 16)] = (values["CFA"], values.get("rbp", "u"), values.get("ra", "u"))
    return found


def table_of(path: str) -> list[int]:
    table = unwind_tables.build(Path(path).read_bytes())
    count, *rows = struct.unpack(f"<{len(table) // 8}Q", table)
    assert count == len(rows)
    return rows


_NAMES = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{n}" for n in range(8, 16)))


def shown(row: int) -> tuple[str, str, str]:
    """A row's CFA, saved frame pointer and return address as readelf writes them."""

    def signed(value: int, bits: int) -> int:
        return value - (1 << bits) if value >> bits - 1 else value

    cfa, at = 8 * signed(row >> 16 & 0xFFFF, 16), 8 * signed(row >> 6 & 0x3FF, 10)
    rule, saved = Rule(row & 15), Saved(row >> 4 & 3)
    kept = {Saved.SAME: "u", Saved.AT_CFA: f"c{at:+d}"}.get(saved, "exp")
    if rule == Rule.END:
        return "", "", "u"
    if rule == Rule.RETURN_IN_REGISTER:
        return f"rsp{cfa:+d}", kept, f"r{X86_64.places.index(at // 8)}"
    name = {Rule.STACK: "rsp", Rule.FRAME: "rbp"}.get(rule, "")
    if rule == Rule.REGISTER:
        name = _NAMES[X86_64.places.index(at // 8)]
    return (f"{name}{cfa:+d}" if name else "exp"), kept, "c-8"


@pytest.mark.parametrize("path", files())
def test_rows_are_readelfs(path: str) -> None:
    rows = table_of(path)
    assert rows == sorted(rows)
    places = [row >> 32 for row in rows]
    code = Headers(Path(path).read_bytes()).code()
    compared = strange = 0
    for address, (cfa, rbp, returns) in readelf_rows(path).items():
        segment = next(c for c in code if c.address <= address < c.address + c.size)
        at = bisect_right(places, address - segment.address + segment.offset) - 1
        compared += 1
        if rows[at] & 15 == Rule.NONE:  # longjmp() and the like, which set every register
            strange += 1
            assert returns != "c-8" or not cfa.startswith(("rsp", "rbp")), hex(address)
        elif cfa == "exp":
            strange += 1
            assert shown(rows[at])[0] == "exp"
        elif rows[at] & 15 == Rule.END:
            assert returns == "u", hex(address)
        else:
            assert shown(rows[at]) == (cfa, rbp, returns), hex(address)
    assert compared > 100
    assert strange < compared / 100


def rules(path: Path) -> set[int]:
    return {row & 15 for row in table_of(str(path))}


def test_expressions(tmp_path: Path) -> None:
    """The PLT's, of stacks that are aligned anew, and the frame of a signal."""
    source = (
        "#include <stdio.h>\n"
        "__attribute__((noipa)) int f(int n)\n"
        "{ int v[32] __attribute__((aligned(64))); for (int i = 0; i < 32; i++) v[i] = n; "
        "volatile int *p = v; return p[n]; }\n"
        "int main(int n, char **v) { __builtin_alloca(n); return f(n) + puts(*v); }\n"
    )
    lazy = build(tmp_path, "lazy", source, "-O2", "-fomit-frame-pointer", "-Wl,-z,lazy")
    assert {Rule.STACK, Rule.FRAME, Rule.PLT, Rule.END} <= rules(lazy)
    assert Rule.SIGNAL in rules(Path(files()[0]))
    aligned = build(
        tmp_path, "aligned", source, "-O2", "-fomit-frame-pointer", "-mincoming-stack-boundary=3",
        "-mstackrealign",
    )  # fmt: skip
    assert rules(aligned) & {Rule.FRAME_WORD, Rule.FRAME}


def test_stripped_files_have_the_same_table(tmp_path: Path) -> None:
    whole = build(tmp_path, "whole", "int main(void) { return 0; }", "-O2")
    bare = tmp_path / "bare"
    subprocess.run(["strip", "-o", bare, whole], check=True)
    assert table_of(str(whole)) == table_of(str(bare)) != []


def test_files_without_headers_of_sections(tmp_path: Path) -> None:
    """Then PT_GNU_EH_FRAME leads to the information."""
    whole = build(tmp_path, "whole", "int main(void) { return 0; }", "-O2")
    data = bytearray(whole.read_bytes())
    expected = unwind_tables.build(bytes(data))
    struct.pack_into("<Q", data, 40, 0)  # e_shoff
    struct.pack_into("<HH", data, 60, 0, 0)  # e_shnum, e_shstrndx
    assert unwind_tables.build(bytes(data)) == expected


def test_what_is_no_elf_file() -> None:
    with pytest.raises(NoElf):
        Headers(b"#!/bin/sh\n")
    assert unwind_tables.build(b"#!/bin/sh\n") == bytes(8)


def test_damaged_files_end_in_no_exception(tmp_path: Path) -> None:
    """Each byte of the information in turn is wrong; what is read then is of no use, no more."""
    data = build(tmp_path, "whole", "int main(void) { return 0; }", "-O2").read_bytes()
    section = Headers(data).eh_frame()
    assert section is not None
    start = data.index(section.data)
    for at in range(start, start + len(section.data)):
        for wrong in (0x00, 0xFF, data[at] ^ 0x40):
            unwind_tables.build(data[:at] + bytes([wrong]) + data[at + 1 :])
    for end in range(0, len(data), 997):
        unwind_tables.build(data[:end])


def test_tables_are_kept_by_build_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = build(tmp_path, "kept", "int main(void) { return 0; }", "-Wl,--build-id")
    name = unwind_tables.name_of(str(program))
    assert unwind_tables.cached(name) is None
    table = unwind_tables.make(str(program), name)
    assert unwind_tables.cached(name) == table
    moved = tmp_path / "moved"
    moved.write_bytes(program.read_bytes())
    assert unwind_tables.name_of(str(moved)) == name
    place = tmp_path / "dscript" / name
    place.write_bytes(table[:-8])
    assert unwind_tables.cached(name) is None  # cut off: made anew


def test_without_build_id_a_file_is_itself(tmp_path: Path) -> None:
    program = build(tmp_path, "none", "int main(void) { return 0; }", "-Wl,--build-id=none")
    name = unwind_tables.name_of(str(program))
    program.write_bytes(program.read_bytes() + b"\0")
    assert unwind_tables.name_of(str(program)) != name


def test_few_tables_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those written last; a table of an older format goes like any other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(unwind_tables, "_MOST_FILES", 4)
    program = build(tmp_path, "one", "int main(void) { return 0; }")
    folder = tmp_path / "dscript"
    unwind_tables.make(str(program), "unwind-1-old")
    for number in range(6):
        unwind_tables.make(str(program), f"unwind-2-{number}")
        os.utime(folder / f"unwind-2-{number}", (number + 10**9, number + 10**9))
        if number == 0:
            os.utime(folder / "unwind-1-old", (1, 1))
    assert sorted(path.name for path in folder.iterdir()) == [f"unwind-2-{n}" for n in (2, 3, 4, 5)]
