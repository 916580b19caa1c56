"""Checks in the guest: every probe of a provider fires, by the workloads of probe_work.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.providers import every_probe
from tests.vm import disks
from tests.vm.harness import dscript, expect, register

# What no workload makes fire here whenever it runs, and why.
RARE: dict[str, dict[str, str]] = {
    "lockstat": {
        "spin-spin": "both CPUs are one thread of the emulator's: a lock is rarely had by the "
        "other (it fires in test_every_probe.py)"
    },
}


def _every_probe(provider: str, shared: Path) -> None:
    folder = disk() / provider
    folder.mkdir(exist_ok=True)
    (folder / "alone").touch()
    every_probe.prepare(folder)
    program, workload = every_probe.program(provider), every_probe.workload(provider, folder)
    outcome = dscript("-qn", program, "-c", workload, timeout=300)
    expect(outcome.status == 0, outcome)
    every_probe.compare(provider, outcome.stdout, RARE.get(provider))
    if provider == "vminfo":
        expect("\nsum kernel_asflt 1\n" in outcome.stdout, outcome)
    if provider == "mib":
        assert every_probe.compare_exactly(outcome.stdout, folder) >= 50


def disk() -> Path:
    """A file system on a block device of 96 MB with requests, made once; 64 MB to swap to."""
    made = Path("/run/every-probe").exists()
    folder = disks.ext4("every-probe", 96)
    if not made:
        for command in (
            ("modprobe", "brd", "rd_nr=1", "rd_size=65536"),
            ("swapoff", "-a"),  # another check's
            ("mkswap", "/dev/ram0"),
            ("swapon", "/dev/ram0"),
        ):
            subprocess.run(command, check=True, capture_output=True)
    return folder


for _provider in every_probe.PROVIDERS:

    def _check(shared: Path, provider: str = _provider) -> None:
        _every_probe(provider, shared)

    register(f"every_probe_of_{_provider}", _check, ("6.1",))
