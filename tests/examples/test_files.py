"""Recipes about files, on workloads that say what they did."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.examples.recipes import recipe

OPENS = """
say(os.getpid())
for _ in range(3):
    os.close(os.open("/etc/hostname", os.O_RDONLY))
try:
    os.open("/no/such", os.O_RDONLY)
except OSError:
    pass
"""


def test_opensnoop() -> None:
    found = recipe("opensnoop", "$target", python=OPENS)
    [[pid]] = found.told
    assert len(found.rows(PID=pid, PATH="/etc/hostname", ERR=0)) == 3
    assert found.row(PID=pid, PATH="/no/such")["ERR"] == "2"
    assert {row["PID"] for row in found.rows()} == {pid}


def test_opensnoop_of_another_process() -> None:
    """A process ID that nobody has: nothing is shown."""
    assert recipe("opensnoop", 4194304, python=OPENS).rows() == []


def test_filebyproc() -> None:
    found = recipe("filebyproc", "$target", python=OPENS)
    assert found.row(PATH="/etc/hostname")["OPENS"] == "3"
    assert found.row(PATH="/no/such")["OPENS"] == "1"


def test_pathopens(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    work = "for _ in range(40): os.close(os.open('file', os.O_RDONLY))\n"
    found = recipe("pathopens", 2, "$target", python=work, folder=tmp_path)
    assert found.row(PATH=tmp_path / "file")["OPENS"] == "40"
    assert len(found.rows()) == 2 and found.rows()[-1]["PATH"] == str(tmp_path / "file")


def test_statsnoop(tmp_path: Path) -> None:
    work = """
os.stat("/etc/hostname"); os.lstat("/etc/hosts"); os.access("/no/such", os.R_OK)
f = open("/etc/passwd"); os.fstat(f.fileno())
"""
    found = recipe("statsnoop", "$target", python=work, folder=tmp_path)
    assert found.row(PATH="/etc/hostname")["ERR"] == "0"
    assert found.row(PATH="/etc/hosts")["CALL"] in ("lstat", "newfstatat")
    assert found.row(PATH="/no/such")["ERR"] == "2"
    assert not found.rows(PATH="/etc/passwd") and not found.rows(PATH="")


def test_creatbyproc(tmp_path: Path) -> None:
    work = """
os.close(os.open("a", os.O_CREAT | os.O_WRONLY))
os.close(os.open("b", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
os.mkdir("c"); os.link("a", "d"); os.symlink("a", "e"); os.mknod("f")
try: os.mkdir("c")
except OSError: pass
"""
    found = recipe("creatbyproc", "$target", python=work, folder=tmp_path)
    how = [(row["PATH"], row["HOW"].removesuffix("at")) for row in found.rows()]
    assert how == [
        ("a", "open"),
        ("b", "new"),
        ("c", "mkdir"),
        ("d", "link"),
        ("e", "symlink"),
        ("f", "mknod"),
    ]


# 3 writes of 1000 bytes, 2 reads of 1500; 700 bytes through a pipe and 5 to /dev/null.
TRAFFIC = """
fd = os.open("data", os.O_CREAT | os.O_RDWR)
for _ in range(3): os.write(fd, b"x" * 1000)
os.pread(fd, 1500, 0); os.pread(fd, 1500, 1500)
r, w = os.pipe(); os.write(w, b"y" * 700); os.read(r, 9999)
os.write(os.open("/dev/null", os.O_WRONLY), b"12345")
try: os.read(99, 1)
except OSError: pass
say(os.getpid(), fd, r, w)
"""


def test_readbytes_and_writebytes(tmp_path: Path) -> None:
    for name, calls in (("readbytes", "2"), ("writebytes", "3")):
        found = recipe(name, "$target", python=TRAFFIC, folder=tmp_path)
        row = found.row(FILE=tmp_path / "data")
        assert (row["BYTES"], row["CALLS"]) == ("3000", calls)
        assert row["PID"] == found.told[0][0]
        # What say() writes cannot be known here, and the interpreter reads itself.
        assert found.row(FILE="<unknown>")["BYTES"] == "700"


def test_rwbytype(tmp_path: Path) -> None:
    found = recipe("rwbytype", "$target", python=TRAFFIC, folder=tmp_path)
    totals = {(row["TYPE"], row["DIRECTION"]): int(row["BYTES"]) for row in found.rows()}
    said = sum(len(word) + 1 for word in found.told[0])
    assert totals["file", "write"] == 3000 + said
    assert totals["file", "read"] > 3000  # and what Python reads to start
    assert totals["pipe", "read"] == totals["pipe", "write"] == 700
    assert totals["char-device", "write"] == 5


def test_rwsnoop(tmp_path: Path) -> None:
    found = recipe("rwsnoop", "$target", python=TRAFFIC, folder=tmp_path)
    pid, fd, r, w = found.told[0]
    data = found.rows(PID=pid, FD=fd, FILE=tmp_path / "data")
    assert [(row["D"], row["BYTES"]) for row in data] == [("W", "1000")] * 3 + [("R", "1500")] * 2
    assert found.row(FD=r, FILE="pipefs")["BYTES"] == "700"
    assert found.row(FD=w, FILE="pipefs")["D"] == "W"
    assert not found.rows(FD=99)


def test_rwtop(tmp_path: Path) -> None:
    found = recipe("rwtop", 60, python=TRAFFIC, folder=tmp_path)
    pid = found.told[0][0]
    row = found.row(PID=pid)
    said = sum(len(word) + 1 for word in found.told[0])
    assert int(row["WRITTEN"]) == 3000 + 700 + 5 + said
    assert int(row["READ"]) >= 3000 + 700
    assert int(row["BYTES"]) == int(row["READ"]) + int(row["WRITTEN"])


def test_pfilestat(tmp_path: Path) -> None:
    work = TRAFFIC + "if os.fork() == 0: time.sleep(0.05); os.write(w, b'1'); os._exit(0)\n"
    work += "os.read(r, 1)\n"
    found = recipe("pfilestat", "$target", python=work, folder=tmp_path)
    _, fd, r, _ = found.told[0]
    row = found.row(FILE=tmp_path / "data", FD=fd)
    assert (row["CALLS"], row["READ(B)"], row["WRITTEN(B)"]) == ("5", "3000", "3000")
    waited = found.row(FILE="<unknown>", FD=r)
    assert waited["READ(B)"] == "701" and int(waited["TIME(us)"]) > 30000
    assert found.rows()[-1] == waited


def test_mmapfiles(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(12288))
    work = """
import mmap
f = open("file", "r+b")
mmap.mmap(f.fileno(), 8192)
mmap.mmap(f.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ, offset=8192)
"""
    found = recipe("mmapfiles", "$target", python=work, folder=tmp_path)
    rows = found.rows(FILE=tmp_path / "file")
    assert [(row["BYTES"], row["PROT"], row["OFFSET"]) for row in rows] == [
        ("8192", "rw-s", "0"),
        ("4096", "r--p", "8192"),
    ]


def test_vfsstat(tmp_path: Path) -> None:
    """The interval is longer than the workload: one line, at the end, with at least its work."""
    work = """
fd = os.open("f", os.O_CREAT | os.O_RDWR)
for _ in range(300): os.write(fd, b"x"); os.pread(fd, 1, 0)
for _ in range(200): os.close(os.open("f", os.O_RDONLY))
for _ in range(5): os.fsync(fd)
"""
    found = recipe("vfsstat", 60, python=work, folder=tmp_path)
    row = found.row()
    least = {"READ": 300, "WRITE": 300, "OPEN": 201, "CLOSE": 200, "FSYNC": 5}
    assert all(int(row[name]) >= count for name, count in least.items()), row


def test_vfsstat_ends_after_its_lines() -> None:
    found = recipe("vfsstat", 1, 1, command_line="sleep 20")
    assert found.row()["SECOND"] == "1"


def test_fileslower(tmp_path: Path) -> None:
    """A read of a pipe is no file's; a sync is shown if it was slow, as its caller measured.

    Of what the caller measures a part may be waiting for a CPU.
    """
    work = """
r, w = os.pipe()
if os.fork() == 0: time.sleep(0.03); os.write(w, b"1"); os._exit(0)
os.read(r, 1)
fd = os.open("big", os.O_CREAT | os.O_WRONLY)
for _ in range(5):
    for _ in range(8): os.write(fd, bytes(1 << 20))
    start = time.monotonic_ns(); os.fsync(fd); say(time.monotonic_ns() - start)
"""
    found = recipe("fileslower", 1, "$target", python=work, folder=tmp_path)
    slow = [float(row["MS"]) for row in found.rows(CALL="fsync", FILE=tmp_path / "big")]
    took = [int(words[0]) / 1e6 for words in found.told]
    assert len(slow) <= sum(time >= 1 for time in took)
    assert slow or max(took) < 20
    assert all(1 <= time <= max(took) for time in slow)
    assert not found.rows(CALL="read")


def test_fsyncsnoop(tmp_path: Path) -> None:
    work = """
fd = os.open("f", os.O_CREAT | os.O_WRONLY); os.write(fd, b"x")
os.fsync(fd); os.fdatasync(fd)
try: os.fsync(77)
except OSError: pass
"""
    found = recipe("fsyncsnoop", "$target", python=work, folder=tmp_path)
    rows = [(row["CALL"], row["ERR"], row["FILE"]) for row in found.rows()]
    path = str(tmp_path / "f")
    assert rows == [("fsync", "0", path), ("fdatasync", "0", path), ("fsync", "9", "<none>")]


def test_deletes(tmp_path: Path) -> None:
    work = """
open("a", "w"); os.mkdir("d"); open("d/b", "w")
os.unlink("a"); os.unlink("d/b", dir_fd=None); os.rmdir("d")
try: os.unlink("none")
except OSError: pass
os.mkdir("e"); open("e/f", "w"); folder = os.open("e", os.O_RDONLY); os.unlink("f", dir_fd=folder)
"""
    found = recipe("deletes", "$target", python=work, folder=tmp_path)
    rows = [(row["PATH"], row["ERR"], row["FOLDER"]) for row in found.rows()]
    here = str(tmp_path)
    assert rows == [
        ("a", "0", here),
        ("d/b", "0", here),
        ("d", "0", here),
        ("none", "2", here),
        ("f", "0", f"{here}/e"),
    ]


def test_renames(tmp_path: Path) -> None:
    work = """
open("a", "w"); os.rename("a", "b")
try: os.rename("a", "c")
except OSError: pass
"""
    found = recipe("renames", "$target", python=work, folder=tmp_path)
    assert [(row["ERR"], row["PATHS"]) for row in found.rows()] == [
        ("0", "a -> b"),
        ("2", "a -> c"),
    ]


def test_permsnoop(tmp_path: Path) -> None:
    work = """
fd = os.open("a", os.O_CREAT | os.O_WRONLY)
os.chmod("a", 0o640); os.fchmod(fd, 0o4755); os.chown("a", 1, 2); os.fchown(fd, 3, -1)
try: os.chmod("none", 0)
except OSError: pass
"""
    found = recipe("permsnoop", "$target", python=work, folder=tmp_path)
    rows = [(row["CALL"].removesuffix("at"), row["NEW"], row["ERR"]) for row in found.rows()]
    assert rows == [
        ("chmod", "640", "0"),
        ("fchmod", "4755", "0"),
        ("chown", "1:2", "0"),
        ("fchown", "3:-1", "0"),
        ("chmod", "0", "2"),
    ]
    assert found.rows()[1]["PATH"] == str(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755  # chown() took the s off


@pytest.mark.parametrize("arguments", [(), ("0",)])
def test_no_process_id_is_every_process(arguments: tuple[str, ...]) -> None:
    found = recipe("opensnoop", *arguments, python=OPENS)
    assert len(found.rows(PID=found.told[0][0], PATH="/etc/hostname")) == 3
