"""Tracing thousands of short processes: what dscript says of them, holds, and leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.userland.support import DSCRIPT

KINDS = 8
_SAMPLE_SECONDS = 0.5
_IDS = re.compile(r"^(prog|map|link|btf)_id:\s*(\d+)$", re.MULTILINE)

# One record a stack, frames from the innermost; the aggregation is emptied every second, since
# every process makes keys of its own.
_PROGRAM = """
syscall::getpriority:entry /progenyof($target)/ {{ @[execname, ustack()] = count(); }}
uprobe:{child}:inner3:entry {{ @inner = count(); }}
tick-1s {{ printa("process %s%kcount %@d\\n", @); trunc(@); }}
END {{ printa("process %s%kcount %@d\\n", @); printa("inner3 %@d\\n", @inner); trunc(@);
      trunc(@inner); }}
"""


@dataclass(slots=True)
class Sample:
    """What the tracer held: seconds since it began to trace, KiB of memory, descriptors (what
    they lead to)."""

    seconds: float
    memory: int
    opened: tuple[str, ...]

    @property
    def descriptors(self) -> int:
        return len(self.opened)


@dataclass(slots=True)
class Soak:
    """One run.  `stacks` counts (name, frames without offsets); `ran` is the workload's own
    knowledge; `left` names BPF objects that outlived the tracer."""

    ran: Counter[str] = field(default_factory=Counter)
    stacks: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    inner: int = 0
    samples: list[Sample] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    objects: int = 0
    left: list[str] = field(default_factory=list)
    status: int = 0

    @property
    def processes(self) -> int:
        return sum(self.ran.values())

    def memory(self, since: float, until: float = float("inf")) -> float:
        """Mean KiB between two times."""
        found = [s.memory for s in self.samples if since <= s.seconds < until]
        return sum(found) / max(1, len(found))


def run(folder: Path, seconds: float, pause: int = 1000) -> Soak:
    """Trace the churn for so long; `pause` is in microseconds, between two processes."""
    program = folder / "churn"
    source = Path(__file__).with_name("churn.c")
    command: list[str | Path] = ["gcc", "-O1", "-fno-omit-frame-pointer", "-o", program, source]
    subprocess.run(command, check=True)
    for kind in range(KINDS):
        shutil.copy(program, folder / f"child{kind}")
    script = folder / "soak.d"
    script.write_text(_PROGRAM.format(child=folder / "child3"))
    soak = Soak()
    workload = f"{program} {folder} {seconds} {pause}"
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        command = [DSCRIPT, "-q", "-x", "aggsize=64m", "-s", script, "-c", workload]
        tracer = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ})
        try:
            ids = _watch(tracer, soak, seconds + 60)
        finally:
            if tracer.poll() is None:
                tracer.kill()
                tracer.wait()
        out.seek(0)
        err.seek(0)
        _read_output(soak, out.read())
        _read_messages(soak, err.read())
    soak.status = tracer.returncode
    soak.objects = len(ids)
    soak.left = _still_there(ids)
    return soak


def _watch(tracer: subprocess.Popen[bytes], soak: Soak, limit: float) -> set[tuple[str, int]]:
    """Sample the tracer until it ends; the BPF objects that it had open."""
    ids: set[tuple[str, int]] = set()
    began = time.monotonic()
    while tracer.poll() is None and time.monotonic() - began < limit:
        time.sleep(_SAMPLE_SECONDS)
        try:
            statm = Path(f"/proc/{tracer.pid}/statm").read_text()
        except OSError:
            break
        opened = _opened(tracer.pid)
        found = set(_objects(tracer.pid))
        if not any(kind == "link" for kind, _ in found):
            continue  # not tracing yet, or any more
        ids |= found
        memory = int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        soak.samples.append(Sample(time.monotonic() - began, memory, opened))
    tracer.wait(timeout=60)
    return ids


def _opened(pid: int) -> tuple[str, ...]:
    """What the descriptors of a process lead to."""
    found: list[str] = []
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):  # closed by now
                found.append(os.readlink(f"{folder}/{name}"))
    return tuple(sorted(found))


def _objects(pid: int) -> list[tuple[str, int]]:
    """Kind and ID of the BPF objects that a process has open (/proc/PID/fdinfo)."""
    found: list[tuple[str, int]] = []
    folder = Path(f"/proc/{pid}/fdinfo")
    try:
        for name in os.listdir(folder):
            text = (folder / name).read_text()
            found += [(kind, int(number)) for kind, number in _IDS.findall(text)]
    except OSError:
        return found
    return found


def _still_there(ids: set[tuple[str, int]]) -> list[str]:
    """Those that are there yet, though the kernel had ten seconds to let them go."""
    for _ in range(20):
        left = []
        for kind in ("prog", "map", "link"):
            listed = subprocess.run(
                ["bpftool", kind, "show"], capture_output=True, text=True, check=True
            ).stdout
            known = {int(number) for number in re.findall(r"^(\d+):", listed, re.MULTILINE)}
            left += [f"{k} {number}" for k, number in ids if k == kind and number in known]
        if not left:
            return []
        time.sleep(0.5)
    return left


def _read_output(soak: Soak, text: str) -> None:
    name, frames = "", []
    for line in map(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "process":
            name, frames = rest, []
        elif word == "count":
            soak.stacks[name, tuple(frames)] += int(rest)
        elif word == "inner3":
            soak.inner = int(rest)
        elif line:
            frames.append(line.partition("+")[0])


def _read_messages(soak: Soak, text: str) -> None:
    for line in text.splitlines():
        name, _, count = line.partition(" ")
        if name.startswith("child"):
            soak.ran[name] = int(count)
        elif line:
            soak.messages.append(line)
