"""Floating-point numbers from their bytes: IEEE 754, and the machine's `long double`."""

from __future__ import annotations

import os
import struct

_EXPONENT, _BIAS = 0x7FFF, 16383


def unpack(data: bytes) -> float:
    """A float (4 bytes), double (8) or long double (16, rounded to a double)."""
    if len(data) == 4:
        return float(struct.unpack("<f", data)[0])
    if len(data) == 8:
        return float(struct.unpack("<d", data)[0])
    return long_double(data, os.uname().machine)


def long_double(data: bytes, machine: str) -> float:
    """x86-64 has 80 bits with the first bit of the fraction written out, aarch64 binary128."""
    word = int.from_bytes(data, "little")
    if machine == "aarch64":
        sign, exponent, width = word >> 127, word >> 112 & _EXPONENT, 112
        fraction = word & (1 << 112) - 1 | (1 << 112 if exponent else 0)
    else:
        sign, exponent, width = word >> 79 & 1, word >> 64 & _EXPONENT, 63
        fraction = word & (1 << 64) - 1
    magnitude = _magnitude(exponent, fraction, width)
    return -magnitude if sign else magnitude


def _magnitude(exponent: int, fraction: int, width: int) -> float:
    if exponent == _EXPONENT:
        return float("nan") if fraction & (1 << width) - 1 else float("inf")
    power = max(exponent, 1) - _BIAS - width
    try:
        # Division of integers rounds once and correctly.
        return float(fraction << power) if power >= 0 else fraction / (1 << -power)
    except OverflowError:
        return float("inf")
