"""Values as JSON has them: numbers, strings, arrays and objects (docs/json.md).

Integers stay integers at any size; addresses are strings in hexadecimal, since many readers
of JSON keep numbers as 64-bit floating point.  Text that is no UTF-8 is `{"bytes": hex}`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dscript.aggregates import AggregationState, Entry, SortOrder, bucket_bounds, divide, join
from dscript.output.aggregations import DISTRIBUTIONS
from dscript.output.floats import unpack
from dscript.output.stacks import Symbols, user_frames
from dscript.output.values import text_of
from dscript.program import Field, TypeLayout
from dscript.symbols.types import Symbol

Json: TypeAlias = Any
Show: TypeAlias = Callable[[Any], Json]

_KERNEL_SYMBOLS = frozenset({"sym", "mod", "func"})
_USER_SYMBOLS = frozenset({"usym", "umod", "ufunc", "uaddr"})


def text(value: bytes) -> Json:
    """A string, or its bytes where they are no UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"bytes": value.hex()}


def number(value: float) -> Json:
    """A floating-point number; those that JSON does not have are strings."""
    return value if math.isfinite(value) else str(value)


def raw(value: bytes) -> Json:
    """Bytes, and what they say where trace() would print them as a string."""
    found = text_of(value)
    shown = {"bytes": value.hex()}
    return shown if found is None else {**shown, "text": found.decode("ascii")}


def location(symbol: Symbol | None, address: int) -> Json:
    """A frame or a symbol; what is not known is left out."""
    shown: dict[str, Json] = {"address": f"{address:#x}"}
    if symbol is not None:
        if symbol.module:
            shown["module"] = symbol.module
        if symbol.name:
            shown["symbol"] = symbol.name
            shown["offset"] = symbol.offset
    return shown


class TypedValues:
    """Functions from decoded values (`aggregates.KeyValue`) to JSON."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def show(self, field: Field) -> Show | None:
        """What turns a value of this field into JSON; None when it is JSON as it is."""
        kind = field.kind
        if kind == "int":
            return None
        if kind == "float":
            return number
        if kind in ("string", "userstring", "probe"):
            return text
        if kind == "bytes":
            return raw
        if kind == "stack":
            return self.kernel_stack
        if kind == "ustack":
            return self.user_stack
        return self.kernel_symbol if kind in _KERNEL_SYMBOLS else self.user_symbol

    def kernel_stack(self, addresses: Sequence[int]) -> Json:
        """Frames, innermost first."""
        return [self.kernel_symbol(address) for address in _until_zero(addresses)]

    def user_stack(self, value: Sequence[int]) -> Json:
        found = user_frames(self._symbols, value)
        return [location(symbol, address) for address, symbol in found]

    def kernel_symbol(self, address: int) -> Json:
        return location(self._symbols.kernel(address), address)

    def user_symbol(self, value: Sequence[int]) -> Json:
        tgid, pid, address = value
        return location(self._symbols.user(tgid, pid, address), address)

    def aggregation(self, state: AggregationState, order: SortOrder) -> Json:
        """All of an aggregation, in printing order."""
        spec = state.spec
        shows = [self.show(field) for field in spec.keys]
        shown: dict[str, Json] = {
            "type": "aggregation",
            "name": spec.name,
            "function": spec.function,
            "keys": [field.type_name or field.kind for field in spec.keys],
        }
        if state.divisor != 1:
            shown["normalization"] = state.divisor
        shown["entries"] = [
            {
                "key": [
                    part if show is None else show(part)
                    for show, part in zip(shows, key, strict=True)
                ],
                **entry_values(state, entries[0]),
            }
            for key, entries in join((state,), order)
        ]
        return shown


def entry_values(state: AggregationState, entry: Entry | None) -> dict[str, Json]:
    """What one entry holds: its value, or the buckets of a distribution that are not empty."""
    function = state.spec.function
    words = [0] * state.spec.value_words if entry is None else entry.words
    if function in DISTRIBUTIONS:
        buckets = [
            {"low": low, "high": high, "count": divide(count, state.divisor)}
            for (low, high), count in zip(bucket_bounds(state.spec), words, strict=False)
            if count
        ]
        return {"buckets": buckets}
    values: dict[str, Json] = {"value": state.number(entry)}
    if function in ("avg", "stddev"):
        values["count"] = words[0]
    return values


def layout_value(layout: TypeLayout, data: bytes) -> Json:
    """A value of print(), from its bytes."""
    kind = layout.kind
    if kind in ("struct", "union"):
        return _members(layout, data)
    if kind == "array":
        return _array(layout, data)
    data = data[: layout.size]
    if kind == "string":
        return text(data.partition(b"\0")[0])
    if kind == "float":
        return number(unpack(data))
    return _integer(layout, int.from_bytes(data, "little", signed=layout.signed))


def _members(layout: TypeLayout, data: bytes) -> Json:
    """Members by name; those of one without a name count as the structure's own, as in C."""
    shown: dict[str, Json] = {}
    for name, bit_offset, bit_size, member in layout.members:
        start = bit_offset // 8
        if bit_size and (bit_offset % 8 or bit_size != member.size * 8):
            value = _bit_field(member, data, bit_offset, bit_size)
        else:
            value = layout_value(member, data[start : start + member.size])
        if name:
            shown[name] = value
        elif isinstance(value, dict):
            shown.update(value)
    return shown


def _bit_field(layout: TypeLayout, data: bytes, offset: int, size: int) -> Json:
    word = int.from_bytes(data[offset // 8 : (offset + size + 7) // 8], "little")
    value = word >> offset % 8 & (1 << size) - 1
    if layout.signed and value >> size - 1:
        value -= 1 << size
    return _integer(layout, value)


def _array(layout: TypeLayout, data: bytes) -> Json:
    element = layout.element
    if element is None:
        return []
    data = data[: layout.size]
    if element.kind == "char":
        # Plain char holds text, unsigned char numbers, whatever is in them at the moment.
        named = element.type_name.removeprefix("const ")
        if element.signed or named == "char":
            return text(data.partition(b"\0")[0])
        return {"bytes": data.hex()}
    size = element.size
    return [layout_value(element, data[i * size : (i + 1) * size]) for i in range(layout.length)]


def _integer(layout: TypeLayout, value: int) -> Json:
    if layout.kind == "bool":
        return bool(value)
    if layout.kind == "pointer":
        return f"{value & 0xFFFFFFFFFFFFFFFF:#x}"
    if layout.kind == "enum":
        bits = layout.size * 8
        signed = value - (1 << bits) if value >> bits - 1 > 0 else value
        names = dict(layout.enumerators)
        return names.get(signed, names.get(value, value))
    return value


def _until_zero(addresses: Sequence[int]) -> list[int]:
    frames: list[int] = []
    for address in addresses:
        if not address:
            break
        frames.append(address)
    return frames
