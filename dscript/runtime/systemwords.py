"""Figures of the system that programs read and that the runtime keeps up to date.

The kernel has load averages and free memory in variables that many kernels give no address of;
a word of `.bss` each holds them, as of at most a status interval ago.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from dscript.kernel.processes import all_processes
from dscript.program import SYSTEM_WORDS


class _Info(ctypes.Structure):
    """struct sysinfo of sysinfo(2); `loads` have 16 bits of fraction."""

    _fields_ = (
        ("uptime", ctypes.c_long),
        ("loads", ctypes.c_ulong * 3),
        ("totalram", ctypes.c_ulong),
        ("freeram", ctypes.c_ulong),
        ("sharedram", ctypes.c_ulong),
        ("bufferram", ctypes.c_ulong),
        ("totalswap", ctypes.c_ulong),
        ("freeswap", ctypes.c_ulong),
        ("procs", ctypes.c_ushort),
        ("pad", ctypes.c_ushort),
        ("totalhigh", ctypes.c_ulong),
        ("freehigh", ctypes.c_ulong),
        ("mem_unit", ctypes.c_uint),
        ("space", ctypes.c_char * 64),
    )


_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def values() -> tuple[int, ...]:
    """The figures now, in the order of `SYSTEM_WORDS`."""
    info = _Info()
    _LIBC.sysinfo(ctypes.byref(info))
    page = os.sysconf("SC_PAGE_SIZE")

    def pages(units: int) -> int:
        return int(units * max(1, info.mem_unit) // page)

    figures = {
        "load_1": info.loads[0],
        "load_5": info.loads[1],
        "load_15": info.loads[2],
        "free": pages(info.freeram),
        "available": _available(pages(info.freeram), page),
        "physical": pages(info.totalram),
        "swap": pages(info.totalswap),
        "swap_free": pages(info.freeswap),
        "processes": len(all_processes()),
        "cpus_online": os.sysconf("SC_NPROCESSORS_ONLN"),
        "page_size": page,
        "cpus": os.sysconf("SC_NPROCESSORS_CONF"),
    }
    return tuple(figures[name] for name in SYSTEM_WORDS)


def _available(free: int, page: int) -> int:
    """Pages that can be had without swapping (proc(5), MemAvailable)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024 // page
    except (OSError, ValueError):
        return free
    return free
