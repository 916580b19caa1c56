"""Everything that needs kprobes, or a kernel of Debian's: few guests, many checks.

Two guests run at a time, each on one core's worth of emulation; those of one kernel take their
checks from one list.

DSCRIPT_VM_CHECKS=WORD runs only the checks whose names hold WORD.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.vm import guest, suite
from tests.vm.checks import CHECKS, TAKEN
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


# Which guests there are, in the order in which they start: the kernels have unequal shares.
GUESTS = ("6.1", "6.12", "6.1")

Results = dict[str, str | None]


class Kernel:
    """The guests of one kernel, and the folder that they share."""

    def __init__(self, name: str, shared: Path) -> None:
        self.name = name
        self.shared = shared
        self.checks = {check for kernel, check in CASES if kernel == name}
        self.unprepared: Results = {}
        self.results: list[Future[Results]] = []
        opens = ROOT / "tests/vm/opens.c"
        subprocess.run(["gcc", "-O1", "-static", "-o", shared / "opens", opens], check=True)
        (shared / TAKEN).mkdir()
        self.prepared = guest.prepare(KERNELS[name])
        for check in CHECKS.values():
            if check.prepare is not None and check.name in self.checks:
                try:
                    check.prepare(self.prepared, shared)
                except Exception:
                    self.unprepared[check.name] = traceback.format_exc(limit=4)

    def run(self) -> Results:
        """Boot one guest, run the checks that it takes, and read what they found."""
        if len(os.listdir(self.shared / TAKEN)) == len(self.checks):
            return {}
        own = Path(tempfile.mkdtemp(prefix="guest", dir=self.shared))
        for made in self.shared.iterdir():
            if made.is_file():
                (own / made.name).symlink_to(made)
        words = [sys.executable, str(ROOT / "tests/vm/checks.py"), self.name]
        command = shlex.join([*words, str(self.shared), str(own), WORD])
        status = guest.run(
            self.prepared, command, self.shared, own=own, directory=ROOT, timeout=2700
        )
        assert status == 0, (own / "stderr").read_text()[-4000:]
        suite.read_what_was_told(self.name, own)
        found: Results = json.loads((own / "results.json").read_text())
        return found

    def found(self) -> Results:
        """What all its guests found, once they have ended."""
        merged: Results = {}
        for result in self.results:
            merged |= result.result()
        return merged | self.unprepared


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kernel]]:
    missing = guest.missing_tools()
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing, f"not installed: {', '.join(missing)}"
    named = dict.fromkeys(name for name, _ in CASES)
    found: dict[str, Kernel] = {}
    with ThreadPoolExecutor(2) as pool:
        for name in GUESTS if len(CASES) > 20 else named:
            if name not in found and name in named:
                found[name] = Kernel(name, tmp_path_factory.mktemp(f"guest-{name}"))
            if name in found:
                found[name].results.append(pool.submit(found[name].run))
        yield found


@pytest.mark.parametrize(("kernel", "name"), CASES)
def test_in_guest(kernel: str, name: str, kernels: dict[str, Kernel]) -> None:
    found = kernels[kernel].found()
    assert found[name] is None, found[name]
