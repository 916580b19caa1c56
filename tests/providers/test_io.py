"""io probes against a workload that knows what it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dscript.kernel import btf
from dscript.providers import fbt
from tests.providers.derived_support import refused, traced


@pytest.fixture
def folder() -> Path:
    """A folder on a disk."""
    here = Path("/var/tmp")
    if os.major(os.stat(here).st_dev) == 0:
        pytest.skip("/var/tmp is not on a disk of its own device number")
    return here


def test_direct_writes(tmp_path: Path, folder: Path) -> None:
    """Three writes of 8 KiB to a file of known blocks: size, direction, device, pairing."""
    name = folder / f"dscript-io-{os.getpid()}"
    seen, told = traced(
        tmp_path,
        "io:::start /args[0]->b_bcount == 8192 && args[0]->b_flags == B_WRITE && pid == $target/ "
        "{ began[arg0] = timestamp; block[arg0] = args[0]->b_blkno; "
        'printf("start %d %d %s %s\\n", args[1]->dev_major, args[1]->dev_minor, '
        "args[1]->dev_statname, args[2]->fi_name); } "
        'io:::done /began[arg0]/ { printf("done %d %d %d\\n", args[0]->b_bcount, '
        "args[0]->b_blkno == block[arg0], timestamp > began[arg0]); began[arg0] = 0; }",
        "import mmap\n"
        f"fd = os.open({str(name)!r}, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)\n"
        "page = mmap.mmap(-1, 8192)\n"
        "for _ in range(3):\n    os.write(fd, page)\n    time.sleep(0.02)\n"
        f"status = os.fstat(fd)\nos.unlink({str(name)!r})\n"
        "say(os.major(status.st_dev), os.minor(status.st_dev))\n",
    )
    starts = [words[1:] for words in seen if words[0] == "start"]
    done = [words[1:] for words in seen if words[0] == "done"]
    assert len(starts) == 3
    disk = Path(f"/sys/block/{starts[0][2]}/dev").read_text().strip().split(":")
    assert {tuple(words[:2]) for words in starts} == {tuple(disk)}
    assert told[0][0] == disk[0]  # a partition has a minor number of its own
    assert {words[3] for words in starts} == {"<none>"}
    assert done == [["8192", "1", "1"]] * 3


def test_the_file_of_buffered_writes(tmp_path: Path, folder: Path) -> None:
    name = folder / f"dscript-io-file-{os.getpid()}"
    seen, _ = traced(
        tmp_path,
        f'io:::start /args[2]->fi_name == "{name.name}"/ '
        "{ @[args[2]->fi_fs, args[2]->fi_pathname, args[2]->fi_dirname, args[2]->fi_mount] = "
        "sum(args[0]->b_bcount); }",
        f"file = open({str(name)!r}, 'wb')\nfile.write(bytes(64 << 10))\nfile.flush()\n"
        f"os.fsync(file.fileno())\nos.unlink({str(name)!r})\n",
    )
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    device = os.stat(folder).st_dev
    types = {m[2] for m in mounts if os.path.exists(m[1]) and os.stat(m[1]).st_dev == device}
    assert len(seen) == 1
    fs, path, parent, mount, size = seen[0]
    assert fs in types
    assert int(size) == 64 << 10
    # Names in the first place where the file system is mounted, which need not be this one.
    assert path.endswith(f"/{name.name}") and path == f"{parent}/{name.name}"
    assert path.startswith(mount) and mount.startswith("/")


def test_waits_for_a_disk(folder: Path, tmp_path: Path) -> None:
    """Direct reads wait one by one; each is also an interrupt's end, had from the device."""
    file = folder / "blocks"
    file.write_bytes(b"x" * 65536 * 20)
    seen, told = traced(
        tmp_path,
        "syscall::preadv*:entry /pid == $target/ { self->in = 1; } "
        "syscall::preadv*:return /pid == $target/ { self->in = 0; } "
        "io:::wait-start /self->in/ { @start = count(); self->start = timestamp; "
        "@named = sum(arg0 == 0 && args[0]->b_bcount == 0 && args[1]->dev_statname == "
        '"<unknown>" && args[2]->fi_pathname == "<unknown>"); } '
        "io:::wait-done /self->start/ { @done = count(); @time = sum(timestamp - self->start); "
        "self->start = 0; } "
        "sdt:::interrupt-start { @in = count(); @named_in = sum(args[0]->irq == args[1] && "
        'arg0 != 0 && stringof(args[0]->name) != ""); } sdt:::interrupt-complete '
        "{ @out = count(); @mine = sum(args[2] != 0); } "
        'END { printa("%@d %@d %@d %@d\\n", @start, @named, @done, @time); '
        'printa("%@d %@d %@d %@d\\n", @in, @named_in, @out, @mine); }',
        "import mmap\n"
        f"try: fd = os.open({str(file)!r}, os.O_RDWR | os.O_DIRECT)\n"
        "except OSError: raise SystemExit\n"
        "os.fsync(fd)\nbuffer = mmap.mmap(-1, 65536)\nstart = time.monotonic_ns()\n"
        "for n in range(20): os.preadv(fd, [buffer], n * 65536)\n"
        "say(time.monotonic_ns() - start)\n",
    )
    if not told:
        pytest.skip("the temporary folder takes no direct I/O")
    starts, named, done, waited = map(int, seen[0])
    assert starts >= 20 and starts == named == done
    assert 0 < waited <= int(told[0][0])
    interrupts, known, completed, mine = map(int, seen[1])
    assert interrupts == known >= 20 and mine >= 20
    # At both ends each CPU may be between the two.
    assert abs(completed - interrupts) <= (os.cpu_count() or 1)


def test_the_stack_of_a_wait(folder: Path, tmp_path: Path) -> None:
    """It is that of the thread that waited, when the wait is over too."""
    if btf.find(btf.Kind.TYPEDEF, "btf_trace_sched_exit_tp") is None and not fbt.mechanisms():
        assert "stack( ) is not available" in refused("io:::wait-done { @[stack()] = count(); }")
        return
    file = folder / "stacks"
    seen, told = traced(
        tmp_path,
        "io:::wait-start /pid == $target/ { @start = count(); } "
        "io:::wait-done /pid == $target/ { @done = count(); @[stack(8)] = count(); } "
        'END { printa("waits %@d %@d\\n", @start, @done); printa("%k%@d\\n", @); }',
        f"try: fd = os.open({str(file)!r}, os.O_RDWR | os.O_CREAT | os.O_DIRECT)\n"
        "except OSError: raise SystemExit\n"
        "import mmap\nbuffer = mmap.mmap(-1, 4096)\n"
        "for _ in range(10): os.pwritev(fd, [buffer], 0)\n"
        "say('done')\n",
    )
    if not told:
        pytest.skip("the temporary folder takes no direct I/O")
    [[_, starts, done]] = [words for words in seen if words[0] == "waits"]
    # A wait that had begun before the probes were there is seen to end.
    assert 0 <= int(done) - int(starts) <= 1 and int(starts) >= 5
    frames = [words[0] for words in seen if "`" in words[0]]
    assert any("io_schedule" in frame for frame in frames), frames
