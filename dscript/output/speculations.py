"""Records of speculations, which wait in user space for their commit() or discard()."""

from __future__ import annotations

# Clause, probe, CPU, thread, its bytes from the header on.
Held = tuple[int, int, int, int, bytes]


class Speculations:
    """Up to `limit` bytes of records for each speculation ID and CPU; `dropped` counts the rest.

    A buffer for each CPU of `specsize` bytes is what the manual describes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.dropped = 0
        self._held: dict[int, list[Held]] = {}
        self._sizes: dict[tuple[int, int], int] = {}

    def add(self, speculation: int, record: Held) -> None:
        key = (speculation, record[2])
        size = self._sizes.get(key, 0) + len(record[4])
        if size > self.limit:
            self.dropped += 1
            return
        self._sizes[key] = size
        self._held.setdefault(speculation, []).append(record)

    def take(self, speculation: int) -> list[Held]:
        """All that is held for a speculation, in the order it came; nothing is left."""
        records = self._held.pop(speculation, [])
        for cpu in {record[2] for record in records}:
            self._sizes.pop((speculation, cpu), None)
        return records
