"""What is said of language runtimes' providers that no process has."""

from __future__ import annotations

import os
import subprocess

import pytest

from dscript.providers import Pattern, match, runtimes
from tests.command import DSCRIPT

SURVEYED = [
    "tcl", "perl", "php", "python", "ruby", "sh", "javascript", "hotspot", "hotspot_jni", "mysql",
    "postgresql",
]  # fmt: skip


@pytest.mark.parametrize("name", SURVEYED)
def test_each_names_the_nearest_probes(name: str) -> None:
    for provider in (name, f"{name}*", f"{name}{os.getpid()}", f"{name}?*"):
        said = runtimes.nearest(provider)
        assert said is not None, provider
        assert "; nearest on Linux: " in said


@pytest.mark.parametrize("name", ["syscall", "mine", "mine*", "pid12", "*", "", "nfsv3"])
def test_other_providers_are_not_runtimes(name: str) -> None:
    assert runtimes.nearest(name) is None


# Process 1 is always there, and test processes must agree on the cases' names.
@pytest.mark.parametrize("provider", ["hotspot*", "perl", "tcl1", "trace_mozilla*"])
def test_a_description_that_matches_nothing_says_so(provider: str) -> None:
    found = match(Pattern(provider, "", "", "method-entry"))
    assert not found.points
    assert found.reason is not None
    assert found.reason.endswith(str(runtimes.nearest(provider)))


def test_they_may_be_missing_with_Z() -> None:
    program = (
        "hotspot*:::method-entry, tcl*:::, perl$target:::sub-entry { trace(1); } BEGIN { exit(0); }"
    )
    words = [DSCRIPT, "-Zqn", program, "-c", "true"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
