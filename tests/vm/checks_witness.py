"""Checks in the guest: statistic probes against counters that somebody else keeps.

/proc/stat, /proc/vmstat, /proc/schedstat, /proc/interrupts, /proc/self/io, the histograms
that tracefs makes of events, or the workload itself.  Nothing else runs in the guest, so that
counts of the whole machine can be compared; where a counter is read a little before or after
the marks between which the probes count, a few more are allowed.
"""

from __future__ import annotations

from pathlib import Path

from tests.vm import checks_every_probe
from tests.vm.checks_statistics import traced
from tests.vm.harness import Outcome, check, expect

KEEP = '{ @n[probename] = sum(arg0); } END { printa("%s %@d\\n", @n); }'

# Histograms of the kernel's own: begun before a mark, read after the next.
HISTOGRAMS = r"""
import re
def trigger(event): return f"/sys/kernel/tracing/events/{event}/trigger"
def begin(event, key):
    with open(trigger(event), "w") as file: file.write(f"hist:keys={key}")
def end(event, key):
    name = trigger(event).replace("trigger", "hist")
    found = dict(re.findall(r"\{ \w+: +(\S+) *\} hitcount: +(\d+)", open(name).read()))
    with open(trigger(event), "w") as file: file.write(f"!hist:keys={key}")
    return {name: int(count) for name, count in found.items()}
"""


def between(found: dict[str, list[str]], outcome: Outcome, slack: dict[str, int]) -> None:
    """The workload told of `NAME` no less than the probe counted, and at most so much more."""
    wrong = {}
    for name, more in slack.items():
        own, told = (int(found[key][0]) if key in found else 0 for key in (name, f"told-{name}"))
        if not 0 < own <= told <= own + more:
            wrong[name] = (own, told)
    text = f"probe: (its count, the other): {wrong}\n{outcome.stdout}"
    expect(not wrong, Outcome(outcome.status, text, outcome.stderr))


@check()
def check_witness_memory(shared: Path) -> None:
    """Pages scanned, freed, wanted again, read and written: /proc/vmstat and /proc/self/io."""
    folder = checks_every_probe.disk()
    (folder / "alone").touch()
    machine = ["dfree", "anonfree", "fsfree", "scan", "pgrrun", "pgrec"]
    found, outcome = traced(
        shared,
        f"{', '.join(f'vminfo:::{name}' for name in machine)} /inside/ {KEEP} "
        "vminfo:::fspgin, vminfo:::fspgout /inside && pid == $target/ "
        "{ @n[probename] = sum(arg0); }",
        "sys.path.insert(0, os.getcwd())\n"
        "from pathlib import Path\n"
        "from tests.providers import probe_work\n"
        "def vmstat():\n    lines = [line.split() for line in open('/proc/vmstat')]\n"
        "    return {name: int(value) for name, value in lines}\n"
        "def io(): return [int(l.split()[1]) for l in open('/proc/self/io')][4:6]\n"
        f"folder = Path({str(folder)!r})\n"
        "fd = probe_work._dropped(folder, 8)\n"
        "out = os.open(folder / 'out', os.O_RDWR | os.O_CREAT, 0o600)\n"
        "before, read = vmstat(), io()\nmark()\n"
        "for n in range(8): os.pread(fd, 1 << 16, n << 16)\n"
        "os.write(out, bytes(1 << 18)); os.fsync(out)\n"
        "done = io()\n"
        "probe_work._run_short()\nprobe_work._reclaim(folder)\n"
        "mark()\nafter = vmstat()\n"
        "more = {name: after[name] - before[name] for name in after}\n"
        "say('told-anonfree', more['pgsteal_anon'])\nsay('told-fsfree', more['pgsteal_file'])\n"
        "say('told-dfree', more['pgsteal_anon'] + more['pgsteal_file'])\n"
        "say('told-scan', more['pgscan_anon'] + more['pgscan_file'])\n"
        "say('told-pgrrun', more['pageoutrun'])\n"
        "say('told-pgrec', more['workingset_refault_anon'] + more['workingset_refault_file'])\n"
        "say('told-fspgin', (done[0] - read[0]) // 4096)\nsay('told-fspgout', 64 + 4096)\n",
    )
    scanned, wanted = int(found["told-scan"][0]), int(found["told-pgrec"][0])
    exact = dict.fromkeys(("dfree", "anonfree", "fsfree", "fspgout"), 0)
    # What is looked at in vain leaves no event.
    between(found, outcome, exact | {"scan": scanned // 2, "pgrrun": 1})
    # Pages whose group is gone meanwhile are not counted by the kernel; a file has metadata.
    shown = Outcome(0, f"{found}", outcome.stderr)
    expect(0 < wanted <= int(found["pgrec"][0]) <= wanted + wanted // 20, shown)
    expect(0 <= int(found["fspgin"][0]) - int(found["told-fspgin"][0]) <= 4, shown)


@check()
def check_witness_system(shared: Path) -> None:
    """Ticks, switches to nothing, interrupts, moves, terminals, modules, limits."""
    names = ["idlethread", "intr", "cpumigrate", "xcalls", "rawch", "canch", "outch", "modload"]
    names += ["modunload", "procovf", "cpu_ticks_user", "cpu_ticks_kernel", "cpu_ticks_idle"]
    found, outcome = traced(
        shared,
        f"{', '.join(f'sysinfo:::{name}' for name in names)} /inside/ {KEEP}",
        f"sys.path.insert(0, os.getcwd())\n{HISTOGRAMS}"
        "import subprocess, termios, threading\n"
        "from tests.providers import probe_work as work\n"
        "open('/proc/sys/kernel/sched_schedstats', 'w').write('1')\n"
        "def numbers(file, head):\n"
        "    return [[int(n) for n in line.split()[1:] if n.isdigit()] "
        "for line in open(file) if line.split()[:1] and line.split()[0].startswith(head)]\n"
        "def look():\n"
        "    user, nice, system, idle, wait, irq, soft, *_ = numbers('/proc/stat', 'cpu')[0]\n"
        "    return {'idlethread': sum(row[3] for row in numbers('/proc/schedstat', 'cpu')),\n"
        "            'intr': numbers('/proc/stat', 'intr')[0][0],\n"
        "            'xcalls': sum(numbers('/proc/interrupts', 'CAL')[0]),\n"
        "            'cpu_ticks_user': user + nice, 'cpu_ticks_kernel': system + irq + soft,\n"
        "            'cpu_ticks_idle': idle + wait}\n"
        "begin('sched/sched_migrate_task', 'orig_cpu')\n"
        "before = look()\nmark()\n"
        "work.busy(1)\n"
        "end_of_kernel = time.monotonic() + 1\n"
        "while time.monotonic() < end_of_kernel: os.listdir('/usr/bin')\n"
        "work._migrate()\nwork._unmap_beside_a_thread()\nwork._too_many()\n"
        "for _ in range(20): time.sleep(0.02)\n"
        # Both ends are terminals: what one writes the other gets.
        "leader, follower = os.openpty()\n"
        "mode = termios.tcgetattr(follower)\nmode[3] &= ~termios.ECHO\n"
        "termios.tcsetattr(follower, termios.TCSANOW, mode)\n"
        "os.write(leader, b'typed\\n' * 7); os.read(follower, 100); os.read(follower, 100)\n"
        "os.write(follower, b'shown' * 9)\n"
        "for command in (['modprobe', 'dummy'], ['rmmod', 'dummy']):\n"
        "    subprocess.run(command, check=True)\n"
        "time.sleep(0.5)\n"
        "mark()\nafter = look()\n"
        "for name in before: say('told-' + name, after[name] - before[name])\n"
        "say('told-cpumigrate', sum(end('sched/sched_migrate_task', 'orig_cpu').values()))\n"
        "for name, count in (('rawch', 87), ('canch', 12), ('outch', 87), ('modload', 1), "
        "('modunload', 1), ('procovf', 1)): say('told-' + name, count)\n",
    )
    exact = {"rawch": 0, "canch": 0, "outch": 0, "modload": 0, "modunload": 0, "procovf": 0}
    # Between a look and a mark there are some more.
    outcome = Outcome(outcome.status, f"{found}", outcome.stderr)
    between(found, outcome, exact | {"cpumigrate": 6})
    # On each of 2 CPUs one call is one interrupt, whichever way it was sent.
    for name in ("idlethread", "intr", "xcalls"):
        own, told = int(found[name][0]), int(found[f"told-{name}"][0])
        expect(abs(own - told) <= 20 + told // 20, outcome)
    # /proc/stat counts in hundredths of a second, kernels of Debian 250 times in one; it
    # has the time of idle CPUs by the clock, not by ticks.
    for name, part in (("cpu_ticks_user", 10), ("cpu_ticks_kernel", 10), ("cpu_ticks_idle", 3)):
        own, told = int(found[name][0]), int(found[f"told-{name}"][0]) * 2.5
        expect(own > 0 and abs(own - told) <= 10 + told / part, outcome)
