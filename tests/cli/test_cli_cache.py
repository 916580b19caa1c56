"""Compiled programs on disk: found again, never when anything differs, never when tampered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dscript import cache
from dscript.program import CompiledProgram
from dscript.request import CompileRequest, Piece
from dscript.source import Source

PROGRAM = CompiledProgram(object=b"\x7fELF", probes={}, clauses=(), attachments=())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DSCRIPT_CACHE", raising=False)
    return tmp_path / "dscript"


def request(text: str = "BEGIN", **changes: object) -> CompileRequest:
    piece = Piece("n", Source(text, text, is_command_line=True))
    return CompileRequest((piece,))._replace(**changes)  # type: ignore[arg-type]


def test_stored_program_comes_back(home: Path) -> None:
    name = cache.key(request())
    assert cache.load(name) is None
    cache.store(name, PROGRAM)
    assert cache.load(name) == PROGRAM
    assert (home / name).stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def test_equal_requests_have_equal_keys() -> None:
    assert cache.key(request()) == cache.key(request())


@pytest.mark.parametrize(
    "other",
    [
        request("END"),
        request(options={"strsize": "512"}),
        request(environment_options={"strsize": "512"}),
        request(arguments=("1",)),
        request(destructive=True),
        request(zero_ok=True),
        request(has_target=True),
        request(program_name="x.d"),
        request(pieces=(Piece("s", Source("BEGIN", "BEGIN")),)),
    ],
)
def test_whatever_differs_has_another_key(other: CompileRequest) -> None:
    assert cache.key(other) != cache.key(request())


def test_library_files_are_part_of_the_key(tmp_path: Path) -> None:
    libraries = tmp_path / "lib"
    libraries.mkdir()
    wanted = request(library_dirs=(str(libraries),))
    keys = {cache.key(wanted)}
    library = libraries / "one.d"
    library.write_text("inline int ONE = 1;")
    keys.add(cache.key(wanted))
    library.write_text("inline int ONE = 11;")
    keys.add(cache.key(wanted))
    assert len(keys) == 3


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_damaged_entries_are_not_used(home: Path, damage: str) -> None:
    name = cache.key(request())
    cache.store(name, PROGRAM)
    path = home / name
    data = path.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    path.write_bytes({"truncate": data[:-3], "flip": flipped, "empty": b""}[damage])
    assert cache.load(name) is None


def test_files_others_can_write_are_not_used(home: Path) -> None:
    name = cache.key(request())
    cache.store(name, PROGRAM)
    (home / name).chmod(0o666)
    assert cache.load(name) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_and_folders_of_others_are_not_used(home: Path) -> None:
    name = cache.key(request())
    cache.store(name, PROGRAM)
    os.chown(home / name, 65534, 65534)
    assert cache.load(name) is None
    os.chown(home / name, 0, 0)
    os.chown(home, 65534, 65534)
    assert cache.load(name) is None


def test_links_are_not_followed(home: Path, tmp_path: Path) -> None:
    name = cache.key(request())
    cache.store(name, PROGRAM)
    (home / name).rename(tmp_path / "elsewhere")
    (home / name).symlink_to(tmp_path / "elsewhere")
    assert cache.load(name) is None


def test_oldest_entries_make_room(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MAX_ENTRIES", 3)
    names = [cache.key(request(f"tick-{n}s")) for n in range(1, 6)]
    for age, name in enumerate(names):
        cache.store(name, PROGRAM)
        os.utime(home / name, (1000 + age, 1000 + age))
    cache.store(names[-1], PROGRAM)
    assert {path.name for path in home.iterdir()} == set(names[-3:])


def test_programs_with_a_process_in_a_probe_are_not_kept() -> None:
    assert not cache.suits(request("pid$pid:libc::entry"))
    assert not cache.suits(request("tick-$pid"))
    assert not cache.suits(request("BEGIN", emit="ir"))
    assert cache.suits(request("syscall:::entry /pid != $pid/ { @ = count(); }"))


def test_environment_turns_the_cache_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSCRIPT_CACHE", "0")
    assert not cache.suits(request())
