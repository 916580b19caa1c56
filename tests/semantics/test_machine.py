"""uregs[], chip, lgrp, pset, SYS_*: against the workload's own knowledge and /sys."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import syscalls, topology
from tests.providers.derived_support import DSCRIPT, traced

STDLIB = Path(__file__).resolve().parents[2] / "stdlib"
# Loads known values into the registers that a system call leaves alone.
SOURCE = """
int main(void) {
    long result;
    __asm__ volatile(
        "mov $0x1234567, %%rbx; mov $0xabcdef0123, %%r12; mov $13, %%r13; mov $14, %%r14;"
        "mov $15, %%r15; mov $1, %%rdi; mov $2, %%rsi; mov $3, %%rdx; mov $4, %%r10;"
        "mov $5, %%r8; mov $6, %%r9; mov $110, %%rax; syscall"
        : "=a"(result) :: "rbx", "r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "r10", "r8",
          "r9", "rcx", "r11", "memory");
    return 0;
}
"""


@pytest.mark.skipif(
    os.uname().machine != "x86_64" or shutil.which("gcc") is None, reason="needs gcc on x86-64"
)
def test_registers_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "regs.c").write_text(SOURCE)
    subprocess.run(["gcc", "-O1", "-o", tmp_path / "regs", tmp_path / "regs.c"], check=True)
    names = [
        "RBX",
        "R12",
        "R13",
        "R14",
        "R15",
        "RDI",
        "RSI",
        "RDX",
        "R10",
        "R8",
        "R9",
        "ERR",
        "EBX",
        "CS",
        "SS",
    ]
    form = " ".join("%x" for _ in names)
    values = ", ".join(f"uregs[R_{name}]" for name in names)
    program = (
        f'syscall::getppid:entry /pid == $target/ {{ printf("{form}\\n", {values}); '
        "this->n = R_RIP; "
        'printf("%d %d %d\\n", uregs[R_PC] == ucaller || uregs[R_PC] == uregs[R_RCX], '
        "uregs[this->n] == uregs[R_EIP], uregs[R_SP] > 0x7f0000000000); }"
    )
    done = subprocess.run(
        [DSCRIPT, "-qn", program, "-c", str(tmp_path / "regs")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    # On entry rcx holds the return address; __USER_CS is 0x33, __USER_DS 0x2b (asm/segment.h).
    assert done.stdout.split("\n")[:2] == [
        "1234567 abcdef0123 d e f 1 2 3 4 5 6 6e 1234567 33 2b",
        "1 1 1",
    ], done.stderr


@pytest.mark.parametrize("number", ["15", "99", "-1"])
def test_a_register_that_is_not_there_is_a_fault(number: str) -> None:
    done = subprocess.run(
        [DSCRIPT, "-qn", f"BEGIN {{ trace(uregs[{number}]); }} ERROR {{ exit(arg4); }}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "invalid address (0x0)" in done.stderr


def test_where_the_cpu_is(tmp_path: Path) -> None:
    seen, _ = traced(
        tmp_path,
        "syscall::getppid:entry /pid == $target/ "
        '{ printf("%d %d %d %d %d %d %d\\n", cpu, chip, lgrp, pset, '
        "curcpu->cpu_chip, curcpu->cpu_lgrp, curcpu->cpu_pset); }",
        "for cpu in sorted(os.sched_getaffinity(0)):\n"
        "    os.sched_setaffinity(0, {cpu})\n    os.getppid()\n",
    )
    expected = []
    for cpu in sorted(os.sched_getaffinity(0)):
        folder = Path(f"/sys/devices/system/cpu/cpu{cpu}")
        chip = (folder / "topology/physical_package_id").read_text().strip()
        nodes = [p.name.removeprefix("node") for p in folder.glob("node[0-9]*")]
        node = nodes[0] if nodes else "0"
        expected.append([str(cpu), chip, node, "0", chip, node, "0"])
    assert seen == expected


def test_the_machine_as_the_kernel_tells_it() -> None:
    assert set(topology.packages()) <= set(topology.nodes())
    assert set(range(os.cpu_count() or 1)) <= set(topology.nodes())


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_numbers_of_system_calls(machine: str) -> None:
    text = (STDLIB / machine / "syscall.d").read_text()
    found = re.findall(r"^inline int SYS_(\w+) = (\d+);$", text, re.MULTILINE)
    assert {name: int(number) for name, number in found} == syscalls.table(machine)


def test_a_library_of_the_architecture_is_found(tmp_path: Path) -> None:
    number = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
    library = tmp_path / "mine.d"
    library.write_text("#pragma D depends_on library syscall.d\ninline int MINE = SYS_getppid;\n")
    program = "BEGIN { exit(MINE); }"
    words = [DSCRIPT, "-qn", program, "-L", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, timeout=60)
    assert done.returncode == number, done.stderr


def test_interrupt_level() -> None:
    """System calls are made by threads, the clocks tick in interrupts."""
    program = (
        'syscall:::entry { @["call", ipl] = count(); } '
        'profile-997 { @["clock", ipl] = count(); } tick-100ms { @["tick", ipl] = count(); '
        'exit(ipl); } BEGIN { printf("begin %d\\n", ipl); } END { printa("%s %d\\n", @); }'
    )
    done = subprocess.run([DSCRIPT, "-qn", program], capture_output=True, text=True, timeout=60)
    assert sorted(filter(None, done.stdout.split("\n"))) == [
        "begin 0",
        "call 0",
        "clock 1",
        "tick 1",
    ], done.stderr


@pytest.mark.parametrize(
    ("machine", "names"),
    [("x86_64", ("R_RAX", "R_SS", "SYS_read")), ("aarch64", ("R_X30", "R_PSTATE", "SYS_read"))],
)
def test_the_libraries_of_each_architecture_compile(machine: str, names: tuple[str, ...]) -> None:
    uses = "".join(f"trace({n}); trace(uregs[{n}]);" for n in names)
    words = [DSCRIPT, "-e", "-x", f"syslibdir={STDLIB / machine}", "-qn", f"BEGIN {{ {uses} }}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
