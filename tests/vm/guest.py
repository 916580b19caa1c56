"""A throw-away QEMU guest on Debian's kernel, for what this machine's kernel may not have.

The kernel package is downloaded and unpacked, never installed.  The guest sees the whole
file system of this machine at the same paths (9p; read-only below an overlay, so what it
writes is lost), except one shared folder, into which the command's output and status go.
It runs one shell command as root, with tracefs, debugfs, bpffs and cgroup2 mounted.

Emulation only: QEMU before 10 breaks kernels that patch their text under its multi-threaded
TCG, so all guest CPUs share one host thread there.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "linux-image-amd64"
TOOLS = ("qemu-system-x86_64", "busybox", "depmod", "modprobe", "dpkg-deb", "apt-get")
MODULES = ("virtio_pci", "virtio_blk", "9p", "9pnet_virtio", "overlay")
_FORMAT = "1"  # of the prepared folders
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

_INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
while read m; do $b insmod /mod/$m; done </mod/order
o=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o $o,ro,cache=loose root /host
$b mount -t tmpfs -o mode=755,size=80% rw /rw; $b mkdir /rw/u /rw/w
$b mount -t overlay -o lowerdir=/host,upperdir=/rw/u,workdir=/rw/w root /new || $b poweroff -f
$b mkdir -p /new@SHARED@ /new/lib/modules/@RELEASE@ /new/.guest
$b mount -t 9p -o $o,rw,cache=mmap shared /new@SHARED@
$b mount --bind /host@MODULES@ /new/lib/modules/@RELEASE@
$b cp /bin/busybox /main /new/.guest/
for m in dev proc sys; do $b mount --move /$m /new/$m; done
exec $b switch_root /new /.guest/busybox sh /.guest/main
"""

_MAIN = """\
b=/.guest/busybox
$b mount -t tmpfs -o mode=755 run /run; $b mkdir -p /run/lock /dev/pts /dev/shm
$b mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
$b mount -t tmpfs -o mode=1777 shm /dev/shm
[ -e /dev/fd ] || $b ln -s /proc/self/fd /dev/fd
$b mount -t tracefs tracefs /sys/kernel/tracing
$b mount -t debugfs debugfs /sys/kernel/debug
$b mount -t bpf bpf /sys/fs/bpf
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b mount -t securityfs securityfs /sys/kernel/security
$b ip link set lo up
ulimit -l unlimited; ulimit -n 65536
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd @DIRECTORY@
$b setsid /bin/sh @OWN@/command </dev/null >@OWN@/stdout 2>@OWN@/stderr
echo $? >@OWN@/status
$b sync
$b poweroff -f
"""


class GuestError(Exception):
    """The guest could not be prepared, did not boot or did not end."""


@dataclass(frozen=True)
class Kernel:
    """A prepared kernel: an image QEMU boots, its modules, an archive of early files."""

    release: str
    image: Path
    modules: Path
    early: Path  # folder with busybox and the modules needed to reach the files


def missing_tools() -> list[str]:
    """Programs the guest needs that are not installed."""
    return [tool for tool in TOOLS if shutil.which(tool, path=_PATH) is None]


def prepare(package: str = PACKAGE) -> Kernel:
    """Download and unpack the kernel, once; later calls find it in the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = Path(base) / "dscript-tests" / "kernels"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = cache / f"{package}-{_FORMAT}"
        if not (folder / "release").exists():
            shutil.rmtree(folder, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=cache) as name:
                work = Path(name) / "kernel"
                work.mkdir()
                _unpack(package, work)
                work.rename(folder)
    release = (folder / "release").read_text()
    plain = folder / "vmlinux"
    return Kernel(
        release,
        plain if plain.exists() else folder / "vmlinuz",
        folder / "lib/modules" / release,
        folder / "early",
    )


def run(
    kernel: Kernel,
    command: str,
    shared: Path,
    *,
    directory: Path,
    timeout: float,
    own: Path | None = None,
) -> int:
    """Run a shell command in a guest; its exit status.

    `shared` is the folder the guest may write, `own` one in it (or itself) that no other
    guest uses: the command's `stdout` and `stderr` are there afterwards, and `console` has
    the kernel's log.  Raises GuestError on a time-out (seconds) or when the guest died.
    """
    shared = shared.resolve()
    own = own.resolve() if own else shared
    (own / "command").write_text(command)
    status = own / "status"
    status.unlink(missing_ok=True)
    archive = own / "initramfs"
    fills = {
        "@SHARED@": str(shared),
        "@OWN@": str(own),
        "@RELEASE@": kernel.release,
        "@MODULES@": str(kernel.modules),
        "@DIRECTORY@": str(directory),
    }
    _make_archive(kernel, archive, fills)
    qemu = subprocess.Popen(
        _qemu(kernel, archive, shared, own / "console"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = qemu.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GuestError(f"not done after {timeout:.0f} s\n{_tail(own)}") from None
    finally:
        qemu.kill()
        qemu.wait()
        archive.unlink()
    if not status.exists():
        raise GuestError(f"the guest died: {errors}\n{_tail(own)}")
    return int(status.read_text())


def _tail(own: Path) -> str:
    """The last lines of everything the guest has said."""
    parts = []
    for name in ("console", "stdout", "stderr"):
        path = own / name
        if path.exists():
            lines = path.read_text(errors="replace").splitlines()[-25:]
            parts.append(f"--- {name}\n" + "\n".join(lines))
    return "\n".join(parts)


def _call(*words: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "PATH": _PATH, "LC_ALL": "C"}
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise GuestError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _unpack(package: str, work: Path) -> None:
    """Make the folder of a kernel: image, modules, early files, release."""
    debs = work / "debs"
    debs.mkdir()
    _call("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *_needed(package), cwd=debs)
    root = work / "root"
    for deb in debs.glob("*.deb"):
        _call("dpkg-deb", "-x", str(deb), str(root))
    modules = root / "usr/lib/modules"
    if not modules.is_dir():
        modules = root / "lib/modules"
    release = next(path.name for path in modules.iterdir())
    (work / "lib").mkdir()
    modules.rename(work / "lib/modules")
    (root / f"boot/vmlinuz-{release}").rename(work / "vmlinuz")
    shutil.rmtree(root)
    shutil.rmtree(debs)
    _call("depmod", "-b", str(work), release)
    _plain_kernel(work)
    _early_files(work, release)
    (work / "release").write_text(release)


def _needed(package: str) -> list[str]:
    """The image and module packages that a (meta) package stands for."""
    todo, found = [package], []
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.append(name)
        for depends in _call("apt-cache", "depends", "--no-recommends", name).splitlines():
            match = re.fullmatch(r"\s*Depends: (linux-(?:image|binary|modules)-\d\S*)", depends)
            if match:
                todo.append(match[1])
    return found


def _plain_kernel(work: Path) -> None:
    """Unpack vmlinuz where it is xz, so that the slow guest need not do it.

    Offsets are those of the x86 boot protocol (Documentation/arch/x86/boot.rst): 0x1f1
    setup_sects, 0x248 payload_offset, 0x24c payload_length; the payload ends in its
    unpacked size.  QEMU boots a plain ELF through its PVH note.
    """
    image = (work / "vmlinuz").read_bytes()
    start = (image[0x1F1] + 1) * 512 + int.from_bytes(image[0x248:0x24C], "little")
    length = int.from_bytes(image[0x24C:0x250], "little")
    payload = image[start : start + length - 4]
    if payload.startswith(b"\xfd7zXZ"):
        (work / "vmlinux").write_bytes(lzma.decompress(payload))


def _early_files(work: Path, release: str) -> None:
    early = work / "early"
    for name in ("bin", "dev", "proc", "sys", "host", "new", "rw", "mod"):
        (early / name).mkdir(parents=True)
    busybox = shutil.which("busybox", path=_PATH)
    assert busybox is not None
    shutil.copy(busybox, early / "bin/busybox")
    order: list[str] = []
    for module in MODULES:
        listing = _call("modprobe", "-S", release, "-d", str(work), "--show-depends", module)
        for line in listing.splitlines():
            if not line.startswith("insmod "):
                continue
            source = Path(line.split()[1])
            data = source.read_bytes()
            if source.suffix == ".xz":
                data, source = lzma.decompress(data), source.with_suffix("")
            if source.name not in order:
                (early / "mod" / source.name).write_bytes(data)
                order.append(source.name)
    (early / "mod/order").write_text("".join(f"{name}\n" for name in order))


def _make_archive(kernel: Kernel, archive: Path, fills: dict[str, str]) -> None:
    """The initramfs: early files with this run's init and main scripts, marks filled in."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "tree"
        shutil.copytree(kernel.early, tree)
        for file, text in (("init", _INIT), ("main", _MAIN)):
            for mark, value in fills.items():
                text = text.replace(mark, value)
            (tree / file).write_text(text)
        (tree / "init").chmod(0o755)
        with open(archive, "wb") as out:
            subprocess.run(
                "find . | busybox cpio -o -H newc",
                shell=True,
                cwd=tree,
                stdout=out,
                stderr=subprocess.DEVNULL,
                check=True,
            )


def _qemu(kernel: Kernel, archive: Path, shared: Path, console: Path) -> list[str]:
    version = re.search(r"version (\d+)", _call("qemu-system-x86_64", "--version"))
    thread = "multi" if version and int(version[1]) >= 10 else "single"
    parameters = (
        "console=ttyS0 quiet panic=-1 oops=panic mitigations=off no5lvl cryptomgr.notests "
        "random.trust_cpu=on audit=0 tsc=reliable nowatchdog "
        "rcupdate.rcu_cpu_stall_timeout=300 rcupdate.rcu_expedited=1"
    )
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"]
    words += ["-no-reboot", "-M", "q35", "-accel", f"tcg,thread={thread}", "-cpu", "max"]
    words += ["-smp", "2", "-m", "2048", "-kernel", str(kernel.image), "-initrd", str(archive)]
    words += ["-append", parameters, "-serial", f"file:{console}"]
    for tag, path, mode in (("root", "/", ",readonly=on"), ("shared", str(shared), "")):
        words += [
            "-fsdev",
            f"local,id={tag},path={path},security_model=none,multidevs=remap{mode}",
            "-device",
            f"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
        ]
    return words
