"""Every probe of the providers that other events stand behind fires, with a workload's cause.

A probe that is listed must be fired by the workload of its provider, or stand below with the
reason why none can make it fire here; the guest fires those that this kernel cannot
(tests/vm/checks_every_probe.py).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def made_folder() -> Iterator[Path]:
    """A new folder on a disk, if there is one."""
    made = Path(tempfile.mkdtemp(prefix="dscript-probes-", dir="/var/tmp"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


@pytest.mark.parametrize("provider", every_probe.PROVIDERS)
def test_every_probe_fires(provider: str) -> None:
    """Nested firings that were missed do not matter here: a probe fires many times."""
    with made_folder() as folder:
        printed, errors = fired(provider, folder)
    losses.missed(errors)
    every_probe.compare(provider, printed, RARE.get(provider))


def test_mib_counts_no_less_than_the_kernel() -> None:
    def run() -> tuple[str, str]:
        with made_folder() as folder:
            printed, errors = fired("mib", folder)
            if not losses.missed(errors):
                every_probe.compare_counts(printed, folder)
            return printed, errors

    losses.complete(run)


def fired(provider: str, folder: Path) -> tuple[str, str]:
    """What the provider's workload makes fire, and what is said of it on stderr."""
    every_probe.prepare(folder)
    workload = every_probe.workload(provider, folder)
    printed, errors = outcome("-qn", every_probe.program(provider), "-c", workload)
    expected = [line for line in errors.splitlines() if every_probe.BAD_ADDRESS not in line]
    return printed, "\n".join(expected)
