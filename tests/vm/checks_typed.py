"""Checks in the guests: typed arguments of user code, and operands of probe notes."""

from __future__ import annotations

from pathlib import Path

from tests.userland.support import build
from tests.userland.test_typed import SOURCE
from tests.userland.test_usdt import SITE
from tests.vm.harness import check, dscript, expect


@check("6.1", "6.12")
def check_typed_arguments(shared: Path) -> None:
    """By perf events a place on 6.1, by a multi-link on 6.12."""
    program = build(shared, "typed", SOURCE, "-O1", "-g")
    outcome = dscript(
        "-qn",
        r"""pid$target:a.out:visit:entry {
            printf("%s %d %d %s\n", stringof(args[0]->name), args[0]->high, args[3], args[0]->tag);
            printf("%d\n", ((struct a.out`node *)arg0)->next->where.y); }
        pid$target:a.out:make:entry { printf("%d %d\n", args[1].v[4], args[2]); }
        pid$target:a.out:middle:return { printf("%d %d\n", args[1].x, args[1].y); }
        pid$target:a.out:follow:return { print(*args[1]); }""",
        "-c",
        str(program),
    )
    lines = [line.strip() for line in outcome.stdout.splitlines() if line.strip()]
    expect(lines[:4] == ["first 17 65535 one", "4", "4 10", f"5 {ord('x')}"], outcome)
    expect(lines[4] == "struct node {" and 'char [8] tag = [ "two" ]' in lines, outcome)


@check("6.1", "6.12")
def check_typed_notes(shared: Path) -> None:
    program = build(shared, "noted", SITE, "-O1")
    outcome = dscript(
        "-qn",
        r"""demo$target:::symbols {
            printf("%d %d %d %d\n", arg0, arg1, *(long *)copyin(arg2, 8), arg4); }
        demo$target:::kinds { @[arg4, arg5] = count(); }""",
        "-c",
        str(program),
    )
    lines = [line.split() for line in outcome.stdout.splitlines() if line[:1] != "e"]
    for i in range(3):
        expect(["101", str(100 + i), "100", str(i)] in lines, outcome)
    for first, second in ((1, -20), (3, -40), (5, -60)):
        expect([str(first), str(second), "1"] in lines, outcome)
