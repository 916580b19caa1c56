"""Options whose effect is not in a golden text: buffers, rates, sizes, stacks, environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.output_e2e.runner import run

COUNTING = """
BEGIN { n = 0; }
tick-1ms { printf("%d %s\\n", n, "0123456789012345678901234567890123456789"); n++; }
tick-1ms /n == LAST/ { exit(0); }
END { printf("end\\n"); }
"""
SLEEP = "taskset -c 0 sleep 0.05"
NANOSLEEP = "syscall::clock_nanosleep:entry /pid == $target/"


def numbers(done: subprocess.CompletedProcess[str]) -> list[int]:
    return [int(line.split()[0]) for line in done.stdout.splitlines() if line[:1].isdigit()]


def test_ring_keeps_the_last_records(tmp_path: Path) -> None:
    words = ["-q", "-x", "bufpolicy=ring", "-x", "bufsize=2k"]
    done = run(words, COUNTING.replace("LAST", "200"), tmp_path)
    kept = numbers(done)
    # 40 characters and a number a record: at least 10 and at most 50 of them are 2 KiB.
    assert 10 < len(kept) < 50 and kept == list(range(200 - len(kept), 200))
    assert done.stdout.endswith("\nend\n\n") and done.stderr == ""


def test_ring_with_room_for_all_keeps_all(tmp_path: Path) -> None:
    done = run(["-q", "-x", "bufpolicy=ring"], COUNTING.replace("LAST", "20"), tmp_path)
    assert numbers(done) == list(range(20))


def test_fill_ends_when_the_buffer_is_full(tmp_path: Path) -> None:
    words = ["-q", "-x", "bufpolicy=fill", "-b", "4k"]
    done = run(words, COUNTING.replace("LAST", "100000"), tmp_path)
    kept = numbers(done)
    assert 20 < len(kept) < 100 and kept == list(range(len(kept)))
    assert done.stdout.endswith("\nend\n\n")
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_small_buffer_drops_and_says_so(tmp_path: Path) -> None:
    program = 'syscall:::entry { printf("%s", probefunc); }'
    busy = "dd if=/dev/zero of=/dev/null bs=1 count=200000 status=none"
    done = run(["-q", "-b", "4k", "-c", f"taskset -c 0 {busy}"], program, tmp_path)
    assert re.search(r"^dscript: \d+ drops? on CPU 0$", done.stderr, re.MULTILINE)


def test_cpu_restricts_every_probe(tmp_path: Path) -> None:
    program = "BEGIN { trace(cpu); } profile-499 { @[cpu] = count(); } tick-100ms { exit(0); }"
    done = run(["-q"], program, tmp_path)  # the runner says cpu=0
    first, *rest = done.stdout.splitlines()
    assert first == "0" and [row.split()[0] for row in rest] == ["0"]


def test_a_cpu_that_is_not_there(tmp_path: Path) -> None:
    done = run(["-x", "cpu=4000"], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 1 and "cannot trace CPU 4000" in done.stderr


def test_stack_options(tmp_path: Path) -> None:
    words = ["-q", "-x", "stackframes=2", "-x", "stackindent=3", "-c", SLEEP]
    done = run(words, f"{NANOSLEEP} {{ stack(); exit(0); }}", tmp_path)
    frames = [line for line in done.stdout.splitlines() if line]
    assert len(frames) == 2
    assert all(re.fullmatch(r" {3}vmlinux`\w+(\.\w+)*(\+0x[0-9a-f]+)?", frame) for frame in frames)


def test_ustackframes_and_noresolve(tmp_path: Path) -> None:
    words = ["-q", "-x", "ustackframes=1", "-x", "noresolve", "-c", SLEEP]
    done = run(words, f"{NANOSLEEP} {{ ustack(); exit(0); }}", tmp_path)
    assert re.fullmatch(r"\n {14}0x[0-9a-f]+\n\n", done.stdout)


def test_rawbytes_shows_text_as_bytes(tmp_path: Path) -> None:
    done = run(["-q", "-x", "rawbytes"], "BEGIN { trace(curthread->comm); exit(0); }", tmp_path)
    head, row, *_ = done.stdout.splitlines()[1:]
    assert head.endswith("0123456789abcdef")
    assert re.fullmatch(r" {9}0:( [0-9a-f]{2}){16}  dscript\.{9}", row)


def test_strsize_cuts_strings(tmp_path: Path) -> None:
    program = 'BEGIN { printf("%s\\n", strjoin("0123456789", "0123456789")); exit(0); }'
    done = run(["-q", "-x", "strsize=16"], program, tmp_path)
    assert done.stdout == "012345678901234\n\n"


def test_aggsize_bounds_the_keys(tmp_path: Path) -> None:
    program = "tick-1ms { @[i++] = count(); } tick-1ms /i == 400/ { exit(0); }"
    words = ["-q", "-x", "aggsize=4k", "-x", "aggrate=10s"]
    done = run(words, program, tmp_path)
    kept = len([line for line in done.stdout.splitlines() if line])
    dropped = sum(map(int, re.findall(r"(\d+) aggregation drops? on CPU", done.stderr)))
    assert kept + dropped == 400


def test_setopt_of_a_rate_is_taken(tmp_path: Path) -> None:
    program = 'BEGIN { setopt("aggrate", "10ms"); setopt("statusrate", "5hz"); exit(0); }'
    done = run(["-q"], program, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("\n", "", 0)


def test_environment_of_the_command(tmp_path: Path) -> None:
    words = ["-q", "-x", "setenv=GREETING=hi", "-c", f"sh -c 'echo $GREETING > {tmp_path}/env'"]
    done = run(words, "BEGIN { }", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "env").read_text() == "hi\n"


def test_destructive_by_pragma(tmp_path: Path) -> None:
    program = '#pragma D option destructive,quiet\nBEGIN { system("echo done"); exit(0); }'
    done = run([], program.replace(",", "\n#pragma D option "), tmp_path)
    assert done.stdout == "done\n\n"


def test_zdefs(tmp_path: Path) -> None:
    program = "nosuch:::probe { } BEGIN { exit(0); }"
    assert run(["-q"], program, tmp_path).returncode == 1
    assert run(["-q", "-x", "zdefs"], program, tmp_path).returncode == 0
    assert run(["-q"], f"#pragma D option zdefs\n{program}", tmp_path).returncode == 0


@pytest.mark.parametrize("version", ["1.0", "1.6.3", "1.13"])
def test_versions(version: str, tmp_path: Path) -> None:
    done = run(["-q", "-x", f"version={version}"], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("nosuch", "failed to set -x nosuch: Invalid option name"),
        ("strsize=big", "failed to set -x strsize: Invalid value for specified option"),
        ("bufpolicy=never", "failed to set -x bufpolicy: Invalid value for specified option"),
        ("version=99.1", "failed to set -x version: Version is not supported"),
        ("version=one", "failed to set -x version: Invalid version string"),
    ],
)
def test_refused_settings(setting: str, reason: str, tmp_path: Path) -> None:
    done = run(["-x", setting], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"dscript: {reason}"


def test_closed_standard_output(tmp_path: Path) -> None:
    script = tmp_path / "case.d"
    script.write_text('BEGIN { printf("x\\n"); exit(3); }')
    from tests.command import DSCRIPT

    done = subprocess.run(
        f"{DSCRIPT} -q -s {script} >&-", shell=True, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    script = tmp_path / "case.d"
    script.write_text('tick-5ms { printf("line\\n"); }')
    from tests.command import DSCRIPT

    done = subprocess.run(
        f"{DSCRIPT} -q -s {script} | head -2",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("line\nline\n", "")


def test_empty_programs(tmp_path: Path) -> None:
    refused = run(["-q", "-x", "errtags"], "/* nothing */", tmp_path)
    assert refused.returncode == 1 and "[D_EMPTY]" in refused.stderr
    allowed = run(["-q", "-x", "empty", "-n", "BEGIN { exit(4); }"], "/* nothing */", tmp_path)
    assert (allowed.returncode, allowed.stderr) == (4, "")


def test_maxframes_bounds_stacks(tmp_path: Path) -> None:
    words = ["-q", "-x", "maxframes=1", "-c", SLEEP]
    done = run(words, f"{NANOSLEEP} {{ stack(); ustack(); exit(0); }}", tmp_path)
    assert len([line for line in done.stdout.splitlines() if line]) == 2


def test_output_is_appended(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before\n")
    run(["-q", "-o", "{folder}/out"], 'BEGIN { trace("after"); exit(0); }', tmp_path)
    assert (tmp_path / "out").read_text() == "before\nafter\n"


def test_output_that_cannot_be_opened(tmp_path: Path) -> None:
    done = run(["-q", "-o", "/nonexistent/out"], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 1
    why = "failed to open output file '/nonexistent/out': No such file or directory"
    assert done.stderr == f"dscript: {why}\n"
