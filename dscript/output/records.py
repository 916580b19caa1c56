"""From the bytes of a record to values: one struct layout, and source that decodes it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from dscript.aggregates import field_code
from dscript.output.formatting import Value
from dscript.output.user_strings import user_string
from dscript.program import Field, Probe, RecordHeader

_USER_KINDS = frozenset({"ustack", "usym", "umod", "ufunc", "uaddr"})


class RecordReader:
    """Collects the fields a clause reads; `lines()` is the source that unpacks them.

    Offsets of fields count from the end of the header.  The names it needs at run time are
    in `names`: structs `unpack0`, `unpack1`, … (more than one only when fields overlap) and
    a few helpers.
    """

    def __init__(self, probes: Mapping[int, Probe]) -> None:
        self.probes = probes
        self.names: dict[str, Any] = {"NUL": b"\0"}
        self._late: list[str] = []
        self._slots: dict[tuple[int, int, str], str] = {}

    def value(self, field: Field) -> Value:
        """The decoded value of a field, as source."""
        raw = self._slot(field.offset, field.size, field_code(field))
        kind = "string" if field.kind == "userstring" else field.kind
        return Value(self._decoded(field, raw), kind, field.size, field.signed)

    def flag(self, offset: int) -> str:
        """Source of a presence byte."""
        return self._slot(offset, 1, "B")

    def _slot(self, offset: int, size: int, code: str) -> str:
        key = (offset, size, code)
        return self._slots.setdefault(key, f"v{len(self._slots)}")

    def _decoded(self, field: Field, raw: str) -> str:
        kind = field.kind
        if kind == "userstring":
            self._late.append(raw)
            return raw
        if kind == "string":
            return f"{raw}.partition(NUL)[0]"
        if kind == "stack":
            name = self._name(struct.Struct(f"<{field.size // 8}Q").unpack)
            return f"{name}({raw})"
        if kind in _USER_KINDS:
            name = self._name(struct.Struct(f"<II{(field.size - 8) // 8}Q").unpack)
            return f"{name}({raw})"
        if kind == "probe":
            table = {key: getattr(p, field.part).encode() for key, p in self.probes.items()}
            return f"{self._name(table)}.get({raw}, b'')"
        return raw

    def _name(self, value: Any) -> str:
        name = f"const{len(self.names)}"
        self.names[name] = value
        return name

    def lines(self) -> list[str]:
        """Assignments from `data` at `at` (the first byte of the record's header)."""
        result = []
        for number, layer in enumerate(_layers(list(self._slots))):
            layout = "<"
            position = 0
            for offset, size, code in layer:
                start = offset + RecordHeader.SIZE
                layout += f"{start - position}x{code}" if start > position else code
                position = start + size
            self.names[f"unpack{number}"] = struct.Struct(layout).unpack_from
            variables = "".join(f"{self._slots[slot]}, " for slot in layer)
            result.append(f"{variables}= unpack{number}(data, at)")
        if self._late:
            self.names["user_string"] = user_string
        # Before anything is written: a string that cannot be had costs the whole record.
        result += [f"{raw} = user_string({raw})" for raw in self._late]
        return result


def _layers(slots: Sequence[tuple[int, int, str]]) -> list[list[tuple[int, int, str]]]:
    """Slots in as few ordered lists without overlap as first fit gives."""
    layers: list[list[tuple[int, int, str]]] = []
    for slot in sorted(slots):
        for layer in layers:
            if layer[-1][0] + layer[-1][1] <= slot[0]:
                layer.append(slot)
                break
        else:
            layers.append([slot])
    return layers
