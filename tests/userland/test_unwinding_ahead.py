"""User stacks of processes that are no targets: whole from the first on, or told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.userland.support import DSCRIPT, build, dscript
from tests.userland.test_unwinding import FLAGS, SPIN, own


def samples(name: str) -> str:
    """The stacks of all processes of a name, which no other test's program may have."""
    return f'profile-499 /execname == "{name}" && arg1/ {{ @[pid, ustack()] = count(); }} '


def keys(text: str) -> Iterator[tuple[int, list[str], int]]:
    """(process, frames from the inside out, count) of each key."""
    pid, frames = 0, list[str]()
    for line in map(str.strip, text.splitlines()):
        if not line.isdigit():
            frames += [line.partition("+")[0]] if "`" in line or line.startswith("0x") else []
        elif pid:
            yield pid, frames, int(line)
            pid, frames = 0, []
        else:
            pid = int(line)


def cut(text: str, name: str) -> dict[int, int]:
    """Samples of each process of the program whose stacks do not reach back to its start."""
    found: dict[int, int] = {}
    for pid, frames, count in keys(text):
        found.setdefault(pid, 0)
        # Code of libraries that runs before and after the program's own is another matter.
        if own(frames, name)[-1:] not in ([], ["_start"]):
            found[pid] += count
    return found


def test_processes_that_run_before(tmp_path: Path) -> None:
    """Files that no cache has seen: their tables are made before the probes fire.

    The time for that is bounded, and is that of all processes: what others run counts.
    """
    busy = SPIN.replace("CLOCKS_PER_SEC / 5", "CLOCKS_PER_SEC * 60")
    for attempt in range(3):
        running = []
        try:
            for number in range(3):
                folder = tmp_path / f"{attempt}-{number}"
                folder.mkdir()
                program = build(folder, "runs_before", busy, *FLAGS, "-Wl,--build-id=uuid")
                running.append(subprocess.Popen([program, "0"]))
            done = dscript("-n", samples("runs_before") + "tick-1s { exit(0); }")
        finally:
            for process in running:
                process.kill()
                process.wait()
        found = cut(done.stdout, "runs_before")
        if found and sum(found.values()) == 0:
            return
    raise AssertionError(done.stdout)


def test_processes_that_start_later(tmp_path: Path) -> None:
    """Once its files are known, already the first sample of a process is whole."""
    program = build(tmp_path, "starts_later", SPIN, *FLAGS)
    # The first one makes them known; the tracer may need time for it.
    command = f"sh -c '{program} 0; sleep 1; {'; '.join([f'{program} 0'] * 5)}'"
    done = dscript("-c", command, "-n", samples("starts_later"))
    found = cut(done.stdout, "starts_later")
    assert len(found) >= 4, done.stdout
    first = min(found)
    later = {pid: count for pid, count in found.items() if count and pid != first}
    assert later == {}, f"{later} {done.stderr}{done.stdout}"
    # What libc asks of the kernel's library has its name though the processes have ended.
    above = {
        callee
        for _, frames, _ in keys(done.stdout)
        for callee, caller in pairwise(frames)
        if caller == "libc.so.6`clock_gettime"
    }
    assert above and all(name.startswith("[vdso]`") for name in above), done.stdout


def test_what_came_too_early_is_told(tmp_path: Path) -> None:
    """The first stack of a program that nobody has seen, in one line."""
    program = build(tmp_path, "unseen", SPIN, *FLAGS, "-Wl,--build-id=uuid")
    clause = 'syscall::wait4:entry /execname == "unseen"/ { @[pid, ustack()] = count(); }'
    text = subprocess.run(
        [DSCRIPT, "-n", clause, "-c", f"sh -c '{program} 1; {program} 1'"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [line for line in text.stderr.splitlines() if "user stack" in line]
    assert len(told) == 1, text.stderr + text.stdout
    assert "the unwind tables of their code were still to be made (seen first in " in told[0]
    frames = [own(frames, "unseen") for _, frames, _ in keys(text.stdout)]
    assert frames[0][:1] == ["main"] or frames[0] == [], text.stdout


BEFORE = """
#include <stdlib.h>
#include <unistd.h>
__attribute__((noipa)) static int stage(int n)
{
    return getppid() + n;
}
int main(int argc, char **argv)
{
    int r = stage(argc);
    if (argc > 1)
        execv(argv[1], argv + 1);
    return r == 0;
}
"""


def test_what_a_process_ran_before_keeps_its_names(tmp_path: Path) -> None:
    """Its keys are printed when it runs something else, or nothing any more."""
    programs = [build(tmp_path, f"stage{number}", BEFORE, *FLAGS) for number in range(4)]
    clause = "syscall::getppid:entry /pid == $target/ { @[usym(ucaller), ustack(2)] = count(); }"
    done = dscript("-c", " ".join(map(str, programs)), "-n", clause)
    for number in range(4):
        assert done.stdout.count(f"stage{number}`stage+0x") == 1, done.stdout
        assert f"  stage{number}`stage " in done.stdout


def test_no_stack_is_empty(tmp_path: Path) -> None:
    """Beyond what is remembered of a process that goes on and on, addresses are printed."""
    programs = [build(tmp_path, f"stage{number}", BEFORE, *FLAGS) for number in range(12)]
    clause = "syscall::getppid:entry /pid == $target/ { @[probefunc, ustack(1)] = count(); }"
    done = dscript("-c", " ".join(map(str, programs)), "-n", clause)
    found = done.stdout.split()
    counts = [word for word in found if word.isdigit()]
    frames = [word for word in found if word.startswith("0x") or "`" in word]
    assert len(counts) == len(frames) >= 9 and "libc.so.6`getppid+0x7" in frames, done.stdout
