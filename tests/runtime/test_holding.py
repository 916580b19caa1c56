"""Where a -c command is held: evaltime, by what the program has done until then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.errors import TracingError
from dscript.runtime.target import start_command
from tests.runtime.test_target import gone

LIBRARY = """
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { close(creat("library", 0600)); }
int answer(void) { return 42; }
"""
PROGRAM = """
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef SHARED
int answer(void);
#else
static int answer(void) { return 42; }
#endif
__attribute__((constructor)) static void begin(void) {
    close(creat("program", 0600));
    if (getenv("END_EARLY"))
        _exit(3);
}
int main(void) { close(creat("main", 0600)); return answer() != 42; }
"""
DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def build(folder: Path, *flags: str, libraries: tuple[str, ...] = ()) -> str:
    (folder / "program.c").write_text(PROGRAM)
    words = ["gcc", "-o", "prog", *flags, "program.c", *libraries]
    subprocess.run(words, cwd=folder, check=True)
    return str(folder / "prog")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths by kind; each in a folder of its own."""
    made = {}
    for kind in ("shared", "stripped", "fixed", "static", "static-stripped"):
        folder = tmp_path_factory.mktemp(kind)
        (folder / "library.c").write_text(LIBRARY)
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-o", "libanswer.so", "library.c"], cwd=folder, check=True
        )
        path = f"-Wl,-rpath,{folder}"
        shared = {"libraries": ("-L.", "-lanswer", path)}
        if kind.startswith("static"):
            made[kind] = build(folder, "-static")
        else:
            position = "-no-pie" if kind == "fixed" else "-pie"
            made[kind] = build(folder, "-DSHARED", position, **shared)
        if kind.endswith("stripped"):
            subprocess.run(["strip", made[kind]], check=True)
    return made


def done(path: str, place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What had run when the command was held; afterwards it has to run to its end."""
    monkeypatch.chdir(folder)
    target = start_command(path, place)
    try:
        held = sorted(os.listdir(folder))
        with open(f"/proc/{target.pid}/maps") as maps:
            mapped = "libanswer.so" in maps.read()
        assert mapped == ("static" not in path and place != "exec")
        target.release()
        assert gone(target)
        assert target.exit_message() == f"pid {target.pid} has exited"
    finally:
        target.close()
    assert "main" in os.listdir(folder)
    return held


@pytest.mark.parametrize("kind", ["shared", "fixed", "stripped"])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("exec", []),
        ("preinit", []),
        ("postinit", ["library"]),
        ("main", ["library", "program"]),
    ],
)
def test_dynamic_programs(
    kind: str,
    place: str,
    expected: list[str],
    programs: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert done(programs[kind], place, tmp_path, monkeypatch) == expected


@pytest.mark.parametrize(
    ("place", "expected"), [("preinit", []), ("postinit", []), ("main", ["program"])]
)
def test_static_programs(
    place: str,
    expected: list[str],
    programs: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert done(programs["static"], place, tmp_path, monkeypatch) == expected


def test_main_of_a_stripped_static_program_is_not_known(programs: dict[str, str]) -> None:
    path = programs["static-stripped"]
    with pytest.raises(TracingError) as wrong:
        start_command(path, "main")
    assert str(wrong.value) == (
        f"failed to hold {path} at main: {path} has no symbol main (it is stripped); "
        "try evaltime=postinit"
    )


def test_a_program_that_ends_before_main(
    programs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("END_EARLY", "1")
    with pytest.raises(TracingError, match=r"at main: it has ended before$"):
        start_command(programs["shared"], "main")


def test_a_script_is_held_in_its_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n> ran\n")
    script.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    target = start_command(str(script), "main")
    assert not (tmp_path / "ran").exists()
    target.release()
    assert gone(target) and (tmp_path / "ran").exists()
    target.close()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize(("place", "expected"), [("main", "1"), ("postinit", "2"), ("exec", "3")])
def test_what_a_program_traces(
    place: str, expected: str, programs: dict[str, str], tmp_path: Path
) -> None:
    """creat() is called by the library, the program's initialiser and main()."""
    words = [DSCRIPT, "-q", "-x", f"evaltime={place}", "-c", programs["shared"], "-n"]
    program = "syscall::creat:entry /pid == $target/ { n++; } END { trace(n); }"
    run = subprocess.run(
        [*words, program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.stdout, run.stderr, run.returncode) == (expected + "\n", "", 0)
