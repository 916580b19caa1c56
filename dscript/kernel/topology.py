"""Where the CPUs are: packages and memory nodes (Documentation/admin-guide/cputopology.rst)."""

from __future__ import annotations

import os
import re

_CPUS = "/sys/devices/system/cpu"
_NODES = "/sys/devices/system/node"


def packages() -> dict[int, int]:
    """CPU -> number of the physical package it is in; empty where the kernel does not say."""
    found: dict[int, int] = {}
    for cpu in _numbered(_CPUS, "cpu"):
        text = _content(f"{_CPUS}/cpu{cpu}/topology/physical_package_id")
        if text:
            found[cpu] = int(text)
    return found


def nodes() -> dict[int, int]:
    """CPU -> memory node; node 0 for all where the kernel has no nodes."""
    found = dict.fromkeys(_numbered(_CPUS, "cpu"), 0)
    for node in _numbered(_NODES, "node"):
        cpus = numbers(_content(f"{_NODES}/node{node}/cpulist"))
        found.update(dict.fromkeys(cpus, node))
    return found


def cpu_list(name: str) -> tuple[int, ...]:
    """CPU numbers of `possible` or `online` in /sys/devices/system/cpu.  Raises OSError."""
    with open(f"{_CPUS}/{name}", encoding="ascii") as file:
        return numbers(file.read().strip())


def numbers(text: str) -> tuple[int, ...]:
    """The CPUs of a list as the kernel writes it: "0-3,6"."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _dash, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def _numbered(folder: str, prefix: str) -> list[int]:
    """n of the entries `PREFIXn`, sorted."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = (re.fullmatch(rf"{prefix}(\d+)", name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def _content(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
