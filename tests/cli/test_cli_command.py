"""The installed command: statuses and the form of what it says."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def dscript(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DSCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_version_help_and_info() -> None:
    assert dscript("-V").stdout.startswith("dscript: dscript ")
    assert "Usage: dscript" in dscript("--help").stdout
    info = dscript("--info")
    assert info.returncode == 0
    assert os.uname().release in info.stdout


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dscript", "-V"], capture_output=True, text=True, check=True
    )
    assert done.stdout == dscript("-V").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "dscript: no probes specified"),
        (["-z"], "dscript: illegal option -- z"),
        (["-n"], "dscript: option requires an argument -- n"),
        (["-A"], "dscript: option -A is not supported"),
    ],
)
def test_usage_errors_are_status_2(words: list[str], message: str) -> None:
    done = dscript(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "Usage: dscript" in done.stderr
    assert done.stdout == ""


def test_script_without_its_option_is_suggested(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text("BEGIN { exit(0); }")
    assert f"did you mean -s {script}?" in dscript(str(script)).stderr


def test_missing_script_is_status_1() -> None:
    done = dscript("-s", "/no/such.d")
    assert done.returncode == 1
    assert done.stderr == "dscript: failed to open /no/such.d: No such file or directory\n"


def test_wrong_option_is_status_1_with_tag_on_demand() -> None:
    done = dscript("-x", "nosuch=1", "-n", "BEGIN")
    assert done.returncode == 1
    assert done.stderr == "dscript: failed to set -x nosuch: Invalid option name\n"


def test_wrong_environment_option_is_status_1() -> None:
    done = dscript("-n", "BEGIN", env={**os.environ, "DSCRIPT_OPT_STRSIZE": "big"})
    assert done.returncode == 1
    assert done.stderr.startswith("dscript: failed to set option 'strsize' to 'big': ")


def test_listing_is_in_columns() -> None:
    done = dscript("-ln", "syscall::getp*id:entry")
    assert done.returncode == 0
    heading, *rows = done.stdout.splitlines()
    assert heading == "   ID   PROVIDER            MODULE                          FUNCTION NAME"
    assert {row.split()[3] for row in rows} == {"getpid", "getpgid", "getppid"}
    for row in rows:
        assert row[6:16].strip() == "syscall"
        assert row[35:68].strip().startswith("getp")
        assert row[69:] == "entry"


def test_listing_by_provider_and_by_id() -> None:
    rows = dscript("-lP", "dtrace").stdout.splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["BEGIN", "END", "ERROR"]
    number = rows[1].split()[0]
    assert dscript("-li", number).stdout.splitlines()[1:] == [rows[1]]


def test_probe_by_id() -> None:
    rows = dscript("-ln", "BEGIN").stdout.splitlines()[1:]
    done = dscript("-qi", f"{rows[0].split()[0]} {{ exit(6); }}")
    assert (done.returncode, done.stderr) == (6, "")
    done = dscript("-i", "99999999")
    assert done.returncode == 1
    assert "probe description 99999999 does not match any probes" in done.stderr


def test_listing_of_nothing_is_status_1_with_near_miss() -> None:
    done = dscript("-ln", "syscall::opn:entry")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "dscript: failed to match syscall::opn:entry: No probe matches description",
        "  did you mean syscall::open:entry?",
    ]
    assert dscript("-Zln", "syscall::opn:entry").returncode == 0


def test_listing_reads_arguments_and_scripts(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text("syscall::$1:entry\n/pid == 3/\n{\n\tthis_is = 1;\n}\n")
    done = dscript("-ls", str(script), "close")
    assert [line.split()[3] for line in done.stdout.splitlines()[1:]] == ["close"]


def test_closed_pipe_is_quiet() -> None:
    done = subprocess.run(
        f"{DSCRIPT} -l | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_full_disk_is_one_line() -> None:
    done = dscript("-n", "BEGIN { exit(0); }", "--emit", "object", "-o", "/dev/full")
    assert done.returncode == 1
    assert done.stderr == "dscript: failed to write '/dev/full': No space left on device\n"


def test_full_disk_while_tracing_is_one_line() -> None:
    done = dscript("-qn", 'BEGIN { trace("x"); exit(0); }', "-o", "/dev/full")
    assert done.returncode == 1
    assert done.stderr == "dscript: failed to write '/dev/full': No space left on device\n"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [DSCRIPT, "-qn", 'BEGIN { trace("x"); exit(0); }'],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == "dscript: failed to write output: No space left on device\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root's privileges")
def test_no_privilege_is_one_line() -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", DSCRIPT, "-qn", "BEGIN { exit(0); }"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "CAP_BPF" in done.stderr
    assert "Traceback" not in done.stderr and "internal" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_tracing_in_order(number: signal.Signals) -> None:
    """END fires and its record is printed after the signal."""
    process = subprocess.Popen(
        [DSCRIPT, "-qn", 'BEGIN { printf("begun\\n"); } END { printf("ended\\n"); }'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    rest, errors = process.communicate(timeout=30)
    assert rest.split() == ["ended"]
    assert errors == ""
    assert process.returncode == 0


def test_reader_that_leaves_ends_tracing() -> None:
    """`| head -1` of endless output."""
    process = subprocess.Popen(
        [DSCRIPT, "-qn", 'tick-10ms { printf("line\\n"); }'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_object_is_not_written_to_a_terminal() -> None:
    outer, inner = pty.openpty()
    try:
        done = subprocess.run(
            [DSCRIPT, "-n", "BEGIN { exit(0); }", "--emit", "object"],
            stdout=inner,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(inner)
        os.close(outer)
    assert done.returncode == 2
    assert "-o FILE" in done.stderr


def test_emitted_object_is_an_elf_file(tmp_path: Path) -> None:
    target = tmp_path / "a.o"
    done = dscript("-n", "BEGIN { exit(0); }", "--emit", "object", "-o", str(target))
    assert done.returncode == 0, done.stderr
    data = target.read_bytes()
    assert data[:4] == b"\x7fELF"
    assert int.from_bytes(data[18:20], "little") == 247  # EM_BPF


@pytest.mark.parametrize("stage", ["ast", "ir", "asm", "plan"])
def test_stages_are_text(stage: str) -> None:
    done = dscript("-n", "BEGIN { exit(0); }", "--emit", stage)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1
    assert "BEGIN" in done.stdout or stage in ("ir", "asm")


def test_instructions_and_compile_only() -> None:
    done = dscript("-Sen", "BEGIN { exit(0); }")
    assert done.returncode == 0
    assert "exit" in done.stderr
    assert done.stdout == ""


def test_status_of_exit_is_passed_on() -> None:
    assert dscript("-qn", "BEGIN { exit(7); }").returncode == 7


def test_match_messages(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text("BEGIN { exit(0); } END { }")
    done = dscript("-n", "BEGIN { x = 1; }", "-s", str(script))
    assert done.stderr.splitlines() == [
        "dscript: description 'BEGIN ' matched 1 probe",
        f"dscript: script '{script}' matched 2 probes",
    ]
    assert dscript("-qs", str(script)).stderr == ""


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_script_from_standard_input(name: str) -> None:
    done = dscript("-qs", name, input='BEGIN { printf("%s", "hi"); exit(0); }')
    assert done.stdout.strip() == "hi", done.stderr


def test_interpreter_line(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text(
        f'#!/usr/bin/env -S {DSCRIPT} -qs\nBEGIN {{ printf("%d %s", $1, $$2); exit(3); }}\n'
    )
    script.chmod(0o755)
    done = subprocess.run(
        [str(script), "5", "word"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (3, "5 word"), done.stderr


def test_output_file_is_appended_to(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("before\n")
    done = dscript("-qn", 'BEGIN { printf("after"); exit(0); }', "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert target.read_text().split() == ["before", "after"]


def test_wrong_program_shows_line_and_caret(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text("BEGIN\n{\n\ttrace(no_such_thing);\n}\n")
    done = dscript("-s", str(script))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"dscript: failed to compile script {script}: line 3: ")
    assert lines[1].strip() == "trace(no_such_thing);"
    assert lines[2].strip() == "^" * len("no_such_thing")
    tagged = dscript("-x", "errtags", "-s", str(script))
    assert "[D_IDENT_UNDEF]" in tagged.stderr


def test_second_run_comes_from_the_cache(tmp_path: Path) -> None:
    """The cached run must not import the compiler: a poisoned one goes unnoticed."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    words = ["-qn", 'BEGIN { printf("same"); exit(0); }']
    first = dscript(*words, env=environment)
    script = (
        "import sys; sys.modules['lark'] = sys.modules['llvmlite'] = None; "
        f"from dscript.cli import main; sys.exit(main({words!r}))"
    )
    second = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert first.stdout == second.stdout
    assert "same" in second.stdout
