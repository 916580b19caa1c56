"""sched probes: whose context they run in, and that switches pair up."""

from __future__ import annotations

from pathlib import Path

import pytest

from dscript.kernel import btf
from dscript.providers import fbt
from tests.providers.derived_support import refused, traced

SLEEPS = "say(os.getpid())\nfor _ in range(20): time.sleep(0.005)\n"


def test_on_cpu_is_about_the_thread_that_comes_on(tmp_path: Path) -> None:
    """Its numbers, name and thread-local variables; the thread that goes off is another."""
    seen, _ = traced(
        tmp_path,
        "sched:::sleep /pid == $target/ { self->slept = 1; slept[tid]++; } "
        "sched:::on-cpu /pid == $target && self->slept/ "
        "{ @on = count(); @right = sum(tid == curthread->pid && pid == curthread->tgid && "
        "execname == stringof(curthread->comm) && curpsinfo->pr_pid == pid && "
        "uid == curthread->cred->uid.val && slept[tid] > 0); self->slept = 0; } "
        'END { printa("%@d %@d\\n", @on, @right); }',
        SLEEPS,
    )
    count, right = map(int, seen[0])
    assert count >= 15  # a sleep may be over before it began
    assert right == count


def test_time_on_and_off_the_cpu(tmp_path: Path) -> None:
    """Twenty sleeps of 5 ms are off the CPU, as the workload's own clock has it."""
    seen, _ = traced(
        tmp_path,
        "sched:::off-cpu /pid == $target/ { self->off = timestamp; } "
        "sched:::on-cpu /self->off/ "
        "{ @off = sum(timestamp - self->off); self->off = 0; } "
        'END { printa("%@d\\n", @off); }',
        "start = time.monotonic_ns()\nfor _ in range(20): time.sleep(0.005)\n"
        "say(time.monotonic_ns() - start, time.process_time_ns())\n",
    )
    assert int(seen[0][0]) >= 20 * 5_000_000


def test_off_cpu_names_the_next_thread(tmp_path: Path) -> None:
    """What off-cpu calls next is what on-cpu then fires for, on the same CPU."""
    seen, _ = traced(
        tmp_path,
        "sched:::off-cpu { next[cpu] = args[0]->pr_lwpid + 1; } "
        "sched:::on-cpu /next[cpu]/ "
        "{ @all = count(); @same = sum(next[cpu] == curlwpsinfo->pr_lwpid + 1); } "
        'END { printa("%@d %@d\\n", @all, @same); }',
        SLEEPS,
    )
    count, same = map(int, seen[0])
    assert count >= 15  # a sleep may be over before it began
    assert same == count


def test_wakeups_and_the_run_queue(tmp_path: Path) -> None:
    """A thread that writes to a pipe wakes the one that reads; woken threads are queued."""
    seen, _ = traced(
        tmp_path,
        "sched:::wakeup /pid == $target && args[1]->pr_pid == $target/ "
        "{ @wakeups[args[0]->pr_lwpid != tid] = count(); } "
        "sched:::enqueue /args[1]->pr_pid == $target/ { @in = count(); "
        "@known = sum(args[2]->cpu_id >= 0 && args[2]->cpu_id < `nr_cpu_ids); } "
        "sched:::dequeue /args[1]->pr_pid == $target/ { @out = count(); "
        "@here = sum(args[2]->cpu_id == cpu); } "
        'END { printa("%d %@d\\n", @wakeups); printa("%@d %@d\\n", @in, @out); '
        'printa("%@d %@d\\n", @known, @here); }'.replace(" < `nr_cpu_ids", " < 4096"),
        "source, sink = os.pipe()\n"
        "def read():\n    for _ in range(30): os.read(source, 1)\n"
        "thread = threading.Thread(target=read)\nthread.start()\n"
        "for _ in range(30):\n    time.sleep(0.002)\n    os.write(sink, b'x')\n"
        "thread.join()\n",
    )
    wakeups = {int(who): int(count) for who, count in seen[:-2]}
    assert wakeups.get(1, 0) >= 20  # a busy reader is still awake
    (entered, left), (known, here) = ([int(word) for word in words] for words in seen[-2:])
    assert entered >= 60 and abs(entered - left) <= 4
    assert (known, here) == (entered, left)


def test_on_cpu_with_the_memory_of_the_thread(tmp_path: Path) -> None:
    """Behind the switch it is the running one, where the kernel has an event there."""
    if btf.find(btf.Kind.TYPEDEF, "btf_trace_sched_exit_tp") is None and not fbt.mechanisms():
        assert "ustackdepth is not available" in refused("sched:::on-cpu { trace(ustackdepth); }")
        return
    seen, _ = traced(
        tmp_path,
        # A thread that has no program yet, or none any more, has no stack either.
        "syscall::clock_nanosleep:entry, syscall::clock_nanosleep:return /pid == $target/ "
        '{ self->in = probename == "entry"; } '
        "sched:::on-cpu /pid == $target && self->in/ { @on = count(); "
        "@deep = sum(ustackdepth > 0 && execname == stringof(curthread->comm) && "
        "tid == curthread->pid); } "
        'END { printa("%@d %@d\\n", @on, @deep); }',
        SLEEPS,
    )
    count, deep = map(int, seen[0])
    assert count >= 15 and deep == count


def test_on_cpu_with_the_stack_of_the_thread(tmp_path: Path) -> None:
    """Where one clause takes it all fire behind the switch: in program order, with one `this->`."""
    if btf.find(btf.Kind.TYPEDEF, "btf_trace_sched_exit_tp") is None and not fbt.mechanisms():
        assert "stack( ) is not available" in refused("sched:::on-cpu { @[stack()] = count(); }")
        return
    seen, _ = traced(
        tmp_path,
        "sched:::off-cpu /pid == $target/ { self->off = 1; } "
        "sched:::on-cpu { this->subject = tid; } "
        "sched:::on-cpu /self->off/ { @on = count(); @same = sum(this->subject == tid); "
        "@stacks[stack()] = count(); } "
        "sched:::on-cpu { self->off = 0; } "
        'END { printa("%@d %@d\\n", @on, @same); printa("%k%@d\\n", @stacks); }',
        SLEEPS,
    )
    count, same = map(int, seen[0])
    assert count >= 15 and same == count
    text = "\n".join(" ".join(words) for words in seen)
    assert "nanosleep" in text
    assert "traceiter" not in text


def test_staying_on_the_cpu(tmp_path: Path) -> None:
    """With nobody else to run there, sched_yield() keeps the CPU or changes to another thread."""
    if btf.find(btf.Kind.TYPEDEF, "btf_trace_sched_exit_tp") is None:
        assert "no tracepoint sched_exit_tp" in refused("sched:::remain-cpu {}")
        return
    seen, _ = traced(
        tmp_path,
        "sched:::remain-cpu /pid == $target/ { @stay = count(); } "
        "syscall::sched_yield:entry /pid == $target/ { @yield = count(); } "
        "sched:::off-cpu /pid == $target/ { @off = count(); } "
        'END { printa("%@d %@d %@d\\n", @yield, @stay, @off); }',
        "for _ in range(300): os.sched_yield()\n",
    )
    yields, stayed, left = map(int, seen[0])
    assert yields == 300
    assert stayed > 0 and stayed + left >= 300


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("sched:::on-cpu { trace(args[0]); }", "[D_ARGS_IDX]"),
        ("sched:::schedctl-yield {}", "Linux has no schedctl"),
        ("sched:::cpucaps-sleep {}", "nearest: sched:::sleep"),
    ],
)
def test_what_cannot_be_is_said(program: str, message: str) -> None:
    assert message in refused(program)
