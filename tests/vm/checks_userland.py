"""Checks in the guests: user code, on a kernel without uprobe multi-links and on one with."""

from __future__ import annotations

from pathlib import Path

from tests.userland.support import build
from tests.userland.test_pid import SOURCE
from tests.userland.test_usdt import SITE
from tests.vm.harness import check, dscript, expect


@check("6.1", "6.12")
def check_user_functions(shared: Path) -> None:
    program = build(shared, "calls", SOURCE, "-O1")
    clauses = (
        'pid$target:a.out:eight:entry { printf("in %d %d\\n", arg0, arg7); } '
        'pid$target:a.out:eight:return { printf("out %d\\n", (int)arg1); } '
        "pid$target:libc:malloc:entry /arg0 >= 1000 && arg0 < 1004/ { @ = count(); } "
        'END { printa("malloc %@d\\n", @); }'
    )
    outcome = dscript("-qn", clauses, "-c", str(program))
    lines = [line for line in outcome.stdout.splitlines() if line]
    expected = []
    for i in range(4):
        expected += [f"in {i} 8", f"out {-1 if i == 2 else i + 98}"]
    expect(lines == [*expected, "malloc 4"], outcome)


@check("6.1", "6.12")
def check_statically_defined_probes(shared: Path) -> None:
    program = build(shared, "demo", SITE, "-O1")
    clauses = (
        'demo$target:::kinds { printf("%d %d\\n", arg0, arg5); } '
        'demo$target:::same-name { @ = count(); } END { printa("%@d\\n", @); }'
    )
    outcome = dscript("-qn", clauses, "-c", str(program))
    lines = sorted(line for line in outcome.stdout.splitlines() if line)
    # The semaphore was counted up before the program looked at it.
    expect(lines == sorted(["-7 -20", "-7 -40", "-7 -60", "6", "enabled 1"]), outcome)


@check("6.1")
def check_uprobe_in_every_process(shared: Path) -> None:
    clauses = f'uprobe:{shared}/opens:main:entry {{ @ = count(); }} END {{ printa("%@d\\n", @); }}'
    outcome = dscript("-qn", clauses, "-c", f"sh -c '{shared}/opens 2; {shared}/opens 3'")
    expect(outcome.stdout.split() == ["2"], outcome)
