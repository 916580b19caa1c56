"""Every recipe has its header, is a command, compiles and is found in the index."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import command
from tests.examples.recipes import EXAMPLES, RECIPES, interrupted

INDEX = (command.ROOT / "docs/recipes.md").read_text()
# These probe kernel functions, which not every kernel has: tests/vm/checks_examples_*.py.
NEEDS_KERNEL_FUNCTIONS = {"fbtflow", "funccount", "funclatency", "loads"}

PARTS = ("Usage: ", "Sample:", "Notes: ")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_header(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert os.access(path, os.X_OK)
    assert lines[:2] == ["#!/usr/bin/env -S dscript -s", "/*"]
    assert re.fullmatch(rf" \* {path.stem}\.d - \S.*\S", lines[2]), lines[2]
    end = lines.index(" */")
    header = [line.removeprefix(" *").removeprefix(" ") for line in lines[3:end]]
    assert header[0] == "" and header[1], "what it shows comes after an empty line"
    at = [next(n for n, line in enumerate(header) if line.startswith(part)) for part in PARTS]
    assert at == sorted(at), "usage, sample, notes"
    assert header[at[0]].startswith(f"Usage: {path.stem}.d")
    sample = [line for line in header[at[1] + 1 : at[2]] if line]
    assert len(sample) >= 2 and all(line.startswith("  ") for line in sample)
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 110


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_is_in_the_index(path: Path) -> None:
    assert f"](../examples/{path.name})" in INDEX


def test_the_index_names_files_that_are_there() -> None:
    for name in re.findall(r"\]\(\.\./examples/([^)]*)\)", INDEX):
        assert (EXAMPLES / name).is_file()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_compiles(path: Path) -> None:
    if path.stem in NEEDS_KERNEL_FUNCTIONS:
        pytest.skip("probes kernel functions")
    target = ["-c", "true"] if "$target" in path.read_text() else []
    done = command.dscript("-e", "-s", str(path), *target)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr


def test_runs_by_its_first_line() -> None:
    found = interrupted("opensnoop", until="PATH")
    assert found.lines[0].split() == ["UID", "PID", "COMM", "FD", "ERR", "PATH"]
