"""A workload between two network namespaces of its own, joined by a pair of devices.

`network_pair.py FILE` runs itself again in a new namespace, whose device `here0` leads to the
other namespace's `there0`; FILE gets the namespaces' numbers as JSON.  Imported, it is the
program that watches and the comparison.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = {4: "10.99.7.1", 6: "fd00:99::1"}
THERE = {4: "10.99.7.2", 6: "fd00:99::2"}
PORT, DATAGRAMS, DATAGRAM, ASKED = 7799, 3, 555, 1000

PROGRAM = r"""
#pragma D option quiet
ip:::send, ip:::receive /args[2]->ip_plength == 563/
{
    @packets[probename, args[3]->if_name, args[3]->if_local, args[3]->if_ipstack,
        args[2]->ip_saddr, args[2]->ip_daddr] = count();
}
udp:::send, udp:::receive /args[4]->udp_dport == 7799/
{
    @datagrams[probename, args[3]->udps_laddr, args[3]->udps_raddr] = count();
}
tcp:::send /args[4]->tcp_dport == 7799/
{
    @bytes[args[2]->ip_daddr, args[3]->tcps_local] =
        sum(args[2]->ip_plength - args[4]->tcp_offset);
}
tcp:::receive /args[4]->tcp_dport == 7799/
{
    @taken[args[2]->ip_saddr] = sum(args[2]->ip_plength - args[4]->tcp_offset);
}
END
{
    printa("packets %s %s %d %d %s %s %@d\n", @packets);
    printa("datagrams %s %s %s %@d\n", @datagrams);
    printa("bytes %s %d %@d\n", @bytes);
    printa("taken %s %@d\n", @taken);
}
"""


def main(path: str) -> None:
    """The command; `unshare` gives both sides a network namespace."""
    os.execvp("unshare", ["unshare", "-n", sys.executable, __file__, path, "inside"])


def inside(path: str) -> None:
    other = subprocess.Popen(
        ["unshare", "-n", sys.executable, __file__, path, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdin is not None and other.stdout is not None
    try:
        assert other.stdout.readline() == b"namespace\n"
        _ip("link", "add", "here0", "type", "veth", "peer", "name", "there0", "netns", other.pid)
        _set_up("here0", HERE)
        other.stdin.write(b"linked\n")
        other.stdin.flush()
        assert other.stdout.readline() == b"ready\n"
        namespaces = [os.stat(f"/proc/{pid}/ns/net").st_ino for pid in ("self", other.pid)]
        for version in (4, 6):
            _talk(version)
        Path(path).write_text(json.dumps(namespaces))
    finally:
        other.stdin.close()
        other.wait(10)


def serve() -> None:
    """The other side: takes the connections and datagrams until the first side is done."""
    print("namespace", flush=True)
    sys.stdin.readline()
    _set_up("there0", THERE)
    streams, boxes = [], []
    for version in (4, 6):
        streams.append(_made(version, socket.SOCK_STREAM, THERE[version]))
        boxes.append(_made(version, socket.SOCK_DGRAM, THERE[version]))
        streams[-1].listen(1)
    print("ready", flush=True)
    for stream, box in zip(streams, boxes, strict=True):
        peer, _ = stream.accept()
        got = 0
        while got < ASKED:
            got += len(peer.recv(ASKED))
        peer.close()
        for _ in range(DATAGRAMS):
            _, sender = box.recvfrom(DATAGRAM)
            box.sendto(b"-", sender)
    sys.stdin.readline()


def _made(version: int, kind: int, host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)
    made.settimeout(60)
    made.bind((host, PORT))
    return made


def _talk(version: int) -> None:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(60)
        client.connect((THERE[version], PORT))
        client.sendall(bytes(ASKED))
        assert client.recv(1) == b""
    with socket.socket(family, socket.SOCK_DGRAM) as outbox:
        outbox.settimeout(60)
        for _ in range(DATAGRAMS):
            outbox.sendto(bytes(DATAGRAM), (THERE[version], PORT))
            outbox.recv(1)


def _set_up(device: str, addresses: dict[int, str]) -> None:
    _ip("addr", "add", f"{addresses[4]}/24", "dev", device)
    _ip("addr", "add", f"{addresses[6]}/64", "dev", device, "nodad")
    _ip("link", "set", device, "up")


def _ip(*words: object) -> None:
    subprocess.run(["ip", *map(str, words)], check=True)


def compare(output: str, namespaces: list[int]) -> None:
    """What the program counted against what was sent from `here` to `there`."""
    lines = [line.rsplit(" ", 1) for line in output.splitlines() if line.strip()]
    counts: Counter[str] = Counter({key: int(count) for key, count in lines})
    here, there = namespaces
    for version in (4, 6):
        source, target = HERE[version], THERE[version]
        for key, count in (
            (f"packets send here0 0 {here} {source} {target}", DATAGRAMS),
            (f"packets receive there0 0 {there} {source} {target}", DATAGRAMS),
            (f"datagrams send {source} {target}", DATAGRAMS),
            (f"datagrams receive {target} {source}", DATAGRAMS),
            (f"bytes {target} 0", ASKED),
            (f"taken {source}", ASKED),
        ):
            assert counts[key] == count, (key, counts)


def told(path: Path) -> Any:
    return json.loads(path.read_text())


if __name__ == "__main__":
    role = sys.argv[2] if len(sys.argv) > 2 else ""
    if role == "serve":
        serve()
    elif role == "inside":
        inside(sys.argv[1])
    else:
        main(sys.argv[1])
