"""Workloads that make every probe of a provider fire.

`probe_work.py PROVIDER FOLDER` does the work of one provider; FOLDER is on a disk where there
is one.  Processes, folders and network namespaces are the workload's own.  Which probes must
have fired is for those to say that run it (test_every_probe.py, tests/vm/checks_every_probe.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
BLOCK = 1 << 16
# A file in FOLDER that says: the machine is the workload's alone.
ALONE = "alone"


def child(work: Callable[[], object]) -> int:
    """How a process that does this work ended (os.waitpid)."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(Exception):
            work()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def together(*works: Callable[[], object]) -> None:
    """All at once, a process each."""
    pids = []
    for work in works:
        pids.append(os.fork())
        if pids[-1] == 0:
            with contextlib.suppress(Exception):
                work()
            os._exit(0)
    for pid in pids:
        os.waitpid(pid, 0)


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


# ------------------------------------------------------------------------------- processes


def proc(folder: Path) -> None:
    def signals() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        os.kill(os.getpid(), signal.SIGHUP)
        signal.sigtimedwait([signal.SIGHUP], 5)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.string_at(8)

    child(signals)
    child(lambda: os.execv(folder / "nothing", ["nothing"]))
    child(lambda: os.execv("/bin/true", ["true"]))
    thread = threading.Thread(target=time.sleep, args=(0.05,))
    thread.start()
    thread.join()


def sched(folder: Path) -> None:
    def yields() -> None:
        for _ in range(200):
            os.sched_yield()

    busy(0.05)
    together(*[lambda: busy(0.15)] * 2 * len(os.sched_getaffinity(0)))
    together(yields, lambda: os.nice(5))
    for _ in range(20):
        time.sleep(0.002)
    _wake_each_other()
    # A thread of more urgency: the CPU that runs another is told to give way.
    together(_urgent, lambda: busy(0.3), lambda: busy(0.3))


def _urgent() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(3))
    for _ in range(30):
        os.sched_setaffinity(0, {0})
        time.sleep(0.003)
        os.sched_setaffinity(0, {max(os.sched_getaffinity(1))})
        time.sleep(0.003)


def _wake_each_other() -> None:
    """Two processes on two CPUs and a pipe each way."""
    to, back = os.pipe(), os.pipe()

    def answer() -> None:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(1))})
        for _ in range(200):
            os.write(back[1], os.read(to[0], 1))

    def ask() -> None:
        os.sched_setaffinity(0, {0})
        for _ in range(200):
            os.write(to[1], b"x")
            os.read(back[0], 1)

    together(answer, ask)


def cpc(folder: Path) -> None:
    busy(0.1)
    _touch_and_copy()
    _read_mapped(folder)
    _migrate()


def _migrate() -> None:
    cpus = sorted(os.sched_getaffinity(0))
    for n in range(10):
        os.sched_setaffinity(0, {cpus[n % len(cpus)]})
    os.sched_setaffinity(0, cpus)


# -------------------------------------------------------------------------------- memory


def _touch_and_copy() -> None:
    """Pages had for the first time; copied, since a child shares them; pages of the kernel."""
    area = mmap.mmap(-1, 200 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(mmap.MADV_NOHUGEPAGE)

    def touch() -> None:
        for n in range(200):
            area[n * 4096] = area[n * 4096] ^ 1

    touch()
    child(touch)


def _dropped(folder: Path, blocks: int) -> int:
    """A file whose pages are on the disk alone."""
    fd = os.open(folder / f"dropped{blocks}", os.O_RDWR | os.O_CREAT, 0o600)
    for n in range(blocks):
        os.pwrite(fd, bytes([n % 256]) * BLOCK, n * BLOCK)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return fd


def _read_mapped(folder: Path) -> None:
    fd = _dropped(folder, 2)
    pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    for n in range(0, 2 * BLOCK, 4096):
        pages[n]
    os.close(fd)


def io(folder: Path) -> None:
    fd = _dropped(folder, 8)
    for n in range(8):
        os.pread(fd, BLOCK, n * BLOCK)
    os.close(fd)


def vminfo(folder: Path) -> None:
    _touch_and_copy()
    _read_mapped(folder)
    io(folder)
    LIBC.getpgid(0)  # where the program that watches reads kernel memory that is not there
    if (folder / ALONE).exists():
        _run_short()
    _reclaim(folder)


def _run_short() -> None:
    """The kernel is told to keep so much memory free that it lacks some."""
    setting = Path("/proc/sys/vm/min_free_kbytes")
    before = setting.read_text()
    free = next(x for x in Path("/proc/meminfo").read_text().splitlines() if "MemFree" in x)
    setting.write_text(str(int(free.split()[1]) * 85 // 100))
    try:
        _touch_and_copy()
        time.sleep(0.3)
    finally:
        setting.write_text(before)


def _reclaim(folder: Path) -> None:
    """A group with little memory reads a file that is larger, twice, and fills pages."""
    group = _memory_group(8 << 20)
    if group is None:
        return

    def read() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        for _ in range(2):
            for n in range(256):
                os.pread(fd, BLOCK, n * BLOCK)
        if len(Path("/proc/swaps").read_text().splitlines()) > 1:
            area = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for at in (*range(0, len(area), 4096), *range(0, len(area), 4096)):
                area[at] = 1

    fd = _dropped(folder, 256)
    try:
        child(read)
    finally:
        os.close(fd)
        _remove(group)


def _remove(group: Path) -> None:
    """A control group, whose last process the kernel may still be putting away."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.02)


def _memory_group(limit: int) -> Path | None:
    top = Path("/sys/fs/cgroup")
    for base, name in ((top / "memory", "memory.limit_in_bytes"), (top, "memory.max")):
        if base == top:
            with contextlib.suppress(OSError):
                (base / "cgroup.subtree_control").write_text("+memory")
        group = base / f"dscript-probes-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            (group / name).write_text(str(limit))
            return group
    return None


# ------------------------------------------------------------------------------ statistics


def sysinfo(folder: Path) -> None:
    for _ in range(3):
        os.write(os.open("/dev/null", os.O_WRONLY), b"x")
        os.read(os.open("/dev/zero", os.O_RDONLY), 1)
    child(lambda: None)
    subprocess.run(["/bin/true"], check=True)
    subprocess.run(["/bin/true"], check=True, close_fds=False)  # vfork
    _too_many()
    _messages()
    sched(folder)
    _migrate()
    _files_of_the_system(folder)
    locks(folder)
    LIBC.syscall(324, 2, 0, 0)  # membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED)
    _unmap_beside_a_thread()
    _terminal()
    if (folder / ALONE).exists():
        for command in (["modprobe", "dummy"], ["rmmod", "dummy"]):
            subprocess.run(command, check=True)
        time.sleep(0.2)


def _too_many() -> None:
    """fork() that has EAGAIN, by the limit of a user's processes."""

    def over() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.setuid(65534)
        os.fork()

    child(over)


def _messages() -> None:
    queue, semaphores = LIBC.msgget(0, 0o600), LIBC.semget(0, 1, 0o600)
    message = ctypes.create_string_buffer(b"\1" + 7 * b"\0" + b"text", 64)
    LIBC.msgsnd(queue, message, 4, 0)
    LIBC.msgrcv(queue, message, 4, 0, 0)
    LIBC.semop(semaphores, (ctypes.c_short * 3)(0, 1, 0), 1)
    LIBC.msgctl(queue, 0, None)
    LIBC.semctl(semaphores, 0, 0)


def _files_of_the_system(folder: Path) -> None:
    """Blocks read and written, with and without somebody who waits, and their buffers."""
    io(folder)
    fd = os.open(folder / "later", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, bytes(4 * BLOCK))
    LIBC.sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 2)  # SYNC_FILE_RANGE_WRITE
    for n in range(20):
        (folder / f"entry{n}").mkdir()
    os.fsync(fd)
    for n in range(20):
        (folder / f"entry{n}").rmdir()
    os.close(fd)


def _unmap_beside_a_thread() -> None:
    """The other CPU must forget the pages too."""
    thread = threading.Thread(target=busy, args=(0.3,))
    thread.start()
    while thread.is_alive():
        area = mmap.mmap(-1, 16 * 4096)
        for n in range(16):
            area[n * 4096] = 1
        area.close()
    thread.join()


def _terminal() -> None:
    leader, follower = os.openpty()
    os.write(leader, b"typed\n")
    os.read(follower, 10)
    os.write(follower, b"shown\n")
    os.read(leader, 10)


def fsinfo(folder: Path) -> None:
    one, two = folder / "one", folder / "two"
    fd = os.open(one, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, b"some text")
    os.lseek(fd, 0, 0)
    os.read(fd, 4)
    os.fsync(fd)
    os.ftruncate(fd, 4096)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.ioctl(fd, 0x5421, b"\0" * 4)  # FIONBIO
    mmap.mmap(fd, 4096).close()
    os.close(fd)
    os.stat(one)
    os.chmod(one, 0o644)
    os.link(one, folder / "link")
    os.symlink("one", folder / "symlink")
    os.readlink(folder / "symlink")
    os.rename(one, two)
    os.mkdir(folder / "made")
    os.listdir(folder)
    os.rmdir(folder / "made")
    for name in ("two", "link", "symlink"):
        os.unlink(folder / name)
    _read_mapped(folder)


def locks(folder: Path) -> None:
    """A folder's semaphore, a pipe's mutex and a process's spin lock, each wanted by many."""
    source, sink = os.pipe()
    end = time.monotonic() + 1.5

    def names() -> None:
        while time.monotonic() < end:
            name = folder / f"wanted{os.getpid()}"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            os.unlink(name)

    def listing() -> None:
        while time.monotonic() < end:
            os.listdir(folder)

    def pipe() -> None:
        os.set_blocking(source, False)
        os.set_blocking(sink, False)
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                os.write(sink, bytes(30000))
            with contextlib.suppress(BlockingIOError):
                os.read(source, 30000)

    together(names, names, listing, listing, pipe, pipe)
    _one_offset(folder)
    subprocess.run([folder / "spin"], check=False)


def _one_offset(folder: Path) -> None:
    """Readers that share an open file, which has a mutex, while the disk is waited for."""
    fd = _dropped(folder, 64)

    def read() -> None:
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        while os.read(fd, 4096):
            pass

    together(read, read, read)
    os.close(fd)


def lockstat(folder: Path) -> None:
    locks(folder)
    area = mmap.mmap(-1, 64 * 4096)
    area[0] = 1
    area.close()  # the semaphore of its memory goes from writer to reader


# --------------------------------------------------------------------------------- network


def apart() -> None:
    """A network of this process's own, with loopback up."""
    assert LIBC.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())  # CLONE_NEWNET
    _ip("link", "set", "lo", "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def network(folder: Path) -> None:
    apart()
    work = Path(__file__).with_name("network_work.py")
    subprocess.run([sys.executable, work, folder / "told", "4", "6"], check=True)


def mib(folder: Path) -> None:
    apart()
    packets = Path(__file__).with_name("probe_packets.py")
    subprocess.run([sys.executable, packets, folder / "told"], check=True)


WORKS: dict[str, Callable[[Path], None]] = {
    "proc": proc,
    "sched": sched,
    "io": io,
    "ip": network,
    "tcp": network,
    "udp": network,
    "sysinfo": sysinfo,
    "vminfo": vminfo,
    "mib": mib,
    "fsinfo": fsinfo,
    "lockstat": lockstat,
    "cpc": cpc,
    "sdt": io,
}

if __name__ == "__main__":
    WORKS[sys.argv[1]](Path(sys.argv[2]))
