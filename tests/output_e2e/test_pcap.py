"""pcap(): packets of the loopback device, shown as memory and written as a capture file."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from pathlib import Path

DSCRIPT = str(Path(sys.executable).with_name("dscript"))

SENDER = """
import socket
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(3):
    sender.sendto(b"packet number %d" % n + bytes(300), receiver.getsockname())
"""

CLAUSE = "sdt:net::net_dev_queue /pid == $target/ { pcap(args[0], PCAP_ETHERNET); }"


def trace(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    script = folder / "send.py"
    script.write_text(SENDER)
    command = f"{sys.executable} {script}"
    done = subprocess.run(
        [DSCRIPT, "-wq", *words, "-c", command], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done


def test_capture_file(tmp_path: Path) -> None:
    """The layout of a capture file: a header, then each packet with its time and lengths."""
    file = tmp_path / "out.pcap"
    before = time.time()
    trace(tmp_path, "-n", f'BEGIN {{ freopen("{file}"); }} {CLAUSE}')
    data = file.read_bytes()
    magic, major, minor, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1)
    at = 24
    for number in range(3):
        seconds, nanoseconds, captured, length = struct.unpack_from("<IIII", data, at)
        packet = data[at + 16 : at + 16 + captured]
        # Ethernet 14, IPv4 20, UDP 8 bytes, then what was sent.
        assert captured == length == 14 + 20 + 8 + len(b"packet number 0") + 300
        assert packet[12:14] == b"\x08\x00" and packet[23] == 17
        assert packet[42:].startswith(b"packet number %d\0" % number)
        assert before - 1 <= seconds + nanoseconds / 1e9 <= time.time() + 1
        at += 16 + captured
    assert at == len(data)


def test_packets_are_cut_at_pcapsize(tmp_path: Path) -> None:
    file = tmp_path / "out.pcap"
    trace(tmp_path, "-x", "pcapsize=50", "-n", f'BEGIN {{ freopen("{file}"); }} {CLAUSE}')
    _, _, captured, length = struct.unpack_from("<IIII", file.read_bytes(), 24)
    assert (captured, length) == (50, 357)


def test_packets_as_memory(tmp_path: Path) -> None:
    text = trace(tmp_path, "-n", CLAUSE).stdout.decode()
    assert text.count("0123456789abcdef") == 3
    assert "08 00 45 00" in text and "packet number 2"[-6:] in text


def test_packets_in_json(tmp_path: Path) -> None:
    text = trace(tmp_path, "--format", "json", "-n", CLAUSE).stdout.decode()
    found = [
        action
        for line in text.splitlines()
        for action in json.loads(line).get("actions", ())
        if action["action"] == "pcap"
    ]
    assert [action["length"] for action in found] == [357] * 3
    assert bytes.fromhex(found[1]["value"]["bytes"])[42:57] == b"packet number 1"
