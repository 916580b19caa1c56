"""Every probe of the providers that other events stand behind fires, with a workload's cause.

A probe that is listed must be fired by the workload of its provider, or stand below with the
reason why none can make it fire here; the guest fires those that this kernel cannot
(tests/vm/checks_every_probe.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import losses
from tests.providers import every_probe
from tests.providers.derived_support import outcome

# What no workload makes fire here whenever it runs, and why.
RARE = {
    "sysinfo": {"idlethread": "others may leave no CPU with nothing to do"},
    "vminfo": {
        "anonfree": "the kernel frees such pages only with a swap device",
        "pgrrun": "the page daemon wakes only when the whole machine is short of memory",
    },
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a disk, if there is one."""
    made = Path(f"/var/tmp/dscript-probes-{os.getpid()}")
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("provider", every_probe.PROVIDERS)
def test_every_probe_fires(provider: str, folder: Path) -> None:
    every_probe.prepare(folder)
    workload = every_probe.workload(provider, folder)

    def run() -> tuple[str, str]:
        printed, errors = outcome("-qn", every_probe.program(provider), "-c", workload)
        expected = [line for line in errors.splitlines() if every_probe.BAD_ADDRESS not in line]
        return printed, "\n".join(expected)

    printed = losses.complete(run)
    every_probe.compare(provider, printed, RARE.get(provider))
    if provider == "mib":
        every_probe.compare_counts(printed, folder)
