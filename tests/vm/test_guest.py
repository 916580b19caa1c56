"""Everything that needs kprobes, or Debian 12's own kernel: one guest, many checks."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vm import checks, guest

pytestmark = [pytest.mark.vm, pytest.mark.xdist_group("vm")]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Boot the guest, run all checks in it, and read what they found."""
    missing = guest.missing_tools()
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing, f"not installed: {', '.join(missing)}"
    shared = tmp_path_factory.mktemp("guest")
    opens = shared / "opens"
    subprocess.run(["gcc", "-O1", "-static", "-o", opens, ROOT / "tests/vm/opens.c"], check=True)
    command = shlex.join([sys.executable, str(ROOT / "tests/vm/checks.py"), str(shared)])
    status = guest.run(guest.prepare(), command, shared, directory=ROOT, timeout=900)
    assert status == 0, (shared / "stderr").read_text()[-4000:]
    found: dict[str, str | None] = json.loads((shared / "results.json").read_text())
    return found


@pytest.mark.parametrize("name", checks.CHECKS)
def test_in_guest(name: str, results: dict[str, str | None]) -> None:
    assert results[name] is None, results[name]
