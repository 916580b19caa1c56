"""print(): a value of any type with its type, members by name.

The layout is the manual's (chapter "Actions and Subroutines", `print()`), which follows
mdb's `::print -tn`: the type stands before the name, also of an array (`char [8] name`);
integers are hexadecimal, characters quoted, enumerators by name.  What ends in a brace has
no newline after it, everything else has one.
"""

from __future__ import annotations

from collections.abc import Callable

from dscript.output.floats import unpack
from dscript.program import TypeLayout

# An address → its symbol (`module`name`), or some other text where there is none.
Resolve = Callable[[int], bytes]

_RECORDS = frozenset({"struct", "union"})
_INDENT = 4
_PRINTABLE = frozenset(range(32, 127))


def print_value(layout: TypeLayout, data: bytes, resolve: Resolve) -> bytes:
    """The type and the value that lies in `data`."""
    text = f"{_name(layout)} {_Writer(resolve).value(layout, data, 0)}"
    if layout.kind not in _RECORDS:
        text += "\n"
    return text.encode("utf-8", "surrogateescape")


class _Writer:
    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve

    def value(self, layout: TypeLayout, data: bytes, depth: int) -> str:
        """A value without its type; `depth` is that of the line it stands on."""
        if layout.kind in _RECORDS:
            return self.record(layout, data, depth)
        if layout.kind == "array":
            return self.array(layout, data, depth)
        return self.scalar(layout, int.from_bytes(data[: layout.size], "little"), data)

    def record(self, layout: TypeLayout, data: bytes, depth: int) -> str:
        lines = ["{"]
        for name, bit_offset, bit_size, member in layout.members:
            bits = "" if _is_whole(member, bit_offset, bit_size) else f" :{bit_size}"
            head = f"{_declared(name, member)}{bits} =" if name else _name(member)
            value = self.member(member, data, bit_offset, bit_size, depth + 1)
            lines.append(f"{_margin(depth + 1)}{head} {value}")
        lines.append(_margin(depth) + "}")
        return "\n".join(lines)

    def member(
        self, layout: TypeLayout, data: bytes, bit_offset: int, bit_size: int, depth: int
    ) -> str:
        start = bit_offset // 8
        if _is_whole(layout, bit_offset, bit_size):
            return self.value(layout, data[start : start + layout.size], depth)
        word = int.from_bytes(data[start : (bit_offset + bit_size + 7) // 8], "little")
        return self.scalar(layout, word >> bit_offset % 8 & (1 << bit_size) - 1, data)

    def array(self, layout: TypeLayout, data: bytes, depth: int) -> str:
        element = layout.element
        if element is None or not layout.length:
            return "[ ]"
        text = _text(element, data[: layout.size])
        if text is not None:
            return f'"{text}"' if depth == 0 else f'[ "{text}" ]'
        parts = [data[i * element.size : (i + 1) * element.size] for i in range(layout.length)]
        if element.kind not in _RECORDS:
            # An array within an array counts as a value of its own, at no depth.
            return "[ " + ", ".join(self.value(element, part, 0) for part in parts) + " ]"
        rows = [
            f"\n{_margin(depth + 1)}{_name(element)} {self.value(element, part, depth + 1)}"
            for part in parts
        ]
        return "[ " + ", ".join(rows) + f"\n{_margin(depth)}]"

    def scalar(self, layout: TypeLayout, value: int, data: bytes) -> str:
        kind = layout.kind
        if kind == "string":
            return f'"{data.partition(bytes(1))[0].decode("utf-8", "surrogateescape")}"'
        if kind == "float":
            return f"{unpack(data[: layout.size]):+.7e}"
        if kind == "pointer" and layout.element is not None and value:
            symbol = self.resolve(value).decode("utf-8", "surrogateescape")
            if "`" in symbol and "`0x" not in symbol:
                return symbol
        if kind == "bool":
            return "true" if value else "false"
        if kind == "enum":
            return _enumerator(layout, value)
        if _is_character(layout):
            return _quoted(value & 255)
        return f"{value:#x}" if value else "0"


def _margin(depth: int) -> str:
    return " " * (_INDENT * depth)


def _is_whole(layout: TypeLayout, bit_offset: int, bit_size: int) -> bool:
    """Whether a member fills its type: no bit-field."""
    return not bit_size or (bit_offset % 8 == 0 and bit_size == layout.size * 8)


def _name(layout: TypeLayout) -> str:
    """The type's name; a struct or union without one has only its keyword."""
    return layout.type_name.replace("* [", "*[").removesuffix(" (anon)")


def _declared(name: str, layout: TypeLayout) -> str:
    type_name = _name(layout)
    return f"{type_name}{'' if type_name.endswith('*') else ' '}{name}"


def _is_character(layout: TypeLayout) -> bool:
    """`char` itself, which may be unsigned in the kernel, and signed ones of other names."""
    plain = layout.type_name.removeprefix("const ") == "char"
    return layout.kind == "char" and (layout.signed or plain)


def _text(element: TypeLayout, data: bytes) -> str | None:
    """An array of characters as text: printable ones up to a NUL."""
    if not _is_character(element):
        return None
    text, nul, _ = data.partition(b"\0")
    return text.decode("ascii") if nul and _PRINTABLE.issuperset(text) else None


def _quoted(character: int) -> str:
    if character in _PRINTABLE:
        return f"'{chr(character)}'"
    return f"'\\{character:03o}'" if character else "'\\0'"


def _enumerator(layout: TypeLayout, value: int) -> str:
    bits = layout.size * 8
    signed = value - (1 << bits) if bits and value >> bits - 1 else value
    names = dict(layout.enumerators)
    return names.get(signed, names.get(value, str(signed)))
