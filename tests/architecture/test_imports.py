"""The rooms of the house: who may import whom, and how long a file may be.

The compiler and the runtime meet in `dscript.program` alone, so that a cached program
runs without the compiler in the process.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "dscript"
FILES = sorted(PACKAGE.rglob("*.py"))

BASE = {"errors", "nearest", "source", "options", "resources", "progress"}
# The saved parser and the feature tests are kept in the user's cache directory.
CACHE = {"kernel.cachedir"}

# Room or module -> what it may import beside itself.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "progress": set(),
    "progress_line": {"progress"},
    "source": {"errors"},
    "nearest": set(),
    "version": set(),
    "options": {"errors", "nearest"},
    "documents": set(),
    "options_document": {"documents", "options"},
    "resources": {"errors"},
    "program": {"errors"},
    "plan": {"program"},
    "request": {"errors", "source"},
    "headers": BASE,
    "scripts": BASE | {"headers"},
    # the compiler
    "syntax": BASE | CACHE,
    "dtypes": BASE | {"syntax"},
    "kernel": BASE | {"dtypes"},
    "builtins": BASE | {"syntax", "dtypes", "kernel", "program"},
    "providers": BASE | {"documents", "dtypes", "kernel", "program"},
    "semantics": BASE | {"syntax", "dtypes", "kernel", "builtins", "providers", "program"},
    "object": {"errors", "program"},
    "lowering": BASE
    | {"syntax", "dtypes", "kernel", "builtins", "providers", "semantics", "object", "program"},
    # the runtime
    "runtime": {"errors", "progress", "program", "options", "kernel"},
    "symbols": {"errors", "kernel"},
    "aggregates": {"program"},
    "output": {"errors", "program", "options", "symbols", "aggregates", "version"},
    "views": {"errors", "program", "options", "aggregates", "output", "request"},
    # the front
    "cache": {"options", "program", "request", "kernel.cachedir"},
    "compiler_child": {"errors", "progress", "program", "request", "pipeline"},
    "dtrace_link": {"errors"},
    "arguments": {"errors", "options", "request"},
    "port": BASE
    | {"arguments", "compiler_child", "kernel", "pipeline", "progress_line", "request"}
    | {"scripts", "syntax"},
    "manual": {"builtins", "documents", "errors", "options", "program", "providers", "syntax"}
    | {"version"},
}
# Those at the end of the road may import everything.
FREE = {"pipeline", "listing", "api", "cli", "__main__", "__init__"}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name below dscript) of every import of our own package."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            if module == "dscript":
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif module.startswith("dscript."):
                name = module.removeprefix("dscript.")
                if (PACKAGE / name.replace(".", "/")).is_dir():
                    # a name taken from a room may be one of its modules
                    yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)
                else:
                    yield node.lineno, name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("dscript."):
                    yield node.lineno, alias.name.removeprefix("dscript.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_up(path: Path) -> None:
    room = room_of(path)
    if room in FREE:
        return
    assert room in ALLOWED, f"{room} is not in the table of rooms: add it to ALLOWED"
    allowed = ALLOWED[room] | {room}
    wrong = [
        f"{path.name}:{line}: {name}"
        for line, name in imported(path)
        if name.split(".")[0] not in allowed and ".".join(name.split(".")[:2]) not in allowed
    ]
    assert not wrong, f"{room} may import {sorted(allowed)} only"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600


def test_no_modules_import_each_other() -> None:
    """In no room, nor across rooms; imports in functions and those for types alone count too."""
    modules = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in FILES}
    users = {module: _modules_of(path, modules) - {module} for module, path in modules.items()}
    assert users["output.text"] and users["cli"]
    # Take away, again and again, those who need nobody who is left.
    while free := [module for module, needed in users.items() if not needed & users.keys()]:
        for module in free:
            del users[module]
    assert not users, "these import each other, or what does"


def _modules_of(path: Path, modules: Container[str]) -> set[str]:
    """What a file imports; a name may be that of something in a module, or of a room."""
    found = set()
    for _, name in imported(path):
        parts = name.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        known = (n for prefix in prefixes for n in (prefix, f"{prefix}.__init__") if n in modules)
        found.add(next(known, "__init__"))
    return found


def test_tables_name_existing_rooms() -> None:
    rooms = {room_of(path) for path in FILES}
    assert set(ALLOWED) <= rooms


def test_the_runtime_needs_no_compiler() -> None:
    """What a cached run imports: nothing heavy, nor any room of the compiler."""
    script = (
        "import sys, dscript.cli, dscript.api, dscript.scripts, dscript.runtime.session, "
        "dscript.output.text; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    heavy = {"lark", "llvmlite", "bcc", "argparse", "dataclasses", "dscript.pipeline"}
    rooms = {"syntax", "dtypes", "builtins", "providers", "semantics", "lowering", "object"}
    heavy |= {f"dscript.{room}" for room in rooms}
    assert not loaded & heavy


def test_a_program_of_kernel_probes_reads_no_elf_files() -> None:
    """What reads executables takes 40 ms to import; only programs with such probes pay for it."""
    script = (
        "import sys; from dscript.pipeline import compile_program; "
        "from dscript.request import CompileRequest, Piece; from dscript.source import Source; "
        "program = Source('BEGIN { exit(0); }', 'BEGIN { exit(0); }', is_command_line=True); "
        "compile_program(CompileRequest(pieces=(Piece('n', program),))); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "lark" in loaded
    assert not loaded & {"elftools", "capstone", "pygments", "rich"}


def test_names_of_test_files_differ() -> None:
    """pytest imports those outside packages by their bare names."""
    names = [
        path.name
        for path in PACKAGE.parent.joinpath("tests").rglob("test_*.py")
        if not path.with_name("__init__.py").exists()
    ]
    assert sorted(names) == sorted(set(names))


def test_no_possessive_groups() -> None:
    """`(?:...)*+` matches wrongly before Python 3.11.5, so in Debian 12's (cpython#106052)."""
    possessive = re.compile(r"[)][*+?][+]")
    assert [path.name for path in FILES if possessive.search(path.read_text())] == []
