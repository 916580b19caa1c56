"""Symbols of the running kernel and of live processes."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import time
from pathlib import Path

import pytest

from dscript.symbols import files
from dscript.symbols.kernel import KernelSymbols
from dscript.symbols.mappings import Mapping, Spaces, read_mappings
from dscript.symbols.symbolizer import Symbolizer
from dscript.symbols.types import Symbol
from dscript.symbols.user import UserSymbols


def kallsyms(tmp_path: Path, text: str) -> KernelSymbols:
    path = tmp_path / "kallsyms"
    path.write_text(text)
    return KernelSymbols(str(path))


def test_table(tmp_path: Path) -> None:
    table = kallsyms(
        tmp_path,
        "ffffffff81000100 T first\n"
        "ffffffff81000000 T start\n"
        "ffffffff81000000 T alias\n"
        "ffffffffc0000000 t helper\t[mod]\n"
        "0000000000000000 A percpu\n",
    )
    assert table.lookup(0xFFFFFFFF81000000) == Symbol("vmlinux", "start", 0)
    assert table.lookup(0xFFFFFFFF810000FF) == Symbol("vmlinux", "start", 0xFF)
    assert table.lookup(0xFFFFFFFF81000180) == Symbol("vmlinux", "first", 0x80)
    assert table.lookup(0xFFFFFFFFC0000001) == Symbol("mod", "helper", 1)
    assert table.lookup(0xFFFFFFFFC8000000) is None
    assert table.lookup(5) is None
    assert table.readable


@pytest.mark.parametrize("text", ["", "0000000000000000 T hidden\n"])
def test_hidden_addresses(tmp_path: Path, text: str) -> None:
    table = kallsyms(tmp_path, text)
    assert table.lookup(0xFFFFFFFF81000000) is None
    assert table.readable is False


def test_missing_file(tmp_path: Path) -> None:
    table = KernelSymbols(str(tmp_path / "none"))
    assert table.lookup(1) is None
    assert table.readable is False


def test_running_kernel() -> None:
    with open("/proc/kallsyms") as file:
        address = next(int(li.split()[0], 16) for li in file if li.split()[2] == "schedule")
    assert Symbolizer().kernel(address + 4) == Symbol("vmlinux", "schedule", 4)


def libc_address(name: str) -> int:
    value = ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
    assert value
    return value


def test_own_process() -> None:
    symbols = Symbolizer()
    pid = os.getpid()
    found = symbols.user(0, pid, libc_address("getppid") + 3)
    assert found is not None
    assert found.module.startswith("libc")
    assert (found.name, found.offset) == ("getppid", 3)
    assert symbols.user(0, pid, 5) is None
    assert symbols.user(0, 0, libc_address("getppid")) is None


def test_a_process_that_is_gone() -> None:
    symbols = UserSymbols()
    child = subprocess.Popen(["sleep", "100"])
    child.kill()
    child.wait()
    assert symbols.lookup(child.pid, libc_address("getppid")) is None


def in_libc(name: str) -> int:
    """Offset of a function from where the library begins."""
    address = libc_address(name)
    mapping = next(m for m in read_mappings(os.getpid()) if m.start <= address < m.end)
    return address - mapping.start + mapping.offset


def run_to_the_end() -> tuple[int, int]:
    """A process that has come and gone: its ID, and where its getppid() was."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(b"x\n")
    child.stdin.flush()
    child.stdout.readline()  # it runs its main loop: every library is mapped
    with open(f"/proc/{child.pid}/maps") as file:
        base = next(int(li.split("-")[0], 16) for li in file if "/libc.so.6" in li)
    child.stdin.close()
    child.wait()
    return child.pid, base + in_libc("getppid")


NAMES = """
#include <stdio.h>
#include <unistd.h>
int __plain(int x) { return x + 1; }
int plain(int) __attribute__((alias("__plain")));
int zplain(int) __attribute__((alias("__plain")));
__asm__(".text\\n.type bare, @function\\nbare: nop\\nret\\n");
int bare(void);
int main(void)
{
    printf("%p %p\\n", (void *)__plain, (void *)bare);
    fflush(stdout);
    return getppid() > 1 ? fgetc(stdin) : 0;
}
"""


def test_names_are_the_same_while_a_process_runs_and_later(tmp_path: Path) -> None:
    """Several names of one place, a function whose symbol has no size, a stub of the linker."""
    (tmp_path / "names.c").write_text(NAMES)
    program = tmp_path / "names"
    subprocess.run(["gcc", "-O1", "-no-pie", "-o", program, tmp_path / "names.c"], check=True)
    shown = subprocess.run(["objdump", "-d", program], capture_output=True, text=True, check=True)
    stub = next(line for line in shown.stdout.splitlines() if line.endswith(" <getppid@plt>:"))
    pipe = subprocess.PIPE
    with subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout is not None
        places = [int(word, 16) for word in child.stdout.readline().split()]
        places.append(int(stub.split()[0], 16))
        spaces = Spaces()
        for mapping in read_mappings(child.pid):
            spaces.mapped(child.pid, mapping)
        running = [UserSymbols().lookup(child.pid, place + 1) for place in places]
        child.communicate("x")
    expected = [Symbol("names", name, 1) for name in ("plain", "bare", "getppid@plt")]
    assert running == expected
    for place, symbol in zip(places, expected, strict=True):
        held = spaces.find(child.pid, place)
        assert held is not None and files.symbol(child.pid, held, place + 1) == symbol


def test_process_that_came_and_went() -> None:
    """Seen from its start, a process has names after its end that nothing asked for before."""
    symbols = Symbolizer()
    symbols.watch()
    for _ in range(3):
        pid, address = run_to_the_end()
        found = symbols.user(0, pid, address)
        assert found is not None
        assert (found.module, found.name, found.offset) == ("libc.so.6", "getppid", 0)


def test_process_that_ran_before() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    base = 0
    while not base:
        with open(f"/proc/{child.pid}/maps") as file:
            found = [int(li.split("-")[0], 16) for li in file if "/libc.so.6" in li]
        base = found[0] if found else 0
    symbols = Symbolizer()
    symbols.watch()
    assert child.stdin is not None
    child.stdin.close()
    child.wait()
    symbol = symbols.user(0, child.pid, base + in_libc("getppid"))
    assert symbol is not None and symbol.name == "getppid"


def test_replaced_program_keeps_no_wrong_names(tmp_path: Path) -> None:
    """A file that was built anew since is not the one that was mapped."""
    from dscript.symbols.files import symbol

    address = libc_address("getppid")
    mapping = next(m for m in read_mappings(os.getpid()) if m.start <= address < m.end)
    wrong = mapping._replace(build_id="00" * 20)
    found = symbol(0, wrong, address)
    assert found is not None and (found.module, found.name) == ("libc.so.6", "")


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_running_program_whose_file_is_gone(tmp_path: Path, replaced: bool) -> None:
    """The names are those of the file that runs, not of one that took its place."""
    source, program = tmp_path / "p.c", tmp_path / "p"
    body = (
        'int main(void) { printf("%p\\n", (void *)OLD); fflush(stdout); '
        "return getppid() > 1 ? fgetc(stdin) : 0; }\n"
    )
    for name, path in (("old", program), ("new", tmp_path / "q")):
        text = f"#include <stdio.h>\nint {name}(void) {{ return 1; }}\n{body.replace('OLD', name)}"
        source.write_text(text)
        subprocess.run(["gcc", "-g0", "-o", path, source], check=True)
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    try:
        address = int(child.stdout.readline(), 16)
        if replaced:
            (tmp_path / "q").rename(program)
        else:
            program.unlink()
        found = Symbolizer().user(0, child.pid, address)
    finally:
        child.stdin.close()
        child.wait()
    assert found is not None
    assert (found.module, found.name, found.offset) == ("p", "old", 0)


def test_forked_process_has_its_parents_mappings() -> None:
    spaces = Spaces()
    spaces.executed(10)
    spaces.mapped(10, Mapping(0x1000, 0x2000, 0, "/a"))
    spaces.forked(11, 10)
    spaces.mapped(10, Mapping(0x1000, 0x2000, 0, "/b"))
    found = spaces.find(11, 0x1800)
    assert found is not None and found.path == "/a"
    spaces.executed(11)
    found = spaces.find(11, 0x1800)  # of what it ran before
    assert found is not None and found.path == "/a"
    spaces.mapped(11, Mapping(0x1000, 0x2000, 0, "/c"))
    found = spaces.find(11, 0x1800)
    assert found is not None and found.path == "/c" and spaces.find(11, 0x2800) is None
    spaces.ended(10)
    found = spaces.find(10, 0x1800)
    assert found is not None and found.path == "/b"
    assert spaces.find(10, 0x2000) is None


RUNS = """
#include <stdio.h>
#include <unistd.h>
void NAME(void) {}
int main(int argc, char **argv)
{
    char c;
    printf("%p\\n", (void *)NAME);
    fflush(stdout);
    if (read(0, &c, 1) == 1 && argc > 1)
        execv(argv[1], argv + 1);
    return 0;
}
"""


def test_functions_of_the_kernels_own_library() -> None:
    """In a process that runs, and in one that has ended; readelf knows where they are."""
    mapping = next(m for m in read_mappings(os.getpid()) if m.path == "[vdso]")
    image = Path(f"/tmp/vdso-{os.getpid()}")
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            image.write_bytes(os.pread(memory.fileno(), mapping.end - mapping.start, mapping.start))
        listed = subprocess.run(
            ["readelf", "-W", "--dyn-syms", image], capture_output=True, text=True, check=True
        ).stdout
    finally:
        image.unlink(missing_ok=True)
    functions = [line.split() for line in listed.splitlines() if " FUNC " in line]
    assert len(functions) > 3
    symbols = UserSymbols()
    for words in functions:
        address = mapping.start + int(words[1], 16) + 1
        names = {w[7].partition("@")[0] for w in functions if w[1] == words[1]}
        for found in (
            symbols.lookup(os.getpid(), address),
            files.symbol(0, mapping, address),
        ):
            assert found is not None
            assert (found.module, found.offset) == ("[vdso]", 1)
            assert found.name in names, (found, names)


@pytest.mark.parametrize("kind", [mmap.MAP_PRIVATE, mmap.MAP_SHARED])
def test_perf_map_of_a_compiler_at_run_time(kind: int) -> None:
    """In memory of its own, and in such as is shared, which the kernel calls a file."""
    rights = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    made = mmap.mmap(-1, 4096, flags=kind | mmap.MAP_ANONYMOUS, prot=rights)
    start = ctypes.addressof(ctypes.c_char.from_buffer(made))
    path = Path(f"/tmp/perf-{os.getpid()}.map")
    path.write_text(f"{start:x} 40 Lcom/acme/Main;::loop\n")
    try:
        found = [UserSymbols().lookup(os.getpid(), start + at) for at in (0x10, 0x40)]
    finally:
        path.unlink()
    unknown = Symbol("zero", "", 0) if kind == mmap.MAP_SHARED else None
    assert found == [Symbol(path.name, "Lcom/acme/Main;::loop", 0x10), unknown]


def test_process_that_runs_another_program(tmp_path: Path) -> None:
    """Both are linked for the same addresses: a name is that of what runs now."""
    for name in ("before", "after"):
        (tmp_path / f"{name}.c").write_text(RUNS.replace("NAME", name))
        words = ["gcc", "-O1", "-no-pie", "-o", tmp_path / name, tmp_path / f"{name}.c"]
        subprocess.run(words, check=True)
    pipe = subprocess.PIPE
    words = [tmp_path / "before", tmp_path / "after"]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        symbols, found = UserSymbols(), []
        for _ in range(2):
            address = int(child.stdout.readline(), 16)
            time.sleep(0.03)  # what it has mapped is read again after 20 ms
            found.append(symbols.lookup(child.pid, address))
            child.stdin.write("x")
            child.stdin.flush()
    assert found == [Symbol("before", "before", 0), Symbol("after", "after", 0)]


def test_file_of_the_same_path(tmp_path: Path) -> None:
    """Compiled anew while the tracer runs."""
    symbols, found = UserSymbols(), []
    for name in ("first", "second"):
        (tmp_path / "same.c").write_text(RUNS.replace("NAME", name))
        (tmp_path / "same").unlink(missing_ok=True)
        subprocess.run(["gcc", "-O1", "-o", tmp_path / "same", tmp_path / "same.c"], check=True)
        pipe = subprocess.PIPE
        with subprocess.Popen([tmp_path / "same"], stdin=pipe, stdout=pipe, text=True) as child:
            assert child.stdout is not None
            found.append(symbols.lookup(child.pid, int(child.stdout.readline(), 16)))
            child.communicate("x")
    assert found == [Symbol("same", "first", 0), Symbol("same", "second", 0)]


def test_stack_ends_where_there_is_no_code() -> None:
    said: list[str] = []
    symbols = Symbolizer(note=said.append)
    here = libc_address("getppid")
    frames = [here, here + 1, 0x1234567, here + 2]
    assert symbols.code_frames(os.getpid(), frames) == frames  # nothing is known
    symbols.watch()
    assert symbols.code_frames(os.getpid(), frames) == frames[:2]
    assert symbols.code_frames(os.getpid(), frames) == frames[:2]
    assert len(said) == 1 and "libc.so.6" in said[0]
