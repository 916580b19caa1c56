"""System calls of 32-bit programs, made by a 64-bit one with `int $0x80`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import syscalls
from dscript.lowering.compat_calls import i386_numbers
from tests.providers.derived_support import DSCRIPT

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64" or shutil.which("gcc") is None, reason="needs gcc on x86-64"
)

# 64 is getppid for 32-bit programs and semget for others, 6 is close and lstat, 54 is ioctl and
# setsockopt, 192 is mmap2, which only 32-bit programs have, and lgetxattr.
SOURCE = """
#include <unistd.h>
#include <sys/syscall.h>
static long narrow(long n, long b, long c, long d, long S, long D) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result)
        : "a"(n), "b"(b), "c"(c), "d"(d), "S"(S), "D"(D)
        : "memory", "r8", "r9", "r10", "r11");
    return result;
}
int main(void) {
    for (int i = 0; i < 7; i++) narrow(64, 0, 0, 0, 0, 0);
    for (int i = 0; i < 3; i++) syscall(SYS_getppid);
    narrow(6, -2 & 0xffffffff, 0, 0, 0, 0);
    narrow(54, 1001, 1002, 1003, 1004, 1005);
    narrow(192, 0, 0, 0, 0, 0);
    /* mount: five arguments, refused because of its bad addresses */
    narrow(21, 11, 12, 13, 14, 15);
    return narrow(64, 0, 0, 0, 0, 0) != getppid();
}
"""


EXEC = """
static char path[] = "/bin/true";
static unsigned argv[2], env[1];
int main(void) {
    long result;
    argv[0] = (unsigned)(long)path;
    __asm__ volatile("int $0x80" : "=a"(result)
        : "a"(11L), "b"((long)path), "c"((long)argv), "d"((long)env) : "memory");
    return 3;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("narrow")
    (folder / "narrow.c").write_text(SOURCE)
    subprocess.run(
        ["gcc", "-O1", "-static", "-o", folder / "narrow", folder / "narrow.c"], check=True
    )
    if subprocess.run([folder / "narrow"], check=False).returncode != 0:
        pytest.skip("the kernel has no 32-bit system calls (CONFIG_IA32_EMULATION)")
    return folder / "narrow"


def test_they_fire_the_probe_of_their_own_name(program: Path) -> None:
    d = """
        syscall::getppid:entry /pid == $target/ { @n["entry"] = count(); }
        syscall::getppid:return /pid == $target/ { @n["return"] = count(); }
        syscall::semget:, syscall::lstat:, syscall::setsockopt:, syscall::lgetxattr:
        /pid == $target/ { @n[probefunc] = count(); }
        syscall::close:entry /pid == $target/ { printf("close %x\\n", arg0); }
        syscall::close:return /pid == $target/ { printf("closed %d %d\\n", arg0, errno); }
        syscall::ioctl:entry /pid == $target && arg0 > 1000/
        { printf("ioctl %d %d %d\\n", arg0, arg1, args[2]); }
        syscall::mount:entry /pid == $target/
        { printf("mount %d %d %d %d %d\\n", arg0, arg1, arg2, arg3, arg4); }
        END { printa("%s %@d\\n", @n); }
    """
    done = subprocess.run(
        [DSCRIPT, "-qn", d, "-c", str(program)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")) == [
        "",
        "",
        "close fffffffe",
        "closed -1 9",
        "entry 12",
        "ioctl 1001 1002 1003",
        "mount 11 12 13 14 15",
        "return 12",
    ]


def test_programs_started_by_them_are_noticed(program: Path, tmp_path: Path) -> None:
    """execve is 11 for 32-bit programs, which is munmap for others."""
    (tmp_path / "e.c").write_text(EXEC)
    words = ["gcc", "-w", "-O1", "-static", "-no-pie", "-o", tmp_path / "e", tmp_path / "e.c"]
    subprocess.run(words, check=True)
    d = """
        proc:::exec /pid == $target/ { printf("exec %s\\n", args[0]); }
        proc:::exec-success /pid == $target/ { printf("done\\n"); }
        syscall::execve:entry /pid == $target/ { printf("call %s\\n", copyinstr(arg0)); }
    """
    done = subprocess.run(
        [DSCRIPT, "-qn", d, "-c", str(tmp_path / "e")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split("\n")[:3] == ["exec /bin/true", "call /bin/true", "done"], done.stderr


def test_the_numbers_are_those_of_the_header() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_32.h")
    if not header.exists():
        pytest.skip("needs the kernel's headers")
    expected = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()))
    table = syscalls.table("i386")
    assert len(expected) > 400
    assert {name: str(table[name]) for name in expected} == expected
    numbers, own = i386_numbers(), syscalls.table("x86_64")
    assert numbers[64] == own["getppid"] == 110
    assert numbers[192] == 0xFFFF  # mmap2
