"""An NFS server and a mount of it within the guest, without the userland of either.

What exportfs(8) and rpc.mountd(8) would tell the kernel's server stands in its caches before
anyone asks: which domain a client's address is of, which file system has the number 0 (the
root of NFS version 4), and what may be done with it (fs/nfsd/export.c, net/sunrpc/cache.c).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RPC = Path("/proc/net/rpc")
_SERVER = Path("/proc/fs/nfsd")
_LONG = 0x7FFFFFFF  # when what the caches hold grows old
# NFSEXP_ of include/uapi/linux/nfsd/export.h: ports above 1024 too, root stays root, the
# number of the file system is given.
_INSECURE, _NO_ROOT_SQUASH, _ASYNC, _FSID = 0x0002, 0, 0x0010, 0x2000


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _tell(path: Path, text: str) -> None:
    """One write(2), as these files want it."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def serve(exported: Path) -> None:
    """Serve a folder, the root of a file system, to this host by NFS version 4."""
    _call("modprobe", "nfsd")
    _call("mount", "-t", "nfsd", "nfsd", str(_SERVER))
    _tell(_SERVER / "versions", "-3 +4 +4.1 +4.2\n")
    # The least seconds for which clients of an earlier server may come back.
    _tell(_SERVER / "nfsv4gracetime", "10\n")
    flags = _INSECURE | _ASYNC | _FSID
    _tell(_RPC / "auth.unix.ip/channel", f"nfsd 127.0.0.1 {_LONG} here\n")
    _tell(_RPC / "nfsd.export/channel", f"here {exported} {_LONG} {flags} 65534 65534 0\n")
    _tell(_RPC / "nfsd.fh/channel", f"here 1 \\x00000000 {_LONG} {exported}\n")
    _tell(_SERVER / "threads", "2\n")


def mount(folder: Path) -> None:
    """The served root; mount.nfs(8) is not needed where addresses are given as such."""
    _call("modprobe", "nfsv4")
    options = b"vers=4.2,addr=127.0.0.1,clientaddr=127.0.0.1,sec=sys,timeo=100"
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(20):
        if libc.mount(b"127.0.0.1:/", os.fsencode(folder), b"nfs4", 0, options) == 0:
            return
        time.sleep(0.5)
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "mount of NFS")


@contextmanager
def mounted() -> Iterator[Path]:
    """A folder of NFS; while it is there, its client has messages for the server now and then."""
    folder, exported = Path("/run/nfs-mounted"), Path("/run/nfs-exported")
    if not folder.exists():
        for each in (folder, exported):
            each.mkdir()
        _call("mount", "-t", "tmpfs", "-o", "size=32m", "exported", str(exported))
        serve(exported)
    mount(folder)
    try:
        yield folder
    finally:
        _call("umount", str(folder))
