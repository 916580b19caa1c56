"""Checks in the guests: followed processes, memory that has to be brought in, refused places.

Kernel 6.1 has no uprobe multi-links: each place there is a perf event of its own.
"""

from __future__ import annotations

from pathlib import Path

from tests.userland.support import build
from tests.userland.test_copying import SOURCE as TEXTS
from tests.userland.test_instructions import SOURCE as STEPS
from tests.userland.test_targets import SOURCE as WORKS
from tests.vm.harness import check, dscript, expect


@check("6.1", "6.12")
def check_targets_followed(shared: Path) -> None:
    program = build(shared, "works", WORKS, "-O1", "-w")
    clause = 'pid$target:a.out:work:entry { printf("%d %d\\n", arg0, progenyof($target)); }'
    # A sleepable program asks the map, too.
    never = "pid$target:a.out:work:entry /arg0 > 1000/ { trace(copyinstr(arg0)); }"
    outcome = dscript("-x", "follow", "-qn", f"{clause} {never}", "-c", f"{program} orphan")
    lines = [line for line in outcome.stdout.splitlines() if line]
    expect(lines == ["1 1", "2 1", "3 1"], outcome)
    outcome = dscript("-qn", clause, "-c", f"{program} orphan")
    expect(outcome.stdout.split() == ["1", "1"], outcome)


@check("6.1")
def check_targets_progeny_of_ended_parent(shared: Path) -> None:
    program = build(shared, "orphans", WORKS, "-O1", "-w")
    clause = (
        "syscall::getpgid:entry /arg0 == 0x7e57/ "
        '{ printf("%d %d", progenyof($target), progenyof(4000000)); exit(0); }'
    )
    outcome = dscript("-qn", clause, "-c", f"{program} orphan", "-c", "sleep 30")
    expect(outcome.stdout.split() == ["1", "0"], outcome)


@check("6.1", "6.12")
def check_targets_memory_not_touched(shared: Path) -> None:
    """The sleepable program runs before the clauses, and those of several providers in order."""
    program = build(shared, "texts", TEXTS, "-O1")
    clauses = (
        f'uprobe:{program}:says:entry /arg1 == 1/ {{ printf("first "); }} '
        'pid$target:a.out:says:0 /arg1 == 1/ { printf("second\\n"); } '
        "pid$target:a.out:says:entry /arg1 < 4/ { @[arg1, copyinstr(arg0)] = count(); } "
        'END { printa("%d %s %@d\\n", @); }'
    )
    outcome = dscript("-qn", clauses, "-c", str(program))
    lines = [line for line in outcome.stdout.splitlines() if line]
    expect(lines == ["first second", "1 far off 1", "2 paged 1", "3 crossing 1"], outcome)


@check("6.1")
def check_targets_instructions_refused(shared: Path) -> None:
    program = build(shared, "steps", STEPS, "-O1", "-DCALLS=2", "-fcf-protection=none")
    clause = "pid$target:a.out:locked:- { @[probename] = count(); }"
    outcome = dscript("-qn", clause, "-c", str(program))
    expect(outcome.status == 0 and "1 instruction was left out of" in outcome.stderr, outcome)
    expect(len(outcome.stdout.split()) >= 2, outcome)
