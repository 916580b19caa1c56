"""`-h` and `-G`: probes declared in D, built into C and C++ programs with gcc, and traced."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.userland.support import build, dscript, error, lines

DECLARATION = """
provider myserv {
    probe query__receive(int id, char *text);
    probe query__done(int64_t id, uint16_t code, string why);
    probe idle();
};
"""

PROGRAM = """
#include <stdio.h>
#include "myserv.h"
int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) {
        if (MYSERV_QUERY_RECEIVE_ENABLED())
            puts("enabled");
        MYSERV_QUERY_RECEIVE(i, argv[argc - 1]);
        MYSERV_QUERY_DONE(-1000000000000L - i, 65533 + i, "why");
        MYSERV_IDLE();
    }
    return 0;
}
"""

CLAUSES = """
myserv$target:::query-receive { printf("receive %d %s\\n", (int)arg0, copyinstr(arg1)); }
myserv$target:::query-done { printf("done %d %d %s\\n", arg0, arg1, copyinstr(arg2)); }
myserv$target:::idle { @ = count(); }
END { printa("idle %@d\\n", @); }
"""


def expected(program: Path) -> list[str]:
    found = []
    for i in range(3):
        found.append(f"receive {i} word")
        found.append(f"done {-1000000000000 - i} {65533 + i} why")
    return [*found, "idle 3"]


@pytest.fixture
def header(tmp_path: Path) -> Path:
    (tmp_path / "myserv.d").write_text(DECLARATION)
    dscript("-h", "-s", tmp_path / "myserv.d", "-o", tmp_path / "myserv.h")
    return tmp_path


def test_arguments_have_the_types_declared(header: Path) -> None:
    """A script that declares the provider, too, has its types in args[]."""
    program = build(header, "main", PROGRAM, f"-I{header}")
    script = header / "typed.d"
    script.write_text(
        DECLARATION
        + """
myserv$target:::query-receive { printf("%d %s %c\\n", args[0], stringof(args[1]), *args[1]); }
myserv$target:::query-done {
    printf("%d %d %s\\n", sizeof (args[0]), sizeof (args[1]), args[2]);
}
"""
    )
    found = lines(dscript("-s", script, "-c", f"{program} word"))
    assert [line for line in found if line != "enabled"] == [
        line for i in range(3) for line in (f"{i} word w", "8 2 why")
    ]


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_declared_probes_fire(header: Path, compiler: str, level: str) -> None:
    program = build(header, "served", PROGRAM, level, "-Wall", "-Werror", compiler=compiler)
    found = lines(dscript("-n", CLAUSES, "-c", f"{program} word"))
    assert [line for line in found if line != "enabled"] == expected(program)
    assert found.count("enabled") == 3


def test_object_of_semaphores_is_linked(header: Path) -> None:
    build(header, "part.o", PROGRAM, "-c", "-O1")
    dscript("-G", "-s", header / "myserv.d", "-o", header / "myserv.o", header / "part.o")
    program = header / "linked"
    subprocess.run(["gcc", "-o", program, header / "part.o", header / "myserv.o"], check=True)
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    # Strong definitions (D) took the place of the header's weak ones (V).
    assert names.count(" D myserv_") == 3 and " V myserv_" not in names
    assert "done" in dscript("-n", CLAUSES, "-c", f"{program} word").stdout


def test_disabled_probes_cost_one_nop(header: Path) -> None:
    """No call, no store: the site is a nop, and ENABLED a load and a test."""
    source = '#include "myserv.h"\nvoid fires(int n) { MYSERV_QUERY_RECEIVE(n, 0); }\n'
    built = build(header, "site.o", source, "-c", "-O2")
    text = subprocess.run(["objdump", "-d", built], capture_output=True, text=True, check=True)
    code = [line.split("\t")[2].strip() for line in text.stdout.splitlines() if "\t" in line]
    operations = [line.split()[0] for line in code if not line.startswith(("endbr64", "data16"))]
    assert operations[: operations.index("ret") + 1] == ["nop", "ret"]


def test_left_out_by_a_define(header: Path) -> None:
    program = build(header, "none", PROGRAM, "-O1", "-Wall", "-Werror", "-DDSCRIPT_NO_PROBES")
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True)
    assert "stapsdt" not in notes.stdout
    assert subprocess.run([program], check=True, capture_output=True).stdout == b""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BEGIN { }", "declares no provider"),
        ("struct s { int a[4]; }; provider p { probe q(struct s x); };", "pass a pointer to it"),
        ("provider p { probe q(", "D_SYNTAX"),
    ],
)
def test_wrong_declarations(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.d").write_text(text)
    assert message in error("-x", "errtags", "-h", "-s", tmp_path / "p.d", "-o", tmp_path / "p.h")
    assert not (tmp_path / "p.h").exists()
