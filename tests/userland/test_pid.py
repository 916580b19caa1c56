"""The pid and uprobe providers on compiled programs, against what the programs do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.userland.support import build, dscript, error, lines

SOURCE = """
#include <stdlib.h>
#include <unistd.h>
volatile int sink;
__attribute__((noinline)) long eight(int a, int b, int c, int d, int e, int f, long g, int h)
{
    if (a == 2)
        return -1;
    return a + b + c + d + e + f + g + h;
}
__attribute__((noinline)) long last(long x) { sink = x; return x + 1; }
__attribute__((noinline)) long tail(long x) { sink = x; return last(x * 2); }
static __attribute__((noinline)) int hidden(int x) { sink = x; return x * 3; }
int main(void)
{
    for (int i = 0; i < 4; i++) {
        sink = eight(i, 2, 3, 4, 5, 6, 70, 8);
        sink = tail(i + 10);
        sink = hidden(i);
        void *volatile p = malloc(1000 + i);
        free(p);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("pid"), "calls", SOURCE, "-O1")


def test_entry_arguments_in_registers_and_on_the_stack(program: Path) -> None:
    clause = 'pid$target:a.out:eight:entry { printf("%d %d %d %d\\n", arg0, arg5, arg6, arg7); }'
    assert lines(dscript("-n", clause, "-c", program)) == [f"{i} 6 70 8" for i in range(4)]


def test_addresses_of_a_target_that_has_ended(program: Path) -> None:
    """`%A` names addresses of the target's code, also when they are printed after its end."""
    clauses = (
        'pid$target:a.out:eight:entry { @[uregs[R_PC]] = count(); } END { printa("%A %@d\\n", @); }'
    )
    assert lines(dscript("-n", clauses, "-c", program)) == ["calls`eight 4"]


def test_return_values(program: Path) -> None:
    clause = 'pid$target:a.out:eight:return { printf("%d\\n", (int)arg1); }'
    expected = [str(-1 if i == 2 else i + 98) for i in range(4)]
    assert lines(dscript("-n", clause, "-c", program)) == expected


def test_return_offset_is_that_of_a_return_instruction(program: Path) -> None:
    """objdump tells where the function's returns are."""
    clause = 'pid$target:a.out:eight:return { printf("%x\\n", arg0); }'
    found = set(lines(dscript("-n", clause, "-c", program)))
    text = subprocess.run(
        ["objdump", "-d", "--disassemble=eight", program],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    code = [line.split("\t") for line in text.splitlines() if line.startswith("    ")]
    start = int(code[0][0].strip(" :"), 16)
    returns = {
        f"{int(line[0].strip(' :'), 16) - start:x}" for line in code if line[-1].startswith("ret")
    }
    assert found and found <= returns


def test_what_does_not_return_is_left_alone(tmp_path: Path) -> None:
    """At a program's first instruction argc is where functions have their return address."""
    source = """
    #include <stdlib.h>
    __attribute__((noinline, noreturn)) void leave(int status) { exit(status); }
    int main(int count, char **words) { leave(count + !words); }
    """
    program = build(tmp_path, "leaves", source, "-O1")
    clauses = (
        "pid$target:a.out::return { @[probefunc] = count(); } "
        'pid$target:a.out:main:entry { printf("%d\\n", (int)arg0); }'
    )
    found = lines(dscript("-n", clauses, "-c", program, status=0))
    assert found[0] == "1" and not any("_start" in line for line in found)
    message = error("-n", "pid$target:a.out:leave:return { @ = count(); }", "-c", program)
    assert "leave does not return" in message


def test_tail_call_is_a_return(program: Path) -> None:
    """`tail` ends in a jump to `last` (at -O2 level optimisation gcc -O1 calls): either way
    the function returns as often as it is entered."""
    clauses = (
        "pid$target:a.out:tail:entry { @e = count(); } "
        "pid$target:a.out:tail:return { @r = count(); } "
        'END { printa("%@d ", @e); printa("%@d\\n", @r); }'
    )
    assert lines(dscript("-n", clauses, "-c", program)) == ["4 4"]


def test_tail_call_optimised(tmp_path: Path) -> None:
    program = build(tmp_path, "tails", SOURCE, "-O2")
    clauses = (
        "pid$target:a.out:tail:entry { @e = count(); } "
        "pid$target:a.out:tail:return { @r = count(); } "
        "pid$target:a.out:last:return { @l = count(); } "
        'END { printa("%@d ", @e); printa("%@d ", @r); printa("%@d\\n", @l); }'
    )
    assert lines(dscript("-n", clauses, "-c", program)) == ["4 4 4"]


def test_callers_without_frame_pointers(tmp_path: Path) -> None:
    program = build(tmp_path, "frameless", SOURCE, "-O1", "-fomit-frame-pointer", "-fno-inline")
    clauses = (
        "pid$target:a.out:last:entry, pid$target:a.out:hidden:entry, "
        "pid$target:a.out:hidden:return "
        '{ printf("%s %s ", probefunc, probename); ufunc(ucaller); printf("\\n"); }'
    )
    said = [line.split() for line in lines(dscript("-n", clauses, "-c", program))]
    called = {(name, probe, caller.rpartition("`")[2]) for name, probe, caller in said}
    assert called == {
        ("last", "entry", "tail"),
        ("hidden", "entry", "main"),
        ("hidden", "return", "main"),
    }


def test_instruction_offsets(program: Path) -> None:
    """Offset 0 is the entry; the empty name means entry, return and every instruction."""
    done = dscript("-n", 'pid$target:a.out:hidden:0 { printf("%d\\n", arg0); }', "-c", program)
    assert lines(done) == ["0", "1", "2", "3"]
    done = dscript("-n", "pid$target:a.out:hidden: { @[probename] = count(); }", "-c", program)
    names = {line.split()[0]: line.split()[1] for line in lines(done)}
    assert {"0", "entry", "return"} < set(names) and set(names.values()) == {"4"}


def test_library_loaded_after_the_program_starts(program: Path) -> None:
    clause = "pid$target:libc:malloc:entry /arg0 >= 1000 && arg0 < 1004/ { @ = count(); }"
    end = 'END { printa("%@d\\n", @); }'
    assert lines(dscript("-n", f"{clause} {end}", "-c", program)) == ["4"]


def test_globs_and_names(program: Path) -> None:
    clause = "pid$target:a.out:[eht]*:entry { @[probemod, probefunc] = count(); }"
    found = lines(dscript("-n", clause, "-c", program))
    assert [line.split() for line in found] == [
        ["a.out", "eight", "4"],
        ["a.out", "hidden", "4"],
        ["a.out", "tail", "4"],
    ]


def test_running_process(tmp_path: Path) -> None:
    source = """
    #include <unistd.h>
    __attribute__((noinline)) int step(int n) { usleep(2000); return n; }
    int main(void) { for (int n = 0;; n++) step(n); }
    """
    program = build(tmp_path, "steps", source, "-O1")
    process = subprocess.Popen([program])
    try:
        clause = "pid$target:a.out:step:entry { i++; } pid$target:a.out:step:entry /i == 5/ "
        done = dscript("-n", clause + '{ printf("%d", pid == $target); exit(0); }', "-p",
                       str(process.pid))  # fmt: skip
        assert lines(done) == ["1"]
        assert process.poll() is None, "the process goes on afterwards"
    finally:
        process.kill()
        process.wait()


def test_other_processes_do_not_count(program: Path) -> None:
    other = subprocess.Popen(["sh", "-c", f"while :; do {program}; done"])
    try:
        clause = 'pid$target:a.out:eight:entry { @ = count(); } END { printa("%@d\\n", @); }'
        assert lines(dscript("-n", clause, "-c", program)) == ["4"]
    finally:
        other.kill()
        other.wait()


def test_uprobe_counts_every_process(program: Path) -> None:
    clause = (
        f"uprobe:{program}:eight:entry {{ @ = count(); }} "
        f"uprobe:{program}:eight:return {{ @r = count(); }} "
        'END { printa("%@d ", @); printa("%@d\\n", @r); }'
    )
    assert lines(dscript("-n", clause, "-c", f"sh -c '{program}; {program}'")) == ["8 8"]


def test_bpftrace_spelling(program: Path) -> None:
    clause = f'uprobe:{program}:eight {{ @ = count(); }} END {{ printa("%@d\\n", @); }}'
    assert lines(dscript("-n", clause, "-c", program)) == ["4"]


def test_demangled_names(tmp_path: Path) -> None:
    source = """
    namespace geo { struct Point { int x; __attribute__((noinline)) int scaled(int by); }; }
    int geo::Point::scaled(int by) { return x * by; }
    int main() { volatile int v = 3; geo::Point p{v}; return p.scaled(2) - 6; }
    """
    program = build(tmp_path, "names", source, "-O1", compiler="g++")
    clause = 'pid$target:a.out:*scaled*:return { printf("%s %d\\n", probefunc, arg1); }'
    assert lines(dscript("-n", clause, "-c", program)) == ["geo::Point::scaled(int) 6"]
    clause = 'pid$target:a.out:geo??Point??scaled:entry { printf("%d\\n", arg1); }'
    assert lines(dscript("-n", clause, "-c", program)) == ["2"]


def test_static_program(tmp_path: Path) -> None:
    program = build(tmp_path, "static", SOURCE, "-O1", "-static")
    clause = 'pid$target:a.out:hidden:return { printf("%d\\n", arg1); }'
    assert lines(dscript("-n", clause, "-c", program)) == ["0", "3", "6", "9"]


def test_constructors_and_destructors_fire_once(tmp_path: Path) -> None:
    """g++ writes two symbols for each (C1 and C2 of the Itanium C++ ABI), at one place."""
    source = """
    struct Box { int v; Box(int v); ~Box(); };
    __attribute__((noinline)) Box::Box(int v) : v(v) { asm volatile("" ::: "memory"); }
    __attribute__((noinline)) Box::~Box() { asm volatile("" ::: "memory"); }
    int main() { for (int i = 0; i < 3; i++) Box b(i); return 0; }
    """
    program = build(tmp_path, "boxes", source, "-O1", compiler="g++")
    clause = 'pid$target:a.out:*Box*: /probename == "entry" || probename == "return"/ '
    done = dscript("-n", clause + "{ @[probefunc, probename] = count(); }", "-c", program)
    assert {tuple(line.split()) for line in lines(done)} == {
        (name, kind, "3")
        for name in ("Box::Box(int)", "Box::~Box()")
        for kind in ("entry", "return")
    }


def test_names_of_one_place(tmp_path: Path) -> None:
    """A glob means one of them, as in DTrace; each can be named."""
    source = """
    __attribute__((noipa)) int __inner(int n) { return n + 1; }
    int inner(int n) __attribute__((alias("__inner")));
    int other_inner(int n) __attribute__((alias("__inner")));
    int main(void) { return inner(1) + inner(2) - 5; }
    """
    program = build(tmp_path, "aliases", source, "-O1")
    clause = "pid$target:a.out:%s:entry { @[probefunc] = count(); }"
    for names, shown in (("*inner", "inner"), ("*_inner", "other_inner"), ("__inner", "__inner")):
        assert [line.split() for line in lines(dscript("-n", clause % names, "-c", program))] == [
            [shown, "2"]
        ]


def test_stripped_program_by_offset(tmp_path: Path) -> None:
    program = build(tmp_path, "plain", SOURCE, "-O1", "-no-pie")
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    address = next(line.split()[0] for line in names.splitlines() if line.endswith(" hidden"))
    subprocess.run(["strip", program], check=True)
    text = error("-n", "pid$target:a.out:hidden:entry { }", "-c", program)
    assert "has no function hidden" in text or "stripped" in text
    offset = f"{int(address, 16):x}"
    done = dscript("-n", f'pid$target:a.out:-:{offset} {{ printf("%d\\n", arg0); }}', "-c", program)
    assert lines(done) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("pid$target:a.out:eigth:entry", "did you mean pid"),
        ("pid$target:a.out:eight:entri", "there are entry, return and hexadecimal offsets"),
        ("pid$target:a.out:eight:ffff", "no instruction of eight begins at offset 0xffff"),
        ("pid$target::eight:ffff", "no instruction of eight begins at offset 0xffff"),
        ("pid$target:libnothere:f:entry", "has no object libnothere"),
        ("pid$target:libc:strlen:entry", "indirect function"),
        ("uprobe:/no/such/file:f:entry", "there is no file /no/such/file"),
        ("uprobe:/etc/passwd:f:entry", "is no ELF file"),
    ],
)
def test_wrong_descriptions(program: Path, description: str, expected: str) -> None:
    assert expected in error("-n", f"{description} {{ }}", "-c", program)


def test_process_that_is_not_there() -> None:
    assert "there is no process 4194303" in error("-n", "pid4194303:libc:malloc:entry { }")


def test_target_without_a_target() -> None:
    assert "$target" in error("-n", "pid$target:libc:malloc:entry { }")


def test_listing(program: Path) -> None:
    found = lines(dscript("-ln", "pid$target:a.out:eight:", "-c", program))
    names = [line.split()[-2:] for line in found[1:]]
    assert ["eight", "entry"] in names and ["eight", "return"] in names and len(names) > 4


COPIES = """
#define COPY(name) __attribute__((noinline, noipa)) int name
COPY(first)(int x) __asm__("count.constprop.0");
COPY(first)(int x) { return x + 1; }
COPY(second)(int x) __asm__("count.isra.1.constprop.2");
COPY(second)(int x) { return x + 2; }
COPY(piece)(int x) __asm__("other.part.0");
COPY(piece)(int x) { return x + 3; }
int main(void) { return first(1) + first(2) + second(3) + piece(4) - 19; }
"""


def test_copies_that_the_compiler_made(tmp_path: Path) -> None:
    """By the name in the source where nothing else has it; a part of a function is no copy."""
    program = build(tmp_path, "copies", COPIES, "-O1", "-g")
    clauses = (
        "pid$target:a.out:count:entry { @[probefunc, arg0] = count(); } "
        "pid$target:a.out:count:return { @[probefunc, arg1] = count(); } "
        'END { printa("%s %d %@d\\n", @); }'
    )
    shown = lines(dscript("-n", clauses, "-c", program))
    assert sorted(shown) == ["count 1 1", "count 2 2", "count 3 2", "count 5 1"]
    assert "has no function other" in error("-n", "pid$target:a.out:other:entry { }", "-c", program)
    clause = "pid$target:a.out:count:entry { trace(args[0]); }"
    assert "changed the parameters of count" in error("-n", clause, "-c", program)
