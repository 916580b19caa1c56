"""ip, tcp and udp probes against a workload of known packets on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers import network_work
from tests.providers.derived_support import DSCRIPT, refused


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DSCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )


def test_a_workload_on_loopback(tmp_path: Path) -> None:
    """Both IP versions: addresses, ports, states, counts and bytes of every probe."""
    script, told = tmp_path / "watch.d", tmp_path / "told"
    script.write_text(network_work.PROGRAM)
    work = f"{sys.executable} {network_work.__file__} {told} 4 6"
    done = run("-s", str(script), "-c", work)
    assert done.returncode == 0 and not done.stderr, done.stderr
    facts = json.loads(told.read_text())
    seen = network_work.Seen(done.stdout)
    for version in (4, 6):
        network_work.compare(seen, version, facts["ports"][str(version)])
