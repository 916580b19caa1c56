"""Every recipe has its header, is a command, compiles and is found in the index."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import command
from tests.examples.recipes import EXAMPLES, RECIPES

INDEX = (command.ROOT / "docs/recipes.md").read_text()
TESTS = "".join(
    path.read_text()
    for pattern in ("examples/test_*.py", "vm/checks_examples_*.py")
    for path in sorted((command.ROOT / "tests").glob(pattern))
)
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
    assert len(lines) <= 120


def test_every_recipe_is_in_the_index() -> None:
    assert [path.stem for path in RECIPES if f"](../examples/{path.name})" not in INDEX] == []


def test_the_index_names_files_that_are_there() -> None:
    for name in re.findall(r"\]\(\.\./examples/([^)]*)\)", INDEX):
        assert (EXAMPLES / name).is_file()


def test_every_recipe_is_run_by_a_test() -> None:
    """On this kernel, or in the guest if it probes kernel functions or needs other devices."""
    assert [path.stem for path in RECIPES if f'"{path.stem}"' not in TESTS] == []
