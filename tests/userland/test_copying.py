"""copyin() and copyinstr() at probes in user code, of pages that the process has not touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.userland.support import build, dscript, lines

# The texts lie in pages of their own that nothing has read before says() is called; `paged`
# and `crossing` in pages that the kernel was told to take away again.
SOURCE = """
#include <string.h>
#include <sys/mman.h>
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
struct item { long number; const char *name; };
const char far[1 << 18] = {[200000] = 'f', 'a', 'r', ' ', 'o', 'f', 'f', 0};
const char named[1 << 18] = {[200000] = 'n', 'a', 'm', 'e', 0};
__attribute__((aligned(4096))) const char padding[1 << 16] = {1};
const struct item items[1 << 14] = {[10000] = {77, named + 200000}};
__attribute__((noinline)) int says(const char *text, int n)
{
    __asm__ volatile("" : : "r"(text), "r"(n) : "memory");
    return n;
}
__attribute__((noinline)) int takes(const struct item *item)
{
    __asm__ volatile("" : : "r"(item) : "memory");
    return 1;
}
__attribute__((noinline)) const char *gives(void)
{
    __asm__ volatile("" : : : "memory");
    return named + 200000;
}
int main(void)
{
    char *pages = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 12288, 4096);
    strcpy(pages, "paged");
    strcpy(pages + 4090, "crossing");
    strcpy(pages + 12288 - 4, "end");
    madvise(pages, 12288, MADV_PAGEOUT);
    says(far + 200000, 1);
    says(pages, 2);
    says(pages + 4090, 3);
    says(pages + 12288 - 4, 4);
    says((const char *)8, 5);
    takes(&items[10000]);
    gives();
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("copying"), "texts", SOURCE, "-O1", "-g")


def test_strings_in_keys_variables_and_comparisons(program: Path) -> None:
    clauses = (
        "pid$target:a.out:says:entry /arg1 < 5/ { @[arg1, copyinstr(arg0)] = count(); } "
        'pid$target:a.out:says:entry /arg1 < 5 && copyinstr(arg0) == "far off"/ { seen = arg1; } '
        'END { printa("%d %s %@d\\n", @); printf("%d\\n", seen); }'
    )
    done = dscript("-n", clauses, "-c", program)
    assert sorted(lines(done)) == ["1", "1 far off 1", "2 paged 1", "3 crossing 1", "4 end 1"]
    assert "invalid address" not in done.stderr


def test_memory_of_a_size(program: Path) -> None:
    clause = (
        "pid$target:a.out:says:entry /arg1 == 3/ "
        '{ this->text = (char *)copyin(arg0, 9); printf("%s\\n", stringof(this->text)); } '
        "pid$target:a.out:takes:entry "
        '{ this->word = *(long *)copyin(arg0, 8); printf("%d\\n", this->word); }'
    )
    assert lines(dscript("-n", clause, "-c", program)) == ["crossing", "77"]


def test_what_is_pointed_at_by_what_is_pointed_at(program: Path) -> None:
    """The structure and the text lie in pages that nothing has touched."""
    clauses = (
        "pid$target:a.out:takes:entry "
        "{ @[copyinstr(*(uintptr_t *)copyin(arg0 + 8, 8))] = count(); } "
        "pid$target:a.out:takes:entry { @typed[stringof(args[0]->name)] = sum(args[0]->number); }"
    )
    done = dscript("-n", clauses, "-c", program)
    assert [line.split() for line in lines(done)] == [["name", "1"], ["name", "77"]]
    assert "invalid address" not in done.stderr


def test_what_a_function_returns(program: Path) -> None:
    clause = "pid$target:a.out:gives:return { @[copyinstr(arg1)] = count(); }"
    assert lines(dscript("-n", clause, "-c", program))[0].split() == ["name", "1"]


def test_an_address_of_nothing_is_still_invalid(program: Path) -> None:
    clause = "pid$target:a.out:says:entry /arg1 == 5/ { @[copyinstr(arg0)] = count(); }"
    done = dscript("-n", clause, "-c", program)
    assert re.findall(r"invalid address \((\w+)\)", done.stderr) == ["0x8"]


def test_clauses_at_one_instruction_run_in_order(program: Path) -> None:
    """Probes of two providers have programs of their own at the same place."""
    clauses = (
        f'uprobe:{program}:says:entry /arg1 == 1/ {{ printf("first "); }} '
        'pid$target:a.out:says:0 /arg1 == 1/ { printf("second "); } '
        'pid$target:a.out:says:entry /arg1 == 1/ { printf("third\\n"); }'
    )
    assert lines(dscript("-n", clauses, "-c", program)) == ["first second third"]


def test_constants_of_a_command_at_its_system_calls(tmp_path: Path) -> None:
    """The path lies in a page that nothing has touched when the first open() is entered."""
    source = """
    #include <fcntl.h>
    #include <unistd.h>
    __attribute__((aligned(4096))) const char before[1 << 17] = {1};
    const char path[] = "/dev/null/first";
    __attribute__((aligned(4096))) const char after[1 << 17] = {2};
    int main(void) { return open(path, O_RDONLY) + 1; }
    """
    program = build(tmp_path, "opens", source, "-O1")
    clause = "syscall::openat:entry /pid == $target/ { @[copyinstr(arg1)] = count(); }"
    done = dscript("-n", clause, "-c", program)
    assert ["/dev/null/first", "1"] in [line.split() for line in lines(done)]
    assert "invalid address" not in done.stderr
