"""Values without a format: trace(), tracemem() and the keys of aggregations.

Layouts are those of dtrace(1) (manual, chapter "Output Formatting", "trace() Default
Format"): integers right-aligned by size, text left-aligned, anything else as a table of
hexadecimal bytes.
"""

from __future__ import annotations

# Directives of integers by size in bytes.
INTEGER_DIRECTIVES = {8: b" %16d", 4: b" %8d", 2: b" %5d", 1: b" %3d"}
TEXT_WIDTH = 33
KEY_WIDTH = 50

_PRINTABLE = bytes(range(32, 127)) + b"\t\n\v\f\r\b\a"
_PRINTABLE_TEXT = frozenset(_PRINTABLE.decode())
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


def is_text(text: bytes) -> bool:
    """Whether bytes are printable characters, in ASCII or UTF-8.

    Printable are white space, backspace and bell too, which mean something to a terminal.
    The last character may be cut off, as strings are at `strsize`.
    """
    if not text.translate(None, _PRINTABLE):
        return True
    try:
        characters = text.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        characters = text[: error.start].decode()
    return all(
        c in _PRINTABLE_TEXT if c < "\x80" else c.isprintable() or c.isspace() for c in characters
    )


def text_of(data: bytes) -> bytes | None:
    """What bytes say as a string, None when they are no text.

    Text is a run of printable characters, filled up with nothing but NULs.
    """
    text = data.partition(b"\0")[0]
    if not text or any(data[len(text) :]) or not is_text(text):
        return None
    return text


def traced_bytes(data: bytes, width: int, quiet: bool, raw: bool) -> bytes:
    """A struct or array as trace() shows it: as a string where it looks like one."""
    text = None if raw else text_of(data)
    if text is None:
        return byte_table(data)
    return text if quiet else b"  %-*s" % (width, text)


def traced_text(text: bytes, width: int, quiet: bool, raw: bool, size: int) -> bytes:
    """A string as trace() shows it: as a table of its `size` bytes if it cannot be printed."""
    if raw or not is_text(text):
        return byte_table(text.ljust(size, b"\0"))
    return text if quiet else b"  %-*s" % (width, text)


def memory_table(data: bytes, shown: int | None) -> bytes:
    """tracemem(): `shown` limits the bytes; out of range it is ignored."""
    if shown is not None and 0 <= shown <= len(data):
        data = data[:shown]
    return byte_table(data)
