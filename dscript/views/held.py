"""Output that waits until the terminal is ours no more."""

from __future__ import annotations

import io
import tempfile
from typing import Any, BinaryIO

_TAIL = 8192


class HeldOutput(io.BufferedIOBase):
    """A file on disk for what will be written to `destination`; its end is at hand."""

    def __init__(self, destination: BinaryIO) -> None:
        self._destination = destination
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by release
        self._tail = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._tail = (self._tail + bytes(data))[-_TAIL:]
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing shows before `release`."""

    def last_lines(self, count: int) -> list[bytes]:
        """The last lines that are not empty."""
        lines = [line for line in self._tail.split(b"\n") if line.strip()]
        return lines[-count:] if count > 0 else []

    def truncate(self, size: int | None = None) -> int:
        self._tail = b""
        return self._file.truncate(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def release(self) -> None:
        """Write everything to its destination."""
        self._file.seek(0)
        while part := self._file.read(1 << 16):
            self._destination.write(part)
        self._destination.flush()
        self._file.close()
