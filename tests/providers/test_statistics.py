"""sysinfo, vminfo, mib, fsinfo: what their probes count, against what the kernel itself counts.

Those that need kernel functions are for the guest (tests/vm/checks_statistics.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dscript.providers import Pattern, listing
from tests.providers.derived_support import refused, traced

# kill(self, 0) begins and ends the part of the workload that counts.
MARKED = "syscall::kill:entry /pid == $target && arg1 == 0/ { inside = !inside; } "
MARK = "os.kill(os.getpid(), 0)\n"


def counted(
    folder: Path, probes: str, workload: str, where: str = "pid == $target"
) -> dict[str, int]:
    """Sums of arg0 by probe name between two marks; what the workload tells, as `told NAME`."""
    program = (
        f"int inside; {probes} /inside && {where}/ {{ @[probename] = sum(arg0); }} {MARKED}"
        'END { printa("%s %@d\\n", @); }'
    )
    seen, told = traced(folder, program, workload)
    result = {name: int(value) for name, value in seen}
    result.update({f"told {name}": int(value) for name, value in told})
    return result


def test_characters_read_and_written(tmp_path: Path) -> None:
    """As /proc/PID/io has them, and the calls as the workload made them."""
    found = counted(
        tmp_path,
        "sysinfo:::readch, sysinfo:::writech, sysinfo:::sysread, sysinfo:::syswrite, "
        "sysinfo:::syscall",
        "null, zero = os.open('/dev/null', os.O_WRONLY), os.open('/dev/zero', os.O_RDONLY)\n"
        "io = os.open('/proc/self/io', os.O_RDONLY)\n"
        "before = os.pread(io, 4096, 0)\n"
        f"{MARK}"
        "for n in range(100): os.write(null, b'x' * n)\n"
        "for n in range(70): os.readv(zero, [bytearray(n), bytearray(3)])\n"
        "try: os.read(99, 5)\n"
        "except OSError: pass\n"
        f"{MARK}"
        "after = os.pread(io, 4096, 0)\n"
        "def numbers(text): return [int(line.split()[1]) for line in text.splitlines()]\n"
        # The first look counts as read when it is over.
        "read, written = (b - a for a, b in list(zip(numbers(before), numbers(after)))[:2])\n"
        "say('readch', read - len(before))\nsay('writech', written)\n",
    )
    assert found["writech"] == found["told writech"] == sum(range(100))
    assert found["readch"] == found["told readch"] == sum(range(70)) + 210
    assert (found["syswrite"], found["sysread"]) == (100, 71)
    # The second mark: getpid(2) and kill(2), whose clause comes later.
    assert found["syscall"] == 171 + 2


def test_processes_and_threads(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        "sysinfo:::sysfork, sysinfo:::sysvfork, sysinfo:::nthreads, sysinfo:::sysexec",
        f"{MARK}"
        "for _ in range(7):\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "for _ in range(5):\n"
        "    child = os.posix_spawn('/bin/true', ['true'], {})\n"
        "    os.waitpid(child, 0)\n"
        "for _ in range(4):\n"
        "    thread = threading.Thread(target=int)\n    thread.start()\n    thread.join()\n"
        f"{MARK}",
        "(pid == $target || ppid == $target)",
    )
    assert found == {"sysfork": 7, "sysvfork": 5, "nthreads": 16, "sysexec": 5}


def test_switches(tmp_path: Path) -> None:
    """As /proc/PID/status counts them."""
    found = counted(
        tmp_path,
        "sysinfo:::pswitch, sysinfo:::inv_swtch",
        "import resource\n"
        "def look():\n    u = resource.getrusage(resource.RUSAGE_THREAD)\n"
        "    return u.ru_nvcsw, u.ru_nivcsw\n"
        f"{MARK}a = look()\n"
        "for _ in range(40): time.sleep(0.001)\n"
        "end = time.monotonic() + 0.3\n"
        "while time.monotonic() < end: os.sched_yield()\n"
        f"b = look()\n{MARK}"
        "say('all', b[0] - a[0] + b[1] - a[1])\nsay('forced', b[1] - a[1])\n",
    )
    # A switch may fall between a mark and a look.
    assert 0 <= found["pswitch"] - found["told all"] <= 4
    assert 0 <= found.get("inv_swtch", 0) - found["told forced"] <= 4
    assert found["pswitch"] >= 40


def test_messages_and_semaphores(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        "sysinfo:::msg, sysinfo:::sema",
        "import ctypes\nc = ctypes.CDLL(None)\n"
        "queue, set_ = c.msgget(0, 0o600), c.semget(0, 1, 0o600)\n"
        "message = ctypes.create_string_buffer(b'\\1' + 7 * b'\\0' + b'text', 64)\n"
        "up = (ctypes.c_short * 3)(0, 1, 0)\n"
        f"{MARK}"
        "for _ in range(6):\n"
        "    assert c.msgsnd(queue, message, 4, 0) == 0\n"
        "    assert c.msgrcv(queue, message, 4, 0, 0) == 4\n"
        "for _ in range(9): assert c.semop(set_, up, 1) == 0\n"
        f"{MARK}"
        "c.msgctl(queue, 0, None)\nc.semctl(set_, 0, 0)\n",
    )
    assert found == {"msg": 12, "sema": 9}


FAULTS = (
    "import mmap, resource\n"
    "def look():\n    u = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    return u.ru_minflt, u.ru_majflt\n"
    "area = mmap.mmap(-1, 400 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
    "area.madvise(mmap.MADV_NOHUGEPAGE)\n"
)


def test_page_faults(tmp_path: Path) -> None:
    """Touching pages for the first time, writing to pages shared since fork()."""
    found = counted(
        tmp_path,
        "vminfo:::as_fault, vminfo:::prot_fault, vminfo:::cow_fault, sysinfo:::trap",
        f"{FAULTS}{MARK}a = look()\n"
        "for n in range(400): area[n * 4096] = 1\n"
        "b = look()\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(9)\n"
        "c = look()\n"
        "for n in range(400): area[n * 4096] = 2\n"
        f"d = look()\n{MARK}"
        "os.kill(child, 9)\nos.waitpid(child, 0)\n"
        "say('first', sum(b) - sum(a))\nsay('copied', sum(d) - sum(c))\n"
        "say('all', sum(d) - sum(a))\n",
    )
    assert 400 <= found["told first"] <= found["as_fault"]
    assert 400 <= found["told copied"] <= found["prot_fault"]
    assert 400 <= found["cow_fault"] <= found["prot_fault"]
    assert 0 <= found["trap"] - found["told all"] <= 60
    assert found["as_fault"] + found["prot_fault"] == found["trap"]


def test_major_faults(tmp_path: Path) -> None:
    """Pages of a file that are not in memory, as the process's own count has them."""
    file = tmp_path / "pages"
    file.write_bytes(b"x" * 4096 * 64)
    found = counted(
        tmp_path,
        "vminfo:::maj_fault",
        f"{FAULTS}"
        f"fd = os.open({str(file)!r}, os.O_RDONLY)\n"
        "os.fsync(fd)\nos.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)\n"
        "pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)\n"
        "pages.madvise(mmap.MADV_RANDOM)\n"
        f"{MARK}a = look()\n"
        "for n in range(64): pages[n * 4096]\n"
        f"b = look()\n{MARK}say('major', b[1] - a[1])\n",
    )
    if not found["told major"]:
        pytest.skip("the temporary folder is not on a disk")
    assert found["maj_fault"] == found["told major"] == 64


def test_paging(tmp_path: Path) -> None:
    """Reads of a disk in KiB, as /proc/PID/io counts them; waits for them; interrupts."""
    file = tmp_path / "blocks"
    file.write_bytes(b"x" * 65536 * 20)
    found = counted(
        tmp_path,
        "vminfo:::pgpgin, vminfo:::pgin, sysinfo:::bread, vminfo:::pgpgout, vminfo:::pgout",
        "import mmap\n"
        f"try: fd = os.open({str(file)!r}, os.O_RDWR | os.O_DIRECT)\n"
        "except OSError: raise SystemExit\n"
        "os.fsync(fd)\nbuffer = mmap.mmap(-1, 65536)\n"
        "def look():\n    return [int(l.split()[1]) for l in open('/proc/self/io')][4:6]\n"
        f"a = look()\n{MARK}"
        "for n in range(20): os.preadv(fd, [buffer], n * 65536)\n"
        "for n in range(10): os.pwritev(fd, [buffer], n * 65536)\n"
        f"{MARK}b = look()\nsay('read', b[0] - a[0])\nsay('written', b[1] - a[1])\n",
    )
    if not found.get("told read"):
        pytest.skip("the temporary folder is not on a disk")
    assert found["pgpgin"] * 4096 == found["told read"] == 20 * 65536
    assert found["pgpgout"] * 4096 == found["told written"] == 10 * 65536
    assert found["pgin"] == found["bread"] >= 20 and found["pgout"] >= 10


def agreeing(folder: Path, probes: str, workload: str, least: dict[str, int]) -> dict[str, int]:
    """What `counted` gives, once the machine's counters of these names agree with the probes.

    Others may use the network between the kernel's count and a mark, so once is enough; the
    workload alone makes each of them `least` at least.
    """
    for _ in range(4):
        found = counted(folder, probes, workload, "1")
        pairs = {name: (found.get(name, 0), found[f"told {name}"]) for name in least}
        if all(own == told for own, told in pairs.values()):
            break
    assert all(own == told >= least[name] for name, (own, told) in pairs.items()), pairs
    return found


SNMP = (
    "def snmp():\n"
    "    result, lines = {}, open('/proc/net/snmp').read().splitlines()\n"
    "    for names, values in zip(lines[::2], lines[1::2]):\n"
    "        head, *keys = names.split()\n"
    "        for key, value in zip(keys, values.split()[1:]): "
    "result[head[:-1].lower() + key] = int(value)\n"
    "    return result\n"
    "import socket, struct\n"
    "def look(before, *names):\n"
    "    after = snmp()\n    for name in names: say(name, after[name] - before[name])\n"
)


@pytest.mark.usefixtures("alone_on_the_network")
def test_connections(tmp_path: Path) -> None:
    """The states of TCP, as /proc/net/snmp counts them."""
    least = {"tcpActiveOpens": 20, "tcpPassiveOpens": 12, "tcpAttemptFails": 8}
    least |= {"tcpEstabResets": 10}
    found = agreeing(
        tmp_path,
        ", ".join(f"mib:::{name}" for name in (*least, "tcpOutRsts", "tcpOutDataBytes")),
        f"{SNMP}"
        "server = socket.create_server(('127.0.0.1', 0))\nplace = server.getsockname()\n"
        f"before = snmp()\n{MARK}"
        "for n in range(12):\n"
        "    one = socket.create_connection(place)\n    two, _ = server.accept()\n"
        "    one.sendall(b'x' * 100)\n    two.recv(100)\n"
        "    if n < 5: two.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "
        "struct.pack('ii', 1, 0))\n"
        "    two.close()\n    one.close()\n"
        "server.close()\n"
        "for _ in range(8):\n    try: socket.create_connection(place)\n"
        "    except OSError: pass\n"
        f"{MARK}look(before, {', '.join(map(repr, least))})\n",
        least,
    )
    assert found["tcpOutRsts"] >= 13
    assert found["tcpOutDataBytes"] >= 1200


@pytest.mark.usefixtures("alone_on_the_network")
def test_datagrams_and_icmp(tmp_path: Path) -> None:
    least = {"udpInDatagrams": 15, "udpOutDatagrams": 21, "udpNoPorts": 6, "icmpInMsgs": 14}
    least |= {"icmpOutMsgs": 14, "icmpInEchos": 4, "icmpInEchoReps": 4, "icmpOutEchoReps": 4}
    least |= {"icmpInDestUnreachs": 6, "ipInReceives": 35}
    agreeing(
        tmp_path,
        ", ".join(f"mib:::{name}" for name in least),
        f"{SNMP}"
        "one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\none.bind(('127.0.0.1', 0))\n"
        "two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "three = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nthree.bind(('127.0.0.1', 0))\n"
        "closed = three.getsockname()\nthree.close()\n"
        "raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n"
        "echo = struct.pack('!BBHHH', 8, 0, 0xf7ff - 9, 0, 9)\n"
        f"before = snmp()\n{MARK}"
        "for _ in range(15): two.sendto(b'abc', one.getsockname()); one.recv(9)\n"
        "for _ in range(6): two.sendto(b'abc', closed)\n"
        "for _ in range(4): raw.sendto(echo, ('127.0.0.1', 0)); raw.recv(99)\n"
        "time.sleep(0.05)\n"
        f"{MARK}look(before, {', '.join(map(repr, least))})\n",
        least,
    )


@pytest.mark.usefixtures("alone_on_the_network")
def test_a_segment_sent_again(tmp_path: Path) -> None:
    """Nobody answers a connection that a full queue leaves out: its request is sent again."""
    agreeing(
        tmp_path,
        "mib:::tcpRetransSegs",
        f"{SNMP}"
        "server = socket.socket()\nserver.bind(('127.0.0.1', 0))\nserver.listen(0)\n"
        "first = socket.create_connection(server.getsockname())\n"
        "late = socket.socket()\nlate.setblocking(False)\n"
        f"before = snmp()\n{MARK}"
        "late.connect_ex(server.getsockname())\ntime.sleep(1.3)\n"
        f"{MARK}look(before, 'tcpRetransSegs')\n",
        {"tcpRetransSegs": 1},
    )


def test_operations_on_files(tmp_path: Path) -> None:
    """Which file, and how much: arg1."""
    file = tmp_path / "a file"
    seen, _ = traced(
        tmp_path,
        "fsinfo:::open, fsinfo:::read, fsinfo:::write, fsinfo:::seek, fsinfo:::fsync, "
        "fsinfo:::space, fsinfo:::close, fsinfo:::ioctl, fsinfo:::frlock "
        '/pid == $target && args[0]->fi_name == "a file"/ '
        "{ @n[probename, args[0]->fi_pathname] = count(); @s[probename] = sum(arg1); } "
        "fsinfo:::readdir /pid == $target/ { @n[probename, args[0]->fi_pathname] = count(); } "
        'END { printa("%s %@d %s\\n", @n); printa("%s sum %@d\\n", @s); }',
        "import fcntl\n"
        f"fd = os.open({str(file)!r}, os.O_RDWR | os.O_CREAT)\n"
        "for n in range(10): os.write(fd, b'y' * n)\n"
        "os.lseek(fd, 0, 0)\n"
        "for n in range(5): os.read(fd, 7)\n"
        "os.pread(fd, 3, 1)\n"
        "os.fsync(fd)\nos.ftruncate(fd, 99)\nfcntl.flock(fd, 2)\n"
        "fcntl.ioctl(fd, 0x5421, b'\\0' * 4)\n"  # FIONBIO
        "os.close(fd)\n"
        f"os.listdir({str(tmp_path)!r})\n",
    )
    text = [" ".join(words) for words in seen]
    for probe, count in (
        ("open", 1), ("write", 10), ("read", 6), ("seek", 1), ("fsync", 1), ("space", 1),
        ("frlock", 1), ("ioctl", 1), ("close", 1),
    ):  # fmt: skip
        assert f"{probe} {count} {file}" in text
    assert "write sum 45" in text and "read sum 38" in text
    assert any(line.startswith("readdir ") and line.endswith(str(tmp_path)) for line in text)


@pytest.mark.parametrize("provider", ["sysinfo", "vminfo", "mib", "fsinfo", "lockstat"])
def test_every_probe_that_is_listed_loads(tmp_path: Path, provider: str) -> None:
    """Conditions and arguments of all of them are understood and pass the verifier."""
    names = {point.probe.name for point in listing(Pattern(provider, "", "", "")).points}
    assert len(names) >= 4
    traced(tmp_path, f"{provider}::: {{ @[probename, arg0, arg1] = count(); }}", "pass\n")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("sysinfo:::ufsiget {}", "nearest: sdt:ext4::"),
        ("vminfo:::swapin {}", "Linux swaps pages, not processes; nearest: vminfo:::anonpgin"),
        ("fsinfo:::poll {}", "nearest: syscall::poll:entry"),
        ("mib:::tcpListenDrop {}", "nearest: sdt:skb::kfree_skb"),
        ("sysinfo:::readcj {}", "did you mean sysinfo:::readch?"),
        ("lockstat:::rw-upgrade {}", "nearest: lockstat:::rw-acquire"),
        ("lockstat:::spin-acquire {}", "nearest: lockstat:::spin-spin"),
    ],
)
def test_what_is_not_there_is_said(program: str, message: str) -> None:
    assert message in refused(program)
