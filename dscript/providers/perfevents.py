"""Events that perf counts, by the names of perf(1) and PAPI (include/uapi/linux/perf_event.h)."""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from typing import NamedTuple

from dscript.kernel import bpf

_HARDWARE, _SOFTWARE, _CACHE, _RAW = 0, 1, 3, 4
# Bits of perf_event_attr's flags word.
EXCLUDE = {"all": 0, "user": 1 << 5 | 1 << 6, "kernel": 1 << 4 | 1 << 6}


class Event(NamedTuple):
    """What perf_event_open(2) is asked for; `clock`: its unit is nanoseconds."""

    type: int
    config: int
    clock: bool = False

    @property
    def is_software(self) -> bool:
        return self.type == _SOFTWARE


_SOFTWARE_EVENTS = {
    "cpu-clock": 0,
    "task-clock": 1,
    "page-faults": 2,
    "faults": 2,
    "context-switches": 3,
    "cs": 3,
    "cpu-migrations": 4,
    "migrations": 4,
    "minor-faults": 5,
    "major-faults": 6,
    "alignment-faults": 7,
    "emulation-faults": 8,
    "cgroup-switches": 11,
}
_HARDWARE_EVENTS = {
    "cycles": 0,
    "cpu-cycles": 0,
    "instructions": 1,
    "cache-references": 2,
    "cache-misses": 3,
    "branch-instructions": 4,
    "branches": 4,
    "branch-misses": 5,
    "bus-cycles": 6,
    "stalled-cycles-frontend": 7,
    "stalled-cycles-backend": 8,
    "ref-cycles": 9,
}
_CACHES = {"L1-dcache": 0, "L1-icache": 1, "LLC": 2, "dTLB": 3, "iTLB": 4, "branch": 5, "node": 6}
_OPERATIONS = {"load": 0, "store": 1, "prefetch": 2}
# PAPI's presets (papi_avail(1)) that perf's generic events count.
_PAPI = {
    "tot_cyc": "cycles",
    "ref_cyc": "ref-cycles",
    "tot_ins": "instructions",
    "tot_iis": "instructions",
    "br_ins": "branch-instructions",
    "br_msp": "branch-misses",
    "l1_dcm": "L1-dcache-load-misses",
    "l1_ldm": "L1-dcache-load-misses",
    "l1_stm": "L1-dcache-store-misses",
    "l1_dca": "L1-dcache-loads",
    "l1_dcr": "L1-dcache-loads",
    "l1_dcw": "L1-dcache-stores",
    "l1_icm": "L1-icache-load-misses",
    "l1_ica": "L1-icache-loads",
    "l2_tca": "cache-references",
    "l2_tcm": "cache-misses",
    "l3_tca": "LLC-loads",
    "l3_tcm": "LLC-load-misses",
    "l3_ldm": "LLC-load-misses",
    "tlb_dm": "dTLB-load-misses",
    "tlb_im": "iTLB-load-misses",
    "res_stl": "stalled-cycles-backend",
    "stl_icy": "stalled-cycles-frontend",
}


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of perf(1), software events first."""
    return (*_SOFTWARE_EVENTS, *_HARDWARE_EVENTS, *_cache_events())


def find(name: str) -> Event | None:
    """An event by the name of perf (`_` is as good as `-`), of PAPI, or raw (`r01c0`)."""
    if name[:5].upper() == "PAPI_":
        name = _PAPI.get(name[5:].lower(), "")
    elif name[:1] == "r" and len(name) > 2:
        try:
            return Event(_RAW, int(name[1:], 16))
        except ValueError:
            pass
    key = name.replace("_", "-").lower()
    for table, kind in ((_SOFTWARE_EVENTS, _SOFTWARE), (_HARDWARE_EVENTS, _HARDWARE)):
        if key in table:
            return Event(kind, table[key], kind == _SOFTWARE and table[key] < 2)
    lowered = {known.lower(): config for known, config in _cache_events().items()}
    return Event(_CACHE, lowered[key]) if key in lowered else None


@lru_cache(maxsize=64)
def refused(event: Event) -> str | None:
    """Why this machine cannot count an event; None when it can."""
    descriptor = bpf.perf_event_open(event.type, event.config, period=1_000_000_000)
    if descriptor >= 0:
        bpf.close(descriptor)
        return None
    code = -descriptor
    if code in (errno.ENOENT, errno.EOPNOTSUPP, errno.ENODEV, errno.EINVAL):
        if not event.is_software and not _has_counters():
            return "this machine has no hardware counters"
        return "this machine's counters do not have it"
    return os.strerror(code)


@lru_cache(maxsize=1)
def _has_counters() -> bool:
    """Whether anything counts the processor's cycles."""
    descriptor = bpf.perf_event_open(_HARDWARE, 0, period=1_000_000_000)
    bpf.close(descriptor)
    return descriptor >= 0


@lru_cache(maxsize=1)
def _cache_events() -> dict[str, int]:
    """`L1-dcache-load-misses` and its like: cache | operation << 8 | result << 16."""
    found = {}
    for cache, number in _CACHES.items():
        for operation, code in _OPERATIONS.items():
            plural = f"{operation}es" if operation == "prefetch" else f"{operation}s"
            found[f"{cache}-{plural}"] = number | code << 8
            found[f"{cache}-{operation}-misses"] = number | code << 8 | 1 << 16
    return found
