"""Checks in the guests: user stacks by unwind tables, on overlay file systems as it happens."""

from __future__ import annotations

from pathlib import Path

from tests.userland.support import build
from tests.userland.test_unwinding import CHAIN, FLAGS, SOURCE, SPIN, own
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
def check_unwinding_in_a_deep_program(shared: Path) -> None:
    """The stack of a BPF program holds 512 bytes, of which other parts of this one want most."""
    letters = "abcdefghijk"
    sets = " ".join(f"this->{name} = arg0 + {at};" for at, name in enumerate(letters))
    keys = ", ".join(f"this->{name}" for name in letters)
    outcome = dscript(
        "-qn",
        f"syscall::write:entry /pid == $target/ {{ {sets} @[ustack(3), {keys}] = count(); "
        "x[this->a, this->b, ustackdepth] = ucaller; "
        "@depth[x[this->a, this->b, ustackdepth], ustack(4)] = count(); "
        'printf("%s", strjoin(execname, probefunc)); trace(fds[arg0].fi_pathname); ustack(); } '
        "ERROR { trace(arg1); trace(execname); } BEGIN { exit(0); }",
        "-c",
        "true",
    )
    expect(outcome.status == 0 and "verifier" not in outcome.stderr, outcome)
