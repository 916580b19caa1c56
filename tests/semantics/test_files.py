"""fds[], cwd and root against the workload's own knowledge of its files."""

from __future__ import annotations

from pathlib import Path

from tests.providers.derived_support import traced

# lseek tells the descriptor and, with whence 77, that the workload means it for us.
ASK = "syscall::lseek:entry /pid == $target && arg2 == 77/ "
HEAD = (
    "def ask(fd):\n    try: os.lseek(fd, 0, 77)\n    except OSError: pass\n"
    "import socket\nsignal.alarm(30)\n"
)


def test_paths_flags_and_offsets(tmp_path: Path) -> None:
    deep = tmp_path / "one" / "two"
    deep.mkdir(parents=True)
    (deep / "file.txt").write_text("0123456789")
    seen, _ = traced(
        tmp_path,
        ASK + '{ printf("%s %s %s %d %d\\n", fds[arg0].fi_pathname, fds[arg0].fi_dirname, '
        "fds[arg0].fi_name, fds[arg0].fi_offset, "
        "(fds[arg0].fi_oflags & O_ACCMODE) == O_RDWR); }",
        HEAD + f"fd = os.open({str(deep / 'file.txt')!r}, os.O_RDWR)\nos.read(fd, 4)\nask(fd)\n"
        f"fd = os.open({str(deep)!r}, os.O_RDONLY)\nask(fd)\nask(500)\n",
    )
    path = str(deep / "file.txt")
    assert seen == [
        [path, str(deep), "file.txt", "4", "1"],
        [str(deep), str(deep.parent), "two", "0", "0"],
        ["<none>", "<none>", "<none>", "0", "0"],
    ]


def test_file_systems(tmp_path: Path) -> None:
    seen, _ = traced(
        tmp_path,
        ASK + '{ printf("%s %s\\n", fds[arg0].fi_fs, fds[arg0].fi_name); }',
        HEAD + "ask(socket.socket().detach())\nask(os.pipe()[0])\n"
        "ask(os.open('/proc/self/status', 0))\n",
    )
    assert seen == [["sockfs", "<unknown>"], ["pipefs", "<unknown>"], ["proc", "status"]]


def test_working_directory_and_root(tmp_path: Path) -> None:
    below = tmp_path / "here"
    below.mkdir()
    seen, _ = traced(
        tmp_path,
        ASK + '{ printf("%s %s\\n", cwd, root); }',
        HEAD + f"os.chdir({str(below)!r})\nask(1)\nos.chroot({str(tmp_path)!r})\nask(1)\n",
    )
    assert seen == [[str(below), "/"], [str(below), str(tmp_path)]]


def test_mounts(tmp_path: Path) -> None:
    """`fi_mount` is the mount that holds the file, as /proc/self/mountinfo has it (field 5)."""
    seen, told = traced(
        tmp_path,
        ASK + '{ printf("%s\\n", fds[arg0].fi_mount); }',
        HEAD + "paths = ['/proc/self/status', '/dev/null', '/', __file__]\n"
        "mounts = {}\n"
        "for line in open('/proc/self/mountinfo'):\n"
        "    words = line.split()\n"
        "    mounts[words[0]] = words[4]\n"
        "for path in paths:\n"
        "    fd = os.open(path, 0)\n"
        "    text = open(f'/proc/self/fdinfo/{fd}').read()\n"
        "    say(mounts[text.split('mnt_id:')[1].split()[0]])\n"
        "    ask(fd)\n"
        "ask(os.pipe()[0])\nask(500)\n",
    )
    assert len(told) == 4
    assert seen == [*told, ["<unknown>"], ["<none>"]]
