"""Wrong uses of the command itself: one line says what is wrong, and the status is 1 (or 2)."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
DEAD = "4194303"  # the highest process ID there can be, hardly ever in use


def run(command: str, *prefix: str) -> subprocess.CompletedProcess[bytes]:
    words = [*prefix, DSCRIPT, *shlex.split(command)]
    return subprocess.run(words, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("-s /nonexistent.d", 1, "failed to open /nonexistent.d: No such file or directory"),
        ("-s /etc", 1, "failed to open /etc: Is a directory"),
        ("-s /dev/null", 1, "script /dev/null: line 1: empty D program translation unit"),
        ("-n ''", 1, "empty D program translation unit"),
        ("-n BEGIN -c /nonexistent/cmd", 1, "failed to execute /nonexistent/cmd"),
        ("-n BEGIN -c ''", 1, "the command is empty"),
        (f"-n BEGIN -p {DEAD}", 1, f"failed to grab pid {DEAD}: no such process"),
        ("-n BEGIN -p abc", 2, "invalid process ID: abc"),
        ("-n BEGIN -x nope", 1, "failed to set -x nope: Invalid option name"),
        ("-n BEGIN -x strsize=abc", 1, "failed to set -x strsize: Invalid value"),
        ("-n BEGIN -x bufsise=4m", 1, "did you mean bufsize?"),
        ("-n BEGIN extra", 1, "extraneous argument 'extra' ($1 is not referenced)"),
        ("-x errtags -n BEGIN extra", 1, "[D_MACRO_UNUSED]"),
        ("-x errtags -n 'BEGIN { trace(nope) }'", 1, "[D_IDENT_UNDEF] failed to resolve nope"),
        ("-C -n '#define N 1\nBEGIN { exit(N); }'", 1, "-C preprocesses scripts: name one with -s"),
        ("-i 99999999", 1, "does not match any probes"),
        ("-P nonesuch", 1, "does not match any probes"),
        ("-f nonesuch", 1, "does not match any probes"),
        ("-m nonesuch", 1, "does not match any probes"),
        ("-n BEGIN -o /nonexistent/file", 1, "failed to open output file '/nonexistent/file'"),
        ("-qn 'BEGIN { trace(1); exit(0) }' -o /dev/full", 1, "No space left on device"),
        ("-n BEGIN --emit object -o /dev/full", 1, "No space left on device"),
        ("-n BEGIN --emit nonesuch", 2, "nonesuch"),
        ("-n", 2, "option requires an argument -- n"),
        ("-Y", 2, "illegal option -- Y"),
    ],
)
def test_wrong_use(command: str, status: int, message: str) -> None:
    done = run(command)
    said = done.stderr.decode()
    assert message in said
    assert done.returncode == status
    assert "Traceback" not in said
    assert "internal error" not in said


@pytest.mark.parametrize(
    ("script", "message", "line"),
    [
        (b"BEGIN { trace(1) }\0\n", "line 1: syntax error: character 0x0 has no place", b"\xef"),
        (b"BEGIN { \xff\xfe }\n", "line 1: syntax error: byte 0xff has no place", b"BEGIN {"),
        (b"BEGIN\r\n{\r\n  trace(nope);\r\n}\r\n", "line 3: failed to resolve nope", b"nope);\n"),
        (b"BEGIN { trace(\x1b[2J) }\n", "line 1: syntax error: character 0x1b", b"[2J"),
        (b'#line 7 "other.d"\nBEGIN { trace(nope) }\n', "other.d: line 7: ", b"nope"),
    ],
)
def test_odd_bytes(tmp_path: Path, script: bytes, message: str, line: bytes) -> None:
    path = tmp_path / "odd.d"
    path.write_bytes(script)
    done = run(f"-es {path}")
    assert done.returncode == 1
    assert message in done.stderr.decode()
    assert line in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"\r" not in done.stderr


def test_bytes_in_strings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "bytes.d"
    path.write_bytes(b'BEGIN { printf("\xff\xfe"); exit(0); }\n')
    assert run(f"-qs {path}").stdout.strip() == b"\xff\xfe"


@pytest.mark.skipif(os.geteuid() != 0, reason="hides a file by a mount")
@pytest.mark.parametrize(
    ("program", "status", "message"),
    [
        ('BEGIN { printf("on"); exit(0) }', 0, ""),
        ("syscall::getppid:entry { @ = count(); } BEGIN { exit(0) }", 0, ""),
        ("BEGIN { trace(curthread->pid); exit(0) }", 1, "/sys/kernel/btf/vmlinux"),
    ],
)
def test_no_type_information(tmp_path: Path, program: str, status: int, message: str) -> None:
    """Without BTF, what needs none works and the rest names it."""
    command = f"mount --bind {tmp_path} /sys/kernel/btf && {DSCRIPT} -qn {shlex.quote(program)}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert done.returncode == status, done.stderr
    assert message in done.stderr.decode()
    assert b"internal error" not in done.stderr
