"""Values without a format: trace(), tracemem(), print(), and the keys of aggregations.

Layouts are those of dtrace(1) (manual, chapter "Output Formatting", "trace() Default
Format"): integers right-aligned by size, text left-aligned, anything else as a table of
hexadecimal bytes.
"""

from __future__ import annotations

import struct

from dscript.program import TypeLayout

# Directives of integers by size in bytes.
INTEGER_DIRECTIVES = {8: b" %16d", 4: b" %8d", 2: b" %5d", 1: b" %3d"}
TEXT_WIDTH = 33
KEY_WIDTH = 50

_PRINTABLE = frozenset(range(32, 127)) | frozenset(b"\t\n\v\f\r\b\a")
_TABLE_HEAD = b"\n" + b" " * 11 + b"".join(b"  %x" % i for i in range(16)) + b"  0123456789abcdef\n"


def byte_table(data: bytes) -> bytes:
    """Bytes as a table of hexadecimal numbers with a column of characters."""
    rows = [_TABLE_HEAD]
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        numbers = b"".join(b" %02x" % byte for byte in part)
        text = bytes(byte if 32 <= byte < 127 else 46 for byte in part)
        rows.append(b"%10x:%-48s  %s\n" % (at, numbers, text))
    return b"".join(rows)


def text_of(data: bytes) -> bytes | None:
    """What bytes say as a string, None when they are no text.

    Text is a run of printable characters, filled up with nothing but NULs.
    """
    end = data.find(b"\0")
    text = data if end < 0 else data[:end]
    if not text or any(data[len(text) :]) or not _PRINTABLE.issuperset(text):
        return None
    return text


def traced_bytes(data: bytes, width: int, quiet: bool, raw: bool) -> bytes:
    """A struct or array as trace() shows it: as a string where it looks like one."""
    text = None if raw else text_of(data)
    if text is None:
        return byte_table(data)
    return text if quiet else b"  %-*s" % (width, text)


def memory_table(data: bytes, shown: int | None) -> bytes:
    """tracemem(): `shown` limits the bytes; out of range it is ignored."""
    if shown is not None and 0 <= shown <= len(data):
        data = data[:shown]
    return byte_table(data)


def print_value(layout: TypeLayout, data: bytes) -> bytes:
    """print(): the type, then the value; members one a line, indented by four."""
    text = f"{layout.type_name} {_shown(layout, data, 0)}"
    return text.encode("utf-8", "surrogateescape")


def _shown(layout: TypeLayout, data: bytes, depth: int) -> str:
    if layout.kind in ("struct", "union"):
        lines = ["{"]
        for name, bit_offset, bit_size, member in layout.members:
            value = _member(member, data, bit_offset, bit_size, depth + 1)
            lines.append(f"{'    ' * (depth + 1)}{_declared(name, member)} = {value}")
        lines.append("    " * depth + "}")
        return "\n".join(lines)
    if layout.kind == "array":
        return _array(layout, data, depth)
    return _scalar(layout, int.from_bytes(data[: layout.size], "little"), data)


def _declared(name: str, layout: TypeLayout) -> str:
    """A member as C declares it: the dimensions of an array behind the name."""
    base, bracket, dimensions = layout.type_name.partition("[")
    if not name:
        return layout.type_name
    base = base.rstrip()
    space = "" if base.endswith("*") else " "
    return f"{base}{space}{name}{bracket}{dimensions}"


def _member(layout: TypeLayout, data: bytes, bit_offset: int, bit_size: int, depth: int) -> str:
    start = bit_offset // 8
    if not bit_size or (bit_offset % 8 == 0 and bit_size == layout.size * 8):
        return _shown(layout, data[start : start + layout.size], depth)
    word = int.from_bytes(data[start : (bit_offset + bit_size + 7) // 8], "little")
    value = word >> bit_offset % 8 & (1 << bit_size) - 1
    if layout.signed and layout.kind != "enum" and value >> bit_size - 1:
        value += (1 << layout.size * 8) - (1 << bit_size)
    return _scalar(layout, value, data)


def _array(layout: TypeLayout, data: bytes, depth: int) -> str:
    element = layout.element
    if element is None:
        return "[ ]"
    if element.kind == "char":
        text = text_of(data[: layout.size])
        if text is not None:
            return _quoted(text)
        if not any(data[: layout.size]):
            return '""'
    parts = [data[i * element.size : (i + 1) * element.size] for i in range(layout.length)]
    if element.kind in ("struct", "union", "array"):
        margin = "    " * (depth + 1)
        rows = [f"{margin}{_shown(element, part, depth + 1)}" for part in parts]
        return "[\n" + ",\n".join(rows) + "\n" + "    " * depth + "]"
    return "[ " + ", ".join(_shown(element, part, depth) for part in parts) + " ]"


def _scalar(layout: TypeLayout, value: int, data: bytes) -> str:
    kind = layout.kind
    if kind == "string":
        return _quoted(data.partition(b"\0")[0])
    if kind == "float":
        return f"{struct.unpack('<f' if layout.size == 4 else '<d', data[: layout.size])[0]:g}"
    if kind == "pointer":
        return f"{value:#x}" if value else "NULL"
    if kind == "bool":
        return "true" if value else "false"
    if kind == "char":
        return f"'{_quoted(bytes([value & 255]))[1:-1]}'"
    if kind == "enum":
        names = dict(layout.enumerators)
        bits = layout.size * 8
        signed = value - (1 << bits) if bits and value >> bits - 1 else value
        return names.get(signed, names.get(value, f"{value:#x}"))
    return f"{value:#x}" if value else "0"


def _quoted(text: bytes) -> str:
    from dscript.output.formatting import escape

    return f'"{escape(text).decode()}"'
