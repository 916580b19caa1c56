"""Integer expressions computed in the kernel equal those that gcc's code computes.

DSCRIPT_DIFFERENTIAL=N gives the number of programs (100 expressions each), A:B those from A
to before B; 0:200 make the full run of 20,000 expressions.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.expressions import Generator, c_program, d_program

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
_FIRST, _, _END = os.environ.get("DSCRIPT_DIFFERENTIAL", "12").rpartition(":")
PROGRAMS = range(int(_FIRST or 0), int(_END))
EXPRESSIONS = 100
SCOPES = ("", "this", "self", "inline")


def computed_by_c(text: str, folder: Path) -> list[str]:
    source, binary = folder / "expressions.c", folder / "expressions"
    source.write_text(text)
    # Without -O the compiler's own folding is out of the way; -fwrapv is D's arithmetic.
    words = ["gcc", "-w", "-O0", "-fwrapv", "-o", str(binary), str(source)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    done = subprocess.run([str(binary)], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def computed_by_d(text: str, folder: Path) -> list[str]:
    script = folder / "expressions.d"
    script.write_text(text)
    words = [DSCRIPT, "-q", "-x", "bufsize=1m", "-s", str(script)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    # The command ends its output with an empty line.
    return done.stdout.rstrip("\n").splitlines()


@pytest.mark.parametrize("seed", PROGRAMS)
def test_expressions_as_in_c(seed: int, tmp_path: Path) -> None:
    generator = Generator(seed)
    depth = 1 + seed % 4
    expressions = [generator.statement(depth) for _ in range(EXPRESSIONS)]
    wanted = computed_by_c(c_program(generator, expressions), tmp_path)
    scope = SCOPES[seed % len(SCOPES)] if seed % 5 else ""
    got = computed_by_d(d_program(generator, expressions, scope), tmp_path)
    assert len(wanted) == len(got) == EXPRESSIONS
    wrong = [
        f"{expression}: C {c}, D {d}"
        for expression, c, d in zip(expressions, wanted, got, strict=True)
        if c != d
    ]
    values = ", ".join(f"{v.name}=({v.type}){v.value}" for v in generator.variables)
    assert not wrong, "\n".join([f"{len(wrong)} differ, scope {scope!r}, {values}", *wrong[:10]])
