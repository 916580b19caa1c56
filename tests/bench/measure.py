"""What is measured, for dscript and bpftrace alike; every figure is the best of its runs.

Runs of the two tools alternate, so that a busy machine slows both.  Nothing here judges;
`tests.bench.__main__` prints, and the smoke test checks that the harness works.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DSCRIPT = str(Path(sys.executable).with_name("dscript"))
TOOLS = ("dscript", "bpftrace")


@dataclass(frozen=True)
class Run:
    """One finished process: seconds, peak memory of it and its children in KiB, output."""

    seconds: float
    peak: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Bench:
    """Where a benchmark works: the compiled workload, a cache of its own, scratch files."""

    folder: Path
    rounds: int

    @property
    def workload(self) -> str:
        return str(self.folder / "workload")

    def run(self, words: list[str]) -> Run:
        """Run to the end; a failure of the tool is an error here."""
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")}
        with open(self.folder / "out", "w+") as out, open(self.folder / "err", "w+") as err:
            started = time.perf_counter()
            child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment
            )
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            run = Run(seconds, usage.ru_maxrss, out.read(), err.read())
        if child.returncode != 0:
            raise RuntimeError(f"{words}: status {child.returncode}\n{run.stderr[-2000:]}")
        return run

    def forget_programs(self) -> None:
        """Empty the cache of compiled programs; saved parsers and the like stay."""
        for path in (self.folder / "cache/dscript").glob("program-*"):
            path.unlink()


def _mount_tracefs() -> None:
    """Give this process and its children tracefs, which bpftrace needs, where nobody has it.

    The mount is in a mount namespace of our own, so the machine's stay as they are.
    """
    where = b"/sys/kernel/tracing"
    if os.path.isdir(where + b"/events"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    newns, private = 0x20000, (1 << 18) | (1 << 14)  # CLONE_NEWNS; MS_PRIVATE | MS_REC
    if (
        libc.unshare(newns) != 0
        or libc.mount(None, b"/", None, private, None) != 0
        or libc.mount(b"tracefs", where, b"tracefs", 0, None) != 0
    ):
        raise OSError(ctypes.get_errno(), "cannot mount tracefs")


@contextmanager
def bench(rounds: int) -> Iterator[Bench]:
    """A benchmark's scratch folder with the workload compiled in it."""
    _mount_tracefs()
    with tempfile.TemporaryDirectory(prefix="dscript-bench-") as name:
        folder = Path(name)
        (folder / "cache").mkdir(mode=0o700)
        source = str(HERE / "workload.c")
        subprocess.run(["gcc", "-O2", "-o", str(folder / "workload"), source], check=True)
        yield Bench(folder, rounds)


def start_up(b: Bench) -> Mapping[str, Run]:
    """(a) BEGIN and exit: the fastest run each of dscript cold, dscript cached, bpftrace."""
    dscript = [DSCRIPT, "-qn", "BEGIN { exit(0); }"]
    bpftrace = ["bpftrace", "-e", "BEGIN { exit(); }"]
    b.run(dscript)  # makes the saved parser, once in a machine's life
    best: dict[str, Run] = {}
    for _ in range(b.rounds):
        b.forget_programs()
        _keep(best, "dscript cold", b.run(dscript))
        _keep(best, "dscript cached", b.run(dscript))
        _keep(best, "bpftrace", b.run(bpftrace))
    return best


def event_cost(b: Bench, windows: int = 200, calls: int = 10_000) -> Mapping[str, float]:
    """(b) Nanoseconds of a getppid(2): untraced, and counted by command by each tool."""
    workload = f"{b.workload} cost {windows} {calls}"
    commands = {
        "untraced": workload.split(),
        "dscript": [DSCRIPT, "-qn", "syscall:::entry { @[execname] = count(); }", "-c", workload],
        "bpftrace": [
            "bpftrace",
            "-e",
            "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }",
            "-c",
            workload,
        ],
    }
    best: dict[str, float] = {}
    for _ in range(b.rounds):
        for name, words in commands.items():
            found = _workload_line(b.run(words).stderr)[0] / 10
            best[name] = min(best.get(name, found), found)
    return best


def record_rate(b: Bench, milliseconds: int = 1000, steps: int = 7) -> Mapping[str, int]:
    """(c) The highest tried rate of printf records a second at which none is lost.

    Rates go up by doubling from 25,000; the workload's own limit ends the search, too.
    """
    best = dict.fromkeys(TOOLS, 0)
    for _ in range(b.rounds):
        open_tools = set(TOOLS)
        for step in range(steps):
            for tool in sorted(open_tools):
                rate = 25_000 << step
                if _prints_all(b, tool, rate, milliseconds):
                    best[tool] = max(best[tool], rate)
                else:
                    open_tools.discard(tool)
    return best


def lost_records(
    b: Bench, rate: int = 100_000, milliseconds: int = 3000
) -> Mapping[str, tuple[int, int]]:
    """(d) Records lost, and made, at a rate with buffers of their default sizes: the best run."""
    best: dict[str, tuple[int, int]] = {}
    for _ in range(b.rounds):
        for tool in TOOLS:
            made, printed, _ = _printed(b, tool, rate, milliseconds)
            best[tool] = min(best.get(tool, (made, made)), (made - printed, made))
    return best


def compile_time(b: Bench, sizes: tuple[int, ...] = (10, 100, 1000)) -> Mapping[str, list[float]]:
    """(e) Seconds to compile programs of so many clauses to an object file."""
    best: dict[str, list[float]] = {}
    for size in sizes:
        found = dict.fromkeys(TOOLS, float("inf"))
        for _ in range(b.rounds):
            for tool in TOOLS:
                found[tool] = min(found[tool], b.run(_compiler(b, tool, size)).seconds)
        for tool in TOOLS:
            best.setdefault(tool, []).append(found[tool])
    return best


def _keep(best: dict[str, Run], name: str, run: Run) -> None:
    if name not in best or run.seconds < best[name].seconds:
        best[name] = run


def _workload_line(output: str) -> list[int]:
    """The numbers of the workload's own line."""
    line = next(line for line in output.splitlines() if line.startswith("result "))
    return [int(word) for word in line.split()[1:]]


def _prints_all(b: Bench, tool: str, rate: int, milliseconds: int) -> bool:
    """Whether one record is printed for each call of a run at this rate."""
    made, printed, microseconds = _printed(b, tool, rate, milliseconds)
    return microseconds < milliseconds * 1100 and printed == made


def _printed(b: Bench, tool: str, rate: int, milliseconds: int) -> tuple[int, int, int]:
    """Calls made at a rate, the lines printed for them, and the microseconds it took.

    Both tools print the command, its process ID and an integer.
    """
    workload = f"{b.workload} rate {rate} {milliseconds}"
    if tool == "dscript":
        body = '{ printf("%s %d %d\\n", execname, pid, 110); }'
        words = [DSCRIPT, "-qn", f"syscall::getppid:entry /pid == $target/ {body}"]
    else:
        body = '{ printf("%s %d %d\\n", comm, pid, 110); }'
        words = ["bpftrace", "-e", f"tracepoint:syscalls:sys_enter_getppid /pid == cpid/ {body}"]
    run = b.run([*words, "-c", workload])
    made, microseconds = _workload_line(run.stderr)
    return made, run.stdout.count(" 110\n"), microseconds


def _compiler(b: Bench, tool: str, size: int) -> list[str]:
    """A command that compiles a program of `size` clauses and runs nothing."""
    if tool == "dscript":
        clause = "syscall::getppid:entry /pid == {0}/ {{ @[{0}, execname] = count(); }}"
    else:
        clause = "tracepoint:syscalls:sys_enter_getppid /pid == {0}/ {{ @[{0}, comm] = count(); }}"
    program = b.folder / f"{tool}-{size}"
    program.write_text("\n".join(clause.format(number) for number in range(size)) + "\n")
    target = str(b.folder / "object")
    if tool == "dscript":
        return [DSCRIPT, "-qs", str(program), "--emit", "object", "-o", target]
    return ["bpftrace", "--emit-elf", target, str(program)]
