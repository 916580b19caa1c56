"""Links of programs to instructions of user code.

Many places of a file go into one uprobe multi-link (Linux 6.6); older kernels take a perf
event for each, which attach as fast but which they are slow to take away.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from dscript.errors import TracingError
from dscript.kernel import processes, topology
from dscript.program import Attachment
from dscript.runtime import bpf
from dscript.runtime.bpf import KernelError

_PMU: Final = "/sys/bus/event_source/devices/uprobe"


class Place(NamedTuple):
    """A user instruction, taken from an `Attachment`'s target; offsets are into the file.

    `followed` says that it is for process `pid` and those that descend from it: the program
    picks them, and is linked for all.
    """

    pid: int
    followed: bool
    path: str
    offset: int
    semaphore: int
    cookie: int

    @property
    def link_pid(self) -> int:
        """The only process that the link is for, 0 for all."""
        return 0 if self.followed else self.pid


def places(attachment: Attachment) -> Iterator[Place]:
    for target, cookie in zip(attachment.targets, attachment.cookies, strict=True):
        pid, offset, semaphore, path = target.split(" ", 3)
        number = int(pid)
        yield Place(abs(number), number < 0, path, int(offset), int(semaphore), cookie)


def multi_links(attachment: Attachment, program: int, *, returns: bool) -> Iterator[int]:
    """Descriptors of one link for each file and process; TracingError names what was refused."""
    files: dict[tuple[int, str], list[tuple[int, int, int]]] = {}
    for place in places(attachment):
        members = files.setdefault((place.link_pid, place.path), [])
        members.append((place.offset, place.semaphore, place.cookie))
    for (pid, path), members in files.items():
        try:
            yield bpf.link_uprobe_multi(program, path, pid, members, returns=returns)
        except KernelError as error:
            raise refusal(path, pid, error) from None


def events(attachment: Attachment, *, returns: bool) -> Iterator[tuple[int, int]]:
    """An open perf event, and its cookie, for each place."""
    kind, config = _pmu(returns)
    shift = _semaphore_shift()
    for place in places(attachment):
        pid = place.link_pid
        path = bpf.attr_buffer(os.fsencode(place.path) + b"\0")
        try:
            event = bpf.perf_event_open(
                kind,
                config | place.semaphore << shift,
                cpu=-1 if pid else topology.cpu_list("online")[0],
                pid=pid or -1,
                period=1,
                config1=bpf.address(path),
                config2=place.offset,
            )
        except KernelError as error:
            raise refusal(place.path, pid, error) from None
        yield event, place.cookie


def refusal(path: str, pid: int, error: KernelError) -> TracingError:
    """Why a file's code cannot be probed."""
    # A path below /proc/PID goes with the process.
    if pid and (error.errno == bpf.ESRCH or not processes.exists(pid)):
        return TracingError(f"failed to grab pid {pid}: no such process")
    if error.errno in (bpf.ENOTSUPP, bpf.ENOEXEC):
        return TracingError(
            f"cannot probe {path}: the kernel refuses to probe an instruction of it"
        )
    return TracingError(f"cannot probe {path}: {bpf.explain(error.errno or 0)}")


def _pmu(returns: bool) -> tuple[int, int]:
    """perf type of uprobes and the config that asks for return probes."""
    kind = _number("type")
    if kind is None:
        raise TracingError("this kernel has no uprobes (it was built without CONFIG_UPROBES)")
    bit = _number("format/retprobe")
    return kind, 1 << (bit or 0) if returns else 0


def _semaphore_shift() -> int:
    """The lowest bit of the semaphore's offset in the config word ("config:32-63")."""
    return _number("format/ref_ctr_offset") or 32


def _number(name: str) -> int | None:
    """The first number of a file of the uprobe PMU, after its colon if it has one."""
    try:
        with open(f"{_PMU}/{name}", encoding="ascii") as file:
            text = file.read()
    except OSError:
        return None
    return int(text.rpartition(":")[2].partition("-")[0])
