"""The providers' own tests inside a guest: pytest there, with every dscript run a fork.

Each module becomes one guest check (checks_suite.py).  What it skips, and why, is told in
OWN/suite-MODULE.json, which the run of the tests outside prints at its end (conftest.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vm import checks_every_probe, harness

# Module -> what of it makes no sense in the guest (pytest's -k), and why.
MODULES: dict[str, tuple[str, str]] = {
    "test_proc.py": ("", ""),
    "test_sched.py": ("", ""),
    "test_syscall.py": ("", ""),
    "test_cpc.py": ("", ""),
    "test_profile.py": ("", ""),
    "test_io.py": ("waits_for_a_disk", "the guest's disk is memory and interrupts nobody"),
    "test_lockstat.py": ("", ""),
    "test_tracepoints.py": ("", ""),
}
# The others, and why: emulation is some 20 times slower than this machine.
_NAMES = "looks at names alone, which are the same everywhere"
ELSEWHERE: dict[str, str] = {
    "test_every_probe.py": "the same workloads in checks_every_probe.py",
    "test_network.py": "the same workloads in checks_network.py",
    "test_statistics.py": "the same counts in checks_statistics.py and checks_witness*.py",
    "test_compat_calls.py": "run by checks_providers.py",
    "test_containers.py": "starts many commands, none of them for the kernel's sake",
    "test_fbt.py": "pretends mechanisms; the real ones in checks_functions.py, checks_providers.py",
    "test_aliases.py": _NAMES,
    "test_document.py": _NAMES,
    "test_passing.py": _NAMES,
    "test_patterns.py": _NAMES,
    "test_runtimes.py": _NAMES,
}

# Outside: what the guest of each kernel told, once it has run: names and reasons of what was
# skipped, and names and failures of what was run a second time.
SKIPPED: dict[str, list[tuple[str, str]]] = {}
AGAIN: dict[str, dict[str, str]] = {}


def read_what_was_told(kernel: str, own: Path) -> None:
    """From the folder of a guest that has ended."""
    for path in sorted(own.glob("suite-*.json")):
        skips = SKIPPED.setdefault(kernel, list(ELSEWHERE.items()))
        skips += [(name, reason) for name, reason in json.loads(path.read_text())[2]]
    AGAIN.setdefault(kernel, {}).update(json.loads((own / "again.json").read_text()))


class _Told:
    """What the tests of a module came to."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.skipped: list[tuple[str, str]] = []
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}\n{report.longreprtext[-3000:]}")
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self.skipped.append((report.nodeid, reason.removeprefix("Skipped: ")))
        elif report.when == "call":
            self.passed += 1


def run(module: str, shared: Path) -> None:
    """All tests of the module; raises on a failure, with what pytest says of it."""
    told = shared / f"suite-{module}.json"
    without, why = MODULES[module]

    def tests() -> int:
        found = _Told()
        # Uncaptured: a fork's output must go where the fork puts it.
        disk = checks_every_probe.disk()
        if not os.path.ismount("/var/tmp"):
            subprocess.run(["mount", "--bind", disk, "/var/tmp"], check=True)
        words = [
            "-q",
            "-s",
            f"--basetemp={disk}/pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
        ]
        words += ["-k", f"not ({without})"] if without else []
        os.chdir(harness.ROOT)
        _fork_commands()
        status = pytest.main([*words, f"tests/providers/{module}"], plugins=[found])
        if without:
            found.skipped.append((f"{module} -k '{without}'", why))
        told.write_text(json.dumps([found.passed, found.failed, found.skipped]))
        return int(status)

    outcome = harness.forked(tests, timeout=400)
    harness.expect(told.exists(), outcome)
    passed, failed, skipped = json.loads(told.read_text())
    print(f"{module}: {passed} passed, {len(skipped)} skipped, {len(failed)} failed", flush=True)
    assert not failed and outcome.status == 0, "\n".join(failed) or outcome.stderr


def _fork_commands() -> None:
    """subprocess.run() of the dscript command is a fork of this process."""
    plain: Callable[..., Any] = subprocess.run
    os.environ["DSCRIPT_CACHE"] = "0"
    command = str(Path(sys.executable).with_name("dscript"))

    def run(words: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(words, str) or str(words[0]) != command:
            return plain(words, *rest, **options)
        sys.stdout.flush()
        outcome = harness.dscript(*map(str, words[1:]), timeout=options.get("timeout") or 120)
        return subprocess.CompletedProcess(words, outcome.status, outcome.stdout, outcome.stderr)

    subprocess.run = run  # type: ignore[assignment]
