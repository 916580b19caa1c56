"""Recipes about processes, signals and system calls."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.examples.recipes import interrupted, recipe
from tests.userland.support import build

CHILDREN = """
say(os.getpid())
def child(what):
    if (pid := os.fork()) == 0:
        what()
        os._exit(0)
    os.waitpid(pid, 0); say(pid)
child(lambda: os._exit(3))
child(lambda: os.kill(os.getpid(), signal.SIGKILL))
child(lambda: os.execv("/bin/echo", ["echo", "a b", "c\\td"]))
"""
STDOUT = "sys.stdout = None; os.dup2(os.open('/dev/null', os.O_WRONLY), 1)\n"


def test_execsnoop() -> None:
    found = recipe("execsnoop", "$target", python=STDOUT + CHILDREN)
    [me], _, _, [child] = found.told
    row = found.row(PID=child)
    assert row["ARGS"] == "echo a b c\\td" and row["PPID"] == me


def test_newproc() -> None:
    thread = "thread = threading.Thread(target=lambda: say(threading.get_native_id()))\n"
    thread += "thread.start(); thread.join()\n"
    found = recipe("newproc", "$target", python=STDOUT + CHILDREN + thread)
    me, *children, task = [words[0] for words in found.told]
    assert [row["NEW"] for row in found.rows(PID=me, MADE="process")] == children
    assert [row["NEW"] for row in found.rows(PID=me, MADE="thread")] == [task]


def test_exitsnoop() -> None:
    work = STDOUT + CHILDREN + "child(lambda: time.sleep(0.05))\n"
    found = recipe("exitsnoop", "$target", python=work)
    me, *children = [words[0] for words in found.told]
    ends = [found.row(PID=child) for child in children]
    assert [(row["WHY"], row["NUMBER"]) for row in ends] == [
        ("exit", "3"),
        ("signal", "9"),
        ("exit", "0"),
        ("exit", "0"),
    ]
    assert all(row["PPID"] == me for row in ends)
    assert 50 <= float(ends[3]["AGE(ms)"]) < 20000
    assert found.row(PID=me)["WHY"] == "exit"


def test_shortlived() -> None:
    """Five children that compute, and one that lives too long."""
    work = """
open("/proc/self/comm", "w").write("workload")
for at in range(6):
    if (pid := os.fork()) == 0:
        open("/proc/self/comm", "w").write("brief")
        if at == 5: time.sleep(1.6)
        while time.process_time() < 0.02: pass
        os._exit(0)
    os.waitpid(pid, 0)
"""
    found = recipe("shortlived", 1500, python=work)
    row = found.row(COMM="brief", PARENT="workload")
    assert row["COUNT"] == "5"
    assert 100 <= int(row["CPU(ms)"]) <= int(row["LIVED(ms)"]) + 5


def test_whatexec(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    found = recipe("whatexec", "$target", sh="./script\n/bin/true\n", folder=tmp_path)
    row = found.row(ASKED="./script")
    assert (row["KIND"], row["LOADED"], row["FORMAT"]) == ("script", "/bin/sh", "ELF64")
    row = found.row(ASKED="/bin/true")
    assert (row["KIND"], row["LOADED"], row["FORMAT"]) == ("program", "/bin/true", "ELF64")


SIGNALS = """
if (pid := os.fork()) == 0:
    open("/proc/self/comm", "w").write("receiver")
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.write(w, b"1")
    while True: time.sleep(1)
os.read(r, 1)
for number in (signal.SIGUSR1, signal.SIGUSR2): os.kill(pid, number)
os.waitpid(pid, 0)
say(os.getpid(), pid)
"""


def test_kill_and_sigdist() -> None:
    work = "r, w = os.pipe()\n" + SIGNALS
    found = recipe("kill", "$target", python=work)
    [[sender, receiver]] = found.told
    sent = [(row["SIGNAL"], row["NAME"]) for row in found.rows(PID=sender, TO=receiver)]
    assert sent == [
        (str(int(signal.SIGUSR1)), "receiver"),
        (str(int(signal.SIGUSR2)), "receiver"),
    ]
    found = recipe("sigdist", "$target", python=work)
    row = found.row(RECEIVER="receiver", SIGNAL=int(signal.SIGUSR1))
    assert row["COUNT"] == "1"
    assert found.row(SENDER="receiver", SIGNAL=int(signal.SIGCHLD))["COUNT"] == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_setuids() -> None:
    work = """
say(os.getpid())
os.setresgid(5, -1, 6); os.setreuid(7, -1); os.setuid(8)
try: os.setuid(9)
except OSError: pass
"""
    found = recipe("setuids", "$target", python=work)
    rows = [(row["CALL"], row["UID"], row["TO"], row["ERR"]) for row in found.rows()]
    assert rows == [
        ("setresgid", "0", "5,-1,6", "0"),
        ("setreuid", "0", "7,-1", "0"),
        ("setuid", "7", "8", "0"),
        ("setuid", "8", "9", "1"),
    ]


CRASH = """
__attribute__((noinline)) int touch(volatile int *p) { return *p + 1; }
__attribute__((noinline)) int outer(volatile int *p) { return touch(p) + 1; }
int main(void) { return outer((int *)0x1234) + 1; }
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_crashes(tmp_path: Path) -> None:
    program = build(tmp_path, "faulty", CRASH, "-O0")
    found = recipe("crashes", "$target", sh=f"{program}\ntrue\n", stderr=r"(Segm.*)?\n?")
    row = found.rows(COMM="faulty")[0]
    assert (row["SIGNAL"], row["ADDRESS"]) == ("11", "0x1234")
    frames = [words[0].split("+")[0] for words in found.words if words[0].startswith("faulty`")]
    assert frames[:3] == ["faulty`touch", "faulty`outer", "faulty`main"]


def test_lastwords() -> None:
    work = """
os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
open("/proc/self/comm", "w").write("doomed")
os.getppid()
try: os.close(987)
except OSError: pass
os.kill(os.getpid(), signal.SIGTERM)
"""
    found = recipe("lastwords", "doomed", python=work)
    said = [" ".join(words[2:]) for words in found.words]
    assert said[-1] == "end, wait status 0xf"
    at = said.index("close = -1, errno 9")
    assert said[at - 1].startswith("close(0x3db, ")
    assert any(text.startswith(f"kill({hex(int(found.words[0][1]))}, 0xf") for text in said[at:])
    assert any(text.startswith("getppid = ") for text in said[:at])
    clock = [int(words[0]) for words in found.words]
    assert clock == sorted(clock)


CALLS = """
open("/proc/self/comm", "w").write("caller")
for _ in range(321): os.getppid()
for _ in range(17):
    try: os.close(987)
    except OSError: pass
for _ in range(4): time.sleep(0.02)
say(os.getpid())
"""


def test_system_call_counts() -> None:
    found = recipe("syscallbyproc", "$target", python=CALLS)
    row = found.row(PID=found.told[0][0], COMM="caller")
    assert 321 + 17 + 4 < int(row["CALLS"]) < 700
    many = CALLS.replace("321", "200000")
    found = recipe("topsyscall", 60, python=many)
    assert int(found.row(CALL="getppid")["COUNT"]) >= 200000 and len(found.rows()) == 10


def test_procsystime() -> None:
    found = recipe("procsystime", "$target", python=CALLS)
    assert found.row(CALL="getppid")["COUNT"] == "321"
    slept = found.row(CALL="clock_nanosleep")
    assert slept["COUNT"] == "4"
    assert int(slept["TIME(us)"]) >= 80000 and int(slept["CPU(us)"]) < int(slept["TIME(us)"]) / 4


def test_errinfo() -> None:
    found = recipe("errinfo", "$target", python=CALLS)
    assert ["caller", "close", "9", "EBADF", "no", "such", "descriptor", "17"] in found.words
    assert "getppid" not in found.stdout


def test_dtruss(tmp_path: Path) -> None:
    work = """
fd = os.open("file name", os.O_CREAT | os.O_WRONLY)
os.write(fd, b"some\\ttext\\n"); os.mkdir("folder")
try: os.open("/no/such", os.O_RDONLY)
except OSError: pass
time.sleep(0.03)
if os.fork() == 0: os.getppid(); os._exit(0)
os.wait()
say(fd)
"""
    found = recipe("dtruss", "$target", python=work, folder=tmp_path)
    lines = found.lines
    fd = found.told[0][0]
    ends = [line.split(None, 3)[3] for line in lines[1:]]
    assert f'openat(-100, "file name", 0x80041) = {fd}' in ends
    assert f'write({fd}, "some\\ttext\\n", 0xa) = 10' in ends
    assert any(text.startswith(('mkdir("folder"', 'mkdirat(-100, "folder"')) for text in ends)
    assert 'openat(-100, "/no/such", 0x80000) = -1 Err#2' in ends
    [slept] = [line.split() for line in lines if "clock_nanosleep(" in line]
    assert int(slept[1]) >= 30000 > int(slept[2])
    assert len({line.split()[0] for line in lines[1:]}) == 2  # the child's, too


def test_shellsnoop() -> None:
    """A shell on a terminal of its own, into which a command is typed."""
    work = """
import pty
pid, terminal = pty.fork()
if pid == 0: os.execv("/bin/sh", ["sh"])
text = b""
def until(wanted):
    global text
    while wanted not in text: text += os.read(terminal, 1000)
time.sleep(0.1)
os.write(terminal, b"expr 600 + 66\\n"); until(b"666")
os.write(terminal, b"exit\\n"); os.waitpid(pid, 0)
say(pid)
"""
    found = recipe("shellsnoop", "$target", python=work)
    shell = found.told[0][0]
    typed = [row["TEXT"] for row in found.rows(PID=shell, COMM="sh", D="R")]
    assert typed[:2] == ["expr 600 + 66\\n", "exit\\n"]
    answer = found.row(COMM="expr", PPID=shell, D="W")
    assert answer["TEXT"] == "666\\n" and answer["TERMINAL"].startswith("/dev/pts/")


def test_demo() -> None:
    found = recipe("demo", python=CALLS.replace("321", "100000"))
    row = next(line for line in found.words if line[:2] == ["caller", "getppid"])
    assert row[2] == "100000" and len(found.lines) == 11


def test_runs_by_its_first_line() -> None:
    found = interrupted("opensnoop", until="PATH")
    assert found.lines[0].split() == ["UID", "PID", "COMM", "FD", "ERR", "PATH"]
