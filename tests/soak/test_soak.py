"""Twenty seconds of the soak; DSCRIPT_SOAK gives another length (600 is what it was made for)."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.soak import KINDS, Soak, run

pytestmark = [
    pytest.mark.bench,  # alone on the machine
    pytest.mark.skipif(shutil.which("bpftool") is None, reason="bpftool is not installed"),
]

_SECONDS = float(os.environ.get("DSCRIPT_SOAK", "20"))
# Until then what is remembered of ended processes and of addresses fills up.
_WARM = 120.0


def test_churn_of_processes(tmp_path: Path) -> None:
    soak = run(tmp_path, _SECONDS)
    assert soak.status == 0
    assert not soak.messages, soak.messages
    # Nothing is lost, and every process has its own name and functions.
    assert soak.processes > 20 * _SECONDS
    named = dict.fromkeys(soak.ran, 0)
    unnamed = 0
    for (name, frames), count in soak.stacks.items():
        kind = name.removeprefix("child")
        if frames[1].startswith("0x"):
            unnamed += count
            named[name] += count
            continue
        expected = tuple(f"{name}`{f}{n}" for f, n in (("innermost", ""), ("inner", kind)))
        assert frames[1:3] == expected, (name, frames)
        assert frames[3:5] == (f"{name}`outer{kind}", f"{name}`main"), (name, frames)
        named[name] += count
    # A machine that gives the tracer no time for seconds loses records of what was mapped.
    assert unnamed <= soak.processes // 1000
    assert len(named) == KINDS and named == dict(soak.ran)
    assert soak.inner == soak.ran["child3"]
    # Nothing stays behind.
    assert soak.objects > 0 and soak.left == []
    _check_descriptors(soak)
    _check_memory(soak)


def _check_descriptors(soak: Soak) -> None:
    end = soak.samples[-1].seconds
    later = [sample for sample in soak.samples if sample.seconds > end / 2]
    more = Counter(later[-1].opened) - Counter(later[0].opened)
    assert later[-1].descriptors - later[0].descriptors <= 2, more


def _check_memory(soak: Soak) -> None:
    end = soak.samples[-1].seconds
    assert max(sample.memory for sample in soak.samples) < 256 * 1024
    if end < 3 * _WARM:
        # What one process leaves in memory until the bounds are reached.
        grown = soak.samples[-1].memory - soak.samples[0].memory
        assert grown < 16 * soak.processes + 16 * 1024, grown
        return
    middle = (_WARM + end) / 2
    assert soak.memory(middle) < 1.05 * soak.memory(_WARM, middle)
