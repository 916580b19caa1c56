"""Statically defined probes of user programs: the notes that SystemTap's <sys/sdt.h> leaves.

A note of section .note.stapsdt (owner `stapsdt`, type 3) holds three 8-byte addresses (the
probe's nop, where .stapsdt.base was linked, the semaphore or 0) and three strings: provider,
name, and the places of the arguments (`usdt_operands`; SystemTap's wiki,
"UserSpaceProbeImplementation").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dscript.kernel.elf import Elf
from dscript.kernel.usdt_operands import Location, locations

__all__ = ["Location", "Site", "sites"]

_NT_STAPSDT = 3


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a probe; addresses are those the file is linked for.

    An argument is None where it lies in a place that cannot be read (a vector register).
    """

    provider: str
    name: str
    address: int
    semaphore: int
    arguments: tuple[Location | None, ...]


@lru_cache(maxsize=64)
def sites(image: Elf) -> tuple[Site, ...]:
    """All probe sites of a file, in the order of its notes."""
    if not image.has_section(".note.stapsdt"):
        return ()
    base = image.section(".stapsdt.base")
    return tuple(_read(image, base[0] if base is not None else 0))


def _read(image: Elf, base: int) -> Iterator[Site]:
    for note in image.notes(".note.stapsdt"):
        if note.owner != "stapsdt" or note.kind != _NT_STAPSDT or len(note.description) < 27:
            continue
        address, linked, semaphore = struct.unpack_from("<QQQ", note.description)
        # prelink(8) moves sections and leaves notes alone.
        moved = base - linked if base else 0
        strings = note.description[24:].split(b"\0")
        provider, name, arguments = (part.decode("utf-8", "replace") for part in strings[:3])
        address += moved
        yield Site(
            provider,
            name,
            address,
            semaphore + moved if semaphore else 0,
            locations(arguments, image.machine, image.symbol, address),
        )
