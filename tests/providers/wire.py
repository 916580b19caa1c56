"""What a network namespace sends, frame by frame, as a packet socket hears it.

A witness for counters that the kernel itself does not keep: it is neither a probe nor a
statistic.  Frames that are to be cut up on the way (GSO) say into how many.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter

_ALL = 0x0003  # ETH_P_ALL
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_OUTGOING = 4  # PACKET_OUTGOING
_IP, _IPV6, _TCP = 0x0800, 0x86DD, 6
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16


class Wire:
    """Everything that is sent from when it is made on, on all devices of the namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 256 << 20)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        self._socket.setblocking(False)
        # Flow -> the sequence number behind the last byte sent.
        self._ends: dict[bytes, int] = {}

    def counts(self) -> dict[str, int]:
        """Frames, TCP segments, those with data and their bytes, acknowledgements alone, resets.

        `again` are the bytes that were sent before.
        """
        found = Counter(
            packets=0, segments=0, dataSegments=0, dataBytes=0, acks=0, resets=0, again=0
        )
        while True:
            try:
                frame, address = self._socket.recvfrom(1 << 18)
            except BlockingIOError:
                return dict(found)
            if address[2] == _OUTGOING:
                self._count(found, frame, address[1])

    def _count(self, found: Counter[str], frame: bytes, protocol: int) -> None:
        # struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
        gso_size = struct.unpack_from("H", frame, 4)[0]
        packet = frame[10 + 14 :]
        if protocol == _IP:
            header, inner = (packet[0] & 15) * 4, packet[9]
            end = struct.unpack_from("!H", packet, 2)[0]
        elif protocol == _IPV6:
            header, inner = 40, packet[6]
            end = 40 + struct.unpack_from("!H", packet, 4)[0]
        else:
            return
        data = 0
        if inner == _TCP and packet[0] & 15 != 4:
            data = end - header - (packet[header + 12] >> 4) * 4
        pieces = -(-data // gso_size) if gso_size else 1
        found["packets"] += pieces
        if inner != _TCP:
            return
        flags = packet[header + 13]
        found["segments"] += pieces
        found["dataSegments"] += pieces * (data > 0)
        found["dataBytes"] += data
        found["again"] += self._sent_before(packet[:header], packet[header:], data)
        found["resets"] += bool(flags & _RST)
        found["acks"] += data == 0 and flags & (_FIN | _SYN | _RST | _ACK) == _ACK

    def _sent_before(self, address: bytes, segment: bytes, data: int) -> int:
        flow = address[-32 if len(address) == 40 else -8 :] + segment[:4]
        first = struct.unpack_from("!I", segment, 4)[0]
        end = self._ends.setdefault(flow, first)
        beyond = (first + data - end) & 0xFFFFFFFF
        new = beyond if beyond < 1 << 31 else 0
        self._ends[flow] = end + new & 0xFFFFFFFF
        return max(0, data - new)
