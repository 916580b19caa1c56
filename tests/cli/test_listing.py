"""`-l`: globs, numbers, the layout of -v, how long it takes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dscript.program import Probe
from dscript.providers import stability

DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def listed(*words: str) -> list[str]:
    done = subprocess.run([DSCRIPT, *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def names(*words: str) -> list[str]:
    return [line[-60:].split()[-1] for line in listed(*words)[1:]]


def test_verbose_listing_has_stability_and_types() -> None:
    """The layout and the values that the manual's chapter "Stability" shows."""
    assert listed("-lvn", "syscall::openat:entry")[2:] == [
        "",
        "\tProbe Description Attributes",
        "\t\tIdentifier Names: Private",
        "\t\tData Semantics:   Private",
        "\t\tDependency Class: Unknown",
        "",
        "\tArgument Attributes",
        "\t\tIdentifier Names: Private",
        "\t\tData Semantics:   Private",
        "\t\tDependency Class: ISA",
        "",
        "\tArgument Types",
        "\t\targs[0]: int",
        "\t\targs[1]: const char *",
        "\t\targs[2]: int",
        "\t\targs[3]: umode_t",
        "",
    ]
    begin = listed("-lvn", "dtrace:::BEGIN")
    assert begin[4] == "\t\tIdentifier Names: Stable" and "\t\tNone" in begin


def test_verbose_listing_of_translated_arguments() -> None:
    assert [line for line in listed("-lvn", "proc:::signal-send") if "args[" in line] == [
        "\t\targs[0]: lwpsinfo_t *",
        "\t\targs[1]: psinfo_t *",
        "\t\targs[2]: int",
    ]


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (Probe(1, "dtrace", "", "", "END"), ("Stable/Stable/Common", "Stable/Stable/Common")),
        (Probe(1, "profile", "", "", "tick-1s"), ("Evolving/Evolving/Common",) * 2),
        (
            Probe(1, "fbt", "vmlinux", "f", "entry"),
            ("Private/Private/Unknown", "Private/Private/ISA"),
        ),
        (Probe(1, "pid12", "", "", "entry"), ("Evolving/Evolving/ISA", "Private/Private/Unknown")),
        (Probe(1, "mine12", "", "", "go"), ("Private/Private/Unknown",) * 2),
        (Probe(1, "io", "", "", "start"), ("Evolving/Evolving/ISA", "Evolving/Evolving/ISA")),
        (Probe(1, "cpc", "", "", "x"), ("Evolving/Evolving/CPU", "Evolving/Evolving/Common")),
    ],
)
def test_stability_is_the_least_of_the_fields(probe: Probe, expected: tuple[str, str]) -> None:
    assert tuple("/".join(each) for each in stability.of_probe(probe)) == expected


def test_globs_by_every_letter() -> None:
    assert names("-lP", "dtra*") == ["BEGIN", "END", "ERROR"]
    by_module = listed("-lm", "sdt:sched")[1:]
    assert by_module and all(line.split()[1:3] == ["sdt", "sched"] for line in by_module)
    by_function = listed("-lf", "syscall::get?id")[1:]
    assert {line.split()[3] for line in by_function} == {
        "getpid",
        "getuid",
        "gettid",
        "getgid",
        "getsid",
    }
    assert names("-ln", "tick-1*") == ["tick-1", "tick-10", "tick-100", "tick-1000"]


def test_numbers_name_the_same_probe_again() -> None:
    (line,) = listed("-ln", "sdt:sched::sched_switch")[1:]
    assert listed("-li", line.split()[0])[1:] == [line]


def test_every_provider_is_listed_with_numbers_of_its_own() -> None:
    lines = listed("-l")[1:]
    numbers = [line.split()[0] for line in lines]
    assert len(set(numbers)) == len(numbers) > 2000
    providers = {line.split()[1] for line in lines}
    assert {"dtrace", "syscall", "profile", "proc", "sched", "sdt", "rawtp"} <= providers
    found = [re.match(r" *\d+ +\S+ +\S* +.* \S+$", line) for line in lines]
    assert all(found)


@pytest.mark.bench
@pytest.mark.parametrize(("words", "limit"), [(("-l",), 3.0), (("-ln", "syscall:::"), 0.4)])
def test_listing_is_quick(words: tuple[str, ...], limit: float) -> None:
    """The best of three in seconds of CPU: the machine has other work to do.

    Where Python keeps no compiled modules, they are compiled first.
    """
    package = Path(__file__).resolve().parents[2] / "dscript"
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], check=True)
    took = []
    for _ in range(3):
        before = os.times()
        listed(*words)
        after = os.times()
        user = after.children_user - before.children_user
        took.append(user + after.children_system - before.children_system)
    assert min(took) < limit


def test_what_matches_nothing_is_an_error_unless_allowed() -> None:
    wrong = subprocess.run(
        [DSCRIPT, "-ln", "syscall::opne:entry"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1 and "did you mean syscall::open:entry?" in wrong.stderr
    allowed = subprocess.run(
        [DSCRIPT, "-Zln", "syscall::opne:entry"], capture_output=True, text=True, check=False
    )
    assert (allowed.returncode, allowed.stderr) == (0, "")


def test_the_whole_listing_is_counted_on_a_terminal() -> None:
    terminal, end = pty.openpty()
    with subprocess.Popen([DSCRIPT, "-l"], stdout=end, stderr=subprocess.PIPE, text=True) as done:
        os.close(end)
        shown = b""
        with suppress(OSError):  # how a terminal says that nobody is at its other end
            while part := os.read(terminal, 1 << 16):
                shown += part
        assert done.stderr is not None
        assert done.stderr.read() == f"dscript: {len(shown.splitlines()) - 1} probes\n"
    os.close(terminal)
