"""Every D option does what docs/options.md says of it: an effect, none, or a refusal.

A test names the options whose effect it sees with `@shows`; the last test counts them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dscript import options_document
from dscript.options import OPTIONS
from tests.command import DSCRIPT
from tests.output_e2e.runner import run

SHOWN: set[str] = set()
# Those with a golden text or a test of their own elsewhere.
GOLDEN = {
    "aggpack", "agghist", "aggzoom", "aggsortkey", "aggsortkeypos", "aggsortpos", "aggsortrev",
    "encoding", "quiet", "flowindent", "rawbytes", "defaultargs",  # cases/*.txt
    "bufpolicy", "bufsize", "aggsize", "cpu", "strsize", "stackframes", "stackindent",
    "ustackframes", "destructive", "zdefs", "version", "setenv",  # test_options.py
    "evaltime",  # tests/runtime/test_holding.py
    "unwind",  # tests/userland/test_unwinding.py
    "follow", "debugdir",  # tests/userland
    "cgroup", "pidns", "pcapsize", "scratchsize", "compat",  # tests of the chapters they belong to
}  # fmt: skip


def shows(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    SHOWN.update(names)
    return lambda test: test


def output(words: list[str], program: str, folder: Path) -> str:
    done = run(["-q", *words], program, folder)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


@shows("nspec")
@pytest.mark.parametrize(("nspec", "expected"), [("1", "1 0"), ("2", "1 2")])
def test_nspec(nspec: str, expected: str, tmp_path: Path) -> None:
    program = 'BEGIN { a = speculation(); b = speculation(); printf("%d %d", a, b); exit(0); }'
    done = run(["-q", "-x", f"nspec={nspec}"], program, tmp_path)
    assert done.stdout == f"{expected}\n"
    assert ("no speculative buffer available" in done.stderr) == (nspec == "1")


@shows("specsize", "droptags")
def test_specsize_bounds_a_speculation(tmp_path: Path) -> None:
    program = """
    BEGIN { s = speculation(); }
    BEGIN { speculate(s); printf("1234"); }
    BEGIN { speculate(s); printf("%s", "a string of strsize bytes"); }
    BEGIN { commit(s); }
    BEGIN { exit(0); }
    """
    assert output([], program, tmp_path) == "1234a string of strsize bytes\n"
    done = run(["-q", "-x", "specsize=64", "-x", "droptags"], program, tmp_path)
    assert done.stdout == "1234\n"
    assert done.stderr == "dscript: [DTRACEDROP_SPEC] 1 speculative drop\n"


@shows("dynvarsize")
def test_dynvarsize_bounds_arrays(tmp_path: Path) -> None:
    program = "int n; tick-1ms { x[n] = 1; n++; } tick-1ms /n == 300/ { exit(0); }"
    assert output([], program, tmp_path) == "\n"
    done = run(["-q", "-x", "dynvarsize=1k"], program, tmp_path)
    assert re.search(r"^dscript: \d+ dynamic variable drops$", done.stderr, re.MULTILINE)


@shows("maxframes", "jstackframes")
def test_frames(tmp_path: Path) -> None:
    probe = "syscall::clock_nanosleep:entry /pid == $target/"
    command = ["-c", "taskset -c 0 sleep 0.01", "-x", "noresolve"]
    two = output([*command, "-x", "maxframes=2"], f"{probe} {{ stack(); exit(0); }}", tmp_path)
    assert len(two.split()) == 2
    one = output([*command, "-x", "jstackframes=1"], f"{probe} {{ jstack(); exit(0); }}", tmp_path)
    assert len(one.split()) == 1


@shows("noresolve")
def test_noresolve_leaves_the_kernel_alone_and_can_be_set_late(tmp_path: Path) -> None:
    program = """
    syscall::clock_nanosleep:entry /pid == $target/ { ustack(1); }
    syscall::clock_nanosleep:entry /pid == $target/ { setopt("noresolve"); ustack(1); stack(1); }
    """
    text = output(["-c", "taskset -c 0 sleep 0.01"], program, tmp_path)
    first, second, kernel = text.split()
    assert "`" in first and second.startswith("0x") and kernel.startswith("vmlinux`")


def arrival(words: list[str], program: str, folder: Path) -> tuple[float, float]:
    """Seconds from the first line printed to the second one and to the end of dscript."""
    script = folder / "late.d"
    script.write_text(program)
    environment = {**os.environ, "DSCRIPT_CACHE": "0"}
    with subprocess.Popen(
        [DSCRIPT, "-q", *words, "-s", str(script)], stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begin\n"
        started = time.monotonic()
        assert child.stdout.readline() == b"tick\n"
        second = time.monotonic() - started
        child.stdout.read()
        return second, time.monotonic() - started


@shows("switchrate")
@pytest.mark.parametrize(
    ("words", "setting"), [(["-x", "switchrate=700ms"], ""), ([], 'setopt("switchrate", "700ms");')]
)
def test_switchrate_gathers_records(words: list[str], setting: str, tmp_path: Path) -> None:
    program = f"""
    BEGIN {{ printf("begin\\n"); n = 0; {setting} }}
    tick-20ms /!n/ {{ printf("tick\\n"); n = 1; }}
    tick-900ms {{ exit(0); }}
    """
    second, end = arrival(words, program, tmp_path)
    assert 0.4 < second < end


def test_without_switchrate_records_come_at_once(tmp_path: Path) -> None:
    program = """
    BEGIN { printf("begin\\n"); n = 0; }
    tick-20ms /!n/ { printf("tick\\n"); n = 1; }
    tick-900ms { exit(0); }
    """
    second, end = arrival([], program, tmp_path)
    assert second < end - 0.4


def test_exit_does_not_wait_for_a_slow_switchrate(tmp_path: Path) -> None:
    program = 'BEGIN { printf("begin\\n"); } tick-50ms { printf("tick\\n"); exit(0); }'
    _, end = arrival(["-x", "switchrate=1h"], program, tmp_path)
    assert end < 5


@shows("statusrate")
def test_statusrate_says_how_often_drops_are_told(tmp_path: Path) -> None:
    program = 'syscall:::entry { printf("%s", probefunc); } tick-600ms { exit(0); }'
    busy = "taskset -c 0 dd if=/dev/zero of=/dev/null bs=1 count=3000000 status=none"
    words = ["-q", "-b", "4k", "-x", "switchrate=10s", "-c", busy]

    def messages(rate: str) -> int:
        done = run([*words, "-x", f"statusrate={rate}"], program, tmp_path)
        return len(re.findall(r"^dscript: \d+ drops? on CPU 0$", done.stderr, re.MULTILINE))

    assert messages("1h") == 1  # at the end
    assert messages("50ms") > 1


@shows("aggrate")
def test_aggrate_says_how_often_keys_are_fetched(tmp_path: Path) -> None:
    """One dscript counts the bpf(2) calls of another."""
    script = tmp_path / "inner.d"
    script.write_text("profile-99 { @[cpu] = count(); } tick-900ms { exit(0); }\n")
    outer = "syscall::bpf:entry /pid == $target/ { n++; } END { trace(n); }"

    def calls(rate: str) -> int:
        # The outer one looks at CPU 0 alone.
        inner = f"taskset -c 0 {DSCRIPT} -q -x aggrate={rate} -s {script} -o {tmp_path}/inner"
        return int(output(["-c", inner], f"int n; {outer}", tmp_path))

    assert calls("10ms") > calls("1h") + 20


@shows("unsetenv")
def test_unsetenv(tmp_path: Path) -> None:
    command = f"sh -c 'echo [$LC_ALL] > {tmp_path}/env'"
    output(["-x", "unsetenv=LC_ALL", "-c", command], "BEGIN { }", tmp_path)
    assert (tmp_path / "env").read_text() == "[]\n"


@shows("errtags", "empty", "argref", "nolibs")
def test_options_of_the_compiler(tmp_path: Path) -> None:
    wrong = run(["-q"], "BEGIN { x; }", tmp_path).stderr
    tagged = run(["-q", "-x", "errtags"], "BEGIN { x; }", tmp_path).stderr
    assert "[D_" not in wrong and re.search(r": \[D_\w+\] line 1: ", tagged)
    # An empty program matches nothing either, which is for -Z to allow.
    assert run(["-q", "-Z", "-c", "true"], "", tmp_path).returncode == 1
    assert run(["-q", "-Z", "-x", "empty", "-c", "true"], "", tmp_path).returncode == 0
    program = "BEGIN { exit(0); }"
    assert run(["-q", "--", "unused"], program, tmp_path).returncode == 1
    assert run(["-q", "-x", "argref", "--", "unused"], program, tmp_path).returncode == 0
    constant = "BEGIN { trace(SIGKILL); exit(0); }"
    assert output([], constant, tmp_path) == "9\n"
    assert run(["-q", "-x", "nolibs"], constant, tmp_path).returncode == 1


@shows("verbose")
def test_verbose_says_how_probes_are_attached(tmp_path: Path) -> None:
    done = run(["-q", "-x", "verbose"], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 0 and "BEGIN" in done.stderr


@shows("cpp", "define", "undef", "incdir", "cpphdrs", "stdc", "cpppath")
def test_options_of_the_preprocessor(tmp_path: Path) -> None:
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc/value.h").write_text("#define HERE 5\n")
    program = """#include <value.h>
    #if defined(unix)
    #define GNU 1
    #else
    #define GNU 0
    #endif
    #ifdef linux
    BEGIN { trace("predefined "); }
    #endif
    BEGIN { printf("%d %d %d", HERE, VALUE, GNU); exit(0); }
    """.replace("\n    ", "\n")
    words = ["-x", "cpp", "-x", f"incdir={tmp_path}/inc", "-x", "define=VALUE=7"]
    assert output([*words, "-x", "undef=linux"], program, tmp_path) == "5 7 1\n"
    strict = output([*words, "-x", "stdc=c"], program, tmp_path)
    assert strict == "5 7 0\n"
    done = run(["-q", *words, "-x", "undef=linux", "-x", "cpphdrs"], program, tmp_path)
    assert f"{tmp_path}/inc/value.h" in done.stderr
    done = run(["-q", *words, "-x", "cpppath=/nonexistent/cpp"], program, tmp_path)
    assert done.returncode == 1 and "/nonexistent/cpp" in done.stderr


@shows("libdir", "syslibdir")
def test_folders_of_libraries(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/own.d").write_text("inline int OWN = 11;\n")
    program = "BEGIN { trace(OWN); exit(0); }"
    assert run(["-q"], program, tmp_path).returncode == 1
    assert output(["-x", f"libdir={tmp_path}/lib"], program, tmp_path) == "11\n"
    instead = ["-x", f"syslibdir={tmp_path}/lib"]
    assert output(instead, program, tmp_path) == "11\n"
    assert run(["-q", *instead], "BEGIN { trace(SIGKILL); exit(0); }", tmp_path).returncode == 1


@shows("cleanrate")
def test_cleanrate_frees_what_ended_threads_held(tmp_path: Path) -> None:
    """Every process leaves an element behind; 4 KiB have no room for hundreds of them."""
    program = """
    syscall::exit_group:entry /progenyof($target)/ { self->x[1] = 1; }
    """
    command = "sh -c 'i=0; while [ $i -lt 250 ]; do (:); i=$((i+1)); done'"

    def lost(rate: str) -> int:
        words = ["-q", "-x", "dynvarsize=8k", "-x", f"cleanrate={rate}", "-c", command]
        done = subprocess.run(
            [DSCRIPT, *words, "-n", program], capture_output=True, text=True, timeout=60, check=True
        )
        return sum(map(int, re.findall(r"(\d+) dynamic variable drop", done.stderr)))

    assert lost("1h") > 20
    assert lost("5ms") < lost("1h")


def test_options_from_the_environment_are_the_weakest(tmp_path: Path) -> None:
    def printed(pragma: str, *words: str) -> str:
        script = tmp_path / "s.d"
        script.write_text(f'{pragma}\nBEGIN {{ trace(strjoin("0123456789", "")); exit(0); }}\n')
        environment = {**os.environ, "DSCRIPT_OPT_STRSIZE": "8", "DSCRIPT_OPT_QUIET": ""}
        done = subprocess.run(
            [DSCRIPT, *words, "-s", str(script)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=environment,
        )
        return done.stdout

    assert printed("") == "0123456\n"
    assert printed("#pragma D option strsize=9") == "01234567\n"
    assert printed("#pragma D option strsize=9", "-x", "strsize=10") == "012345678\n"


def test_setopt_takes_what_may_be_set_at_any_time(tmp_path: Path) -> None:
    """Every option with its default, a plausible value where it has none."""
    values = {"text": "x", "flag": "on", "count": "3", "choice": "utf8"}
    settings = [(o.name, o.default or values[o.kind]) for o in OPTIONS.values()]
    lines = [f'BEGIN {{ setopt("{name}", "{value}"); }}' for name, value in settings]
    program = "\n".join([*lines, "BEGIN { exit(0); }"])
    done = run(["-q"], program, tmp_path)
    refused = re.findall(r"couldn't set option \"(\w+)\" to \"[^\"]*\": (.*)", done.stderr)
    assert dict(refused) == {
        name: f"not supported: {o.missing}"
        if o.missing
        else "Operation illegal when tracing is active"
        for name, o in OPTIONS.items()
        if not o.dynamic
    }
    assert len(done.stderr.splitlines()) == len(refused)


WITHOUT_EFFECT = sorted(o.name for o in OPTIONS.values() if o.harmless)
REFUSED = sorted(o.name for o in OPTIONS.values() if o.missing)


def test_what_is_accepted_changes_nothing(tmp_path: Path) -> None:
    """All at once, each with its default or a plausible value."""
    words = []
    for name in WITHOUT_EFFECT:
        option = OPTIONS[name]
        value = option.default or {"text": "x", "flag": "", "count": "3", "size": "1k"}[option.kind]
        words += ["-x", f"{name}={value}" if value else name]
    program = 'BEGIN { trace("same"); @ = count(); exit(0); }'
    assert output(words, program, tmp_path) == output([], program, tmp_path)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_refused_by_name(name: str, tmp_path: Path) -> None:
    value = {"count": "1", "text": "x", "flag": ""}[OPTIONS[name].kind]
    done = run(["-x", f"{name}={value}" if value else name], "BEGIN { exit(0); }", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    reason = OPTIONS[name].missing
    assert (
        done.stderr.splitlines()[0] == f"dscript: failed to set -x {name}: not supported: {reason}"
    )


def test_every_option_is_accounted_for() -> None:
    assert set(OPTIONS) == SHOWN | GOLDEN | set(WITHOUT_EFFECT) | set(REFUSED)


def test_the_document_is_up_to_date() -> None:
    path = Path(__file__).resolve().parents[2] / "docs/options.md"
    text = path.read_text(encoding="utf-8")
    assert text == options_document.updated(text), "run python -m dscript.options_document"
