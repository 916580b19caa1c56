"""The checks that run inside the guest; each becomes one test of `test_guest.py`.

Run as a program in the guest (`checks.py FOLDER`), it writes FOLDER/results.json: for each
check None, or what went wrong.  Emulation is slow, so the compiler is imported once and
every dscript command is a fork of this process, which then is the command.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMAND = HERE.parents[1] / ".venv/bin/dscript"

# Programs whose code the verifier of the guest's kernel must accept; each is loaded and
# attached, then ends.  One for each way a program can touch memory, maps and helpers.
SAMPLES: dict[str, str] = {
    "count-by-command": "syscall:::entry { @[execname, probefunc] = count(); }",
    "printf-values": (
        'syscall::openat:entry { printf("%s %d %s", execname, pid, copyinstr(arg1)); }'
    ),
    "latency": (
        "syscall::read:entry { self->t = timestamp; } "
        "syscall::read:return /self->t/ { @ = quantize(timestamp - self->t); self->t = 0; }"
    ),
    "every-aggregation": (
        "syscall::write:entry { @a = count(); @b = sum(arg2); @c = avg(arg2); @d = min(arg2); "
        "@e = max(arg2); @f = stddev(arg2); @g = quantize(arg2); @h = lquantize(arg2, 0, 100, 10); "
        "@i = llquantize(arg2, 10, 0, 6, 10); }"
    ),
    "arrays-and-globals": (
        "syscall:::entry { n++; seen[pid, execname] = timestamp; last = execname; } "
        "syscall:::return /seen[pid, execname]/ { @ = max(timestamp - seen[pid, execname]); "
        "seen[pid, execname] = 0; }"
    ),
    "this-across-clauses": (
        "syscall::read:entry { this->x = arg2; this->s = execname; } "
        "syscall::read:entry /this->x > 10/ { @[this->s] = sum(this->x); }"
    ),
    "strings": (
        'syscall::execve:entry { this->p = strjoin(execname, ":"); '
        'printf("%s %d", strjoin(this->p, copyinstr(arg0)), strlen(this->p)); }'
    ),
    "stacks": "profile-97 { @[stack(), ustack()] = count(); }",
    "arithmetic": (
        "syscall::write:entry { @[arg2 / 3, arg2 % 7, (int)arg2 >> 2, arg2 ? 1 : 2] = "
        "sum((long)arg2 * -3 / 2); }"
    ),
    "division-by-a-variable": "syscall::write:entry { @ = sum(100 / arg2); }",
    "task-fields": "syscall:::entry { @[curthread->comm, curthread->tgid] = count(); }",
    "tracepoint": "sdt:sched::sched_switch { @[probename] = count(); }",
    "many-tracepoints": "sdt:sched:: { @[probename] = count(); }",
    "raw-tracepoints": "rawtp:::sched_* { @[probename] = count(); }",
    "processes": (
        'proc:::create { printf("%d %s", args[0]->pr_pid, args[0]->pr_fname); } '
        "proc:::exec { trace(args[0]); } proc:::exit, proc:::exec-failure { trace(args[0]); } "
        "proc:::exec-success { trace(curpsinfo->pr_psargs); } proc:::lwp-*, proc:::start { } "
        "proc:::signal-send { @[args[1]->pr_pid, args[2]] = count(); } "
        "proc:::signal-handle, proc:::fault { trace(args[1]->si_code); }"
    ),
    "scheduling": (
        "sched:::on-cpu { self->on = vtimestamp; "
        "@[pid, execname, curlwpsinfo->pr_pri] = count(); } "
        "sched:::off-cpu /self->on/ { @o[args[1]->pr_fname] = max(vtimestamp - self->on); } "
        "sched:::enqueue, sched:::dequeue { @q[args[2]->cpu_id] = count(); } "
        "sched:::sleep, sched:::preempt, sched:::wakeup { @p[probename] = count(); }"
    ),
    "disk": (
        "io:::start { began[arg0] = timestamp; } io:::done /began[arg0]/ { "
        "@[args[0]->b_bcount, args[1]->dev_statname, args[2]->fi_name] = count(); }"
    ),
    "open-files": (
        "syscall::read:entry { @[fds[arg0].fi_pathname, fds[arg0].fi_fs, cwd] = count(); }"
    ),
    "few-system-calls": "syscall::open*:entry, syscall::close:entry { @[probefunc] = count(); }",
}


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


CHECKS: dict[str, Callable[[Path], None]] = {}


def check(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register a check under its name; it gets the shared folder and raises on failure."""
    CHECKS[function.__name__.removeprefix("check_")] = function
    return function


def dscript(*words: str, timeout: float = 120) -> Outcome:
    """Run the dscript command in a fork that already has the compiler's modules."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            Path("/proc/self/comm").write_text("dscript")
            os.dup2(out, 1)
            os.dup2(err, 2)
            from dscript.cli import main

            status = main(list(words))
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            status = 70
        os._exit(status)
    deadline = time.monotonic() + timeout
    while True:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.killpg(pid, 9)
            _, code = os.waitpid(pid, 0)
            break
        time.sleep(0.01)
    texts = []
    for fd in (out, err):
        os.lseek(fd, 0, os.SEEK_SET)
        with open(fd, encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    return Outcome(os.waitstatus_to_exitcode(code), texts[0], texts[1])


def expect(condition: bool, outcome: Outcome) -> None:
    if not condition:
        raise AssertionError(
            f"status {outcome.status}\n{outcome.stdout[-2000:]}\n{outcome.stderr[-2000:]}"
        )


@check
def check_mission_line(shared: Path) -> None:
    """The mission's line, through the installed command, counts known openat(2) calls."""
    line = "kprobe:do_sys_open < @[execname] = count(); >"
    done = subprocess.run(
        [COMMAND, "-n", line, "-c", f"{shared}/opens 500"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    counted = re.search(r"^\s*opens\s+(\d+)$", outcome.stdout, re.MULTILINE)
    expect(outcome.status == 0 and counted is not None and counted[1] == "500", outcome)
    expect("do_sys_openat2" in outcome.stderr, outcome)


@check
def check_fbt_entry_and_return(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { @e = count(); } "
        "fbt::do_sys_openat2:return /pid == $target/ { @r = count(); } "
        'END { printa("entry %@d\\n", @e); printa("return %@d\\n", @r); }',
        "-c",
        f"{shared}/opens 321",
    )
    lines = outcome.stdout.split("\n")
    expect(outcome.status == 0 and "entry 321" in lines and "return 321" in lines, outcome)


@check
def check_fbt_arguments_and_return_value(shared: Path) -> None:
    """arg1 of do_sys_openat2 is the path in user memory; arg1 of a return is the value."""
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { @p[copyinstr(arg1)] = count(); } "
        "fbt::do_sys_openat2:return /pid == $target/ { @v[(int)arg1] = count(); } "
        'END { printa("path %s %@d\\n", @p); printa("fd %d %@d\\n", @v); }',
        "-c",
        f"{shared}/opens 40",
    )
    expect("path /dev/null 40" in outcome.stdout and "fd 3 40" in outcome.stdout, outcome)


@check
def check_kprobe_and_kretprobe_pair_by_thread(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "kprobe:do_sys_openat2 /pid == $target/ { self->t = timestamp; } "
        "kretprobe:do_sys_openat2 /self->t/ { @ = count(); self->t = 0; } "
        'END { printa("%@d\\n", @); }',
        "-c",
        f"{shared}/opens 77",
    )
    expect("77" in outcome.stdout.split(), outcome)


@check
def check_kernel_stack_names_functions(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { stack(); exit(0); }",
        "-c",
        f"{shared}/opens 1",
    )
    expect(outcome.status == 0 and "do_syscall_64" in outcome.stdout, outcome)


@check
def check_unknown_function_is_one_line(shared: Path) -> None:
    outcome = dscript("-n", "fbt::no_such_function_here:entry { @ = count(); }")
    expect(outcome.status == 1 and "Traceback" not in outcome.stderr, outcome)
    expect("does not match any probes" in outcome.stderr, outcome)


@check
def check_language_cases(shared: Path) -> None:
    """Programs of tests/language, evenly chosen, print the same on this kernel."""
    from tests.language.casefile import read_cases
    from tests.language.test_cases import problems

    wrong: list[str] = []
    script = shared / "case.d"
    # Those with a tag are refused while compiling, which no kernel changes.
    cases = [case for case in read_cases() if not case.tag]
    for case in cases[:: max(1, len(cases) // 25)]:
        script.write_text(case.program)
        words = ["-q", "-x", "errtags", *case.options, "-s", str(script), *case.arguments]
        outcome = dscript(*words)
        done = subprocess.CompletedProcess(words, outcome.status, outcome.stdout, outcome.stderr)
        found = problems(case, done)
        if found:
            wrong.append(f"{case.title}: {found[0]} {outcome.stderr[-300:]}")
    assert not wrong, f"{len(wrong)} cases:\n" + "\n".join(wrong[:10])


@check
def check_kernel_function_links(shared: Path) -> None:
    """The tests of kprobe and trampoline links, which other kernels must leave out."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    words += ["tests/runtime/test_links.py", "-k", "kernel_functions or function_trampolines"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"[4-9] passed", done.stdout), done.stdout


def _sample(text: str) -> Callable[[Path], None]:
    def run(shared: Path) -> None:
        outcome = dscript("-qn", f"{text} BEGIN {{ exit(0); }}")
        expect(outcome.status == 0 and outcome.stderr == "", outcome)

    return run


CHECKS.update({f"verifier_accepts_{name}": _sample(text) for name, text in SAMPLES.items()})


def main(folder: Path) -> None:
    import dscript.pipeline  # noqa: F401 - every fork has it then

    results: dict[str, str | None] = {}
    for name, function in CHECKS.items():
        started = time.monotonic()
        try:
            function(folder)
            results[name] = None
        except Exception:
            results[name] = traceback.format_exc(limit=4)
        print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
        (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    main(Path(sys.argv[1]))
