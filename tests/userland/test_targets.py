"""Several targets, followed processes, and what a target does that is hard on a tracer."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.userland.support import DSCRIPT, build, dscript, lines

# Each process calls work() with the numbers that the test knows; `generations N` forks, calls
# it in the child, which then runs the program again with N - 1.  `orphan` leaves a grandchild
# behind whose parent has ended, as daemons do.
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
volatile int sink;
__attribute__((noinline)) int work(int n) { sink = n; return n; }
static int generations(char **argv, int left)
{
    work(left);
    if (left > 0) {
        pid_t child = fork();
        if (child == 0) {
            char number[12];
            work(100 + left);
            sprintf(number, "%d", left - 1);
            execl(argv[0], argv[0], "generations", number, NULL);
            _exit(9);
        }
        waitpid(child, NULL, 0);
    }
    return 0;
}
static int orphan(void)
{
    int line[2];
    char byte;
    pipe(line);
    work(1);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            close(line[1]);
            read(line[0], &byte, 1); /* until its parent has ended */
            work(3);
            syscall(SYS_getpgid, 0x7e57);
            _exit(0);
        }
        work(2);
        _exit(0);
    }
    close(line[1]);
    waitpid(child, NULL, 0);
    return 0;
}
static int children(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(work(i) & 0);
        waitpid(child, NULL, 0);
    }
    return 0;
}
int main(int argc, char **argv)
{
    int number = argc > 2 ? atoi(argv[2]) : 0;
    if (!strcmp(argv[1], "generations"))
        return generations(argv, number);
    if (!strcmp(argv[1], "orphan"))
        return orphan();
    if (!strcmp(argv[1], "children"))
        return children(number);
    work(number);
    return number;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("targets"), "works", SOURCE, "-O1", "-w")


def said(*words: str | Path) -> tuple[list[str], list[str]]:
    """Lines of standard output, and the notices, of a run that is not quiet."""
    done = subprocess.run(
        [DSCRIPT, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )
    notices = [
        line for line in done.stderr.splitlines() if " pid " in line and "matched" not in line
    ]
    return [line.strip() for line in done.stdout.splitlines()], notices


# -- several targets


def test_runs_until_all_targets_have_ended_and_says_how(program: Path) -> None:
    """dtrace(1M)'s words; the order is that of their ends."""
    _, notices = said(
        "-n", "BEGIN { }", "-c", f"{program} exits 3", "-c", "sleep 0.3", "-c", "sh -c 'kill -9 $$'"
    )
    shown = sorted(re.sub(r"pid \d+", "pid N", line) for line in notices)
    assert shown == [
        "dscript: pid N exited with status 3",
        "dscript: pid N has exited",
        "dscript: pid N terminated by SIGKILL",
    ]


def test_target_is_the_first_of_the_command_line(program: Path) -> None:
    """Whether it was given by -c or by -p; pid$target is the first one's code alone."""
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        clauses = (
            'BEGIN { printf("%d\\n", $target); } '
            f"pid$target:a.out:work:entry {{ @w = count(); }} "
            f"uprobe:{program}:work:entry {{ @all = count(); }} "
            f"uprobe:{program}:work:entry /++n == 3/ {{ exit(0); }} "
            'END { printa("%@d\\n", @w); printa("%@d\\n", @all); }'
        )
        one, two = f"{program} exits 1", f"{program} children 2"
        found = lines(dscript("-n", clauses, "-c", two, "-c", one, "-p", str(sleeper.pid)))
        assert found[1:] == ["3"], "children do not count, and the other command does not"
        begin = 'BEGIN { printf("%d\\n", $target); exit(0); }'
        found = lines(dscript("-n", begin, "-p", str(sleeper.pid), "-c", one))
        assert found == [str(sleeper.pid)]
        found = lines(dscript("-n", begin, "-c", one, "-p", str(sleeper.pid)))
        assert found != [str(sleeper.pid)]
        assert sleeper.poll() is None, "a process of -p is left alone"
    finally:
        sleeper.kill()
        sleeper.wait()


# -- following


def test_follow_reaches_children_and_what_they_execute(program: Path) -> None:
    clause = 'pid$target:a.out:work:entry { printf("%d %d\\n", pid == $target, arg0); }'
    command = f"{program} generations 2"
    assert lines(dscript("-n", clause, "-c", command)) == ["1 2"]
    assert lines(dscript("-x", "follow", "-n", clause, "-c", command)) == [
        "1 2", "0 102", "0 1", "0 101", "0 0",
    ]  # fmt: skip


def test_follow_counts_fifty_children_of_this_process_only(program: Path) -> None:
    clause = (
        "pid$target:a.out:work:entry { @e = sum(arg0); @n = count(); } "
        "pid$target:a.out:work:return { @r = sum(arg1); } "
        'END { printa("%@d ", @n); printa("%@d ", @e); printa("%@d\\n", @r); }'
    )
    other = subprocess.Popen(["sh", "-c", f"while :; do {program} children 3; done"])
    try:
        found = lines(dscript("-x", "follow", "-n", clause, "-c", f"{program} children 50"))
    finally:
        other.kill()
        other.wait()
    assert found == [f"50 {sum(range(50))} {sum(range(50))}"]


def test_follow_without_a_process_to_follow_is_told() -> None:
    done = dscript("-x", "follow", "-n", "BEGIN { exit(0); }")
    assert "option follow changes nothing" in done.stderr


def test_follow_lasts_until_the_last_descendant_has_ended(program: Path) -> None:
    """The grandchild goes on when the target has ended and nobody's child is left of it."""
    clause = 'pid$target:a.out:work:entry { printf("%d %d\\n", arg0, progenyof($target)); }'
    found = lines(dscript("-x", "follow", "-n", clause, "-c", f"{program} orphan"))
    assert found == ["1 1", "2 1", "3 1"]


@pytest.mark.parametrize("inside", [False, True], ids=["here", "in a PID namespace"])
def test_progeny_whose_parent_has_ended(program: Path, inside: bool) -> None:
    clause = (
        "syscall::getpgid:entry /arg0 == 0x7e57/ "
        '{ printf("%d %d", progenyof($target), progenyof(4000000)); exit(0); }'
    )
    # Not the orphan's new parent, nor that one's, is the target.
    words = [DSCRIPT, "-qn", clause, "-c", f"{program} orphan", "-c", "sleep 20"]
    before = ["unshare", "--pid", "--fork", "--mount-proc"] if inside else []
    done = subprocess.run([*before, *words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "1 0"


FORKS = """
#include <sys/wait.h>
#include <unistd.h>
#include "shop.h"
int main(void)
{
    SHOP_SALE(1);
    if (fork() == 0) {
        if (SHOP_SALE_ENABLED())
            SHOP_SALE(2);
        _exit(0);
    }
    wait(NULL);
    return 0;
}
"""


def test_follow_reaches_probes_that_programs_define(tmp_path: Path) -> None:
    (tmp_path / "shop.d").write_text("provider shop { probe sale(int); };\n")
    dscript("-h", "-s", tmp_path / "shop.d", "-o", tmp_path / "shop.h")
    program = build(tmp_path, "shop", FORKS, f"-I{tmp_path}")
    clause = 'shop$target:::sale { printf("%d %d\\n", pid == $target, arg0); }'
    assert lines(dscript("-n", clause, "-c", program)) == ["1 1"]
    assert lines(dscript("-x", "follow", "-n", clause, "-c", program)) == ["1 1", "0 2"]
