"""Reading the BPF ring buffer from its own mapping.

Layout (kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst): page 0 holds the consumer
position, page 1 the producer position, then the data area twice in a row, so that every
record is contiguous.  Each record has an 8-byte head: u32 length with the BUSY and DISCARD
bits, u32 page offset.  Positions count bytes and never wrap.

The order of the loads below relies on x86-64's strong memory ordering, and on the
interpreter's work between them.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from typing import Final

from dscript.program import ErrorRecord, RecordHeader

_BUSY: Final = 0x80000000
_DISCARD: Final = 0x40000000
_LENGTH: Final = 0x3FFFFFFF
_HEAD: Final = 8
# The consumer position is published every so many records and at the end of a batch.
_PUBLISH_MASK: Final = 0xFF

RecordHandler = Callable[[int, int, int, int, int, int, memoryview, int], None]
ErrorHandler = Callable[[int, int, int, int, int, int, int], None]


class Ring:
    """One ring-buffer map of `size` bytes (its max_entries), mapped for reading.

    `position` is that of the record being handled; `fileno` polls readable when a record
    waits.
    """

    def __init__(self, fd: int, size: int) -> None:
        page = mmap.PAGESIZE
        self._fd = fd
        self._mask = size - 1
        self._consumer_page = mmap.mmap(fd, page, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._pages = mmap.mmap(fd, page + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        self._consumer = memoryview(self._consumer_page).cast("Q")
        whole = memoryview(self._pages)
        self._producer = whole[:8].cast("Q")
        self._data = whole[page:]
        self._heads = self._data.cast("I")
        self.position: int = self._consumer[0]

    def fileno(self) -> int:
        return self._fd

    @property
    def produced(self) -> int:
        """Position after the last record reserved so far."""
        return self._producer[0]

    @property
    def pending(self) -> bool:
        """Whether a record waits, finished or not."""
        return self._producer[0] != self._consumer[0]

    def publish(self) -> None:
        """Give the space before the current record back to the programs now."""
        self._consumer[0] = self.position

    def header(self) -> tuple[int, ...]:
        """The `RecordHeader` words of the record being handled."""
        offset = (self.position & self._mask) + _HEAD
        return struct.unpack_from(RecordHeader.FORMAT, self._data, offset)

    def consume(self, record: RecordHandler, error: ErrorHandler) -> int:
        """Hand on the records present at the call, in order; returns how many.

        Stops early at a record that is still being written.  A record whose handler
        raises counts as consumed.
        """
        data, heads, mask = self._data, self._heads, self._mask
        unpack = struct.Struct(RecordHeader.FORMAT).unpack_from
        unpack_error = struct.Struct(ErrorRecord.FORMAT).unpack_from
        consumed = self._consumer[0]
        produced = self._producer[0]
        count = 0
        try:
            while consumed < produced:
                offset = consumed & mask
                head = heads[offset >> 2]
                if head & _BUSY:
                    break
                self.position = consumed
                consumed += ((head & _LENGTH) + _HEAD + 7) & ~7
                if head & _DISCARD:
                    continue
                count += 1
                start = offset + _HEAD
                clause, probe, cpu, tid, spec, flags = unpack(data, start)
                if clause == RecordHeader.ERROR_CLAUSE:
                    error(probe, cpu, *unpack_error(data, start + RecordHeader.SIZE))
                else:
                    record(clause, probe, cpu, tid, spec, flags, data, start)
                if not count & _PUBLISH_MASK:
                    self._consumer[0] = consumed
        finally:
            self.position = consumed
            self._consumer[0] = consumed
        return count

    def close(self) -> None:
        for view in (self._consumer, self._producer, self._heads, self._data):
            view.release()
        self._consumer_page.close()
        self._pages.close()
