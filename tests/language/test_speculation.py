"""Speculations from speculation() to commit() and discard(), on this kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.running import dscript, output


def test_a_committed_speculation_appears_where_it_is_committed() -> None:
    text = output(
        'BEGIN { s = speculation(); printf("first "); }'
        'BEGIN { speculate(s); printf("speculated "); }'
        'BEGIN { printf("second "); } BEGIN { commit(s); }'
        'BEGIN { printf("last"); } BEGIN { exit(0); }'
    )
    assert text.split() == ["first", "second", "speculated", "last"]


def test_a_discarded_speculation_never_appears() -> None:
    text = output(
        'BEGIN { s = speculation(); } BEGIN { speculate(s); printf("gone"); }'
        "BEGIN { discard(s); } BEGIN { commit(s); } BEGIN { exit(0); }"
    )
    assert text.strip() == ""


def test_a_speculation_that_nobody_commits_never_appears() -> None:
    text = output(
        'BEGIN { s = speculation(); } BEGIN { speculate(s); printf("gone"); } BEGIN { exit(0); }'
    )
    assert text.strip() == ""


def test_identifiers_are_as_many_as_nspec_and_are_used_again() -> None:
    program = (
        'BEGIN { printf("%d %d %d\\n", a = speculation(), b = speculation(), speculation()); }'
        "BEGIN { commit(a); } BEGIN { discard(b); }"
        'BEGIN { printf("%d %d\\n", speculation(), speculation()); } BEGIN { exit(0); }'
    )
    done = dscript("-q", "-x", "nspec=2", "-n", program)
    assert done.stdout.split() == ["1", "2", "0", "1", "2"]
    assert "1 failed speculation (no speculative buffer available)" in done.stderr
    done = dscript("-q", "-n", program)
    assert done.stdout.split() == ["1", "0", "0", "1", "0"]
    assert "3 failed speculations (no speculative buffer available)" in done.stderr


def test_what_was_held_before_a_commit_does_not_come_with_the_next_one() -> None:
    text = output(
        "BEGIN { s = speculation(); }"
        'BEGIN { speculate(s); printf("one "); } BEGIN { commit(s); }'
        "BEGIN { s = speculation(); }"
        'BEGIN { speculate(s); printf("two "); } BEGIN { commit(s); } BEGIN { exit(0); }'
    )
    assert text.split() == ["one", "two"]


def test_without_a_speculation_records_are_lost_but_statements_run() -> None:
    text = output(
        'BEGIN { speculate(0); printf("lost"); x = 5; } BEGIN { printf("%d", x); }'
        "BEGIN { exit(0); }"
    )
    assert text.strip() == "5"


def test_speculate_alone_speculates_that_the_probe_fired() -> None:
    done = dscript(
        "-n",
        "BEGIN { s = speculation(); } BEGIN { speculate(s); } BEGIN { commit(s); }"
        "BEGIN { exit(0); }",
    )
    lines = [line.split() for line in done.stdout.splitlines() if ":BEGIN" in line]
    # One for the default action of the second clause, one for exit().
    assert [line[1:] for line in lines] == [["1", ":BEGIN"]] * 2


@pytest.mark.parametrize("action", ["speculate", "commit", "discard"])
def test_an_identifier_beyond_nspec_is_an_illegal_operation(action: str) -> None:
    done = dscript("-qn", f"BEGIN {{ {action}(2); }} BEGIN {{ exit(0); }}")
    assert "illegal operation in action #1" in done.stderr


def test_specsize_bounds_what_is_held_and_losses_are_told() -> None:
    done = dscript(
        "-q", "-x", "specsize=1k", "-n",
        "BEGIN { s = speculation(); }"
        'tick-1000 { speculate(s); printf("held %d\\n", n++); }'
        "tick-200ms { commit(s); } tick-200ms { exit(0); }",
    )  # fmt: skip
    held = [line for line in done.stdout.splitlines() if line]
    assert held == [f"held {n}" for n in range(len(held))]
    assert 8 <= len(held) <= 1024 // 24
    lost = sum(
        int(line.split()[1]) for line in done.stderr.splitlines() if "speculative drop" in line
    )
    assert lost > 0


def test_concurrent_speculations_keep_their_records_apart() -> None:
    """Two children speculate on every call and commit every other one of theirs."""
    child = (
        "import os, threading\n"
        "def work():\n"
        "    for n in range(300): os.getpriority(0, 0); os.getpgid(n & 1)\n"
        "a = [threading.Thread(target=work) for _ in range(2)]\n"
        "[t.start() for t in a]; [t.join() for t in a]\n"
    )
    program = """
        syscall::getpriority:entry /pid == $target/ { self->s = speculation(); self->n++; }
        syscall::getpriority:entry /self->s/
            { speculate(self->s); printf("e %d %d\\n", tid, self->n); }
        syscall::getpriority:return /self->s/
            { speculate(self->s); printf("r %d %d\\n", tid, self->n); }
        syscall::getpgid:entry /self->s && arg0/ { discard(self->s); self->s = 0; }
        syscall::getpgid:entry /self->s && !arg0/ { commit(self->s); self->s = 0; }
    """
    done = dscript("-q", "-x", "nspec=4", "-n", program, "-c", f"{sys.executable} -c '{child}'")
    assert "drop" not in done.stderr and "failed" not in done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    entries, returns = lines[::2], lines[1::2]
    assert len(lines) == 2 * 2 * 150
    for entry, back in zip(entries, returns, strict=True):
        assert entry[0] == "e" and back == "r" + entry[1:]
        assert int(entry.split()[2]) % 2 == 1


_THREADS = """
import os, threading
def work():
    for n in range(400): os.getpriority(0, 0); os.getpgid(0)
a = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in a]; [t.join() for t in a]
"""


def _traced(program: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = folder / "child.py"
    script.write_text(_THREADS)
    return dscript("-q", *words, "-n", program, "-c", f"{sys.executable} {script}")


def test_a_speculation_that_all_threads_commit_is_committed_once(tmp_path: Path) -> None:
    """Every thread speculates into and commits the speculation that is current."""
    done = _traced(
        """
        syscall::getpriority:entry /pid == $target/ { s = speculation(); }
        syscall::getpriority:entry /pid == $target && s/
            { speculate(s); self->n++; printf("%d %d\\n", tid, self->n); }
        syscall::getpgid:entry /pid == $target && s/ { commit(s); }
        """,
        tmp_path,
        "-x",
        "nspec=4",
    )
    lines = [line for line in done.stdout.splitlines() if line]
    assert lines and len(set(lines)) == len(lines)
    for thread in {line.split()[0] for line in lines}:
        numbers = [int(line.split()[1]) for line in lines if line.split()[0] == thread]
        assert set(numbers) <= set(range(1, 401))


def test_threads_without_a_speculation_are_counted(tmp_path: Path) -> None:
    """Calls that got a speculation and failures that were told make up all calls."""
    done = _traced(
        """
        syscall::getpriority:entry /pid == $target/ { self->s = speculation(); }
        syscall::getpriority:entry /self->s/ { speculate(self->s); printf("got\\n"); }
        syscall::getpgid:entry /self->s/ { commit(self->s); self->s = 0; }
        """,
        tmp_path,
    )
    got = done.stdout.split().count("got")
    failed = sum(
        int(line.split()[1])
        for line in done.stderr.splitlines()
        if "no speculative buffer available" in line
    )
    assert got + failed == 3 * 400 and got > 0, done.stderr


RULES = [
    ("speculate(1); speculate(1);", "D_SPEC_SPEC"),
    ("commit(1); speculate(1);", "D_SPEC_COMM"),
    ("trace(1); speculate(1);", "D_SPEC_DREC"),
    ("trace(1); commit(1);", "D_COMM_DREC"),
    ("commit(1); commit(1);", "D_COMM_COMM"),
    ("commit(1); trace(1);", "D_DREC_COMM"),
    ("speculate(1); @ = count();", "D_AGG_SPEC"),
    ("commit(1); @ = count();", "D_AGG_COMM"),
    ("speculate(1); exit(0);", "D_EXIT_SPEC"),
    ("speculate(1); raise(9);", "D_ACT_SPEC"),
    ("speculate(1); stop();", "D_ACT_SPEC"),
    ("speculate(1); chill(1);", "D_ACT_SPEC"),
    ("speculate(1); panic();", "D_ACT_SPEC"),
    ("speculate();", "D_PROTO_LEN"),
    ("commit();", "D_PROTO_LEN"),
    ("discard(1, 2);", "D_PROTO_LEN"),
    ("x = speculation(1);", "D_PROTO_LEN"),
    ('speculate("one");', "D_PROTO_ARG"),
]


@pytest.mark.parametrize(("body", "tag"), RULES)
def test_rules_of_the_compiler(body: str, tag: str) -> None:
    done = dscript("-e", "-w", "-x", "errtags", "-n", f"BEGIN {{ {body} }}")
    assert done.returncode == 1 and f"[{tag}]" in done.stderr
