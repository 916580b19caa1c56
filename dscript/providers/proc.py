"""The proc provider: processes, threads and signals (manual, chapter "proc Provider").

Linux' own events stand behind it: those of the scheduler for the life of processes, those of
signals, and the ends of the system calls that make a process.
"""

from __future__ import annotations

import os

from dscript.kernel import syscalls
from dscript.providers.base import Derived
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 15_000
_ENTER, _EXIT = ("regs", "id"), ("regs", "ret")
_GENERATE = ("sig", "info", "task", "group", "result")

# Calls of 32-bit programs have numbers and registers of their own (TS_COMPAT of x86's
# asm/thread_info.h, TIF_32BIT of arm64's); those of aarch64 are not known here.
if os.uname().machine == "aarch64":
    _NUMBER, _PATHS = "regs->syscallno", ("regs->regs[0]", "regs->regs[1]")
    _NARROW, _NARROW_TABLE = "(curthread->thread_info.flags & 0x400000)", None
    _NARROW_PATHS = _PATHS
else:
    _NUMBER, _PATHS = "regs->orig_ax", ("regs->di", "regs->si")
    _NARROW, _NARROW_TABLE = "(curthread->thread_info.status & 2)", "i386"
    _NARROW_PATHS = ("regs->bx", "regs->cx")


def _is_call(value: str, *names: str) -> str:
    """D that tells whether a call number is that of one of these calls."""
    text = f"!{_NARROW} && ({_is_one(value, syscalls.table(), names)})"
    if _NARROW_TABLE is not None:
        narrow = _is_one(value, syscalls.table(_NARROW_TABLE), names)
        text = f"({text} || {_NARROW} && ({narrow}))"
    return f"({text})"


def _is_one(value: str, table: dict[str, int], names: tuple[str, ...]) -> str:
    return " || ".join(f"{value} == {table[name]}" for name in names if name in table) or "0"


def _exec_path() -> str:
    """D for the address of the path that execve or execveat is given."""
    at = f"{_is_call('id', 'execve')} ?"
    return (
        f"{_NARROW} ? ({at} {_NARROW_PATHS[0]} : {_NARROW_PATHS[1]}) : "
        f"({at} {_PATHS[0]} : {_PATHS[1]})"
    )


_MAKERS = ("fork", "vfork", "clone", "clone3")
# Linux' codes of machine faults as those of Solaris' sys/fault.h (si_code: sigaction(2)).
_FAULT_CODE = (
    "sig == 4 ? (info->si_code == 5 || info->si_code == 6 ? 2 : 1) : "
    "sig == 5 ? (info->si_code == 2 ? 4 : 3) : "
    "sig == 8 ? (info->si_code == 1 ? 8 : info->si_code == 2 ? 7 : 9) : "
    "sig == 11 && info->si_code == 1 ? 6 : 5"
)
_RECEIVER = (
    ("lwpsinfo_t *", "xlate <lwpsinfo_t *> (task)"),
    ("psinfo_t *", "xlate <psinfo_t *> (task)"),
    ("int", "sig"),
)

# Probes of one event fire in this order.
_ROWS = (
    Row(
        "create",
        "sched_process_fork",
        Derived(
            ("parent", "child"),
            "child->pid == child->tgid",
            (("psinfo_t *", "xlate <psinfo_t *> (child)"),),
        ),
        when="the child is a process",
    ),
    Row(
        "exec",
        "sys_enter",
        Derived(
            _ENTER,
            _is_call("id", "execve", "execveat"),
            (("string", f"copyinstr({_exec_path()})"),),
        ),
        when="of `execve`, `execveat`",
        exactness="exact; a path that is not in memory is a fault",
    ),
    Row(
        "exec-failure",
        "sys_exit",
        Derived(
            _EXIT,
            f"ret < 0 && {_is_call(_NUMBER, 'execve', 'execveat')}",
            (("int", "-ret"),),
        ),
        when="of `execve`, `execveat`, below 0",
    ),
    Row("exec-success", "sched_process_exec", Derived(("p", "old_pid", "bprm"))),
    Row(
        "fault",
        "signal_generate",
        Derived(
            _GENERATE,
            "(sig == 4 || sig == 5 || sig == 7 || sig == 8 || sig == 11) && "
            "(uintptr_t)info > 1 && info->si_code > 0",
            (("int", _FAULT_CODE), ("siginfo_t *", "(siginfo_t *)info")),
        ),
        when="of a machine fault's signal, sent by the kernel",
        exactness="faults that become signals; pages that are brought in do not count",
    ),
    Row(
        "lwp-create",
        "sched_process_fork",
        Derived(
            ("parent", "child"),
            "child->pid != child->tgid",
            (
                ("lwpsinfo_t *", "xlate <lwpsinfo_t *> (child)"),
                ("psinfo_t *", "xlate <psinfo_t *> (child)"),
            ),
        ),
        when="the child is a thread",
        exactness="a process's first thread has `create` alone",
    ),
    Row("lwp-exit", "sched_process_exit", Derived(("p",))),
    Row(
        "exit",
        "sched_process_exit",
        Derived(
            ("p",),
            "p->signal->live.counter == 0",
            # CLD_DUMPED, CLD_KILLED, CLD_EXITED
            (("int", "p->exit_code & 0x80 ? 3 : p->exit_code & 0x7f ? 2 : 1"),),
        ),
        when="of the last thread",
        exactness="exact; `args[0]` is `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED`",
    ),
    Row(
        "start",
        "sys_exit",
        Derived(
            _EXIT,
            f"ret == 0 && {_is_call(_NUMBER, *_MAKERS)} && curthread->pid == curthread->tgid",
        ),
        when="with 0 of `fork`, `vfork`, `clone`, `clone3` in a new process",
        exactness="exact; not for a command of `-c`, which is held until tracing has begun",
    ),
    Row(
        "lwp-start",
        "sys_exit",
        Derived(_EXIT, f"ret == 0 && {_is_call(_NUMBER, *_MAKERS)}"),
        when="with 0 of `fork`, `vfork`, `clone`, `clone3` in a new thread",
        exactness="exact; not for a command of `-c`, which is held until tracing has begun",
    ),
    Row("signal-send", "signal_generate", Derived(_GENERATE, "", _RECEIVER)),
    # TRACE_SIGNAL_IGNORED of include/trace/events/signal.h
    Row(
        "signal-discard",
        "signal_generate",
        Derived(_GENERATE, "result == 1", _RECEIVER),
        when="ignored",
    ),
    Row(
        "signal-clear",
        "sys_exit",
        Derived(_EXIT, f"ret > 0 && {_is_call(_NUMBER, 'rt_sigtimedwait')}", (("int", "ret"),)),
        when="of `rt_sigtimedwait`, above 0",
        exactness="`signalfd` does not count",
    ),
    Row(
        "signal-handle",
        "signal_deliver",
        Derived(
            ("sig", "info", "ka"),
            "(uintptr_t)ka->sa.sa_handler > 1",
            (
                ("int", "sig"),
                ("siginfo_t *", "(siginfo_t *)info"),
                ("void *", "(void *)ka->sa.sa_handler"),
            ),
        ),
        when="to a handler",
    ),
)

PROVIDER = DerivedProvider("proc", _FIRST_ID, _ROWS, {})
