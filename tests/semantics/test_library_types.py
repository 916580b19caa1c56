"""Type names of D libraries are types to the parser, wherever a variable could stand too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dscript.semantics.libraries import KnownTypes

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
LIBRARY = """\
typedef unsigned short half;
typedef struct pair {
	int a;
	int b;
} pair;
typedef int four[4];
inline int not_a_type = 3;
"""


def run(folder: Path, program: str) -> str:
    (folder / "types.d").write_text(LIBRARY)
    done = subprocess.run(
        [DSCRIPT, "-L", str(folder), "-qn", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_casts_keys_and_sizes(tmp_path: Path) -> None:
    program = (
        "int m[half]; pair p; four f; "
        'BEGIN { m[65537] = 5; p.b = 6; f[3] = 7; printf("%d %d %d %d %d %d", (half)-1, m[1], '
        "p.b, f[3], sizeof (pair), ((pair *)0 == NULL)); exit(0); }"
    )
    assert run(tmp_path, program) == "65535 5 6 7 8 1"


def test_variables_in_parentheses_stay_variables(tmp_path: Path) -> None:
    assert run(tmp_path, "BEGIN { x = 5; trace((x)-1); trace((not_a_type)-1); exit(0); }") == "42"


def test_known_types(tmp_path: Path) -> None:
    (tmp_path / "types.d").write_text(LIBRARY)
    known = KnownTypes((str(tmp_path),))
    names = ("half", "pair", "four", "size_t", "u32", "__be16", "fileinfo_t")
    assert all(map(known, names))
    assert not any(map(known, ("not_a_type", "a", "u33", "x", "int4")))
