"""Strings of a process whose page was not in memory when the probe fired."""

from __future__ import annotations

import os
import struct

_HEAD = struct.Struct("<QII")
_PAGE = 4096


class UnreadableError(Exception):
    """The string could not be had: the process is gone or has unmapped it."""

    def __init__(self, address: int, action: int) -> None:
        super().__init__(f"{address:#x}")
        self.address = address
        self.action = action


def user_string(raw: bytes) -> bytes:
    """The text of a `userstring` field, read from the process if the kernel could not.

    Raises UnreadableError.
    """
    address, pid, action = _HEAD.unpack_from(raw)
    if not address:
        return raw[_HEAD.size :].partition(b"\0")[0]
    most = len(raw) - _HEAD.size
    try:
        text = _read(pid, address, most)
    except OSError:
        raise UnreadableError(address, action) from None
    return text[: most - 1]


def _read(pid: int, address: int, most: int) -> bytes:
    """Up to a NUL, page by page, since the page after the string may not exist."""
    text = b""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while len(text) < most:
            start = address + len(text)
            piece = os.pread(memory, min(_PAGE - start % _PAGE, most - len(text)), start)
            text += piece
            if not piece or b"\0" in piece:
                break
    finally:
        os.close(memory)
    return text.partition(b"\0")[0]
