"""Checks in the guest: kernel functions, through every kind of link."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.vm.harness import COMMAND, Outcome, check, dscript, expect


@check()
def check_mission_line(shared: Path) -> None:
    """The mission's line, through the installed command, counts known openat(2) calls."""
    line = "kprobe:do_sys_open < @[execname] = count(); >"
    done = subprocess.run(
        [COMMAND, "-n", line, "-c", f"{shared}/opens 500"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    counted = re.search(r"^\s*opens\s+(\d+)$", outcome.stdout, re.MULTILINE)
    expect(outcome.status == 0 and counted is not None and counted[1] == "500", outcome)
    expect("do_sys_openat2" in outcome.stderr, outcome)


@check("6.1", "6.12")
def check_fbt_entry_and_return(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { @e = count(); } "
        "fbt::do_sys_openat2:return /pid == $target/ { @r = count(); } "
        'END { printa("entry %@d\\n", @e); printa("return %@d\\n", @r); }',
        "-c",
        f"{shared}/opens 321",
    )
    lines = outcome.stdout.split("\n")
    expect(outcome.status == 0 and "entry 321" in lines and "return 321" in lines, outcome)


@check()
def check_fbt_arguments_and_return_value(shared: Path) -> None:
    """arg1 of do_sys_openat2 is the path in user memory; arg1 of a return is the value."""
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { @p[copyinstr(arg1)] = count(); } "
        "fbt::do_sys_openat2:return /pid == $target/ { @v[(int)arg1] = count(); } "
        'END { printa("path %s %@d\\n", @p); printa("fd %d %@d\\n", @v); }',
        "-c",
        f"{shared}/opens 40",
    )
    expect("path /dev/null 40" in outcome.stdout and "fd 3 40" in outcome.stdout, outcome)


@check("6.1", "6.12")
def check_kprobe_and_kretprobe_pair_by_thread(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "kprobe:do_sys_openat2 /pid == $target/ { self->t = timestamp; } "
        "kretprobe:do_sys_openat2 /self->t/ { @ = count(); self->t = 0; } "
        'END { printa("%@d\\n", @); }',
        "-c",
        f"{shared}/opens 77",
    )
    expect("77" in outcome.stdout.split(), outcome)


@check()
def check_kernel_stack_names_functions(shared: Path) -> None:
    outcome = dscript(
        "-qn",
        "fbt::do_sys_openat2:entry /pid == $target/ { stack(); exit(0); }",
        "-c",
        f"{shared}/opens 1",
    )
    expect(outcome.status == 0 and "do_syscall_64" in outcome.stdout, outcome)


@check()
def check_unknown_function_is_one_line(shared: Path) -> None:
    outcome = dscript("-n", "fbt::no_such_function_here:entry { @ = count(); }")
    expect(outcome.status == 1 and "Traceback" not in outcome.stderr, outcome)
    expect("does not match any probes" in outcome.stderr, outcome)


@check()
def check_kernel_function_links(shared: Path) -> None:
    """The tests of kprobe and trampoline links, which other kernels must leave out."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    words += ["tests/runtime/test_links.py", "-k", "kernel_functions or function_trampolines"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"[4-9] passed", done.stdout), done.stdout
