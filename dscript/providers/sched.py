"""The sched provider: threads on and off the CPUs (manual, chapter "sched Provider").

`on-cpu` fires where the kernel switches, before the switch; the thread that comes on is its
subject: `pid`, `execname`, `self->` and their like are that thread's.
"""

from __future__ import annotations

from dscript.providers.base import Derived
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
        Derived(_SWITCH, subject=2),
        exactness="before the switch, with the thread that comes on as its subject",
    ),
)

_ABSENT = {
    "remain-cpu": "Linux has no event for a scheduler that chose the thread that was running",
    "change-pri": "Linux has no event for it; nearest: sdt:sched::sched_pi_setprio, "
    "syscall::setpriority:entry, syscall::sched_setscheduler:entry",
    "surrender": "Linux does not tell it from preempt; nearest: sched:::preempt, "
    "syscall::sched_yield:entry",
    "tick": "nearest: profile-100, sdt:sched::sched_stat_runtime",
    "schedctl-nopreempt": "Linux has no schedctl",
    "schedctl-preempt": "Linux has no schedctl",
    "schedctl-yield": "Linux has no schedctl",
    "cpucaps-sleep": "Linux has no CPU caps; nearest: sched:::sleep",
    "cpucaps-wakeup": "Linux has no CPU caps; nearest: sched:::wakeup",
}

PROVIDER = DerivedProvider("sched", _FIRST_ID, _ROWS, _ABSENT)
