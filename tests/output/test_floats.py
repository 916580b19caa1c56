"""long double: both machines' layouts, there and back."""

from __future__ import annotations

import ctypes
import math
import os
import struct

import pytest

from dscript.lowering.floats import pack
from dscript.output.floats import long_double, unpack

VALUES = [0.0, -0.0, 1.0, -2.5, 1.1, 3.14159, 1e300, -1e-300, 5e-324, 2.2e-308, math.inf, -math.inf]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("value", VALUES)
def test_there_and_back(value: float, machine: str) -> None:
    back = long_double(pack(value, 16, machine), machine)
    assert struct.pack("d", back) == struct.pack("d", value)


def test_nan() -> None:
    for machine in ("x86_64", "aarch64"):
        assert math.isnan(long_double(pack(math.nan, 16, machine), machine))


@pytest.mark.parametrize("value", VALUES[:8])
def test_as_the_c_compiler_has_it(value: float) -> None:
    """ctypes converts through the machine's own long double."""
    machine = os.uname().machine
    raw = bytes(ctypes.c_longdouble(value))
    used = 10 if machine == "x86_64" else 16
    assert pack(value, 16, machine)[:used] == raw[:used]
    assert unpack(raw) == value


def test_more_digits_than_a_double_has_are_rounded() -> None:
    # 1 + 2^-60 of the x87's 64 bits of fraction.
    word = 0x3FFF << 64 | 1 << 63 | 1 << 3
    assert long_double(word.to_bytes(16, "little"), "x86_64") == 1.0
