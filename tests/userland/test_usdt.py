"""Statically defined probes: real libraries, and notes written by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import elf, usdt
from tests.userland.support import build, dscript, error, lines

# A probe site as <sys/sdt.h> leaves it, with every kind of operand.
SITE = r"""
#include <stdio.h>
#include <unistd.h>
unsigned short enabled __attribute__((section(".probes")));
long numbers[4] = {100, 101, 102, 103};
struct pair { short a; int b; } pairs[3] = {{1, -20}, {3, -40}, {5, -60}};
#define NOTE(provider, name, semaphore, arguments, ...) \
    __asm__ volatile("990: nop\n" \
        ".pushsection .note.stapsdt,\"\",\"note\"\n" \
        ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n" \
        "991: .asciz \"stapsdt\"\n992: .balign 4\n" \
        "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte " semaphore "\n" \
        ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n" \
        "994: .balign 4\n.popsection\n" \
        ".ifndef _.stapsdt.base\n.pushsection .stapsdt.base,\"aG\",\"progbits\"," \
        ".stapsdt.base,comdat\n.weak _.stapsdt.base\n.hidden _.stapsdt.base\n" \
        "_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n.endif\n" \
        :: __VA_ARGS__ : "memory")

__attribute__((noinline)) void one(long i)
{
    long word = -5 - i;
    NOTE("demo", "kinds", "enabled", "-4@$-7 -8@%[w] -8@%[i] 1@%b[c] -2@(%[p],%[i],8) "
         "-4@4(%[p],%[i],8) 8@%[m]",
         [w] "r"(word), [i] "r"(i), [c] "q"((char)(200 + i)), [p] "r"(pairs), [m] "m"(word));
}

__attribute__((noinline)) void two(long i)
{
    NOTE("demo", "same__name", "0", "-8@%0", "r"(i * 10));
    NOTE("demo", "same__name", "0", "-4@$9", "r"(i));
    NOTE("demo", "symbols", "0", "8@numbers+8(%%rip) 8@numbers(,%0,8) 8@$numbers 4f@%%xmm0 8@%0",
         "r"(i));
}

int main(int argc, char **argv)
{
    for (long i = 0; i < 3; i++) {
        if (argc > 1 && !enabled)
            usleep(1000);
        one(i);
        two(i);
    }
    printf("enabled %d\n", enabled);
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("usdt"), "demo", SITE, "-O1")


def test_every_kind_of_argument(program: Path) -> None:
    clause = (
        'demo$target:::kinds { printf("%d %d %d %d %d %d %d\\n", '
        "arg0, arg1, arg2, arg3, arg4, arg5, arg6); }"
    )
    found = [line for line in lines(dscript("-n", clause, "-c", program)) if "enabled" not in line]
    pairs = [(1, -20), (3, -40), (5, -60)]
    assert found == [
        f"-7 {-5 - i} {i} {200 + i} {pairs[i][0]} {pairs[i][1]} {-5 - i}" for i in range(3)
    ]


def test_places_counted_from_symbols(program: Path) -> None:
    clause = (
        'demo$target:::symbols { printf("%d %d %d %d\\n", '
        "arg0, arg1, *(long *)copyin(arg2, 8), arg4); }"
    )
    found = [line for line in lines(dscript("-n", clause, "-c", program)) if "enabled" not in line]
    assert found == [f"101 {100 + i} 100 {i}" for i in range(3)]
    said = error("-n", "demo$target:::symbols { trace(arg3); }", "-c", program)
    assert "argument 3 of this probe is a floating-point number" in said


def test_semaphore_is_counted_while_tracing(program: Path) -> None:
    done = dscript("-n", "demo$target:::kinds { }", "-c", program)
    assert "enabled 1" in done.stdout
    alone = subprocess.run([program], capture_output=True, text=True, check=True)
    assert alone.stdout == "enabled 0\n"


def test_sites_of_one_probe_keep_their_own_arguments(program: Path) -> None:
    clause = 'demo$target::two:same-name { printf("%d\\n", arg0); }'
    found = [line for line in lines(dscript("-n", clause, "-c", program)) if "enabled" not in line]
    assert found == ["0", "9", "10", "9", "20", "9"]


def test_typed_arguments(program: Path) -> None:
    clause = 'demo$target:::kinds { printf("%d %d\\n", args[3] > 0, sizeof(args[5])); exit(0); }'
    assert "1 4" in lines(dscript("-n", clause, "-c", program))


def test_names(program: Path) -> None:
    clause = 'demo$target::: { @[probeprov == strjoin("demo", lltostr(pid)), probemod, probefunc, '
    clause += "probename] = count(); }"
    found = [line.split() for line in lines(dscript("-n", clause, "-c", program))]
    assert ["1", "demo", "one", "kinds", "3"] in found
    assert ["1", "demo", "two", "same-name", "6"] in found


def test_module_is_the_file_that_defines_the_probe(program: Path) -> None:
    """Not `a.out`, which is the pid provider's name, though a description may say so."""
    clause = "demo$target:demo::kinds { @[probemod] = count(); } "
    clause += "demo$target:a.out::kinds { @[probemod] = count(); }"
    found = lines(dscript("-n", clause, "-c", program))
    assert [line.split() for line in found if "enabled" not in line] == [["demo", "6"]]


def test_a_files_probes_by_empty_fields(program: Path) -> None:
    for description in (f"usdt:{program}:demo:", f"usdt:{program}:"):
        rows = [line.split() for line in lines(dscript("-l", "-n", description))[1:]]
        assert {tuple(row[1:]) for row in rows} >= {
            ("demo", str(program), "one", "kinds"),
            ("demo", str(program), "two", "same-name"),
        }


def test_glob_reaches_running_and_later_processes(program: Path) -> None:
    """What matches is found in a process that runs, and counts in those that start later."""
    source = program.parent / "wait.sh"
    source.write_text(f"{program} >&2; {program} >&2")
    clause = f"usdt:{program}:demo:kinds {{ @[probeprov] = count(); }}"
    found = lines(dscript("-n", clause, "-c", f"sh {source}"))
    assert [line.split() for line in found] == [["demo", "6"]]


@pytest.mark.parametrize("switch", ["-q", "-Z"])
def test_glob_finds_the_probes_of_the_command(program: Path, switch: str) -> None:
    clause = "dem*:::kinds /pid == $target/ { @ = count(); }"
    found = lines(dscript(switch, "-n", clause, "-c", program))
    assert [line.split() for line in found] == [["enabled", "1"], ["3"]]


def test_a_glob_with_the_number_of_a_process(program: Path) -> None:
    clause = 'd*$target:::k* { @[probeprov == strjoin("demo", lltostr(pid))] = count(); }'
    found = lines(dscript("-n", clause, "-c", program))
    assert [line.split() for line in found] == [["enabled", "1"], ["1", "3"]]


LIBRARY = r"""
__attribute__((constructor)) static void begin(void) { two(7); }
void later(void) { two(8); }
"""
LOADER = r"""
#include <dlfcn.h>
int main(int argc, char **argv)
{
    ((void (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "later"))();
    return 0;
}
"""


@pytest.mark.parametrize("module", ["libown", "libown.so", "libo*"])
def test_library_that_is_loaded_later(module: str, tmp_path: Path) -> None:
    source = SITE.partition("int main")[0] + LIBRARY
    library = build(tmp_path, "libown.so", source, "-shared", "-fPIC", "-O1")
    loader = build(tmp_path, "loads", LOADER, "-ldl")
    clause = (
        f'demo$target:{module}::same-name {{ printf("%s %s %d\\n", probemod, probefunc, arg0); }}'
    )
    found = lines(dscript("-n", clause, "-c", f"{loader} {library}"))
    assert found == [f"libown.so two {value}" for value in (70, 9, 80, 9)]
    assert "name the library" in error("-n", "demo$target:::same-name { }", "-c", loader)


def test_libstdcxx_throw(tmp_path: Path) -> None:
    source = """
    #include <stdexcept>
    int main() { for (int i = 0; i < 5; i++) try { throw std::runtime_error("x"); }
                 catch (std::exception &) { } }
    """
    program = build(tmp_path, "throws", source, compiler="g++")
    clause = (
        "libstdcxx$target:libstdc??.so.6::throw { @t = count(); } "
        "libstdcxx$target:::catch /arg0 != 0/ { @c = count(); } "
        'END { printa("%@d ", @t); printa("%@d\\n", @c); }'
    )
    assert lines(dscript("-n", clause, "-c", program)) == ["5 5"]


@pytest.mark.skipif(not shutil.which("/usr/bin/python3"), reason="needs Debian's python3")
def test_python_imports_and_collections() -> None:
    """Debian builds its Python with probes: the module imported, the generation collected."""
    python = Path("/usr/bin/python3").resolve()
    if not usdt.sites(elf.read(str(python))):
        pytest.skip(f"{python} defines no probes")
    clauses = (
        "python$target:::import-find-load-start { @i[copyinstr(arg0)] = count(); } "
        "python$target:::gc-start { @g[arg0] = count(); }"
    )
    command = f"{python} -c 'import gc, colorsys; gc.disable(); [gc.collect(1) for i in range(7)]'"
    found = [line.split() for line in lines(dscript("-n", clauses, "-c", command))]
    assert ["colorsys", "1"] in found
    assert ["1", "7"] in found


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("demo$target:::kind", "did you mean demo"),
        ("nothing$target:::x", "has the providers demo"),
        ("usdt:/etc/passwd:demo:x", "is no ELF file"),
        ("nosuchprovider*:::x", "no running process defines such a probe"),
    ],
)
def test_wrong_descriptions(program: Path, description: str, expected: str) -> None:
    assert expected in error("-n", f"{description} {{ }}", "-c", program)
