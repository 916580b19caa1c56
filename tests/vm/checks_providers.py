"""Checks in the guest: many functions at once, tracepoints of modules, listing, libraries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.vm.harness import ROOT, check, dscript, expect


@check("6.12")
def check_providers_a_thousand_functions_through_one_link(shared: Path) -> None:
    """1,000 fbt probes attach through one kprobe multi-link; one that surely fires is counted."""
    globs = ("vfs_*", "tcp_*", "s[ko]*", "ip_*", "dev_*")
    clause = ", ".join(f"fbt:vmlinux:{glob}:entry" for glob in globs)
    outcome = dscript(
        "-v",
        "-n",
        f"{clause} /pid == $target/ {{ @[probefunc] = count(); }} "
        'END { printf("attached\\n"); printa("%s %@d\\n", @); }',
        "-c",
        f"{shared}/opens 50",
        timeout=240,
    )
    matched = re.search(r"matched (\d+) probes", outcome.stderr)
    expect(outcome.status == 0 and matched is not None and int(matched[1]) >= 1000, outcome)
    expect(outcome.stderr.count("kprobe_multi") == 1, outcome)
    counted = re.search(r"^vfs_open 5\d$", outcome.stdout, re.M)
    expect("attached" in outcome.stdout and counted is not None, outcome)
    seconds, detaching = _attach_seconds(f"{clause} /pid == 1/ {{ trace(probefunc); }}")
    (shared / "fbt-1000").write_text(
        f"{matched and matched[1]} probes attached in {seconds:.2f} s, gone in {detaching:.2f} s\n"
    )
    assert seconds < 20, seconds


def _attach_seconds(program: str) -> tuple[float, float]:
    """How long attaching a program takes, and detaching it, without compiling and loading it."""
    from dscript import api
    from dscript.runtime.kernel_side import KernelSide

    side = KernelSide(api.compile(program), [], 0)
    started = time.monotonic()
    side.attach()
    attached = time.monotonic()
    side.close()
    return attached - started, time.monotonic() - attached


@check("6.1")
def check_providers_many_functions_without_multi_link(shared: Path) -> None:
    """Kernel 6.1 has no multi-link: single kprobes, what cannot be probed left out."""
    started = time.monotonic()
    outcome = dscript(
        "-n",
        "fbt:vmlinux:vfs_[a-g]*:entry, fbt:vmlinux:vfs_open:entry "
        "/pid == $target/ { @[probefunc] = count(); } "
        'END { printa("%s %@d\\n", @); }',
        "-c",
        f"{shared}/opens 50",
        timeout=240,
    )
    took = time.monotonic() - started
    matched = re.search(r"matched (\d+) probes", outcome.stderr)
    expect(outcome.status == 0 and matched is not None and int(matched[1]) > 20, outcome)
    expect(re.search(r"\bvfs_open 5\d$", outcome.stdout, re.M) is not None, outcome)
    (shared / "fbt-single").write_text(f"{matched and matched[1]} probes in {took:.1f} s\n")


@check("6.1")
def check_providers_typed_arguments_of_functions(shared: Path) -> None:
    """args[] of vfs_open by BTF: the path's last name; its result by args[1]."""
    outcome = dscript(
        "-qn",
        "fbt::vfs_open:entry /pid == $target/ "
        "{ @n[stringof(args[0]->dentry->d_name.name)] = count(); } "
        "fbt::vfs_open:return /pid == $target/ { @r[args[1]] = count(); } "
        'END { printa("name %s %@d\\n", @n); printa("result %d %@d\\n", @r); }',
        "-c",
        f"{shared}/opens 30",
    )
    expect("name null 30" in outcome.stdout and "result 0 3" in outcome.stdout, outcome)


@check("6.1")
def check_providers_clones_are_found_by_their_source_name(shared: Path) -> None:
    """A function that exists only as a clone is probed under the name in the source."""
    from dscript.kernel import functions

    clones = {}
    for function in functions.functions():
        found = re.search(r"\.(isra|constprop|part)\.", function.symbol)
        if found and function.unique and function.module == "vmlinux":
            clones.setdefault(found[1], f"fbt::{function.name}:entry")
    assert clones, "this kernel has no clones"
    outcome = dscript("-n", f"{', '.join(clones.values())} {{ @ = count(); }} BEGIN {{ exit(0); }}")
    expect(outcome.status == 0, outcome)
    typed = dscript("-e", "-n", f"{next(iter(clones.values()))} {{ trace(args[0]); }}")
    expect(typed.status == 1 and "out of range" in typed.stderr, typed)


@check("6.1")
def check_providers_many_raw_tracepoints_in_one_clause(shared: Path) -> None:
    """Kernel 6.1 has no cookies for raw tracepoints; each tracepoint still knows its name."""
    outcome = dscript(
        "-qn",
        "rawtp:::sched_*, sdt:sched:: { @[probeprov, probename] = count(); } "
        'tick-1s { exit(0); } END { printa("%s %s %@d\\n", @); }',
    )
    expect(outcome.status == 0, outcome)
    for name in ("sched_switch", "sched_wakeup"):
        found = dict(re.findall(rf"^(\w+) {name} (\d+)$", outcome.stdout, re.M))
        expect(set(found) == {"rawtp", "sdt"} and found["rawtp"] == found["sdt"], outcome)


@check("6.1")
def check_providers_tracepoints_of_modules(shared: Path) -> None:
    """Those of a module that is loaded are listed, typed and fire."""
    done = subprocess.run(["modprobe", "xfs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = dscript("-lvn", "rawtp:xfs::xfs_dir_fsync")
    expect(listed.status == 0 and "struct xfs_inode *" in listed.stdout, listed)
    outcome = dscript("-ln", "sdt:xfs::xfs_file_*")
    expect(outcome.status == 0 and "xfs_file_fsync" in outcome.stdout, outcome)
    attached = dscript("-qn", "sdt:xfs::xfs_file_fsync { trace(1); } BEGIN { exit(0); }")
    expect(attached.status == 0, attached)


@check("6.12")
def check_providers_listing_and_near_names(shared: Path) -> None:
    everything = dscript("-l")
    lines = everything.stdout.splitlines()
    providers = {line.split()[1] for line in lines[1:]}
    wanted = {"dtrace", "syscall", "profile", "proc", "sched", "io", "fbt", "sdt", "rawtp"}
    expect(wanted <= providers and len(lines) > 50_000, everything)
    ids = [line.split()[0] for line in lines[1:]]
    expect(len(set(ids)) == len(ids), everything)
    near = dscript("-n", "fbt::vfs_opne:entry")
    expect(near.status == 1 and "did you mean fbt::vfs_open:entry?" in near.stderr, near)


@check("6.1")
def check_providers_files_registers_and_narrow_calls(shared: Path) -> None:
    """The tests of fds[], uregs[] and 32-bit system calls on another kernel."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    words += ["tests/providers/test_compat_calls.py", "tests/semantics/test_machine.py"]
    words += ["-k", "own_name or registers or where_the_cpu"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stdout[-3000:]


@check("6.1", "6.12")
def check_providers_interrupt_level(shared: Path) -> None:
    """ipl by the preemption count: set in handlers, never where a thread is switched."""
    outcome = dscript(
        "-qn",
        "rawtp:::softirq_entry, rawtp:::irq_handler_entry, rawtp:::local_timer_entry, "
        "rawtp:::sched_switch { @[probename, ipl] = count(); } tick-1s { exit(0); } "
        'END { printa("%s %d %@d\\n", @); }',
    )
    seen = dict(line.split()[:2] for line in outcome.stdout.splitlines() if line.strip())
    expect(outcome.status == 0 and seen.pop("sched_switch") == "0", outcome)
    expect(bool(seen) and set(seen.values()) == {"1"}, outcome)
