"""The command under the name dtrace: the link, its messages, scripts that name it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dscript.arguments import parse

DSCRIPT = Path(sys.executable).with_name("dscript")


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture
def dtrace(tmp_path: Path) -> Path:
    folder = tmp_path / "sbin"
    folder.mkdir()
    done = run(DSCRIPT, "--install-dtrace-link", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{folder}/dtrace -> {DSCRIPT.resolve()}; a script's first line")
    return folder / "dtrace"


def test_the_link_is_made_new_and_other_files_stay(tmp_path: Path, dtrace: Path) -> None:
    assert run(DSCRIPT, f"--install-dtrace-link={dtrace.parent}").returncode == 0
    assert dtrace.resolve() == DSCRIPT.resolve()
    for make in (lambda f: f.write_text("mine"), lambda f: f.symlink_to("/bin/true")):
        foreign = tmp_path / "other" / "dtrace"
        foreign.parent.mkdir(exist_ok=True)
        foreign.unlink(missing_ok=True)
        make(foreign)
        done = run(DSCRIPT, "--install-dtrace-link", foreign.parent)
        assert done.returncode == 1
        assert done.stderr.startswith(f"dscript: {foreign} exists and is not a link to dscript")
        assert foreign.resolve() != DSCRIPT.resolve()
    done = run(DSCRIPT, "--install-dtrace-link", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "failed to make " in done.stderr


def test_messages_begin_with_the_name(tmp_path: Path, dtrace: Path) -> None:
    """Of the command line, the compiler, the run, its listing, and the cache."""
    script = tmp_path / "x.d"
    script.write_text("BEGIN { trace(nosuch); }\n")
    wrong = run(dtrace, "-s", script)
    assert wrong.stderr.startswith(f"dtrace: failed to compile script {script}: line 1: ")
    assert run(dtrace, "-n", "BEGIN {").stderr.startswith("dtrace: invalid probe specifier BEGIN {")
    assert run(dtrace, "--no-such").stderr.splitlines()[1].startswith("Usage: dtrace [-")
    assert run(dtrace).stderr.startswith("dtrace: no probes specified")
    assert run(dtrace, "-s", tmp_path / "none.d").stderr.startswith("dtrace: failed to open ")
    assert run(dtrace, "-ln", "nosuch:::").stderr.startswith("dtrace: failed to match nosuch:::")
    for _ in range(2):  # compiled, then from the cache
        done = run(
            dtrace, "-n", 'BEGIN { trace(*(int *)0); } ERROR { printf("%s", $$0); exit(0); }'
        )
        assert "dtrace: description 'BEGIN ' matched 2 probes" in done.stderr
        assert "\ndtrace: error on enabled probe ID 1" in done.stderr
        assert "dscript" not in done.stderr
        assert "dtrace" in done.stdout
    assert run(dtrace, "-V").stdout.startswith("dtrace: dscript ")
    assert run(DSCRIPT, "-n", "BEGIN {").stderr.startswith("dscript: ")


@pytest.mark.parametrize("line", ["#!{} -qs", "#! {} -qs", "#!{} -CZqs", "#!{} -Zqs", "#!{} -wqs"])
def test_scripts_that_name_it(tmp_path: Path, dtrace: Path, line: str) -> None:
    script = tmp_path / "script.d"
    script.write_text(
        f"{line.format(dtrace)}\n"
        "#pragma D option defaultargs\n"
        'BEGIN { printf("%s %d", $$1 == NULL ? "none" : $$1, $2); exit(0); }\n'
        + ("nosuch$1:::\n{ }\n" if "Z" in line else "")
    )
    script.chmod(0o755)
    assert run(script).stdout.strip() == "none 0"
    done = run(script, "one", "2")
    assert (done.stdout.strip(), done.stderr) == ("one 2", "")


@pytest.mark.parametrize(
    ("words", "pieces", "options"),
    [
        (["-CZqs", "f"], [("s", "f")], {"cpp", "zdefs", "quiet"}),
        (["-Zs", "f"], [("s", "f")], {"zdefs"}),
        (["-ZCs", "f"], [("s", "f")], {"zdefs", "cpp"}),
        (["-wqs", "f"], [("s", "f")], {"destructive", "quiet"}),
        (["-qn", "BEGIN"], [("n", "BEGIN")], {"quiet"}),
        (["-Fn", "BEGIN"], [("n", "BEGIN")], {"flowindent"}),
        (["-qFnBEGIN", "-x", "switchrate"], [("n", "BEGIN")], {"quiet", "flowindent"}),
    ],
)
def test_bundled_options(
    words: list[str], pieces: list[tuple[str, str]], options: set[str]
) -> None:
    line = parse(words)
    assert line.pieces == pieces
    assert options <= set(line.options)


def test_a_program_in_a_pipe_and_arguments_behind_it(dtrace: Path) -> None:
    """What wrappers in ksh do: the program on /dev/fd/N, or in -n with arguments behind it."""
    shell = "exec {} -Cqs <(printf '%s\\n' \"BEGIN {{ trace(1 + 1); exit(0); }}\")"
    assert run("bash", "-c", shell.format(dtrace)).stdout.strip() == "2"
    done = run(dtrace, "-qn", "BEGIN { trace($1 + 1); exit(0); }", "41")
    assert done.stdout.strip() == "42"
