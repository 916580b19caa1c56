"""The part of probe_work.py that makes TCP, UDP, IP and ICMP count everything they can.

`probe_packets.py FILE` runs in a network namespace of its own; FILE gets what the kernel has
counted there (/proc/net/snmp, netstat and snmp6), and what was on the wire, as JSON.  A signal 0
to itself says when that was.

Packets that no socket would send are put on loopback as they are, header and all.  A socket
filter that drops everything makes loss.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.providers.wire import Wire

LOOPBACK = "127.0.0.1"
_ICMP, _TCP, _UDP = 1, 6, 17
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27


_CONF = Path("/proc/sys/net/ipv4")


def every_statistic() -> None:
    # What is put on loopback by hand comes from an address of this host.
    for name, value in (("route_localnet", 1), ("accept_local", 1), ("rp_filter", 0)):
        for device in ("all", "lo"):
            (_CONF / "conf" / device / name).write_text(str(value))
    datagrams()
    icmp()
    malformed()
    connections()
    lost_segments()
    probes_of_silence()
    fragments()
    forwarded()
    no_route()


# ------------------------------------------------------------------------- raw packets


def _sum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _packet(
    protocol: int,
    body: bytes,
    *,
    first: int = 0x45,
    check: int | None = None,
    ttl: int = 64,
    fragment: int = 0,
    way: tuple[str, str] = (LOOPBACK, LOOPBACK),
) -> bytes:
    def header(checksum: int) -> bytes:
        addresses = b"".join(map(socket.inet_aton, way))
        fields = (first, 0, 20 + len(body), 7, fragment, ttl, protocol, checksum)
        return struct.pack("!BBHHHBBH", *fields) + addresses

    return header(_sum(header(0)) if check is None else check) + body


def _put(packet: bytes, device: str = "lo") -> None:
    """On the wire; loopback hands it back as received."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((device, 0x0800))
        wire.send(bytes(12) + b"\x08\x00" + packet)


def malformed() -> None:
    _put(_packet(_UDP, bytes(8), first=0x44))  # a header of 16 bytes
    _put(_packet(_UDP, bytes(8), check=0xBEEF))
    _put(_packet(253, bytes(8)))  # a protocol for experiments (RFC 3692)
    with socket.create_server((LOOPBACK, 0)) as server, _datagram() as inbox:
        port = server.getsockname()[1]
        _put(_packet(_TCP, struct.pack("!HHIIBBHHH", 9, port, 1, 0, 0x50, 2, 99, 0xBAD, 0)))
        port = inbox.getsockname()[1]
        _put(_packet(_UDP, struct.pack("!HHHH", 9, port, 12, 0xBAD) + b"text"))
        inbox.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            inbox.recv(9)
        _put(_packet(_UDP, struct.pack("!HHHH", 9, 9, 12, 0xBAD) + b"text"))


def icmp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP) as raw:
        for kind in (0, 3, 5, 8, 11):
            body = struct.pack("!BBHI", kind, 0, 0, 0) + _packet(_UDP, bytes(8))
            raw.sendto(body[:2] + struct.pack("!H", _sum(body)) + body[4:], (LOOPBACK, 0))


def _datagram() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOOPBACK, 0))
    return made


def datagrams() -> None:
    with _datagram() as one, _datagram() as two:
        for _ in range(3):
            two.sendto(b"abc", one.getsockname())
            one.recv(9)
        for _ in range(3):
            two.sendto(b"abc", (LOOPBACK, 9))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(50):
            two.sendto(bytes(1000), one.getsockname())


# ------------------------------------------------------------------------------ TCP


def _pair(host: str = LOOPBACK) -> tuple[socket.socket, socket.socket]:
    with socket.create_server((host, 0)) as server:
        one = socket.create_connection(server.getsockname())
        two, _ = server.accept()
    one.setsockopt(_TCP, socket.TCP_NODELAY, 1)
    return one, two


def connections() -> None:
    for linger in (False, True):
        one, two = _pair()
        one.sendall(bytes(100))
        two.recv(100)
        if linger:
            two.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        two.close()
        one.close()
    with socket.socket() as refused, contextlib.suppress(OSError):
        refused.connect((LOOPBACK, 9))


def _deaf(listener: socket.socket, only: int | None = None) -> None:
    """Drops what comes in; `only`: what begins with that byte, behind a header of 32 bytes."""
    code = [(0x06, 0, 0, 0)]  # BPF_RET 0
    if only is not None:  # BPF_LD|B|ABS 32; BPF_JEQ; BPF_RET
        code = [(0x30, 0, 0, 32), (0x15, 0, 1, only), (0x06, 0, 0, 0), (0x06, 0, 0, 0x40000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
    program = struct.pack("HL", len(code), ctypes.addressof(text))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def lost_segments() -> None:
    """Data that is sent again: lost, overtaken, or acknowledged in vain."""
    one, two = _pair()
    two.settimeout(5)
    _deaf(two, ord("x"))
    one.sendall(b"x" * 100)
    one.sendall(b"y" * 100)
    time.sleep(0.1)
    two.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
    while two.recv(200)[-1:] != b"y":
        pass
    _deaf(one)
    one.sendall(b"z" * 100)
    time.sleep(1)
    one.close()
    two.close()


def probes_of_silence() -> None:
    """An idle connection that is kept alive, and one whose window is closed."""
    one, two = _pair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    one.setsockopt(_TCP, socket.TCP_KEEPIDLE, 1)
    three, four = _pair()
    three.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            three.send(bytes(65536))
    time.sleep(1.7)
    for each in (one, two, three, four):
        each.close()


# ----------------------------------------------------------------------------------- IP


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def fragments() -> None:
    """Cut up and put together; one that is never completed; one that must not be cut up."""
    (_CONF / "ipfrag_time").write_text("1")
    _ip("link", "set", "lo", "mtu", "1500")
    with _datagram() as one, _datagram() as two:
        two.sendto(bytes(4000), one.getsockname())
        one.recv(4000)
    _put(_packet(_UDP, bytes(16), fragment=0x2000))
    time.sleep(1.3)


def forwarded() -> None:
    """For a host behind a device; too old to go on; too long, and not to be cut up."""
    # IPv6 tells a new device's neighbours of itself whenever it likes.
    _CONF.with_name("ipv6").joinpath("conf/default/disable_ipv6").write_text("1")
    _ip("link", "add", "near0", "type", "veth", "peer", "name", "far0")
    for device in ("near0", "far0"):
        _ip("link", "set", device, "up")
    _ip("addr", "add", "10.98.7.1/24", "dev", "near0")
    _ip("neigh", "add", "10.98.7.5", "lladdr", "02:00:00:00:00:01", "dev", "near0")
    _ip("route", "add", "10.98.8.0/24", "dev", "near0")
    (_CONF / "ip_forward").write_text("1")
    way = ("10.98.8.2", "10.98.7.5")
    _put(_packet(_UDP, bytes(16), way=way))
    _put(_packet(_UDP, bytes(16), ttl=1, way=way))
    _ip("link", "set", "near0", "mtu", "1000")
    _put(_packet(_UDP, bytes(1200), way=way))
    _put(_packet(_UDP, bytes(1200), fragment=0x4000, way=way))


def no_route() -> None:
    """A connection of an address that this host had, and has no more."""
    one, two = _pair("10.98.7.1")
    _ip("addr", "flush", "dev", "near0")
    with contextlib.suppress(OSError):
        one.send(b"nowhere")
    for each in (one, two):
        each.close()


def counters() -> dict[str, int]:
    """By name as in the files; those of snmp with their protocol before it."""
    result = {}
    for file in ("snmp", "netstat"):
        lines = [line.split() for line in Path("/proc/net", file).read_text().splitlines()]
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            head = names[0][:-1].lower() if file == "snmp" else ""
            pairs = zip(names[1:], values[1:], strict=True)
            result.update({head + name: int(value) for name, value in pairs})
    lines = [line.split() for line in Path("/proc/net/snmp6").read_text().splitlines()]
    return result | {name: int(value) for name, value in lines}


if __name__ == "__main__":
    wire = Wire()
    every_statistic()
    time.sleep(0.3)
    os.kill(os.getpid(), 0)
    sent = wire.counts()
    found = counters() | {f"wire {name}": count for name, count in sent.items()}
    Path(sys.argv[1]).write_text(json.dumps(found))
