"""Running programs with machine-readable output, and the schema that describes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import dscript

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
ROOT = Path(dscript.__file__).parent


@cache
def validator() -> Draft202012Validator:
    schema = json.loads((ROOT / "output" / "schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def execute(*words: str, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [DSCRIPT, *words],
        capture_output=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )


def parsed(data: bytes) -> list[dict[str, Any]]:
    """The objects of all lines, each checked against the schema."""
    lines = [json.loads(line) for line in data.decode().splitlines()]
    for line in lines:
        validator().validate(line)
    return lines


def json_lines(program: str, *words: str, status: int = 0) -> list[dict[str, Any]]:
    """What a program prints with --format json; it must end with this status."""
    done = execute("--format", "json", *words, "-n", program)
    assert done.returncode == status, done.stderr.decode()
    lines = parsed(done.stdout)
    assert lines[-1] == {"type": "exit", "status": status}
    return lines


def of_type(lines: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def actions(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions of all firings in order."""
    return [action for firing in of_type(lines, "firing") for action in firing["actions"]]
