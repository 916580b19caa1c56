"""Checks in the guest: programs of the language run, and are accepted by its verifier."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.vm.abroad import FILE, SUBROUTINES, Abroad, compile_all
from tests.vm.harness import check, dscript, expect, forked, register

if TYPE_CHECKING:
    from tests.vm.guest import Kernel

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


# How many programs of tests/language run in the guest.
COUNT = 100


def _compile_outside(kernel: Kernel, shared: Path) -> None:
    compile_all(kernel.image, shared, COUNT)


@check(prepare=_compile_outside)
def check_language_cases(shared: Path) -> None:
    """Programs of tests/language, evenly chosen, are accepted and print the same here.

    So are programs with every subroutine at strings of 64, 256 and 4096 bytes.
    """
    from tests.language.test_cases import problems

    programs: list[Abroad] = pickle.loads((shared / FILE).read_bytes())
    assert len(programs) == COUNT + len(SUBROUTINES), len(programs)
    wrong: list[str] = []
    for one in programs:
        outcome = forked(partial(_run_compiled, one))
        done = subprocess.CompletedProcess("", outcome.status, outcome.stdout, outcome.stderr)
        found = problems(one.case, done)
        if found:
            wrong.append(f"{one.case.title}: {found[0]} {outcome.stderr[-300:]}")
    assert not wrong, f"{len(wrong)} cases:\n" + "\n".join(wrong[:10])


def _run_compiled(one: Abroad) -> int:
    """What the command does with a program from its cache."""
    from dscript import api
    from dscript.errors import DscriptError
    from dscript.program import CompiledProgram

    program = CompiledProgram.from_bytes(one.program)
    for note in program.notes:
        print(f"dscript: {note}", file=sys.stderr)
    try:
        return api.trace(program, one.commands)
    except DscriptError as wrong:
        print(wrong.render(errtags=True), file=sys.stderr)
        return 1


def _sample(text: str) -> Callable[[Path], None]:
    def run(shared: Path) -> None:
        outcome = dscript("-qn", f"{text} BEGIN {{ exit(0); }}")
        expect(outcome.status == 0 and outcome.stderr == "", outcome)

    return run


for _name, _text in SAMPLES.items():
    register(f"verifier_accepts_{_name}", _sample(_text), ("6.1",))
