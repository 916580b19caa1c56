"""How much of the stack of BPF programs a clause that unwinds takes, as Linux 6.1 counts it.

check_max_stack_depth() in kernel/bpf/verifier.c: the frame of each function, at least 1 byte,
is rounded up to 32; those of a chain of calls, where a callback counts as one, are added up.
Newer kernels round up to 16 where programs are translated, so that the limit of this kernel
would tell less.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.userland.support import dscript

LIMIT = 512  # MAX_BPF_STACK, include/linux/filter.h


class Frames:
    """Bytes of stack of each function of a program, and which functions it refers to."""

    def __init__(self, text: str) -> None:
        names = set(re.findall(r"\.type\s+(\w+),@function", text))
        self.sizes = dict.fromkeys(names, 0)
        self.callees: dict[str, set[str]] = {name: set() for name in names}
        current = before = ""
        for line in map(str.strip, text.splitlines()):
            label = re.fullmatch(r"(\w+):", line)
            if label and label[1] in names:
                current = label[1]
            if not current:
                continue
            used = [int(offset) for offset in re.findall(r"\(r10 - (\d+)\)", line)]
            moved = re.fullmatch(r"(r\d) \+= -(\d+)", line)
            if moved and before == f"{moved[1]} = r10":
                used.append(int(moved[2]))
            self.sizes[current] = max(self.sizes[current], *used, 0)
            target = re.fullmatch(r"(?:call|r\d =) (\w+)(?: ll)?", line)
            if target and target[1] in names:
                self.callees[current].add(target[1])
            before = line

    def deepest(self, name: str) -> int:
        """Bytes of the deepest chain of calls from this function on."""
        own = -(-max(self.sizes[name], 1) // 32) * 32
        return own + max(map(self.deepest, self.callees[name]), default=0)


def frames(tmp_path: Path, clause: str, *options: str) -> Frames:
    out = tmp_path / "asm"
    dscript("--emit", "asm", "-o", out, *options, "-n", clause, "-c", "true")
    return Frames(out.read_text())


def clause(variables: str) -> str:
    """With that many variables as keys, of which there is one more, and all of unwinding."""
    sets = " ".join(f"this->{name} = arg0 + {at};" for at, name in enumerate(variables))
    keys = ", ".join(f"this->{name}" for name in variables)
    return (
        f"syscall::read:entry /pid == $target/ {{ {sets} @[ustack(3), {keys}] = count(); "
        "x[this->a, this->b, ustackdepth] = ucaller; "
        "@depth[x[this->a, this->b, ustackdepth], ustack(4)] = count(); "
        'printf("%s", strjoin(execname, probefunc)); trace(fds[arg0].fi_pathname); ustack(); } '
        "ERROR { trace(arg1); trace(execname); }"
    )


def test_a_walk_takes_three_small_frames(tmp_path: Path) -> None:
    """Its own, its loop's and that of the loop down the tree of mappings."""
    found = frames(tmp_path, "syscall::read:entry /pid == $target/ { ustack(); }")
    assert found.callees["unwind"] == {"unwind_frame"}
    assert found.callees["unwind_frame"] == {"unwind_descend"}
    assert found.deepest("unwind") == 96


def test_keys_and_variables_beside_a_stack(tmp_path: Path) -> None:
    for names in ("abcde", "abcdefghijk"):
        for options in ((), ("-x", "unwind=fp")):
            found = frames(tmp_path, clause(names), *options)
            assert 0 < found.deepest("probe_0") <= LIMIT, (names, options)
