"""Checks in the guest: statistics, locks and scheduling that kernel functions stand behind."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.vm.harness import Outcome, check, complete, dscript, expect

# kill(self, 0) begins and ends the part of a workload that counts.
MARKED = "int inside; syscall::kill:entry /pid == $target && arg1 == 0/ { inside = !inside; } "
HEAD = (
    "import os, time, sys\n"
    "told = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)\n"
    "def say(*words): os.write(told, (' '.join(map(str, words)) + '\\n').encode())\n"
    "def mark(): os.kill(os.getpid(), 0)\n"
)


def traced(shared: Path, program: str, workload: str) -> tuple[dict[str, list[str]], Outcome]:
    """Lines of the program and of the workload by their first words."""
    script, told = shared / "statistics.py", shared / "statistics.told"
    script.write_text(HEAD + workload)
    told.write_text("")
    command = f"{sys.executable} -S {script} {told}"
    outcome = complete("-qn", MARKED + program, "-c", command, timeout=200)
    lines = [*outcome.stdout.splitlines(), *told.read_text().splitlines()]
    return {line.split()[0]: line.split()[1:] for line in lines if line.strip()}, outcome


def check_counts(found: dict[str, list[str]], outcome: Outcome, exact: dict[str, int]) -> None:
    counts = {name: int(found[name][0]) if name in found else 0 for name in exact}
    text = f"expected {exact}\nfound {counts}\n"
    shown = Outcome(outcome.status, text + outcome.stdout, outcome.stderr)
    expect(counts == exact, shown)


@check()
def check_statistics_of_files(shared: Path) -> None:
    """Operations on files, each as often as the workload did them."""
    probes = [
        "create",
        "remove",
        "rename",
        "mkdir",
        "rmdir",
        "symlink",
        "link",
        "readlink",
        "getattr",
        "setattr",
        "read",
        "write",
        "map",
    ]
    found, outcome = traced(
        shared,
        f"{', '.join(f'fsinfo:::{probe}' for probe in probes)} "
        ", fsinfo:::lookup, sysinfo:::namei /inside && pid == $target/ "
        "{ @n[probename] = count(); @s[probename] = sum(arg1); } "
        'fsinfo:::mkdir /inside && pid == $target && args[0]->fi_name == "zzd3"/ '
        '{ @n["zzd3"] = count(); } '
        'END { printa("%s %@d\\n", @n); printa("sum-%s %@d\\n", @s); }',
        "import mmap\nos.chdir('/dev/shm')\nmark()\n"
        "for n in range(4): os.close(os.open(f'zz{n}', os.O_CREAT | os.O_WRONLY))\n"
        "for n in range(4): os.chmod(f'zz{n}', 0o600)\n"
        "for n in range(5): os.mkdir(f'zzd{n}')\n"
        "for n in range(5): os.rmdir(f'zzd{n}')\n"
        "for n in range(3): os.rename(f'zz{n}', f'zzr{n}')\n"
        "for n in range(2): os.symlink('nowhere', f'zzs{n}')\n"
        "for n in range(2): os.readlink(f'zzs{n}')\n"
        "os.link('zz3', 'zzl')\n"
        "for n in range(6): os.stat('zz3')\n"
        "fd = os.open('zz3', os.O_RDWR)\n"
        "for n in range(7): os.write(fd, b'x' * 10)\n"
        "os.lseek(fd, 0, 0)\n"
        "for n in range(8): os.read(fd, 5)\n"
        "os.pread(fd, 3, 0)\n"
        "mmap.mmap(fd, 70)\n"
        "for name in ('zz3', 'zzl', 'zzs0', 'zzs1', 'zzr0', 'zzr1', 'zzr2'): os.unlink(name)\n"
        "mark()\n",
    )
    exact = {"create": 4, "setattr": 4, "mkdir": 5, "rmdir": 5, "rename": 3, "symlink": 2}
    exact |= {"readlink": 2, "link": 1, "write": 7, "read": 9, "map": 1, "remove": 7}
    check_counts(found, outcome, exact | {"sum-write": 70, "sum-read": 43, "zzd3": 1})
    # mmap.mmap() looks at the file itself.
    expect(int(found["getattr"][0]) in (6, 7), outcome)
    expect(int(found["namei"][0]) >= 41 and int(found["lookup"][0]) >= 10, outcome)


@check()
def check_statistics_of_locks(shared: Path) -> None:
    """Locks are given back as often as they are had; a pipe has a mutex, memory a semaphore."""
    found, outcome = traced(
        shared,
        "lockstat:::adaptive-acquire, lockstat:::adaptive-release /inside && pid == $target/ "
        "{ @n[probename] = count(); @locks[probename, arg0] = count(); } "
        "lockstat:::rw-acquire, lockstat:::rw-release, lockstat:::rw-downgrade "
        "/inside && pid == $target && arg1 == RW_WRITER/ { @n[probename] = count(); } "
        'END { trunc(@locks, 2); printa("%s %@d\\n", @n); printa("most-%s %x %@d\\n", @locks); }',
        "import mmap\nsource, sink = os.pipe()\nmark()\n"
        "for _ in range(200): os.write(sink, b'x'); os.read(source, 1)\n"
        "for _ in range(50): mmap.mmap(-1, 4096).close()\n"
        "mark()\n",
    )
    counts = {name: int(words[0]) for name, words in found.items() if name[:5] != "most-"}
    most = [(words[0], int(words[1])) for name, words in found.items() if name[:5] == "most-"]
    expect(len(most) == 2 and most[0][0] == most[1][0], outcome)  # the pipe's
    expect(all(400 <= count <= 440 for _, count in most), outcome)
    expect(abs(counts["adaptive-acquire"] - counts["adaptive-release"]) <= 2, outcome)
    expect(counts["rw-acquire"] >= 100, outcome)
    given_back = counts["rw-release"] + counts.get("rw-downgrade", 0)
    expect(abs(counts["rw-acquire"] - given_back) <= 4, outcome)


@check()
def check_statistics_of_scheduling(shared: Path) -> None:
    """Ticks while a thread works, priorities that it sets, its stack as it comes on."""
    found, outcome = traced(
        shared,
        "sched:::tick /inside && pid == $target/ { @n[probename] = count(); "
        "@right = sum(args[1]->pr_pid == pid && args[0]->pr_lwpid == tid); } "
        "sched:::change-pri /inside && pid == $target/ { @p[args[1]->pr_pid == pid, args[2]] = "
        "count(); } "
        "sched:::on-cpu /inside && pid == $target/ { @n[probename] = count(); "
        "@deep = sum(ustackdepth > 0 && tid == curthread->pid); } "
        "sysinfo:::cpu_ticks_user, sysinfo:::cpu_ticks_kernel /inside && pid == $target/ "
        "{ @n[probename] = count(); } "
        'END { printa("%s %@d\\n", @n); printa("right %@d\\n", @right); '
        'printa("deep %@d\\n", @deep); printa("p%d-%d %@d\\n", @p); }',
        "mark()\nstart = time.process_time()\n"
        "while time.process_time() - start < 1: sum(range(1000))\n"
        "os.nice(5)\n"
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(7))\n"
        "for _ in range(20): time.sleep(0.01)\n"
        "say('hz', os.sysconf('SC_CLK_TCK'))\n"
        "mark()\n",
    )
    counts = {name: int(words[0]) for name, words in found.items()}
    # Debian's kernels tick 250 times a second; emulation may lose some.
    expect(150 <= counts["tick"] <= 500 and counts["right"] == counts["tick"], outcome)
    ticks = counts["cpu_ticks_user"] + counts.get("cpu_ticks_kernel", 0)
    expect(abs(ticks - counts["tick"]) <= counts["tick"] // 5, outcome)
    expect(counts.get("p1-14") == 1 and counts.get("p1-47") == 1, outcome)
    expect(counts["on-cpu"] >= 20 and counts["deep"] == counts["on-cpu"], outcome)


@check("6.1", "6.12")
def check_statistics_of_networks(shared: Path) -> None:
    """Against /proc/net/snmp, on loopback."""
    names = "tcpInSegs tcpActiveOpens tcpPassiveOpens udpInDatagrams udpOutDatagrams udpNoPorts "
    names += "ipOutRequests ipInDelivers icmpInMsgs icmpOutMsgs tcpOutSegs"
    quoted = ", ".join(repr(name) for name in names.split())
    found, outcome = traced(
        shared,
        f"{', '.join(f'mib:::{name}' for name in names.split())} /inside/ "
        "{ @n[probename] = sum(arg0); } "
        "mib:::tcpInDataInorderBytes, mib:::tcpInDataInorderSegs /inside/ "
        "{ @n[probename] = sum(arg0); } "
        'END { printa("%s %@d\\n", @n); }',
        "import socket\n"
        "def snmp():\n"
        "    result, lines = {}, open('/proc/net/snmp').read().splitlines()\n"
        "    for keys, values in zip(lines[::2], lines[1::2]):\n"
        "        head, *keys = keys.split()\n"
        "        for key, value in zip(keys, values.split()[1:]):\n"
        "            result[head[:-1].lower() + key] = int(value)\n"
        "    return result\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\none.bind(('127.0.0.1', 0))\n"
        "two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "before = snmp()\nmark()\n"
        "for n in range(5):\n"
        "    a = socket.create_connection(server.getsockname())\n    b, _ = server.accept()\n"
        "    a.sendall(b'x' * 1000)\n    b.recv(1000)\n    a.close()\n    b.close()\n"
        "for n in range(9): two.sendto(b'abc', one.getsockname()); one.recv(9)\n"
        "for n in range(3): two.sendto(b'abc', ('127.0.0.1', 9))\n"
        "time.sleep(0.3)\n"
        "mark()\nafter = snmp()\n"
        f"for name in ({quoted}): say('told-' + name, after[name] - before[name])\n",
    )
    exact = {name: int(found[f"told-{name}"][0]) for name in names.split()}
    check_counts(found, outcome, exact)
    least = {"tcpInSegs": 30, "tcpActiveOpens": 5, "udpInDatagrams": 9, "udpNoPorts": 3}
    expect(all(exact[name] >= count for name, count in least.items()), outcome)
    check_counts(found, outcome, {"tcpInDataInorderBytes": 5000, "tcpInDataInorderSegs": 5})


@check("6.1", "6.12")
def check_statistics_of_memory(shared: Path) -> None:
    """Pages that are swapped, against /proc/vmstat; pages given to a process, copied for it."""
    zero_filled = (
        "do_anonymous_page"
        in Path("/sys/kernel/tracing/available_filter_functions").read_text().split()
    )
    names = ["anonpgin", "anonpgout", "cow_fault", "as_fault"]
    names += ["zfod"] if zero_filled else []
    found, outcome = traced(
        shared,
        f"{', '.join(f'vminfo:::{name}' for name in names)} /inside/ "
        "{ @n[probename] = sum(arg0); @mine[probename] = sum(pid == $target); } "
        'END { printa("%s %@d\\n", @n); printa("mine-%s %@d\\n", @mine); }',
        "import mmap, subprocess\n"
        "def run(*words): subprocess.run(words, check=True, stdout=2, stderr=2)\n"
        "run('modprobe', 'brd', 'rd_nr=1', 'rd_size=16384')\n"
        "devnull = os.open('/dev/null', os.O_WRONLY); os.dup2(devnull, 2)\n"
        "run('swapoff', '-a')\n"  # another check's
        "run('mkswap', '/dev/ram0')\nrun('swapon', '/dev/ram0')\n"
        "def vmstat(): return dict(line.split() for line in open('/proc/vmstat'))\n"
        "area = mmap.mmap(-1, 256 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "area.madvise(15)\n"  # MADV_NOHUGEPAGE
        "before = vmstat()\nmark()\n"
        "for n in range(256): area[n * 4096] = 1\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(60)\n"
        "for n in range(256): area[n * 4096] = 2\n"
        "os.kill(child, 9); os.waitpid(child, 0)\n"
        "area.madvise(21)\n"  # MADV_PAGEOUT
        "for n in range(256): area[n * 4096]\n"
        "mark()\nafter = vmstat()\n"
        "for name in ('pswpin', 'pswpout'): say(name, int(after[name]) - int(before[name]))\n",
    )
    exact = {"anonpgin": int(found["pswpin"][0]), "anonpgout": int(found["pswpout"][0])}
    expect(exact["anonpgout"] >= 200 and exact["anonpgin"] >= 200, outcome)
    check_counts(found, outcome, exact)
    expect(int(found["mine-cow_fault"][0]) >= 256, outcome)
    expect(int(found["mine-as_fault"][0]) >= 512, outcome)
    if zero_filled:
        expect(int(found["mine-zfod"][0]) >= 256, outcome)


@check()
def check_statistics_refuse_to_hang(shared: Path) -> None:
    """Until Linux 6.15 a record where spin locks are had, beside others, could stop a CPU."""
    del shared
    outcome = dscript("-n", "lockstat:::spin-spin { trace(arg1); } tick-1s { trace(1); exit(0); }")
    expect(outcome.status == 1 and "the CPU could hang" in outcome.stderr, outcome)
    outcome = dscript("-qn", "lockstat:::spin-spin { @ = sum(arg1); } tick-1s { exit(0); }")
    expect(outcome.status == 0, outcome)
