"""pcap(): packets as capture files, or as memory where output is text.

The file format is that of libpcap (draft-ietf-opsawg-pcap), with nanoseconds.
"""

from __future__ import annotations

import struct

from dscript.output.console import Console
from dscript.output.values import byte_table

_MAGIC = 0xA1B23C4D  # times in nanoseconds
_VERSION = (2, 4)
_SNAPLEN = 1 << 16
_SECOND = 1_000_000_000


class PacketWriter:
    """Writes the packets of one pcap() action.

    After freopen() they go into that file as a capture, which begins with its header where
    the file was empty; else each is shown as tracemem() shows memory.
    """

    def __init__(self, printer: Console) -> None:
        self._printer = printer

    def write(self, data: bytes, captured: int, length: int, when: int, link_type: int) -> None:
        printer = self._printer
        packet = data[:captured]
        if not printer.redirected:
            printer.write(byte_table(packet))
            return
        printer.capturing = True
        if printer.out.tell() == 0:
            header = struct.pack("<IHHiIII", _MAGIC, *_VERSION, 0, 0, _SNAPLEN, link_type)
            printer.write(header)
        seconds, nanoseconds = divmod(when, _SECOND)
        printer.write(struct.pack("<IIII", seconds, nanoseconds, len(packet), length) + packet)
