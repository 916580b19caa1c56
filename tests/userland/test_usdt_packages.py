"""The probes that packaged programs define, against what those programs know themselves."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dscript.kernel import elf, usdt
from tests.userland.support import DSCRIPT, dscript, lines

PYTHON = Path("/usr/bin/python3").resolve()


def _defines(path: str | Path, provider: str) -> bool:
    try:
        return any(site.provider == provider for site in usdt.sites(elf.read(str(path))))
    except elf.BadElf:
        return False


python = pytest.mark.skipif(
    not _defines(PYTHON, "python"), reason="no Debian Python with probes in /usr/bin"
)

# Counts its own calls by name as the interpreter's profiling hook tells them.
COUNTING = """
import collections, sys
calls = collections.Counter()
def hook(frame, event, arg):
    if event == "call":
        calls[frame.f_code.co_name] += 1
def even(n): return True if n == 0 else odd(n - 1)
def odd(n): return False if n == 0 else even(n - 1)
def generate(n):
    for i in range(n): yield i
sys.setprofile(hook)
for i in range(6): even(i)
list(generate(4))
sys.setprofile(None)
for name, count in calls.items(): print("called", name, count)
"""


@python
def test_python_functions_are_those_it_counts(tmp_path: Path) -> None:
    script = tmp_path / "counting.py"
    script.write_text(COUNTING)
    clauses = (
        "python$target:::function-entry /basename(copyinstr(arg0)) == $$1/ "
        '{ @[copyinstr(arg1), "entry"] = count(); } '
        "python$target:::function-return /basename(copyinstr(arg0)) == $$1/ "
        '{ @[copyinstr(arg1), "return"] = count(); }'
    )
    words = ["-n", clauses, "-c", f"{PYTHON} {script}", "counting.py"]
    done = lines(dscript(*words))
    told = {row.split()[1]: row.split()[2] for row in done if row.startswith("called")}
    assert {"even", "odd", "generate"} <= set(told)
    rows = [row.split() for row in done if not row.startswith("called")]
    traced = {(name, which): count for name, which, count in rows if name in told}
    # The hook's own call and what ran before it are not in its count; these three are.
    for name in ("even", "odd", "generate"):
        assert traced[name, "entry"] == told[name], (name, traced, told)
        assert traced[name, "return"] == told[name]


@pytest.fixture
def collecting() -> Iterator[subprocess.Popen[str]]:
    """A Python that collects garbage a few times whenever it gets a line."""
    code = (
        "import gc, sys; gc.disable(); print('ready', flush=True)\n"
        "for line in sys.stdin: [gc.collect(2) for i in range(int(line))]; print('done', flush=1)"
    )
    process = subprocess.Popen(
        [str(PYTHON), "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


@python
def test_python_glob_takes_every_process(collecting: subprocess.Popen[str]) -> None:
    """A glob in the provider's name: one that runs already, and those that start later."""
    later = f"{PYTHON} -c 'import gc; gc.disable(); [gc.collect(2) for i in range(3)]'"
    clause = (
        "python*:::gc-start /arg0 == 2 && (pid == $1 || progenyof($pid))/ "
        "{ @[pid == $1, probeprov, probemod] = count(); }"
    )
    script = Path(tempfile.mkdtemp()) / "run.sh"
    assert collecting.stdin is not None and collecting.stdout is not None
    script.write_text(f"echo 5 > /proc/{os.getpid()}/fd/{collecting.stdin.fileno()}\n{later}\n")
    # The interpreter collects when it ends, too: generation 2, uncounted in the later one.
    found = [row.split() for row in lines(dscript(
        "-n", clause, "-c", f"sh {script}", str(collecting.pid)
    ))]  # fmt: skip
    assert collecting.stdout.readline() == "done\n"
    counts = {row[0]: (row[1], row[2], int(row[3])) for row in found}
    assert counts["1"] == ("python", PYTHON.name, 5)
    assert counts["0"][:2] == ("python", PYTHON.name) and counts["0"][2] >= 3


@python
def test_python_is_enabled_only_while_traced(collecting: subprocess.Popen[str]) -> None:
    """The semaphore in the process's own memory, counted by the kernel."""
    site = next(s for s in usdt.sites(elf.read(str(PYTHON))) if s.name == "gc__start")
    base = 0
    image = elf.read(str(PYTHON))
    with open(f"/proc/{collecting.pid}/maps") as maps:
        start = int(next(maps).partition("-")[0], 16)
    if image.segments[0].address == 0:  # position independent
        base = start

    def semaphore() -> int:
        with open(f"/proc/{collecting.pid}/mem", "rb") as memory:
            memory.seek(base + site.semaphore)
            return int.from_bytes(memory.read(2), sys.byteorder)

    assert semaphore() == 0
    clause = f"python{collecting.pid}:::gc-start {{ }}"
    tracer = subprocess.Popen([DSCRIPT, "-q", "-n", clause])
    try:
        for _ in range(200):
            if semaphore():
                break
            time.sleep(0.05)
        assert semaphore() == 1
    finally:
        tracer.terminate()
        tracer.wait()
    assert semaphore() == 0


@python
def test_list_shows_them(collecting: subprocess.Popen[str]) -> None:
    listed = dscript("-l", "-P", f"python{collecting.pid}").stdout.splitlines()
    names = {row.split()[-1] for row in listed[1:]}
    noted = {s.name.replace("__", "-") for s in usdt.sites(elf.read(str(PYTHON)))}
    assert names == noted and "import-find-load-start" in names
    assert {row.split()[1] for row in listed[1:]} == {f"python{collecting.pid}"}


def _jvm() -> str | None:
    for path in sorted(glob.glob("/usr/lib/jvm/*/lib/server/libjvm.so")):
        if _defines(path, "hotspot"):
            return path
    return None


@pytest.mark.skipif(_jvm() is None, reason="no Java with probes in /usr/lib/jvm")
def test_hotspot_classes_are_those_it_logs(tmp_path: Path) -> None:
    library = _jvm()
    assert library is not None
    log = tmp_path / "classes"
    java = Path(library).parents[2] / "bin/java"
    text = (
        f"usdt:{library}:hotspot:class-loaded {{ @[stringof(copyin(arg0, arg1))] = count(); }} "
        f"usdt:{library}:hotspot:vm-init-end {{ @end = count(); }} "
        'END { printa("%s %@d\\n", @); printa("ended %@d\\n", @end); trunc(@); trunc(@end); }'
    )
    command = f"{java} -Xshare:off -Xlog:class+load:file={log} -version"
    found = lines(dscript("-x", "strsize=300", "-n", text, "-c", command, timeout=120))
    logged = Counter(
        row.split("] ", 1)[1].partition(" source:")[0].split("] ")[-1].replace(".", "/")
        for row in log.read_text().splitlines()
        if " source:" in row
    )
    assert "ended 1" in found
    traced = Counter({row.rpartition(" ")[0]: int(row.rpartition(" ")[2]) for row in found})
    ordinary = {name: count for name, count in logged.items() if "/0x" not in name}
    assert len(ordinary) > 200
    assert {name: traced[name] for name in ordinary} == ordinary


def _postgres() -> Path | None:
    for path in ("/usr/local/bin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))):
        if shutil.which("initdb", path=path) and _defines(f"{path}/postgres", "postgresql"):
            return Path(path)
    return None


@pytest.mark.skipif(_postgres() is None, reason="no PostgreSQL with probes")
def test_postgresql_queries(tmp_path: Path) -> None:
    """A server in single-user mode: the queries it is given, and what it does for them."""
    folder = _postgres()
    assert folder is not None
    account = pwd.getpwnam("nobody")
    home = tempfile.mkdtemp(prefix="postgres")
    os.chown(home, account.pw_uid, account.pw_gid)
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    data = f"{home}/data"
    environment = {"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C"}
    made = subprocess.run(
        [*drop, folder / "initdb", "-D", data, "-U", "tester", "--no-sync", "-A", "trust"],
        capture_output=True, env=environment, cwd=home, check=False,
    )  # fmt: skip
    if made.returncode:
        shutil.rmtree(home)
        pytest.skip("PostgreSQL makes no database here")
    queries = [
        "create table numbers as select g from generate_series(1, 1000) g",
        "select count(*) from numbers",
        "select g from numbers order by g desc limit 3",
    ]
    Path(home, "queries").write_text("".join(f"{query}\n" for query in queries))
    server = f"usdt:{folder / 'postgres'}:postgresql"
    text = (
        f'{server}:query-start {{ printf("Q %s\\n", copyinstr(arg0)); }} '
        f"{server}:query-done {{ @done = count(); }} "
        f"{server}:transaction-commit {{ @commits = count(); }} "
        f"{server}:sort-start {{ @sorts = count(); }} "
        'END { printa("done %@d\\n", @done); printa("sorts %@d\\n", @sorts); '
        "trunc(@done); trunc(@sorts); trunc(@commits); }"
    )
    script = Path(home, "run.sh")
    script.write_text(
        f"exec {' '.join(drop)} env LC_ALL=C HOME={home} {folder / 'postgres'} --single "
        f"-D {data} postgres < {home}/queries > {home}/out 2>&1\n"
    )
    try:
        found = lines(dscript("-n", text, "-c", f"sh {script}", timeout=120))
        answers = Path(home, "out").read_text()
    finally:
        shutil.rmtree(home)
    assert [row[2:] for row in found if row.startswith("Q ")] == queries
    assert f"done {len(queries)}" in found and "sorts 1" in found
    assert 'count = "1000"' in answers
