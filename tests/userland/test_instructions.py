"""Probes on single instructions: all of a function, offsets, and those the kernel refuses."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import elf, instructions
from tests.userland.support import DSCRIPT, build, dscript, error, lines

CALLS = 25
# `straight` has no jump and no call: whoever enters it runs every instruction once.
SOURCE = """
volatile int sink;
#define TEN(x) sink += (x); sink ^= 3; sink -= (x); sink |= 1; sink += 7; \\
    sink ^= (x); sink += 9; sink -= 2; sink ^= 5; sink += (x);
__attribute__((noinline)) int straight(int x)
{
    TEN(x) TEN(x + 1) TEN(x + 2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) return sink;
}
__attribute__((noinline)) int loops(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) { sum += i; sink = sum; }
    return sum;
}
#ifdef __x86_64__
__attribute__((noinline)) void locked(void) { __sync_fetch_and_add(&sink, 1); sink = 1; }
__asm__(".globl atomic_first\\n.type atomic_first, @function\\natomic_first:\\n"
        "lock incl sink(%rip)\\nret\\n.size atomic_first, .-atomic_first\\n");
void atomic_first(void);
#else
static void locked(void) { }
static void atomic_first(void) { }
#endif
int main(void)
{
    for (int i = 0; i < CALLS; i++)
        straight(i);
    loops(10);
    locked();
    atomic_first();
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("instructions")
    return build(folder, "steps", SOURCE, "-O1", f"-DCALLS={CALLS}", "-fcf-protection=none")


def disassembled(program: Path, function: str) -> dict[str, str]:
    """Instructions by hexadecimal offset in the function, as objdump tells."""
    text = subprocess.run(
        ["objdump", "-d", f"--disassemble={function}", program],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    code = [line.split("\t") for line in text.splitlines() if re.match(r" +[0-9a-f]+:\t", line)]
    found = {int(line[0].strip(" :"), 16): line[2] for line in code if len(line) > 2}
    return {f"{address - min(found):x}": name for address, name in found.items()}


def test_every_instruction_of_a_hot_function(program: Path) -> None:
    expected = disassembled(program, "straight")
    assert len(expected) > 200
    clause = "pid$target:a.out:straight:- { @[probename] = count(); }"
    found = dict(line.split() for line in lines(dscript("-n", clause, "-c", program)))
    assert found == dict.fromkeys(expected, str(CALLS))


def test_an_empty_name_is_entry_return_and_every_instruction(program: Path) -> None:
    expected = disassembled(program, "loops")
    clause = "pid$target:a.out:loops: { @[probename] = count(); }"
    found = dict(line.split() for line in lines(dscript("-n", clause, "-c", program)))
    listed = lines(dscript("-ln", "pid$target:a.out:loops:", "-c", program))[1:]
    assert {line.split()[-1] for line in listed} == {*expected, "entry", "return"}
    assert set(found) <= {*expected, "entry", "return"}
    assert found["entry"] == found["return"] == "1" and "10" in found.values()


def test_offsets_by_name_and_glob(program: Path) -> None:
    offsets = list(disassembled(program, "straight"))
    third = offsets[3]
    clause = f"pid$target:a.out:straight:{third} {{ @ = count(); }}"
    assert lines(dscript("-n", clause, "-c", program)) == [str(CALLS)]
    clause = f"pid$target:a.out:straight:0x{third} {{ @ = count(); }}"
    assert "pid" in error("-n", clause, "-c", program), "offsets are written without 0x"
    clause = "pid$target:a.out:straight:1? { @[probename] = count(); }"
    found = {line.split()[0] for line in lines(dscript("-n", clause, "-c", program))}
    assert found == {offset for offset in offsets if re.fullmatch("1.", offset)}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="an x86 instruction")
def test_instructions_that_the_kernel_refuses(program: Path) -> None:
    """Those with a lock prefix (arch/x86/kernel/uprobes.c): left out of many, or an error."""
    code = disassembled(program, "locked")
    refused = [offset for offset, name in code.items() if name.startswith("lock")]
    assert len(refused) == 1
    done = subprocess.run(
        [DSCRIPT, "-n", "pid$target:a.out:locked:- { @[probename] = count(); }", "-c", program],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "1 instruction was left out of pid" in done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines() if line.strip()} == set(
        code
    ) - set(refused)
    text = error("-n", "pid$target:a.out:atomic_first:entry { }", "-c", program)
    assert "the kernel refuses to probe this instruction of atomic_first" in text
    text = error("-n", f"pid$target:a.out:locked:{refused[0]} {{ }}", "-c", program)
    assert "the kernel refuses to probe this instruction of locked" in text


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("55", True),  # push %rbp
        ("f30f1efa", True),  # endbr64
        ("64488b042528000000", True),  # mov %fs:0x28,%rax
        ("0f05", True),  # syscall
        ("f0ff05000000 00", False),  # lock incl
        ("3ee9", False),  # notrack jmp
        ("2e660f1f8400", False),  # cs nopw
        ("cc", False),  # int3
        ("f4", False),  # hlt
        ("ec", False),  # in
        ("8ed0", False),  # mov %eax,%ss
        ("8ed8", True),  # mov %eax,%ds
        ("c5f96ec6", False),  # vmovd %esi,%xmm0
        ("c5f8105300", True),  # vmovups (%rbx),%xmm2
        # Taken, but then something else is carried out.
        ("c5f877", False),  # vzeroupper, for ja
        ("c5f857c0", False),  # vxorps %xmm0,%xmm0,%xmm0, for push
        ("c5f974c0", False),  # vpcmpeqb %xmm0,%xmm0,%xmm0, for je
        ("62e27d287ace", False),  # vpbroadcastb %esi,%ymm17, for jp
        ("c5f9ebc1", False),  # vpor %xmm1,%xmm0,%xmm0, for jmp
        ("c5f8c2c100", False),  # vcmpeqps %xmm1,%xmm0,%xmm0, for ret
        ("62f17c481003", True),  # vmovups (%rbx),%zmm0
        ("62f1fe486f06", False),  # vmovdqu64 (%rsi),%zmm0
    ],
)
def test_what_the_kernel_takes(code: str, expected: bool) -> None:
    """As seen by linking each with a kernel 6.18, and in its source."""
    assert instructions.probeable("EM_X86_64", bytes.fromhex(code)) is expected


VECTORS = r"""
int all_ones(void);
__asm__(".globl all_ones\n.type all_ones, @function\nall_ones:\n"
        "vpcmpeqb %xmm0, %xmm0, %xmm0\nvxorps %xmm1, %xmm1, %xmm1\nvpor %xmm1, %xmm0, %xmm0\n"
        "vcmpeqps %xmm1, %xmm1, %xmm2\nvpand %xmm2, %xmm0, %xmm0\nvmovd %xmm0, %eax\n"
        "vzeroupper\nret\n.size all_ones, .-all_ones\n");
int main(void) { return all_ones() == -1 ? 3 : 1; }
"""


def test_vector_code_goes_on_as_it_would(tmp_path: Path) -> None:
    """The kernel takes some of these instructions for jumps, pushes and returns."""
    if " avx " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no AVX")
    program = build(tmp_path, "vectors", VECTORS)
    clause = "pid$target:a.out:all_ones: { @ = count(); }"
    done = subprocess.run(
        [DSCRIPT, "-n", clause, "-c", str(program)], capture_output=True, text=True, check=True
    )
    assert "exited with status 3" in done.stderr, done.stderr
    assert int(done.stdout) >= 2, done.stdout


def test_every_entry_of_libc_can_be_probed_or_is_left_out() -> None:
    """The kernel takes all places of a link or none."""
    done = dscript("-n", "pid$target:libc.so.6:*:entry { @ = count(); }", "-c", "true")
    assert int(lines(done)[0]) > 10
    path = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()
                if "libc.so.6" in line)  # fmt: skip
    assert len(elf.read(path).functions()) > 1000
