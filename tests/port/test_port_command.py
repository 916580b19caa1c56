"""The command: status, text, report, JSON, edited files, and what may not stop it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.port.table import FOLDER, ROOT

COMMAND = ROOT / ".venv/bin/dscript"

UNCHANGED = "syscall::read:entry { @[execname] = count(); }\n"
ALIASES = "io:genunix::start { @[execname] = count(); }\n"
EDITS = "fbt::fop_read:entry { @[stringof(args[0]->v_path)] = count(); }\n"
CANNOT = "sdt:::arc-hit { @ = count(); }\n"
ERROR = "syscall::read:entry { trace( }\n"


def port(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "port", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=240,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (
        ("a_unchanged.d", UNCHANGED),
        ("b_aliases.d", ALIASES),
        ("c_edits.d", EDITS),
        ("d_cannot.d", CANNOT),
        ("e_error.d", ERROR),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "README").write_text("No D here.\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    return tmp_path


def test_status_is_that_of_the_worst(folder: Path) -> None:
    assert port("a_unchanged.d", cwd=folder).returncode == 0
    assert port("a_unchanged.d", "b_aliases.d", cwd=folder).returncode == 2
    assert port("c_edits.d", "b_aliases.d", cwd=folder).returncode == 3
    assert port("c_edits.d", "d_cannot.d", cwd=folder).returncode == 4
    assert port("d_cannot.d", "e_error.d", cwd=folder).returncode == 1


def test_folder_with_report_and_edited_script(folder: Path) -> None:
    done = port(".", "--report", "report.md", "--write", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert (
        "5 files: runs unchanged 1, runs with these aliases 1, edit these lines 1, cannot 1, "
        "is not a D script 1" in done.stdout
    )
    report = (folder / "report.md").read_text()
    assert "## Cannot" in report and "| edit these lines | 1 |" in report
    assert "./d_cannot.d:1: `probe sdt:::arc-hit` of illumos: the cache of ZFS" in report
    assert "examples/pagecache.d" in report
    assert (
        "| of illumos: the cache of ZFS | `sdt:filemap::mm_filemap_add_to_page_cache` | 1 |"
        in report
    )
    # The edited script is there, runs unchanged, and is not looked at with the folder.
    assert "d_path(&args[0]->f_path)" in (folder / "c_edits.linux.d").read_text()
    assert port("c_edits.linux.d", cwd=folder).returncode == 0
    assert "5 files:" in port(".", cwd=folder).stdout


def test_diff_applies(folder: Path) -> None:
    done = port("c_edits.d", cwd=folder)
    patch = done.stdout[done.stdout.index("--- c_edits.d") :].split("\nnote:")[0]
    applied = subprocess.run(
        ["git", "apply", "-p0", "-"], input=patch.rstrip("\n") + "\n", cwd=folder, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    if shutil.which("git") is None:
        pytest.skip("no git")
    assert applied.returncode == 0, applied.stderr


def test_json(folder: Path) -> None:
    done = port("--format", "json", "d_cannot.d", "a_unchanged.d", cwd=folder)
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["class"] == "cannot" and first["status"] == 4
    assert first["findings"][0]["line"] == 1
    assert second == {
        "path": "a_unchanged.d",
        "class": "unchanged",
        "status": 0,
        "programs": 1,
        "findings": [],
        "diff": "",
    }


def test_edits_within_a_wrapper_keep_the_rest(tmp_path: Path) -> None:
    script = tmp_path / "vnodes.sh"
    shutil.copy(FOLDER / "wrappers/vnodes.sh", script)
    assert port("--write", script).returncode == 3
    written = tmp_path / "vnodes.linux.sh"
    assert os.access(written, os.X_OK)
    old, new = script.read_text().splitlines(), written.read_text().splitlines()
    assert [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b] == [2]


def test_odd_files_are_verdicts_not_tracebacks(tmp_path: Path) -> None:
    (tmp_path / "bytes.d").write_bytes(b'BEGIN { trace("\xff\xfe"); } /* \x80 */\n')
    (tmp_path / "empty.d").write_text("")
    (tmp_path / "deep.d").write_text("BEGIN { x = " + "(" * 5000 + "1" + ")" * 5000 + "; }")
    (tmp_path / "open.sh").write_text("#!/bin/sh\ndtrace -n 'BEGIN {\n")
    paths = ["bytes.d", "empty.d", "deep.d", "open.sh", "absent.d"]
    done = port(*paths, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    for path in paths:
        assert f"{path}: " in done.stdout
    assert "bytes.d: runs unchanged" in done.stdout
    assert "absent.d: could not be looked at\n  cannot be read: No such file" in done.stdout


def test_what_this_kernel_refuses_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "writes.d").write_text(
        "#!/usr/sbin/dtrace -ws\nsyscall::uname:entry { self->p = arg0; }\n"
        'syscall::uname:return /self->p/ { copyoutstr("D", self->p, 2); }\n'
        "fbt::vfs_read:entry { @ = count(); }\n"
    )
    done = port("writes.d", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("writes.d: runs unchanged\n")


def test_wrong_command_lines() -> None:
    for words in ([], ["--unheard", "x.d"], ["--format", "yaml", "x.d"], ["--report"]):
        done = port(*words)
        assert done.returncode == 1
        assert "Usage: dscript port" in done.stderr


def test_help() -> None:
    done = port("--help")
    assert done.returncode == 0
    assert "Exit status" in done.stdout
