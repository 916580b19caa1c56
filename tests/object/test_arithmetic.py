"""Instructions give the results that C's rules for their widths say."""

import struct

import pytest

from dscript.object.ir import Function, Module, Value, const, width

from .harness import Loaded, program

PAIRS = [
    (0, 0),
    (1, 3),
    (7, 2),
    (2**64 - 1, 1),
    (2**63, 5),
    (0x123456789ABCDEF0, 13),
    (2**31, 31),
    (0xFFFFFFFF, 4),
]
OPS = {
    "add": lambda a, b, n: a + b,
    "sub": lambda a, b, n: a - b,
    "mul": lambda a, b, n: a * b,
    "udiv": lambda a, b, n: a // b,
    "urem": lambda a, b, n: a % b,
    "and": lambda a, b, n: a & b,
    "or": lambda a, b, n: a | b,
    "xor": lambda a, b, n: a ^ b,
    "shl": lambda a, b, n: a << b,
    "lshr": lambda a, b, n: a >> b,
    "ashr": lambda a, b, n: signed(a, n) >> b,
}
COMPARISONS = {
    "eq": lambda a, b, n: a == b,
    "ne": lambda a, b, n: a != b,
    "ugt": lambda a, b, n: a > b,
    "uge": lambda a, b, n: a >= b,
    "ult": lambda a, b, n: a < b,
    "ule": lambda a, b, n: a <= b,
    "sgt": lambda a, b, n: signed(a, n) > signed(b, n),
    "sge": lambda a, b, n: signed(a, n) >= signed(b, n),
    "slt": lambda a, b, n: signed(a, n) < signed(b, n),
    "sle": lambda a, b, n: signed(a, n) <= signed(b, n),
}


def signed(n: int, bits: int) -> int:
    n &= 2**bits - 1
    return n - 2**bits if n >> (bits - 1) else n


@pytest.mark.parametrize("type", ["i64", "i32", "i16", "i8"])
def test_every_operation_and_comparison(type: str) -> None:
    bits = width(type)
    names = [*OPS, *COMPARISONS]

    def body(m: Module, f: Function, state: Value) -> None:
        a = f.trunc(f.ctx_load(f.params[0], 0), type)
        b = f.trunc(f.ctx_load(f.params[0], 8), type)
        for index, name in enumerate(names):
            if name in OPS:
                result = f.op(name, a, b)
            else:
                result = f.icmp(name, a, b)
            f.store(f.zext(result, "i64"), f.gep(state, 8 * index))

    size = 8 * len(names)
    with Loaded(program(body, state=size)) as loaded:
        for a, b in PAIRS:
            a &= 2**bits - 1
            b &= 2**bits - 1
            loaded.run(context=struct.pack("<QQ", a, b))
            results = struct.unpack(f"<{len(names)}Q", loaded.state(size))
            for name, result in zip(names, results, strict=True):
                if b == 0 and name in ("udiv", "urem"):
                    continue  # undefined in LLVM; the language tests before dividing
                if name in ("shl", "lshr", "ashr") and b >= bits:
                    continue  # undefined in C and LLVM
                rule = OPS.get(name) or COMPARISONS[name]
                assert result == int(rule(a, b, bits)) & (2**bits - 1), (name, a, b)


def test_widths_select_and_opaque() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        a = f.ctx_load(f.params[0], 0)
        byte = f.trunc(a, "i8")
        f.store(f.sext(byte, "i64"), state)
        f.store(f.zext(byte, "i64"), f.gep(state, 8))
        f.store(f.select(f.icmp("slt", byte, 0), a, 7), f.gep(state, 16))
        f.store(f.opaque(f.op("add", a, 1)), f.gep(state, 24))
        f.store(f.ctx_load(f.params[0], 1, "i8"), f.gep(state, 32))
        f.store(f.ctx_load(f.params[0], 2, "i16"), f.gep(state, 34))
        f.store(f.ctx_load(f.params[0], 4, "i32"), f.gep(state, 36))
        f.fence()

    value = 0x1122334455667788 | 0x80
    with Loaded(program(body, state=40)) as loaded:
        loaded.run(context=struct.pack("<Q", value))
        got = struct.unpack("<qQQQBxHI", loaded.state(40))
    assert got == (0x88 - 256, 0x88, value, value + 1, 0x77, 0x5566, 0x11223344)


@pytest.mark.parametrize(
    ("number", "type", "text"),
    [
        (0, "i64", "0"),
        (2**64 - 1, "i64", "-1"),
        (2**63, "i64", str(-(2**63))),
        (-1, "i8", "-1"),
        (300, "i8", "44"),
        (3, "i1", "true"),
        (2, "i1", "false"),
    ],
)
def test_constants_wrap(number: int, type: str, text: str) -> None:
    assert const(number, type) == Value(text, type)


def test_intrinsics() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        a = f.ctx_load(f.params[0], 0)
        f.store(f.intrinsic("llvm.ctlz.i64", [a, const(0, "i1")]), state)
        f.store(f.intrinsic("llvm.bswap.i64", [a]), f.gep(state, 8))

    with Loaded(program(body, state=16)) as loaded:
        for value in (0, 1, 2**63, 0x0102030405060708):
            loaded.run(context=struct.pack("<Q", value))
            zeros, swapped = struct.unpack("<QQ", loaded.state(16))
            assert zeros == 64 - value.bit_length()
            assert swapped == int.from_bytes(value.to_bytes(8, "little"), "big")
