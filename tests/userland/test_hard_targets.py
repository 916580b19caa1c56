"""Targets that end, execute, live elsewhere, are of another kind or somebody else's."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.userland.support import DSCRIPT, build, dscript, error, lines

SOURCE = """
#include <stdlib.h>
#include <unistd.h>
volatile int sink;
__attribute__((noinline)) int work(int n) { sink = n; return n; }
int main(int count, char **words)
{
    if (count > 2) {
        work(1);
        execv(words[1], words + 1);
        return 9;
    }
    int most = count > 1 ? atoi(words[1]) : 1000000;
    for (int n = 0; n < most; n++) {
        work(n);
        usleep(3000);
    }
    return 0;
}
"""
FIFTH = (
    "pid$target:a.out:work:entry /++n == 5/ "
    '{ printf("%d %d", pid == $target, arg0); ustack(1); exit(0); }'
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("hard"), "loops", SOURCE, "-O1")


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes that are ended with the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*words: str | Path) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([str(word) for word in words]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def status(pid: int, field: str) -> str:
    """A field of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(line.split()[1] for line in text.splitlines() if line.startswith(f"{field}:"))


def runs(path: str | Path) -> Callable[[], list[int]]:
    """Processes whose program has that path, as they see it."""

    def find() -> list[int]:
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/exe") == str(path):
                    found.append(int(name))
            except OSError:
                continue
        return found

    return find


# -- what becomes of them


def test_target_that_is_gone(started: Callable[..., subprocess.Popen[bytes]]) -> None:
    pid = started("true").pid
    until(lambda: status(pid, "State") == "Z")
    assert error("-n", "BEGIN { }", "-p", str(pid)) == (
        f"dscript: failed to grab pid {pid}: zombie process\n"
    )
    assert f"process {pid} has ended: it is a zombie" in error("-n", f"pid{pid}::: {{ }}")
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert error("-n", "BEGIN { }", "-p", str(gone.pid)) == (
        f"dscript: failed to grab pid {gone.pid}: no such process\n"
    )


def test_target_that_ends_while_it_is_attached_to(program: Path) -> None:
    """However far dscript has come: a message and status 1, or all that was to be seen."""
    for milliseconds in range(0, 600, 100):
        process = subprocess.Popen([program, "1000"])
        tracer = subprocess.Popen(
            [DSCRIPT, "-n", "pid$target:a.out:work:entry { @ = count(); }", "-p", str(process.pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(milliseconds / 1000)
        process.kill()
        process.wait()
        _, said = tracer.communicate(timeout=60)
        assert "Traceback" not in said and "internal error" not in said
        if tracer.returncode == 0:
            assert f"dscript: pid {process.pid} has exited" in said
        else:
            assert tracer.returncode == 1
            assert re.search(rf"no such process|no process {process.pid}|has ended", said), said


def test_target_that_executes_another_program(program: Path, tmp_path: Path) -> None:
    """Probes stay in the files: libc's go on, those of the program that was left do not."""
    other = build(tmp_path, "other", SOURCE, "-O1")
    clauses = (
        "pid$target:a.out:work:entry { @w = count(); } "
        "pid$target:libc:usleep:entry { @u[execname] = count(); } "
        'END { printa("work %@d\\n", @w); printa("%s %@d\\n", @u); }'
    )
    found = lines(dscript("-n", clauses, "-c", f"{program} {other} 4"))
    assert found == ["work 1", "other 4"]
    command = f"{program} {program} 4"  # the same program again
    assert lines(dscript("-n", clauses, "-c", command)) == ["work 5", "loops 4"]


def test_target_whose_first_thread_has_ended(
    tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    source = """
    #include <pthread.h>
    #include <unistd.h>
    volatile int sink;
    __attribute__((noinline)) int work(int n) { sink = n; return n; }
    static void *run(void *unused) { for (;;) { work(1); usleep(2000); } return unused; }
    int main(void) { pthread_t other; pthread_create(&other, NULL, run, NULL); pthread_exit(NULL); }
    """
    program = build(tmp_path, "headless", source, "-O1", "-pthread")
    pid = started(program).pid
    until(lambda: status(pid, "State") == "Z")
    text = error("-n", "pid$target:a.out:work:entry { }", "-p", str(pid))
    assert f"the first thread of process {pid} has ended" in text
    clause = f"uprobe:{program}:work:entry /pid == $target && ++n == 3/ {{ trace(n); exit(0); }}"
    assert lines(dscript("-n", clause, "-p", str(pid))) == ["3"]


def test_target_whose_file_was_replaced(
    program: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """The file that runs is probed, not the one that has its name now."""
    own = tmp_path / "upgraded"
    own.write_bytes(program.read_bytes())
    own.chmod(0o755)
    pid = started(own).pid
    until(lambda: os.readlink(f"/proc/{pid}/exe") == str(own))
    own.unlink()
    own.write_text("another version\n")
    clause = "pid$target:a.out:work:entry /++n == 5/ { trace(pid == $target); exit(0); }"
    assert lines(dscript("-n", clause, "-p", str(pid))) == ["1"]


# -- other namespaces


def test_target_in_another_mount_namespace(
    program: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Its program is a file that is not to be seen from here; ours of that name is another."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "hidden").write_text("no program\n")
    script = f"mount -t tmpfs none {place} && cp {program} {place}/hidden && exec {place}/hidden"
    pid = started("unshare", "--mount", "sh", "-c", script).pid
    until(lambda: os.readlink(f"/proc/{pid}/exe") == f"{place}/hidden")
    found = lines(dscript("-n", FIFTH, "-p", str(pid)))
    assert found[0].startswith("1 ") and found[1] == "hidden`work"
    text = error("-n", f"uprobe:{place}/hidden:work:entry {{ }}")
    assert "is no ELF file" in text, "uprobe's paths are ours"


def test_target_in_another_pid_namespace(
    program: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """-p, $target and pid are the tracer's numbers."""
    unshared = started("unshare", "--pid", "--fork", "--kill-child", program)
    until(lambda: Path(f"/proc/{unshared.pid}/task/{unshared.pid}/children").read_text().split())
    children = Path(f"/proc/{unshared.pid}/task/{unshared.pid}/children").read_text().split()
    until(lambda: os.readlink(f"/proc/{children[0]}/exe") == str(program))
    found = lines(dscript("-n", FIFTH, "-p", children[0]))
    assert found[0].startswith("1 ") and found[1] == "loops`work"


def test_tracer_in_a_pid_namespace(program: Path) -> None:
    words = ["unshare", "--pid", "--fork", "--mount-proc", DSCRIPT, "-qn", FIFTH]
    done = subprocess.run([*words, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.split() == ["1", "4", "loops`work"], done.stderr


# -- other kinds


def small_32_bit_program(path: Path) -> Path:
    """One that calls getppid() five times and exits with status 3, put together by hand."""
    code = bytes.fromhex(
        "bf05000000"  # mov edi, 5
        "b840000000cd80"  # mov eax, 64 (getppid); int 0x80
        "4f75f6"  # dec edi; jnz
        "b801000000bb03000000cd80"  # exit(3)
    )
    base, head = 0x8048000, 52 + 32
    # <elf.h>: Elf32_Ehdr and one Elf32_Phdr.
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + head, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    size = head + len(code)
    path.write_bytes(header + struct.pack("<8I", 1, 0, base, base, size, size, 5, 0x1000) + code)
    path.chmod(0o755)
    return path


def test_32_bit_program(tmp_path: Path) -> None:
    program = small_32_bit_program(tmp_path / "small")
    try:
        assert subprocess.run([program], check=False).returncode == 3
    except OSError:
        pytest.skip("this kernel runs no 32-bit programs")
    clause = "syscall::getppid:entry /pid == $target/ { @ = count(); } "
    assert lines(dscript("-n", clause, "-c", program)) == ["5"]
    text = error("-n", "pid$target:a.out::entry { }", "-c", program)
    assert "it is a 32-bit program" in text and "cannot be probed" in text
    text = error("-x", "evaltime=main", "-n", clause, "-c", program)
    assert f"failed to hold {program} at main: it is a 32-bit program" in text
    assert "is a 32-bit file" in error("-n", f"uprobe:{program}:-:54 {{ }}")


def test_thread_of_the_kernel() -> None:
    if os.path.exists("/proc/2/exe") or status(2, "Name") != "kthreadd":
        pytest.skip("no threads of the kernel are to be seen here")
    text = error("-n", "pid$target:a.out:main:entry { }", "-p", "2")
    assert "process 2 is one of the kernel's own: it runs no user code" in text


def test_process_of_another_user(started: Callable[..., subprocess.Popen[bytes]]) -> None:
    if os.geteuid():
        pytest.skip("only root can become another user")
    pid = started("sleep", "60").pid
    # What tracing takes, and nothing that would let it look at root's processes.
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words += ["--ambient-caps=+bpf,+perfmon", "--inh-caps=+bpf,+perfmon", "--", DSCRIPT, "-qn"]
    words += ["pid$target:libc:malloc:entry { }", "-p", str(pid)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode in (126, 127) or "Permission denied" in done.stderr:
        pytest.skip("another user cannot run dscript from here")
    assert done.returncode == 1
    assert f"process {pid} belongs to another user (it takes CAP_SYS_PTRACE" in done.stderr


# -- stopped, held, let go


def test_stopped_process_stays_stopped(
    program: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    pid = started(program).pid
    clause = "pid$target:a.out:work:entry /++n == 5/ { stop(); exit(0); }"
    dscript("-w", "-n", clause, "-p", str(pid))
    until(lambda: status(pid, "State") == "T")
    assert status(pid, "TracerPid") == "0"
    os.kill(pid, signal.SIGCONT)
    until(lambda: status(pid, "State") != "T")


def runs_free(pid: int) -> bool:
    """Neither held nor stopped; or gone."""
    try:
        return status(pid, "TracerPid") == "0" and status(pid, "State") not in ("t", "T")
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind_by_a_tracer_that_is_ended(
    number: signal.Signals,
    program: Path,
    tmp_path: Path,
    started: Callable[..., subprocess.Popen[bytes]],
) -> None:
    """At any moment: a process of -p runs on, nobody's tracee; a held command goes as well."""
    own = tmp_path / f"own{int(number)}"
    os.link(program, own)
    other = started(program).pid
    clause = "pid$target:libc:*:entry, pid$target:a.out:work:entry { @ = count(); }"
    for milliseconds in (60, 150, 250, 400, 700):
        words = [DSCRIPT, "-qn", clause, "-c", str(own), "-p", str(other)]
        tracer = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Who runs the tests in the background has it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        time.sleep(milliseconds / 1000)
        tracer.send_signal(number)
        tracer.wait(timeout=60)
        if number != signal.SIGKILL:
            until(lambda: not runs(own)())
        else:  # once it was let go, nobody is left to end it
            until(lambda: all(map(runs_free, runs(own)())))
            for pid in runs(own)():
                os.kill(pid, signal.SIGKILL)
        assert status(other, "TracerPid") == "0" and status(other, "State") in ("S", "R")


def test_held_command_is_let_go_in_no_time(program: Path) -> None:
    """It is nobody's tracee any more when its first instructions are seen."""
    clause = 'syscall::write:entry /pid == $target/ { printf("%d", curthread->ptrace); exit(0); }'
    command = "sh -c 'echo hello >/dev/null'"
    assert lines(dscript("-n", clause, "-c", command)) == ["0"]
    for place in ("preinit", "postinit", "main"):
        assert lines(dscript("-x", f"evaltime={place}", "-n", clause, "-c", command)) == ["0"]
