"""Everything that needs kprobes, or a kernel of Debian's: one guest a kernel, many checks.

DSCRIPT_VM_CHECKS=WORD runs only the checks whose names hold WORD.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.vm import guest, suite
from tests.vm.checks import CHECKS
from tests.vm.harness import KERNELS

# The guest itself runs a second time what failed in it.
pytestmark = [pytest.mark.vm, pytest.mark.xdist_group("vm"), pytest.mark.flaky(reruns=0)]

ROOT = Path(__file__).resolve().parents[2]
WORD = os.environ.get("DSCRIPT_VM_CHECKS", "")
CASES = [
    (kernel, check.name)
    for kernel in KERNELS
    for check in CHECKS.values()
    if kernel in check.kernels and WORD in check.name
]


def results(kernel: str, shared: Path) -> dict[str, str | None]:
    """Boot the guest, run all checks in it, and read what they found."""
    opens = shared / "opens"
    subprocess.run(["gcc", "-O1", "-static", "-o", opens, ROOT / "tests/vm/opens.c"], check=True)
    words = [sys.executable, str(ROOT / "tests/vm/checks.py"), kernel, str(shared), WORD]
    prepared = guest.prepare(KERNELS[kernel])
    unprepared: dict[str, str | None] = {}
    for check in CHECKS.values():
        if check.prepare is not None and (kernel, check.name) in CASES:
            try:
                check.prepare(prepared, shared)
            except Exception:
                unprepared[check.name] = traceback.format_exc(limit=4)
    status = guest.run(prepared, shlex.join(words), shared, directory=ROOT, timeout=2700)
    assert status == 0, (shared / "stderr").read_text()[-4000:]
    suite.read_what_was_told(kernel, shared)
    found: dict[str, str | None] = json.loads((shared / "results.json").read_text())
    return found | unprepared


@pytest.fixture(scope="module")
def guests(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[dict[str, str | None]]]]:
    """What the guests find.  Each has one core's worth of emulation: they run side by side."""
    missing = guest.missing_tools()
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing, f"not installed: {', '.join(missing)}"
    with ThreadPoolExecutor(len(KERNELS)) as pool:
        yield {
            kernel: pool.submit(results, kernel, tmp_path_factory.mktemp(f"guest-{kernel}"))
            for kernel in dict.fromkeys(kernel for kernel, _ in CASES)
        }


@pytest.mark.parametrize(("kernel", "name"), CASES)
def test_in_guest(kernel: str, name: str, guests: dict[str, Future[dict[str, str | None]]]) -> None:
    found = guests[kernel].result()
    assert found[name] is None, found[name]
