"""proc probes against workloads that know what they did."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

from tests.providers.derived_support import refused, traced


def test_a_process_is_made_runs_and_ends(tmp_path: Path) -> None:
    """create in the parent; start, lwp-start, lwp-exit and exit in the child."""
    seen, told = traced(
        tmp_path,
        'proc:::create /pid == $target/ { printf("create %d %d %s\\n", args[0]->pr_pid, '
        "args[0]->pr_ppid, args[0]->pr_fname); child = args[0]->pr_pid; } "
        "proc:::start, proc:::lwp-start, proc:::lwp-exit /pid == child/ "
        '{ printf("%s %d %d\\n", probename, pid, ppid); } '
        'proc:::exit /pid == child/ { printf("exit %d %d\\n", args[0], arg0); }',
        "say(os.getpid())\nchild = os.fork()\n"
        "if child == 0: os._exit(3)\nsay(child)\nos.waitpid(child, 0)\n",
    )
    parent, child = told[0][0], told[1][0]
    name = os.path.basename(os.path.realpath(sys.executable))[:15]
    assert seen[0][:3] == ["create", child, parent]
    assert seen[0][3] in (name, os.path.basename(sys.executable))
    assert seen[1:3] == [["start", child, parent], ["lwp-start", child, parent]]
    assert seen[3:] == [["lwp-exit", child, parent], ["exit", "1", "1"]]


def test_how_a_process_ended(tmp_path: Path) -> None:
    """args[0] of exit is si_code of SIGCHLD: CLD_EXITED 1, CLD_KILLED 2 (sigaction(2))."""
    seen, told = traced(
        tmp_path,
        'proc:::exit /ppid == $target/ { printf("%d %d\\n", pid, args[0] == CLD_KILLED); }',
        "for number in (0, signal.SIGKILL, signal.SIGTERM):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.kill(os.getpid(), number)\n"
        "        os._exit(0)\n"
        "    _, status = os.waitpid(child, 0)\n"
        "    say(child, int(os.WIFSIGNALED(status)))\n",
    )
    assert seen == told


def test_exec(tmp_path: Path) -> None:
    seen, _ = traced(
        tmp_path,
        'proc:::exec /ppid == $target/ { printf("exec %s\\n", args[0]); } '
        'proc:::exec-failure /ppid == $target/ { printf("failure %d\\n", args[0]); } '
        'proc:::exec-success /ppid == $target/ { printf("success %s\\n", curpsinfo->pr_psargs); }',
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: os.execv('/nonexistent/file', ['x'])\n"
        "    except OSError: pass\n"
        "    try: os.execv('/etc/passwd', ['x'])\n"
        "    except OSError: pass\n"
        "    os.execv('/bin/true', ['true', '-n', 'some words'])\n"
        "os.waitpid(child, 0)\n",
    )
    assert seen == [
        ["exec", "/nonexistent/file"],
        ["failure", str(errno.ENOENT)],
        ["exec", "/etc/passwd"],
        ["failure", str(errno.EACCES)],
        ["exec", "/bin/true"],
        ["success", "true", "-n", "some", "words"],
    ]


def test_threads(tmp_path: Path) -> None:
    seen, told = traced(
        tmp_path,
        "proc:::lwp-create /pid == $target/ "
        '{ printf("create %d %d\\n", args[0]->pr_lwpid, args[1]->pr_pid); } '
        'proc:::lwp-start /pid == $target/ { printf("start %d %d\\n", tid, pid); } '
        'proc:::lwp-exit /pid == $target && tid != pid/ { printf("exit %d %d\\n", tid, pid); } '
        'proc:::create /pid == $target/ { printf("process\\n"); }',
        "def run(): say(threading.get_native_id(), os.getpid())\n"
        "for _ in range(3):\n"
        "    thread = threading.Thread(target=run)\n    thread.start()\n    thread.join()\n"
        "    time.sleep(0.05)\n",
    )
    expected = [[kind, *words] for words in told for kind in ("create", "start", "exit")]
    assert sorted(seen) == sorted(expected)


def test_signals(tmp_path: Path) -> None:
    seen, told = traced(
        tmp_path,
        "proc:::signal-send /pid == $target && args[1]->pr_pid == $target/ "
        '{ printf("send %d %d\\n", args[2], args[0]->pr_lwpid); } '
        "proc:::signal-discard /pid == $target && args[1]->pr_pid == pid/ "
        '{ printf("discard %d\\n", args[2]); } '
        "proc:::signal-handle /pid == $target/ "
        '{ printf("handle %d %d %d\\n", args[0], args[1]->si_code, args[2] != NULL); } '
        'proc:::signal-clear /pid == $target/ { printf("clear %d\\n", args[0]); }',
        "say(os.getpid())\n"
        "signal.signal(signal.SIGUSR1, lambda *rest: None)\n"
        "signal.signal(signal.SIGUSR2, signal.SIG_IGN)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "os.kill(os.getpid(), signal.SIGUSR2)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
        "signal.sigtimedwait([signal.SIGHUP], 5)\n",
    )
    process = told[0][0]
    first, second, third = (str(int(s)) for s in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP))
    assert seen == [
        ["send", first, process],
        ["handle", first, "0", "1"],
        ["send", second, process],
        ["discard", second],
        ["send", third, process],
        ["clear", third],
    ]


def test_faults(tmp_path: Path) -> None:
    """FLTBOUNDS for memory that is not mapped; a signal sent by kill() is no fault."""
    seen, _ = traced(
        tmp_path,
        "proc:::fault /ppid == $target/ "
        '{ printf("%d %d %d\\n", args[0] == FLTBOUNDS, args[1]->si_signo, args[1]->si_code); }',
        "import ctypes\n"
        "for fault in (lambda: os.kill(os.getpid(), 11), lambda: ctypes.string_at(8)):\n"
        "    child = os.fork()\n"
        "    if child == 0: fault()\n"
        "    os.waitpid(child, 0)\n",
    )
    assert seen == [["1", str(int(signal.SIGSEGV)), "1"]]


def test_one_clause_for_probes_with_different_arguments(tmp_path: Path) -> None:
    """arg0 is each probe's own: the child's task in create, how it ended in exit."""
    seen, _ = traced(
        tmp_path,
        "proc:::create, proc:::exit /pid == $target || ppid == $target/ "
        '{ printf("%s %d\\n", probename, (uint64_t)arg0 > 3); }',
        "child = os.fork()\nif child == 0: os._exit(0)\nos.waitpid(child, 0)\n",
    )
    assert [words for words in seen if words[1] == "1"] == [["create", "1"]]
    assert ["exit", "0"] in seen


def test_what_is_wrong_is_said() -> None:
    assert "did you mean proc:::exit?" in refused("proc:::exitt {}")
    assert "[D_ARGS_IDX]" in refused("proc:::exit { trace(args[1]); }")
    assert "[D_TYPE_MEMBER]" in refused("proc:::create { trace(args[0]->pr_nonesuch); }")


def test_copies_from_the_process_in_clauses_of_conditional_probes(tmp_path: Path) -> None:
    """What these events' conditions read of the kernel is no matter of the clause's memory."""
    seen, _ = traced(
        tmp_path,
        "syscall::kill:entry /pid == $target/ { self->at = curpsinfo->pr_argv; } "
        "proc:::signal-handle, sysinfo:::syswrite /self->at/ "
        "{ @[probename, strlen(copyinstr(*(uintptr_t *)copyin(self->at, 8))) > 0] = sum(1); } "
        'END { printa("%s %d %@d\\n", @); }',
        "signal.signal(signal.SIGUSR1, lambda number, frame: None)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "os.write(1, b'')\n",
    )
    assert ["signal-handle", "1", "1"] in [[*map(str, row)] for row in seen]
    assert any(row[0] == "syswrite" for row in seen)


def test_members_that_tell_how_a_process_was_started(tmp_path: Path) -> None:
    """pr_argc, pr_argv and pr_envp lead to what execve() was given; pr_start to when."""
    seen, _ = traced(
        tmp_path,
        "syscall::execve:entry /ppid == $target/ { self->now = walltimestamp; } "
        "syscall::execve:return /self->now && errno == 0/ { "
        "this->names = (uintptr_t *)copyin(curpsinfo->pr_argv, 24); "
        "this->environment = (uintptr_t *)copyin(curpsinfo->pr_envp, 16); "
        'printf("%d %s %s %d %s %d\\n", curpsinfo->pr_argc, copyinstr(this->names[0]), '
        "copyinstr(this->names[1]), this->names[2] == 0, copyinstr(this->environment[0]), "
        "this->environment[1] == 0); "
        'printf("%d %d\\n", self->now / 1000000000 - curpsinfo->pr_start.tv_sec <= 60, '
        "(unsigned long)curpsinfo->pr_start.tv_nsec < 1000000000); "
        'printf("%d %d %d %d %d\\n", curlwpsinfo->pr_syscall == SYS_execve, '
        "curlwpsinfo->pr_stype == SOBJ_NONE, curlwpsinfo->pr_wchan == 0, "
        "curlwpsinfo->pr_bindpset, curpsinfo->pr_ttydev == PRNODEV); }",
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.setsid()\n"
        "    os.execve('/bin/true', ['first', 'second'], {'A': 'b'})\n"
        "os.waitpid(child, 0)\n",
    )
    assert [" ".join(map(str, row)) for row in seen] == [
        "2 first second 1 A=b 1",
        "1 1",
        "1 1 1 -1 1",
    ]
