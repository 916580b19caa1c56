"""System call tables, against the numbers that the C compiler sees in the kernel headers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from dscript.errors import TracingError
from dscript.kernel import syscalls


def header_numbers(tmp_path, body: str) -> dict[str, int]:
    """`__NR_x` constants after preprocessing `body`, evaluated by the compiler."""
    source = tmp_path / "n.c"
    source.write_text(body)
    macros = subprocess.run(
        ["gcc", "-dM", "-E", source], check=True, capture_output=True, text=True
    ).stdout
    names = [n for n in re.findall(r"#define __NR_(\w+) ", macros) if n != "syscalls"]
    rows = "".join(f'{{"{n}", __NR_{n}}},' for n in names)
    source.write_text(
        f"{body}\n#include <stdio.h>\nstruct {{ const char *n; int v; }} t[] = {{{rows}}};\n"
        'int main(void) { for (unsigned i = 0; i < sizeof t / sizeof *t; i++) printf("%s %d\\n",'
        " t[i].n, t[i].v); }"
    )
    program = tmp_path / "n"
    subprocess.run(["gcc", "-o", program, source], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in map(str.split, output.splitlines())}


@pytest.mark.skipif(
    shutil.which("gcc") is None or os.uname().machine != "x86_64", reason="needs gcc on x86-64"
)
def test_x86_64_has_the_numbers_of_the_headers(tmp_path):
    numbers = header_numbers(tmp_path, "#include <asm/unistd_64.h>")
    table = syscalls.table("x86_64")
    assert len(numbers) > 300
    assert {name: table.get(name) for name in numbers} == numbers


@pytest.mark.skipif(
    shutil.which("gcc") is None or not os.path.exists("/usr/include/asm-generic/unistd.h"),
    reason="needs gcc and the kernel's generic headers",
)
def test_aarch64_has_the_numbers_of_the_generic_header(tmp_path):
    """As arch/arm64/include/uapi/asm/unistd.h asks for it (until Linux 6.11 made a table)."""
    wanted = ("RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3")
    defines = "".join(f"#define __ARCH_WANT_{name}\n" for name in (*wanted, "MEMFD_SECRET"))
    numbers = header_numbers(tmp_path, f"{defines}#include <asm-generic/unistd.h>")
    del numbers["arch_specific_syscall"]  # where architectures put calls of their own
    table = syscalls.table("aarch64")
    assert len(numbers) > 300
    assert {name: table.get(name) for name in numbers} == numbers


def test_aarch64_agrees_with_the_generic_table_where_x86_64_does_too():
    # From 424 on all architectures share one numbering (include/uapi/asm-generic/unistd.h).
    x86, arm = syscalls.table("x86_64"), syscalls.table("aarch64")
    shared = {name: number for name, number in x86.items() if number >= 424}
    assert {name: arm[name] for name in shared if name in arm} == {
        name: number for name, number in shared.items() if name in arm
    }
    assert len(shared.keys() & arm.keys()) > 40
    # A few numbers from the manual page of arm64's syscall(2) users: read 63, write 64.
    assert (arm["read"], arm["write"], arm["openat"], arm["getppid"]) == (63, 64, 56, 173)
    assert "open" not in arm


def test_names_are_unique_and_inverse_of_the_table():
    for machine in ("x86_64", "aarch64"):
        table = syscalls.table(machine)
        assert len(set(table.values())) == len(table)
        assert syscalls.names(machine) == {number: name for name, number in table.items()}


def test_other_spellings_of_a_machine():
    assert syscalls.table("arm64") is not None
    assert syscalls.table("arm64") == syscalls.table("aarch64")


def test_unknown_architecture_is_named():
    with pytest.raises(TracingError, match="pdp11"):
        syscalls.table("pdp11")
