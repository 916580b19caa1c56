"""Actions with effects beyond printing, on this kernel and on our own children."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dscript.output import effects
from tests.language.running import dscript

CALL = "import os; os.getpriority(0, 0)"


def _traced(program: str, child: str = CALL, *words: str) -> str:
    done = dscript("-qw", *words, "-n", program, "-c", f"{sys.executable} -c '{child}'")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


DESTRUCTIVE = [
    "stop();", "raise(9);", "chill(1);", "panic();", "breakpoint();", 'system("true");',
    'freopen("/tmp/x");',
]  # fmt: skip


@pytest.mark.parametrize("action", DESTRUCTIVE)
def test_destructive_actions_need_permission(action: str) -> None:
    done = dscript("-e", "-x", "errtags", "-n", f"BEGIN {{ {action} }}")
    assert done.returncode == 1 and "destructive" in done.stderr
    assert dscript("-e", "-w", "-n", f"BEGIN {{ {action} }}").returncode == 0
    allowed = f"#pragma D option destructive\nBEGIN {{ {action} }}"
    assert dscript("-e", "-n", allowed).returncode == 0


def test_stop_stops_the_process_until_it_is_continued() -> None:
    text = _traced(
        "syscall::getpriority:entry /pid == $target/ { stop();"
        ' system("for i in 1 2 3 4 5 6 7 8 9; do grep -q T.*stopped /proc/%d/status && break;'
        ' sleep 0.05; done; grep State /proc/%d/status; kill -CONT %d", pid, pid, pid); }'
    )
    assert "T (stopped)" in text


def test_raise_sends_the_signal(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import os, signal\n"
        'signal.signal(signal.SIGUSR1, lambda *a: print("caught", flush=True))\n'
        "os.getpriority(0, 0)\n"
    )
    program = "syscall::getpriority:entry /pid == $target/ { raise(10); }"
    done = dscript("-qw", "-n", program, "-c", f"{sys.executable} {script}")
    assert done.stdout.split() == ["caught"]


def test_chill_spins_as_long_as_asked() -> None:
    done = dscript(
        "-qwn",
        "BEGIN { t = timestamp; } BEGIN { chill(200000000); }"
        'BEGIN { printf("%d\\n", (timestamp - t) / 1000000); exit(0); }',
    )
    assert 200 <= int(done.stdout) < 2000


def test_chill_beyond_half_a_second_is_refused() -> None:
    done = dscript(
        "-qwn",
        'BEGIN { chill(500000001); printf("never"); } BEGIN { chill(300000000); }'
        'BEGIN { chill(300000000); printf("never"); } BEGIN { exit(0); }',
    )
    assert "never" not in done.stdout
    assert done.stderr.count("illegal operation") == 2


def test_system_runs_in_the_order_of_the_output() -> None:
    done = dscript(
        "-qwn",
        'BEGIN { printf("before\\n"); system("echo %s %d; echo err >&2", "middle", 7);'
        ' printf("after\\n"); exit(0); }',
    )
    assert done.stdout.split("\n")[:3] == ["before", "middle 7", "after"]
    assert "err" in done.stderr


def test_freopen_and_ftruncate(tmp_path: Path) -> None:
    done = dscript(
        "-qwn",
        'BEGIN { printf("console "); freopen("%s/%s", $$1, "out"); printf("cut"); ftruncate();'
        ' printf("file"); freopen(""); printf("back"); exit(0); }',
        str(tmp_path),
    )
    assert done.stdout.strip() == "console back" and not done.stderr
    assert (tmp_path / "out").read_text() == "file"


def test_freopen_tells_why_it_failed() -> None:
    done = dscript("-qwn", 'BEGIN { freopen("/no/such/file"); printf("on"); exit(0); }')
    assert done.stdout.strip() == "on" and "No such file" in done.stderr


def test_setopt_changes_output_while_tracing() -> None:
    done = dscript("-n", 'BEGIN { setopt("quiet"); } BEGIN { printf("plain"); exit(0); }')
    # Only the first clause's line has begun with its probe.
    assert done.stdout.count(":BEGIN") == 1 and done.stdout.rstrip("\n").endswith("plain")


ARGUMENTS = [
    ("stop(1);", "D_PROTO_LEN"),
    ("chill();", "D_PROTO_LEN"),
    ("panic(1);", "D_PROTO_LEN"),
    ("breakpoint(1);", "D_PROTO_LEN"),
    ("raise();", "D_PROTO_LEN"),
    ("ftruncate(1);", "D_PROTO_LEN"),
    ("system();", "D_PROTO_LEN"),
    ("freopen();", "D_PROTO_LEN"),
    ('chill("x");', "D_PROTO_ARG"),
]


@pytest.mark.parametrize(("body", "tag"), ARGUMENTS)
def test_arguments_are_checked(body: str, tag: str) -> None:
    done = dscript("-e", "-w", "-x", "errtags", "-n", f"BEGIN {{ {body} }}")
    assert done.returncode == 1 and f"[{tag}]" in done.stderr


@pytest.mark.parametrize(("kind", "key"), [("panic", b"c"), ("breakpoint", b"g")])
def test_panic_and_breakpoint_write_their_sysrq_key(
    kind: str, key: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a file of ours: the real one would end this machine."""
    from dscript.output.text import TextPrinter
    from dscript.program import Action, CompiledProgram

    trigger = tmp_path / "trigger"
    trigger.touch()
    monkeypatch.setattr(effects, "SYSRQ_TRIGGER", str(trigger))
    with open(tmp_path / "out", "wb") as out:
        printer = TextPrinter(CompiledProgram(b"", {}, (), ()), out)
        effects.Effects(printer).function(Action(kind))()  # type: ignore[arg-type]
    assert trigger.read_bytes() == key
