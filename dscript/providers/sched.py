"""The sched provider: threads on and off the CPUs (manual, chapter "sched Provider").

`on-cpu` fires where the kernel switches, before the switch; the thread that comes on is its
subject: `pid`, `execname`, `self->` and their like are that thread's.
"""

from __future__ import annotations

from dscript.providers.base import Derived, Step
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 15_100
_SWITCH = ("preempt", "prev", "next", "prev_state")


def _thread(name: str) -> tuple[tuple[str, str], ...]:
    return (
        ("lwpsinfo_t *", f"xlate <lwpsinfo_t *> ({name})"),
        ("psinfo_t *", f"xlate <psinfo_t *> ({name})"),
    )


def _queued(name: str) -> tuple[tuple[str, str], ...]:
    cpu = f"xlate <cpuinfo_t *> ((processorid_t){name}->thread_info.cpu)"
    return (*_thread(name), ("cpuinfo_t *", cpu))


_NO_MOVES = "moves between CPUs do not count"


def _changed(function: str, parameters: tuple[str, ...], priority: str) -> Row:
    """A priority as pr_pri has it: 19 less the nice value, from 40 on of real time."""
    return Row(
        "change-pri",
        function,
        Derived(parameters, "", (*_thread("p"), ("int", priority))),
        exactness="setting the same priority counts too; priority inheritance "
        "(`sdt:sched::sched_pi_setprio`) does not",
        fallback="syscall::setpriority:entry, syscall::sched_set*:entry",
        kind="entry",
    )


_RUNNING = _thread("curthread")
_TICK = Derived((), "", _RUNNING)
# The switch is done, in the thread that comes on.
_SWITCHED = (
    Step("entry", "finish_task_switch", (), "", ""),
    Step("tracepoint", "sched_exit_tp", ("is_switch",), "is_switch", ""),
)

# Off the CPU comes before on the CPU: probes of one tracepoint fire in this order.
_ROWS = (
    Row(
        "sleep",
        "sched_switch",
        Derived(_SWITCH, "!preempt && prev_state != 0"),
        when="the thread waits",
    ),
    Row(
        "preempt",
        "sched_switch",
        Derived(_SWITCH, "preempt || prev_state == 0"),
        when="the thread could run on",
        exactness="`sched_yield` counts too",
    ),
    Row("off-cpu", "sched_switch", Derived(_SWITCH, "", _thread("next"))),
    Row("wakeup", "sched_waking", Derived(("p",), "", _thread("p"))),
    Row(
        "enqueue",
        "sched_wakeup",
        Derived(("p",), "", _queued("p")),
        exactness=_NO_MOVES,
    ),
    Row("enqueue", "sched_wakeup_new", Derived(("p",), "", _queued("p"))),
    Row(
        "enqueue",
        "sched_switch",
        Derived(_SWITCH, "(preempt || prev_state == 0) && prev->pid != 0", _queued("prev")),
        when="from a thread that could run on",
    ),
    Row(
        "dequeue",
        "sched_switch",
        Derived(_SWITCH, "next->pid != 0", _queued("next")),
        when="to a thread",
        exactness=_NO_MOVES,
    ),
    Row(
        "on-cpu",
        "sched_switch",
        Derived(_SWITCH, subject=2, running=_SWITCHED),
        exactness="before the switch, with the thread that comes on as its subject; where a "
        "clause needs its stack or memory, all fire behind the switch, from entry of "
        "`finish_task_switch()` or `sched_exit_tp` (this one not for a thread's first time)",
    ),
    Row(
        "remain-cpu",
        "sched_exit_tp",
        Derived(("is_switch",), "!is_switch"),
        when="of a thread that stays",
        fallback="sched:::preempt, sched:::on-cpu",
    ),
    _changed("set_user_nice", ("p", "nice"), "19 - (int)nice"),
    _changed(
        "__sched_setscheduler",
        ("p", "attr"),
        # SCHED_FIFO and SCHED_RR
        "attr->sched_policy == 1 || attr->sched_policy == 2 ? 40 + (int)attr->sched_priority : "
        "19 - (int)attr->sched_nice",
    ),
    Row(
        "surrender",
        "reschedule_entry",
        Derived(("vector",), "", _RUNNING),
        exactness="on the CPU that was told; x86 alone; an idle CPU that polls is told without",
        fallback="sched:::preempt, sdt:ipi::ipi_send_cpu",
    ),
    Row(
        "tick",
        "sched_tick",
        _TICK,
        exactness="exact; an idle CPU does not tick",
        fallback="profile-100, sdt:sched::sched_stat_runtime",
        kind="entry",
        otherwise=Row("tick", "scheduler_tick", _TICK, kind="entry"),
    ),
)

_ABSENT = {
    "schedctl-nopreempt": "Linux has no schedctl",
    "schedctl-preempt": "Linux has no schedctl",
    "schedctl-yield": "Linux has no schedctl",
    "cpucaps-sleep": "Linux has no CPU caps; nearest: sched:::sleep",
    "cpucaps-wakeup": "Linux has no CPU caps; nearest: sched:::wakeup",
}

PROVIDER = DerivedProvider("sched", _FIRST_ID, _ROWS, _ABSENT)
