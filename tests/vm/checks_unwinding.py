"""Checks in the guests: user stacks by unwind tables, on overlay file systems as it happens."""

from __future__ import annotations

from pathlib import Path

from tests.userland.support import build
from tests.userland.test_unwinding import CHAIN, FLAGS, SOURCE, SPIN, own
from tests.userland.test_unwinding_stack import clause
from tests.vm.harness import check, dscript, expect


@check("6.1", "6.12")
def check_unwound_stacks(shared: Path) -> None:
    """At a system call and at a function; nothing is typed in, so that the program ends."""
    program = build(shared, "stacks", SOURCE, *FLAGS)
    outcome = dscript(
        "-qn",
        "syscall::read:entry /pid == $target && arg0 == 0/ { ustack(50); } "
        'pid$target:a.out:last:entry { @[ustack(50)] = count(); printf("%d\\n", ustackdepth); }',
        "-c",
        str(program),
    )
    depth, *stacks = outcome.stdout.strip().split("\n")
    frames = [line.strip().partition("+")[0] for line in stacks if line.strip()]
    expect(own(frames, "stacks") == 2 * CHAIN, outcome)
    expect(int(depth) == (len(frames) - 2) // 2, outcome)  # the call has a frame, the key a count


@check("6.1", "6.12")
def check_unwound_samples(shared: Path) -> None:
    """With interrupts off: by the list of mappings alone, of forked children too."""
    program = build(shared, "spin", SPIN, *FLAGS)
    outcome = dscript(
        "-qn",
        'profile-97 /execname == "spin" && arg1/ { @[ustack()] = count(); }',
        "-c",
        f"{program} 2",
    )
    whole = total = 0
    for stack in outcome.stdout.strip().split("\n\n"):
        *frames, count = [line.strip().partition("+")[0] for line in stack.splitlines()]
        total += int(count)
        whole += int(count) if own(frames, "spin")[-2:] == ["main", "_start"] else 0
    expect(total > 10 and whole >= 0.7 * total, outcome)


@check("6.1")
def check_unwinding_beside_many_keys(shared: Path) -> None:
    """The stack of BPF programs holds 512 bytes, over all calls and callbacks of this kernel."""
    program = build(shared, "stacks", SOURCE, *FLAGS)
    keys = ", ".join(f"this->{name}" for name in "abcde")
    outcome = dscript(
        "-qn",
        "syscall::read:entry /pid == $target && arg0 == 0/ { this->a = ustackdepth; "
        "this->b = ucaller != 0; this->c = arg0 + 3; this->d = arg0 + 4; this->e = arg0 + 5; "
        f'@[{keys}, ustack(50)] = count(); printf("%d\\n", this->a); ustack(50); }}',
        "-c",
        str(program),
    )
    depth, *stacks = outcome.stdout.strip().split("\n")
    frames = [line.strip().partition("+")[0] for line in stacks if line.strip()]
    expect(own(frames, "stacks") == 2 * CHAIN, outcome)
    expect([depth, "1", "3", "4", "5"] in [line.split() for line in stacks], outcome)
    expect(int(depth) == (len(frames) - 2) // 2, outcome)  # a line of keys, a count


@check("6.1")
def check_unwinding_in_a_wide_program(shared: Path) -> None:
    """It is taken, by tables and by frame pointers."""
    for unwind in ("eh_frame", "fp"):
        outcome = dscript("-qn", f"{clause('abcdefghijk')} BEGIN {{ exit(0); }}", "-c", "true",
                          "-x", f"unwind={unwind}")  # fmt: skip
        expect(outcome.status == 0 and not outcome.stderr, outcome)
