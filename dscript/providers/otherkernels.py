"""Module and function fields of other kernels, in descriptions of providers that every system has.

On Solaris `io:::start` lies in `genunix` and in functions such as `bdev_strategy`; scripts name
them.  Here such probes have neither.
"""

from __future__ import annotations

from dataclasses import replace

from dscript.providers.base import Pattern

_PROVIDERS = """
    io proc sched sysinfo vminfo mib fsinfo lockstat tcp udp ip cpc
"""

# Modules that hold these probes on Solaris and illumos, on macOS and on FreeBSD.
_MODULES = """
    genunix unix ip tcp udp icmp sctp arp sockfs specfs ufs zfs nfs nfssrv tmpfs procfs lofs fifofs
    devfs hsfs pcfs TS RT FX FSS IA SYS SDC sd ssd st scsi scsi_vhci cmdk dad ata ide md blkdev
    swapgeneric mach_kernel kernel
"""


def plain(pattern: Pattern) -> Pattern | None:
    """The description without the fields of another kernel; None where there are none."""
    if pattern.provider == "sdt":
        if not pattern.name.startswith("interrupt-"):
            return None
    elif pattern.provider not in _PROVIDERS.split():
        return None
    if pattern.module and pattern.module not in (*_MODULES.split(), "*", "vmlinux"):
        return None
    better = replace(pattern, module="", function="")
    return None if better == pattern else better
