"""D libraries: found by name, read only when needed, held to their dependencies."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.resources import stdlib_files
from dscript.semantics import libraries
from dscript.semantics.checker import ProgramChecker, settings_from
from dscript.semantics.kernel_names import KernelTypes
from dscript.source import Source
from dscript.syntax.parser import parse

DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DSCRIPT_CACHE": "0"}
    return subprocess.run(
        [DSCRIPT, "-x", "errtags", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )


def constants(expressions: list[str], *words: str) -> list[int]:
    prints = "".join(f'printf("%d\\n", {text});' for text in expressions)
    done = run("-q", *words, "-n", f"BEGIN {{ {prints} exit(0); }}")
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize("path", stdlib_files(), ids=lambda path: path.name)
def test_the_index_finds_what_the_parser_finds(path: Path) -> None:
    source = Source(str(path), path.read_text(), is_library=True)
    by_parser = list(libraries._names(parse(source)))
    by_index = [libraries._defined(m) for m in libraries._DEFINITION.finditer(source.text)]
    assert sorted(by_index) == sorted(by_parser)


def test_no_name_is_defined_by_two_libraries() -> None:
    seen: dict[str, str] = {}
    for path in stdlib_files():
        for found in libraries._DEFINITION.finditer(path.read_text()):
            name = libraries._defined(found)
            if name != "translator":
                assert seen.setdefault(name, path.name) == path.name


def test_a_program_without_library_names_reads_none() -> None:
    settings = settings_from({}, destructive=False, zero_ok=False, has_target=False)
    checker = ProgramChecker(settings, KernelTypes(), (), "test", ((), ""))
    text = 'BEGIN { printf("%d %s\\n", pid, execname); @[probename] = count(); exit(0); }'
    checker.check(parse(Source("test", text)), "test")
    assert isinstance(checker.environment.libraries, libraries.Libraries)
    assert checker.environment.libraries._files is None


def test_constants_are_those_of_the_system() -> None:
    known = {name: number for number, name in errno.errorcode.items()}
    known |= {s.name: s.value for s in signal.Signals if not s.name.startswith("SIGRT")}
    known |= {n: int(getattr(socket, n)) for n in dir(socket) if n.startswith("AF_")}
    known |= {n: int(getattr(socket, n)) for n in ("SOCK_STREAM", "IPPROTO_TCP", "SHUT_WR")}
    known |= {n: getattr(mmap, n) for n in ("PROT_EXEC", "MAP_SHARED", "MAP_ANONYMOUS")}
    known |= {n: getattr(os, n) for n in ("O_CREAT", "O_RDWR", "O_CLOEXEC", "O_SYNC")}
    known |= {n: getattr(stat, n) for n in ("S_IFREG", "S_ISUID", "S_IRWXG")}
    assert constants(list(known)) == list(known.values())


def test_states_of_tcp_have_names() -> None:
    """The manual's names, by include/net/tcp_states.h's numbers."""
    text = 'BEGIN { printf("%s %s\\n", tcp_state_string[TCP_STATE_ESTABLISHED], '
    done = run("-qn", text + "tcp_state_string[10]); exit(0); }")
    assert done.stdout.strip() == "state-established state-listen"


def test_a_program_may_define_a_library_name_itself() -> None:
    text = 'inline int B_READ = 40; BEGIN { printf("%d %d\\n", B_READ, EPERM); exit(0); }'
    assert run("-qn", text).stdout.strip() == "40 1"


def test_libraries_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "a.d").write_text(
        "#pragma D depends_on library b.d\ninline int TWICE = 2 * ONCE;\n"
        "typedef struct pair { int left; int right; } pair_t;\n"
        "inline int third[int a, int b, int c] = c;\n"
    )
    (tmp_path / "b.d").write_text("inline int ONCE = EPERM + 20;\n")
    names = ["TWICE", "sizeof (pair_t)", "sizeof (struct pair)", "third[1, 2, 3]"]
    assert constants(names, "-L", str(tmp_path)) == [42, 8, 8, 3]


def test_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "dscript"
    folder.mkdir()
    (folder / "own.d").write_text("inline int MINE = 7;\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert constants(["MINE"]) == [7]


def test_a_changed_library_changes_a_cached_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    library = tmp_path / "a.d"
    seen = []
    for number in (1, 2):
        library.write_text(f"inline int VALUE = {number};\n")
        os.utime(library, ns=(number, number))
        words = [DSCRIPT, "-L", str(tmp_path), "-qn", "BEGIN { trace(VALUE); exit(0); }"]
        seen.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert [int(text) for text in seen] == [1, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.d": "#pragma D depends_on library no.d\ninline int N = 1;\n"}, "does not exist"),
        (
            {
                "a.d": "#pragma D depends_on library b.d\ninline int N = M;\n",
                "b.d": "#pragma D depends_on library a.d\ninline int M = 1;\n",
            },
            "depend on each other: a.d -> b.d -> a.d",
        ),
        ({"a.d": "inline int N = 1;\nBEGIN { trace(1); }\n"}, "no probe clauses"),
        ({"a.d": "inline int N = ;\n"}, "a.d: "),
    ],
)
def test_wrong_libraries(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = run("-L", str(tmp_path), "-qn", "BEGIN { trace(N); exit(0); }")
    assert done.returncode == 1
    assert message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_without_libraries() -> None:
    done = run("-x", "nolibs", "-qn", "BEGIN { trace(B_READ); exit(0); }")
    assert "[D_IDENT_UNDEF]" in done.stderr


def test_a_near_name_is_suggested() -> None:
    done = run("-qn", "BEGIN { trace(SIGKIL); exit(0); }")
    assert "did you mean SIGKILL?" in done.stderr
