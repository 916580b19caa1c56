"""`python -m tests.soak [SECONDS]`: the soak, with a line a minute of what the tracer held."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.soak.soak import run


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        soak = run(Path(folder), seconds)
    traced = sum(soak.stacks.values())
    print(f"{soak.processes} processes, {traced} stacks, {len(soak.stacks)} different ones")
    begin = soak.samples[0].seconds if soak.samples else 0.0
    end = soak.samples[-1].seconds if soak.samples else 0.0
    step = max(2.0, (end - begin) / 10)
    at = begin
    while at < end:
        within = [s for s in soak.samples if at <= s.seconds < at + step]
        if within:
            most = max(s.descriptors for s in within)
            memory = soak.memory(at, at + step) / 1024
            print(f"{at - begin:6.0f} s  {memory:7.1f} MiB  {most} descriptors")
        at += step
    print(f"{soak.objects} BPF objects, left behind: {', '.join(soak.left) or 'none'}")
    for line in soak.messages:
        print(line)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600)
