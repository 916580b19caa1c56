"""User stacks of code without frame pointers, frame by frame, against gdb and the source."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import dscript as dscript_module
from tests.userland.support import DSCRIPT, build, dscript, lines

SOURCE = (Path(__file__).parent / "stacks.c").read_text()
FLAGS = ("-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls")
# The program's own functions, from the inside out.
CHAIN = [
    "last", "on_signal", "interrupted", "compare", "aligned", "variable", "busy", "order",
    "deep", "deep", "deep", "deep", "main", "_start",
]  # fmt: skip
PLUGIN = ["plugin_read", "plugin_entry", "plugin_entry", "plugin_entry"]


@contextmanager
def reading(*words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that reads its input, a byte at a time, where its stack is deepest."""
    process = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, bufsize=0)
    try:
        deadline = time.monotonic() + 30
        while not Path(f"/proc/{process.pid}/syscall").read_text().startswith("0 0x0 "):
            assert process.poll() is None and time.monotonic() < deadline  # read(0, …)
            time.sleep(0.002)
        yield process
    finally:
        process.kill()
        process.wait()


def traced(process: subprocess.Popen[bytes], clause: str, *options: str) -> str:
    """What dscript prints of the process while it reads one byte after the other."""
    tracer = subprocess.Popen(
        [DSCRIPT, "-q", *options, "-p", str(process.pid), "-n",
         f'BEGIN {{ printf("ready\\n"); }} {clause}'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert tracer.stdout is not None and process.stdin is not None
        assert tracer.stdout.readline() == "ready\n"
        while tracer.poll() is None:
            process.stdin.write(b"x")
            try:
                tracer.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        out, err = tracer.communicate()
    finally:
        tracer.kill()
    assert (tracer.returncode, err) == (0, "")
    return out


CLAUSE = "syscall::read:entry /pid == $target/ { ustack(100); exit(0); }"


def addresses(process: subprocess.Popen[bytes]) -> list[int]:
    """The stack as dscript takes it."""
    text = traced(process, CLAUSE, "-x", "noresolve")
    return [int(line, 16) for line in text.split()]


def gdb(process: subprocess.Popen[bytes]) -> list[int]:
    """The stack as gdb unwinds it."""
    done = subprocess.run(
        ["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off",
         "-ex", "set print address on", "-ex", "set backtrace past-main on",
         "-p", str(process.pid), "-ex", "bt"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    frames = re.findall(r"^#\d+ +(?:(0x[0-9a-f]+) in |<(signal) handler)", done.stdout, re.M)
    assert frames, done.stdout + done.stderr
    return [int(address, 16) if address else 0 for address, _ in frames]


def check(*words: str | Path) -> list[int]:
    """Our stack is gdb's, address by address; gdb shows no address for the signal's frame."""
    with reading(*words) as process:
        ours, theirs = addresses(process), gdb(process)
    shown = [0 if there == 0 else here for here, there in zip(ours, theirs, strict=False)]
    assert (shown, len(ours)) == (theirs, len(theirs))
    return ours


@pytest.mark.parametrize(
    "flags",
    [
        ("-pie", "-fPIE"),
        ("-no-pie",),
        ("-static", "-DSTATIC"),
        ("-s",),
        ("-Os", "-fcf-protection=full"),
        ("-O3", "-mavx2", "-fno-plt"),
    ],
    ids=lambda flags: flags[0].strip("-"),
)
def test_stack_is_gdbs(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build(tmp_path, "stacks", SOURCE, *FLAGS, *flags)
    assert len(check(program)) > len(CHAIN)


def names(process: subprocess.Popen[bytes]) -> list[str]:
    """The stack's functions as module`name, from the inside out."""
    text = traced(process, CLAUSE)
    return [line.strip().partition("+")[0] for line in text.splitlines() if line.strip()]


def own(frames: list[str], module: str) -> list[str]:
    return [name.partition("`")[2] for name in frames if name.startswith(f"{module}`")]


def test_stack_is_the_programs(tmp_path: Path) -> None:
    """By name, through a library that was loaded by dlopen() as the last thing."""
    program = build(tmp_path, "stacks", SOURCE, *FLAGS)
    plugin = build(tmp_path, "plugin.so", SOURCE, *FLAGS, "-DPLUGIN", "-shared", "-fPIC")
    with reading(program, plugin) as process:
        frames = names(process)
    assert own(frames, "plugin.so") == PLUGIN
    assert own(frames, "stacks") == CHAIN
    qsort = [at for at, name in enumerate(frames) if name.startswith("libc.so.6`qsort")]
    assert frames.index("stacks`order") < min(qsort) <= max(qsort) < frames.index("stacks`deep")


def test_without_tables_the_stack_is_short(tmp_path: Path) -> None:
    """What the option `unwind` is for; also shows that the program has no frame pointers."""
    program = build(tmp_path, "stacks", SOURCE, *FLAGS)
    with reading(program) as process:
        text = traced(process, CLAUSE, "-x", "unwind=fp")
    assert len(text.split()) < 8


def test_python(tmp_path: Path) -> None:
    """A packaged program without frame pointers."""
    script = tmp_path / "deep.py"
    script.write_text(
        "import os, functools\n"
        "def deep(n):\n"
        "    if n:\n"
        "        return sorted([2, 1], key=lambda x: deep(n - 1))\n"
        "    while os.read(0, 1):\n"
        "        pass\n"
        "deep(3)\n"
    )
    assert len(check("/usr/bin/python3", script)) > 30


THREAD = """
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
volatile int sink;
static int compare(const void *a, const void *b)
{
    char c;
    while (read(0, &c, 1) == 1)
        sink += c;
    _exit(0);
}
static void *run(void *v)
{
    qsort(v, 2, sizeof(int), compare);
    sink++;
    return v;
}
int main(void)
{
    int v[2] = {2, 1};
    pthread_t thread;
    pthread_create(&thread, NULL, run, v);
    pthread_join(thread, NULL);
    return 0;
}
"""


def test_thread_ends_where_it_was_made(tmp_path: Path) -> None:
    """A command's stacks are whole from the first on: its libraries' tables are there."""
    program = build(tmp_path, "threads", THREAD, *FLAGS, "-pthread")
    clause = "syscall::read:entry /pid == $target && pid != tid/ { ustack(); }"
    frames = [line.partition("+")[0] for line in lines(dscript("-c", program, "-n", clause))]
    assert own(frames, "threads") == ["compare", "run"]
    assert frames[-1].startswith("libc.so.6`") and frames[-2].startswith("libc.so.6`")
    assert len(frames) >= 6  # read, compare, qsort and what it calls, run, two more


VFORK = """
#include <sys/wait.h>
#include <unistd.h>
volatile int sink;
__attribute__((noipa)) static int split(int n)
{
    int r = vfork();
    if (r == 0)
        _exit(0);
    sink = r + n;
    return wait(NULL) == r;
}
__attribute__((noipa)) static int outer(int n)
{
    int r = split(n) + n;
    sink = r;
    return r;
}
int main(void)
{
    return outer(1) != 2;
}
"""


def test_return_address_in_a_register(tmp_path: Path) -> None:
    """vfork() of libc takes its own off the stack before it calls the kernel."""
    program = build(tmp_path, "vforks", VFORK, *FLAGS)
    clause = "syscall::vfork:entry /pid == $target/ { ustack(); }"
    frames = [line.partition("+")[0] for line in lines(dscript("-c", program, "-n", clause))]
    assert frames[1:4] == ["vforks`split", "vforks`outer", "vforks`main"]
    assert frames[-1] == "vforks`_start"


SPIN = """
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
volatile long sink;
__attribute__((noipa)) static void work(void)
{
    for (long i = 0; i < 20000; i++)
        sink += i;
}
static int compare(const void *a, const void *b)
{
    clock_t end = clock() + CLOCKS_PER_SEC / 5;
    while (clock() < end)
        work();
    return 0;
}
__attribute__((noipa)) static int deep(int n)
{
    int v[2] = {2, 1}, r;
    if (n) {
        r = deep(n - 1) + n;
        sink = r;
        return r;
    }
    qsort(v, 2, sizeof v[0], compare);
    return v[0];
}
int main(int argc, char **argv)
{
    if (argc > 2)  /* becomes itself, with one argument less */
        execl(argv[0], argv[0], argv[1], NULL);
    for (int i = 0; i < atoi(argv[1]); i++)
        if (fork() == 0) {
            sink = deep(4);
            return 0;
        }
    while (wait(NULL) > 0)
        ;
    sink = deep(4);
    return 0;
}
"""


def sampled(text: str) -> tuple[int, int]:
    """Of `@[ustack()] = count()`: samples of stacks that are whole, and all."""
    whole = total = 0
    for stack in text.strip().split("\n\n"):
        *frames, count = [line.strip().partition("+")[0] for line in stack.splitlines()]
        total += int(count)
        mine = own(frames, "spin")
        if mine[-7:] == ["deep"] * 5 + ["main", "_start"] and "compare" in mine:
            whole += int(count)
    return whole, total


@pytest.fixture(scope="module")
def spin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("spin"), "spin", SPIN, *FLAGS)


def test_samples(spin: Path) -> None:
    """Keys of an aggregation: nearly every sample is whole, after exec, of forked children too.

    The first of a process may come before its mappings are known.
    """
    done = dscript(
        "-n", 'profile-499 /execname == "spin" && arg1/ { @[ustack()] = count(); }',
        "-c", f"{spin} 2 again",
    )  # fmt: skip
    whole, total = sampled(done.stdout)
    assert total > 50, done.stdout
    assert whole >= 0.9 * total, done.stdout


def test_one_key_for_one_stack(tmp_path: Path) -> None:
    program = build(tmp_path, "stacks", SOURCE, *FLAGS)
    clause = (
        "syscall::read:entry /pid == $target/ { @[ustack(100), ustackdepth] = count(); n++; } "
        "syscall::read:entry /n == 5/ { exit(0); }"
    )
    with reading(program) as process:
        text = traced(process, clause)
    *frames, last = [line.strip() for line in text.splitlines() if line.strip()]
    assert last.split() == [str(len(frames)), "5"]


BARE = """
#include <unistd.h>
volatile int sink;
__attribute__((noipa)) static int inner(int n)
{
    char c;
    while (read(0, &c, 1) == 1)
        sink += c;
    return sink + n;
}
__attribute__((noipa)) static int outer(int n)
{
    int r = inner(n) + 1;
    sink = r;
    return r;
}
int main(void)
{
    return outer(2);
}
"""


def test_debug_frame_serves_too(tmp_path: Path) -> None:
    """Code whose information is for debuggers alone."""
    flags = (*FLAGS, "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-g")
    program = build(tmp_path, "bare", BARE, *flags)
    with reading(program) as process:
        assert own(names(process), "bare")[:3] == ["inner", "outer", "main"]


def test_why_a_stack_ends_is_said_once(tmp_path: Path) -> None:
    flags = (*FLAGS, "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
    program = build(tmp_path, "bare", BARE, *flags)
    text = subprocess.run(
        [DSCRIPT, "-n", 'syscall::read:entry /execname == "bare" && arg0 == 0/ { ustack(); }',
         "-c", f"sh -c 'echo xxx | {program}'"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [line for line in text.stderr.splitlines() if "user stack" in line]
    # The first, or all of so few, were taken before it was known that there are no tables.
    reasons = ["neither unwind tables nor frame pointers", "still to be made"]
    assert told and all("seen first in bare" in line for line in told), text.stderr
    for line in told:
        assert sum(reason in line for reason in reasons) == 1, text.stderr
    assert all(sum(reason in line for line in told) <= 1 for reason in reasons), text.stderr
    assert "bare`inner" in text.stdout


JIT = """
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
volatile int sink;
__attribute__((noipa)) static void back(void)
{
    char c;
    while (read(0, &c, 1) == 1)
        sink += c;
    _exit(0);
}
__attribute__((noipa)) static void into(void (*made)(void (*)(void)))
{
    made(back);
    sink++;
}
int main(void)
{
    /* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    void *place = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(place, code, sizeof code);
    into((void (*)(void (*)(void)))place);
    return 0;
}
"""


def test_code_made_at_run_time(tmp_path: Path) -> None:
    """It has no table: its frame pointers lead on, back into code that has one."""
    program = build(tmp_path, "jit", JIT, *FLAGS)
    with reading(program) as process:
        frames = names(process)
    at = frames.index("jit`back")
    assert frames[at + 1].startswith("0x")
    assert frames[at + 2 : at + 4] == ["jit`into", "jit`main"]
    assert frames[-1] == "jit`_start"


CHANGING = """
#include <string.h>
#include <unistd.h>
volatile int sink;
__attribute__((noipa)) static int inner(int n)
{
    char room[ROOM], c;
    memset(room, n, sizeof room);
    sink = read(0, &c, 1);
    return room[n];
}
__attribute__((noipa)) static int outer(int n)
{
    int r = inner(n) + 1;
    sink = r;
    return r;
}
int main(void)
{
    return outer(2) == 0;
}
"""


def test_a_file_that_is_replaced_in_place(tmp_path: Path) -> None:
    """Same inode, same size, other code: the table of what was there before is not taken."""
    first = build(tmp_path, "first", CHANGING, *FLAGS, "-DROOM=64")
    second = build(tmp_path, "second", CHANGING, *FLAGS, "-DROOM=4096")
    size = max(program.stat().st_size for program in (first, second))
    for program in (first, second):
        os.truncate(program, size)
    script = f"{first}; cat {second} > {first}; {first}; sleep 0.5; {first}"
    done = dscript(
        "-c", f"sh -c '{script}'",
        "-n", 'syscall::read:entry /execname == "first" && arg0 == 0/ { ustack(); }',
    )  # fmt: skip
    last = done.stdout.strip().split("\n\n")[-1]
    frames = [line.strip().partition("+")[0] for line in last.splitlines()]
    assert own(frames, "first") == ["inner", "outer", "main", "_start"]


def test_programs_without_user_stacks_pay_nothing() -> None:
    kernel = dscript_module.compile("syscall::read:entry { @[stack(), pid] = count(); }")
    user = "syscall::read:entry { @[ustack()] = count(); }"
    off = dscript_module.compile(user, options={"unwind": "fp"})
    assert not kernel.unwinds and not off.unwinds
    assert b"unwind_" not in kernel.object + off.object
    on = dscript_module.compile(user)
    assert on.unwinds and b"unwind_tables" in on.object


ENDS = """
#include <signal.h>
#include <unistd.h>
#define OWN __attribute__((noinline, noipa))
OWN __attribute__((noreturn)) void ends(int status) { getppid(); _exit(status); }
OWN void handler(int number) { ends(number - number); }
OWN void calls(int number) { signal(SIGUSR1, handler); raise(number); ends(1); }
int main(void) { calls(SIGUSR1); }
"""


def test_calls_of_what_never_returns(tmp_path: Path) -> None:
    """The return address lies behind the caller's end, and yet the caller is shown, in text,
    JSON and flame graphs; a handler returns to where no function calls anything."""
    program = build(tmp_path, "endless", ENDS, "-O2")
    folded = tmp_path / "folded"
    clause = "pid$target::ends:entry { @[ustack()] = count(); ustack(); }"
    text = lines(dscript("-n", clause, "--folded", folded, "-c", program))
    frames = [
        frame.rpartition("`")[2] for frame in folded.read_text().rpartition(" ")[0].split(";")
    ]
    for shown in ([line.partition("`")[2].partition("+")[0] for line in text], frames[::-1] * 2):
        own = [name for name in shown if name in ("ends", "handler", "calls", "main", "_start")]
        assert own == ["ends", "handler", "calls", "main", "_start"] * 2
    assert not [line for line in text if "`0x" in line and "libc" not in line]
