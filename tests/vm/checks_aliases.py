"""Checks in the guest: names of other systems, on kernels that name their variables."""

from __future__ import annotations

import os
from pathlib import Path

from tests.vm.harness import check, dscript, expect


@check("6.1", "6.12")
def check_alias_open_means_what_the_c_library_calls(shared: Path) -> None:
    """`open` has the path in arg0, once for each openat(2) of the workload."""
    outcome = dscript(
        "-qn",
        "syscall::open:entry, syscall::open64:entry /pid == $target && arg0 != 0/ "
        "{ self->path = arg0; } "
        "syscall::open:return, syscall::open64:return /self->path/ "
        "{ @[probefunc, copyinstr(self->path)] = count(); self->path = 0; } "
        'END { printa("%s %s %@d\\n", @); }',
        "-c",
        f"{shared}/opens 77",
    )
    expect("open /dev/null 77" in outcome.stdout.splitlines(), outcome)


@check("6.1", "6.12")
def check_alias_fork_returns_in_parent_and_child(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "syscall::fork1:return /progenyof($target)/ { @[arg0 == 0] = count(); } "
        'END { printa("%d %@d\\n", @); }',
        "-c",
        "sh -c '(true); (true); true'",
    )
    lines = {tuple(line.split()) for line in outcome.stdout.splitlines() if line.strip()}
    expect(lines == {("0", "2"), ("1", "2")}, outcome)


@check("6.1", "6.12")
def check_alias_variables_and_members_of_other_kernels(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "BEGIN { "
        'printf("%d %d\\n", `hp_avenrun[0] >> 5, `avenrun[0]); '
        'printf("%s %d\\n", `utsname.release, `_pagesize); '
        'printf("%d %d\\n", curthread->t_procp->p_pidp->pid_id == pid, '
        "curthread->t_procp->p_parent->p_pidp->pid_id == ppid); "
        'printf("%s\\n", curthread->t_procp->p_user.u_cdir->v_path); '
        'printf("%d\\n", curthread->t_cpu->cpu_disp->disp_nrunnable >= 0); exit(0); }',
    )
    lines = outcome.stdout.splitlines()
    expect(outcome.status == 0 and len(lines) >= 5, outcome)
    loads = [int(word) for word in lines[0].split()]
    # The kernel's own variable, and what sysinfo(2) says of it: the same at nearly the same time.
    expect(abs(loads[0] - loads[1]) < 512, outcome)
    expect(lines[1] == f"{os.uname().release} {os.sysconf('SC_PAGE_SIZE')}", outcome)
    expect(
        lines[2:] == ["1 1", os.getcwd(), "1"] or lines[2:5] == ["1 1", os.getcwd(), "1"], outcome
    )


@check("6.1", "6.12")
def check_alias_fields_of_other_kernels(shared: Path) -> None:
    outcome = dscript(
        "-qven",
        "io:genunix::start, io::bdev_strategy:start, proc::proc_exit:exit, "
        "sysinfo:unix:idle_enter:idlethread, sched:unix:swtch:on-cpu, "
        "vminfo:genunix:as_fault:as_fault { }",
    )
    expect(outcome.status == 0, outcome)
    expect(outcome.stderr.count(": module and function are of another system") == 6, outcome)
