"""Recipes about user code, on programs that are compiled here or packaged with probes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.kernel import elf, usdt
from tests.examples.recipes import Output, recipe
from tests.userland.support import build

# 100 blocks of 1,000 bytes that are freed, 3 of 9,000 that are kept, 10 of 100 by calloc(),
# and one that grows to 1,900 bytes by realloc().
ALLOCATIONS = r"""
#include <stdlib.h>
#include <string.h>
#define OWN __attribute__((noinline))
OWN void *keep(size_t n) { void *p = malloc(n); memset(p, 1, n); return p; }
OWN void drop(size_t n) { void *p = keep(n); free(p); }
OWN void *zeroed(size_t n) { void *p = calloc(n, 2); memset(p, 1, n); return p; }
OWN void *grow(void)
{
    void *p = NULL;
    for (size_t i = 1; i < 20; i++)
        p = realloc(p, 100 * i);
    return p;
}
OWN void empty(void *p) { p = realloc(p, 0); }
int main(void)
{
    for (int i = 0; i < 100; i++)
        drop(1000);
    for (int i = 0; i < 3; i++)
        keep(9000);
    for (int i = 0; i < 10; i++)
        zeroed(50);
    grow();
    empty(keep(77));
    return getenv("HOME") == NULL || getenv("NO_SUCH") || getenv("NO_SUCH");
}
"""

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("allocations")
    flags = ("-O0", "-fno-omit-frame-pointer", "-fno-builtin")
    return str(build(folder, "allocations", ALLOCATIONS, *flags))


def _distributions(found: Output) -> dict[str, dict[int, int]]:
    """Counts by value, by the lines before each distribution."""
    pieces = re.split(r"^ *value  -+ Distribution -+ count *\n", found.stdout, flags=re.M)
    result = {}
    title = pieces[0]
    for piece in pieces[1:]:
        rows = re.findall(r"^ *(-?\d+) \|[@ ]* (\d+) *$", piece, re.M)
        result[title.strip()] = {int(value): int(count) for value, count in rows}
        title = "\n".join(line for line in piece.splitlines() if " |" not in line)
    return result


@needs_gcc
def test_mallocbystack(program: str) -> None:
    found = recipe("mallocbystack", command_line=program)
    sizes: dict[str, dict[int, int]] = {}
    for stack, counts in _distributions(found).items():
        functions = re.findall(r"`(\w+)", stack)[:3]
        merged = sizes.setdefault(" ".join(functions), {})
        merged.update({value: count for value, count in counts.items() if count})
    assert sizes["malloc keep drop"] == {512: 100}
    assert sizes["malloc keep main"] == {64: 1, 8192: 3}
    assert sizes["calloc zeroed main"] == {64: 10}
    assert sizes["realloc grow main"] == {64: 1, 128: 1, 256: 3, 512: 5, 1024: 9}


@needs_gcc
def test_leaks(program: str) -> None:
    found = recipe("leaks", command_line=program)
    left = {row["CALLER"]: (row["BYTES"], row["BLOCKS"]) for row in found.rows()}
    assert left["allocations`keep"] == ("27000", "3")
    assert left["allocations`zeroed"] == ("1000", "10")
    assert left["allocations`grow"] == ("1900", "1")


@needs_gcc
def test_libclatency(program: str) -> None:
    found = recipe("libclatency", "calloc", command_line=program)
    [(title, counts)] = _distributions(found).items()
    assert title.split()[-1] == "calloc" and sum(counts.values()) == 10
    assert min(value for value, count in counts.items() if count) >= 64


@needs_gcc
def test_libclatency_of_a_sleep() -> None:
    found = recipe("libclatency", "nanosleep", command_line="sleep 0.2")
    counts = next(
        counts for title, counts in _distributions(found).items() if title.endswith("nanosleep")
    )
    assert counts[1 << 27] + counts.get(1 << 28, 0) == 1  # 134 to 268 ms, or longer


@needs_gcc
def test_ufunccount(program: str) -> None:
    found = recipe("ufunccount", "a.out", "*", command_line=program)
    calls = {row["FUNCTION"]: row["CALLS"] for row in found.rows(LIBRARY="a.out")}
    assert calls["keep"] == "104" and calls["drop"] == "100" and calls["main"] == "1"
    found = recipe("ufunccount", "libc", "getenv", command_line=program)
    assert found.row(FUNCTION="getenv")["CALLS"] == "3"


@needs_gcc
def test_uflow(program: str) -> None:
    said = "dscript: (script .*|pid .*)"
    found = recipe("uflow", "a.out", "[dk]*", command_line=program, stderr=f"({said}\n?)*")
    rows = [
        re.fullmatch(r" *\d+( +)(->|<-) (\w+) +(.*) \+\d+ us", line) for line in found.lines[1:]
    ]
    calls = [(len(row[1]), row[2], row[3]) for row in rows if row is not None]
    drop = [(2, "->", "drop"), (4, "->", "keep"), (4, "<-", "keep"), (2, "<-", "drop")]
    assert (
        calls[:400] == drop * 100 and calls[400:406] == [(2, "->", "keep"), (2, "<-", "keep")] * 3
    )
    assert [row[4] for row in rows[:2] if row is not None] == ["(0x3e8)"] * 2


@needs_gcc
def test_getenvs(program: str) -> None:
    found = recipe("getenvs", command_line=program)
    assert found.row(VARIABLE="HOME") == {"VARIABLE": "HOME", "SET": "set", "ASKED": "1"}
    assert found.row(VARIABLE="NO_SUCH") == {"VARIABLE": "NO_SUCH", "SET": "-", "ASKED": "2"}


THROWS = r"""
#include <stdexcept>
__attribute__((noinline)) void odd() { throw 5; }
__attribute__((noinline)) void even() { throw std::runtime_error("x"); }
int main()
{
    for (int i = 0; i < 30; i++)
        try { if (i % 3) odd(); else even(); } catch (std::exception &) {} catch (int) {}
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_cppthrows(tmp_path: Path) -> None:
    program = build(tmp_path, "throws", THROWS, "-O1", compiler="g++")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libstdc\+\+\S* => (\S+)", listed)
    if library is None or not _has_probes(library[1], "libstdcxx"):
        pytest.skip("libstdc++ has no probes")
    found = recipe("cppthrows", command_line=str(program))
    rows = {words[0]: words[1:] for words in found.words[1:]}
    assert rows == {"i": ["20", "throws`odd()"], "St13runtime_error": ["10", "throws`even()"]}


def _has_probes(path: str, provider: str) -> bool:
    return any(site.provider == provider for site in usdt.sites(elf.read(path)))


PYTHON = "/usr/bin/python3.11"  # Debian 12's has probes


@pytest.fixture(scope="module")
def python() -> str:
    if not os.path.exists(PYTHON) or not _has_probes(PYTHON, "python"):
        pytest.skip(f"no {PYTHON} with probes")
    return PYTHON


def test_pygc(python: str, tmp_path: Path) -> None:
    """Seven full collections that we ask for; the first finds three rings of two lists."""
    program = tmp_path / "program.py"
    program.write_text("""
import gc
gc.disable(); gc.collect()
for _ in range(3): a, b = [], []; a.append(b); b.append(a)
del a, b
for _ in range(6): gc.collect()
for _ in range(5): gc.collect(0)
""")
    found = recipe("pygc", command_line=f"{python} -I -S {program}")
    full, young = (found.row(GENERATION=generation) for generation in (2, 0))
    # At its end the interpreter collects, too.
    assert int(full["TIMES"]) >= 7 and int(full["UNREACHABLE"]) >= 6
    assert int(young["TIMES"]) >= 5
    for row in (full, young):
        assert int(row["AVG(us)"]) <= int(row["MAX(us)"]) <= int(row["TOTAL(us)"])
    [counts] = _distributions(found).values()
    assert sum(counts.values()) == sum(
        int(row["TIMES"]) for row in found.rows() if "MAX(us)" in row
    )


def test_pyimports(python: str, tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text("import time, inner\ntime.sleep(0.02)\n")
    (tmp_path / "inner.py").write_text("import time\ntime.sleep(0.03)\n")
    (tmp_path / "program.py").write_text(
        "import outer, outer\ntry:\n    import missing\nexcept ImportError:\n    pass\n"
    )
    found = recipe("pyimports", command_line=f"{python} -S {tmp_path / 'program.py'}")
    names = [
        row["MODULE"] for row in found.rows() if row["MODULE"] in ("outer", "inner", "missing")
    ]
    assert names == ["inner", "outer", "missing"]
    inner, outer, missing = (found.row(MODULE=name) for name in names)
    assert float(inner["MS"]) >= 30 and float(outer["MS"]) >= 20 + float(inner["MS"])
    assert (outer["FOUND"], missing["FOUND"]) == ("yes", "no")


TLS = """
import ssl
def side(protocol):
    made = ssl.SSLContext(protocol)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("aNULL:@SECLEVEL=0")
    return made
to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
server = side(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
client = side(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server)
for end in (client, server) * 3:
    try: end.do_handshake()
    except ssl.SSLWantReadError: pass
client.write(b"GET / HTTP/1.1\\r\\n\\r\\n"); server.read(100)
server.write(b"x" * 1000); client.read(2000)
"""


def test_sslsnoop() -> None:
    """Both ends of a connection in one process; without certificates, whose keys none need."""
    try:
        subprocess.run([sys.executable, "-I", "-S", "-c", TLS], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        pytest.skip("OpenSSL does not offer anonymous connections")
    found = recipe("sslsnoop", python=TLS)
    assert [(row["D"], row["BYTES"], row["TEXT"]) for row in found.rows()] == [
        ("W", "18", "GET / HTTP/1.1\\r\\n\\r\\n"),
        ("R", "18", "GET / HTTP/1.1\\r\\n\\r\\n"),
        ("W", "1000", "x" * 200),
        ("R", "1000", "x" * 200),
    ]
