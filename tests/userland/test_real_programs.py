"""Programs of several languages and linkings: probes by name, counts as the program has them.

Each program prints, for every function that is probed, how often it called it and the sum of
what it passed: the tracer has to find the same.
"""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.userland.support import build, dscript, error, lines

C = """
#include <stdio.h>
volatile int sink;
static __attribute__((noinline)) int hidden(int x) { sink = x; return x * 3; }
__attribute__((noinline)) int shown(int x) { sink = x; return hidden(x + 1) + 1; }
int main(int count, char **words)
{
    int calls = 0, sum = 0;
    for (int i = 0; i < 40; i++, calls++, sum += i)
        shown(i);
    fprintf(stderr, "%d %d\\n", calls, sum - 40);
    return 0;
}
"""
# The sum of shown()'s arguments is 0 + … + 39, that of hidden()'s 40 more.
COUNTS = (
    "pid$target:a.out:shown:entry { @n = count(); @s = sum(arg0); } "
    "pid$target:a.out:hidden:entry { @h = count(); @t = sum(arg0); } "
    "pid$target:a.out:hidden:return { @r = sum(arg1); } "
    'END { printa("%@d ", @n); printa("%@d ", @s); printa("%@d ", @h); printa("%@d ", @t); '
    'printa("%@d\\n", @r); }'
)
EXPECTED = [f"40 780 40 820 {3 * 820}"]


def counted(program: Path) -> list[str]:
    return lines(dscript("-n", COUNTS, "-c", program))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("c"), "program", C, "-O2", "-Wl,--build-id")


def copied(program: Path, folder: Path) -> Path:
    return Path(shutil.copy(program, folder / "program"))


def test_the_program_knows_the_same(compiled: Path) -> None:
    """What the test takes for the truth, by the program's own account."""
    done = subprocess.run([compiled], capture_output=True, text=True, check=True)
    assert done.stderr.split() == [str(n) for n in (40, sum(range(1, 41)) - 40)]


@pytest.mark.parametrize(
    "flags",
    [("-O0",), ("-O2",), ("-O2", "-static"), ("-O2", "-no-pie"), ("-O2", "-fcf-protection=full"),
     ("-O2", "-Wl,-z,noseparate-code"), ("-Os", "-fomit-frame-pointer", "-ffunction-sections")],
    ids=" ".join,
)  # fmt: skip
def test_c(flags: tuple[str, ...], tmp_path: Path) -> None:
    assert counted(build(tmp_path, "program", C, *flags)) == EXPECTED


# -- where symbols may be


def test_stripped(compiled: Path, tmp_path: Path) -> None:
    program = copied(compiled, tmp_path)
    subprocess.run(["strip", program], check=True)
    text = error("-n", "pid$target:a.out:hidden:entry { }", "-c", program)
    assert "a.out has no function hidden" in text or "it was stripped" in text


def test_small_symbol_table_packed_into_a_stripped_program(compiled: Path, tmp_path: Path) -> None:
    """As Fedora's packages have it: functions that .dynsym lacks (gdb: MiniDebugInfo)."""
    program, small = copied(compiled, tmp_path), tmp_path / "small"
    subprocess.run(["objcopy", "--only-keep-debug", program, small], check=True)
    subprocess.run(["objcopy", "-S", "-K", "hidden", "-K", "shown", small], check=True)
    packed = tmp_path / "small.xz"
    packed.write_bytes(lzma.compress(small.read_bytes()))
    subprocess.run(["strip", program], check=True)
    subprocess.run(["objcopy", "--add-section", f".gnu_debugdata={packed}", program], check=True)
    assert (
        "hidden"
        not in subprocess.run(["nm", program], capture_output=True, text=True, check=False).stdout
    )
    assert counted(program) == EXPECTED


def test_debug_file_named_by_its_link(compiled: Path, tmp_path: Path) -> None:
    program = copied(compiled, tmp_path)
    (tmp_path / ".debug").mkdir()
    debug = tmp_path / ".debug/program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["strip", "--remove-section=.note.gnu.build-id", program], check=True)
    subprocess.run(["objcopy", f"--add-gnu-debuglink={debug}", program], check=True)
    assert counted(program) == EXPECTED


def test_debug_file_by_build_id(compiled: Path, tmp_path: Path) -> None:
    """In a folder like /usr/lib/debug; `-l` finds them there too."""
    program = copied(compiled, tmp_path)
    text = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True)
    build_id = next(line.split()[-1] for line in text.stdout.splitlines() if "Build ID" in line)
    place = tmp_path / "debug/.build-id" / build_id[:2]
    place.mkdir(parents=True)
    debug = place / f"{build_id[2:]}.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["strip", program], check=True)
    option = ("-x", f"debugdir={tmp_path}/debug")
    assert lines(dscript(*option, "-n", COUNTS, "-c", program)) == EXPECTED
    listed = lines(dscript(*option, "-ln", "pid$target:a.out:hidden:entry", "-c", program))
    assert listed[-1].split()[-2:] == ["hidden", "entry"]
    # Names of addresses are looked up after the program was compiled, by another process.
    clause = "pid$target:a.out:hidden:entry { @[ufunc(uregs[R_PC])] = count(); }"
    if os.uname().machine == "x86_64":
        clause = clause.replace("R_PC", "R_RIP")
    found = lines(dscript(*option, "-n", clause, "-c", program))
    assert found[0].split() == ["program`hidden", "40"]


# -- other languages

CPLUSPLUS = """
#include <string>
#include <vector>
namespace shop {
template <typename T> struct Basket {
    std::vector<T> items;
    __attribute__((noinline)) int add(const T &item, int price);
};
template <typename T> __attribute__((noinline)) int Basket<T>::add(const T &item, int price)
{
    items.push_back(item);
    return price * 2;
}
struct Till {
    virtual ~Till() = default;
    virtual __attribute__((noinline)) int total(int sum) { return sum + 1; }
    __attribute__((noinline)) bool operator==(int n) const { return n == 7; }
};
__attribute__((noinline)) int fails(int n) { if (n % 2) throw n; return n; }
}
int main(int count, char **)
{
    shop::Basket<std::string> basket;
    shop::Till *till = new shop::Till;
    int sum = 0, caught = 0;
    for (int i = 0; i < 20; i++) {
        sum += basket.add("thing", i) + till->total(i) + (*till == i);
        try { sum += shop::fails(i); } catch (int) { caught++; }
    }
    delete till;
    return caught == 10 ? 0 : sum;
}
"""


def test_cplusplus(tmp_path: Path) -> None:
    """Templates, virtual functions, operators, and functions that are left by an exception."""
    program = build(tmp_path, "shop", CPLUSPLUS, "-O1", compiler="g++")
    clauses = (
        "pid$target:a.out:*shop*:entry { @e[0, probefunc] = count(); } "
        "pid$target:a.out:shop??Till??total:return { @v[1, probefunc] = sum(arg1); } "
        "pid$target:a.out:shop??Basket*add*:entry { @p[2, probefunc] = sum(arg2); } "
        "pid$target:a.out:shop??fails:return { @l[3, probefunc] = count(); } "
        "END { " + "".join(f'printa("%d %@d %s\\n", @{name}); ' for name in "evpl") + "}"
    )
    add = (
        "shop::Basket<std::__cxx11::basic_string<char, std::char_traits<char>, "
        "std::allocator<char> > >::add(std::__cxx11::basic_string<char, std::char_traits<char>, "
        "std::allocator<char> > const&, int)"
    )
    found = {
        (int(kind), name): int(value)
        for kind, value, name in (
            line.split(maxsplit=2) for line in lines(dscript("-n", clauses, "-c", program))
        )
    }
    assert found[0, add] == 20 and found[2, add] == sum(range(20))
    assert found[0, "shop::Till::total(int)"] == 20
    assert found[1, "shop::Till::total(int)"] == sum(range(1, 21))
    assert found[0, "shop::Till::operator==(int) const"] == 20
    assert found[0, "shop::fails(int)"] == 20
    assert found[3, "shop::fails(int)"] == 10, "an exception is no return"


RUST = """
use std::hint::black_box;
mod shapes {
    pub struct Circle { pub radius: i64 }
    pub trait Area { fn area(&self, scale: i64) -> i64; }
    impl Area for Circle {
        #[inline(never)]
        fn area(&self, scale: i64) -> i64 { std::hint::black_box(self.radius * scale) }
    }
    #[inline(never)]
    pub fn twice(x: i64) -> i64 { std::hint::black_box(x * 2) }
    #[inline(never)]
    pub fn generic<T: Into<i64>>(x: T) -> i64 { std::hint::black_box(x.into() + 1) }
}
use shapes::Area;
fn main() {
    let mut sum = 0;
    for i in 0..30 {
        let circle = shapes::Circle { radius: black_box(i) };
        sum += circle.area(3) + shapes::twice(i) + shapes::generic(i as i32);
    }
    assert_eq!(sum, 435 * 3 + 435 * 2 + 435 + 30);
}
"""


@pytest.mark.parametrize("mangling", ["legacy", "v0"])
def test_rust(mangling: str, tmp_path: Path) -> None:
    if shutil.which("rustc") is None:
        pytest.skip("there is no rustc here")
    source, program = tmp_path / "area_test.rs", tmp_path / "area_test"
    source.write_text(RUST)
    words = ["rustc", "-O", "-C", f"symbol-mangling-version={mangling}", "-o", program, source]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"rustc cannot: {made.stderr[-200:]}")
    clauses = (
        "pid$target:a.out:*area_test??shapes*:entry { @[probefunc] = count(); } "
        "pid$target:a.out:area_test??shapes??twice:return { @r = sum(arg1); } "
        'END { printa("%@d %s\\n", @); printa("%@d\\n", @r); }'
    )
    generic = "generic::<i32>" if mangling == "v0" else "generic"
    assert sorted(lines(dscript("-n", clauses, "-c", program))) == sorted(
        [
            "30 <area_test::shapes::Circle as area_test::shapes::Area>::area",
            f"30 area_test::shapes::{generic}",
            "30 area_test::shapes::twice",
            "870",
        ]
    )


# -- many processes


def test_fifty_short_lived_processes_of_a_file(compiled: Path) -> None:
    clause = (
        f"uprobe:{compiled}:shown:entry {{ @n = count(); @s = sum(arg0); @p[pid] = count(); }} "
        f"uprobe:{compiled}:hidden:return {{ @r = count(); }} "
        'END { printa("%@d ", @n); printa("%@d ", @s); printa("%@d\\n", @r); '
        'printa("%@d\\n", @p); }'
    )
    script = f"for i in 1 2 3 4 5; do for j in 1 2 3 4 5 6 7 8 9 10; do {compiled}; done; done"
    found = lines(dscript("-n", clause, "-c", f"sh -c '{script}'"))
    assert found == ["2000 39000 2000", *["40"] * 50]
