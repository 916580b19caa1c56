"""Providers of other systems, or of later versions, that a script may name.

Each maps to what to say after "provider X is not available in this version": the nearest
probes that exist here.
"""

from __future__ import annotations

_NEAREST = {
    # Solaris and illumos
    "udplite": "udp:::send, udp:::receive, sdt:net::",
    "sctp": "sdt:sctp::",
    "plockstat": "syscall::futex:entry, pid$target:libc:pthread_mutex_lock:entry",
    "fpuinfo": "sdt:x86_fpu::",
    "vfs": "fbt::vfs_read:entry, fbt::vfs_write:entry",
    "fsop": "fbt::vfs_*:entry",
    "srp": "sdt:scsi::, io:::start",
    "iscsi": "sdt:iscsi::, io:::start",
    "scsi": "sdt:scsi::, io:::start",
    "fc": "sdt:scsi::, io:::start",
    "nfs": "sdt:nfs::, fsinfo:::",
    "nfsv2": "sdt:nfsd::",
    "nfsv3": "sdt:nfsd::, sdt:nfs::",
    "nfsv4": "sdt:nfsd::, sdt:nfs4::",
    "nfscbv4": "sdt:nfs4::",
    "nfsclient": "sdt:nfs::, fsinfo:::",
    "nfssrv": "sdt:nfsd::",
    "smb": "sdt:cifs::, fsinfo:::",
    "smb2": "sdt:cifs::, fsinfo:::",
    "cifs": "sdt:cifs::, fsinfo:::",
    "zfs": "fbt:zfs::entry, fsinfo:::",
    "xpv": "sdt:xen::",
    "xpvtap": "sdt:xen::",
    "sysevent": "sdt:::, syscall::recvmsg:return",
    "vmm": "sdt:kvm::",
    "audit": "sdt:avc::, syscall:::entry",
    "lx-syscall": "syscall:::entry",
    "mac": "sdt:net::",
    "dld": "sdt:net::",
    "kerberos": "pid$target:libkrb5::entry",
    # FreeBSD
    "nfscl": "sdt:nfs::, fsinfo:::",
    "vm": "vminfo:::, sdt:vmscan::",
    "cam": "sdt:scsi::, io:::start",
    "geom": "sdt:block::, io:::start",
    "kinst": "fbt::FUNCTION:entry",
    "linuxulator": "syscall:::entry",
    "mac_framework": "fbt::security_*:entry",
    "opensolaris": "sdt:::",
    "racct": "sdt:cgroup::",
    "random": "fbt::get_random_bytes:entry",
    "siftr": "sdt:tcp::tcp_probe",
    "xbb": "sdt:xen::",
    # macOS
    "mach_trap": "syscall:::entry",
    "machdep": "sdt:::",
    "magmalloc": "pid$target:libc:malloc:entry",
    "security_debug": "fbt::security_*:entry",
    "hfs": "fsinfo:::, sdt:ext4::",
    "apfs": "fsinfo:::, sdt:ext4::",
    "dtmalloc": "sdt:kmem::kmalloc, sdt:kmem::kfree",
    "priv": "fbt::capable:entry",
    "callout_execute": "sdt:timer::timer_expire_entry",
    # Other tracers
    "interval": "tick-1s",
    "software": "cpc:::page-faults-all-1, cpc:::context-switches-all-1",
    "hardware": "cpc:::cycles-all-1000000, profile-997",
    "kfunc": "fbt::FUNCTION:entry",
    "kretfunc": "fbt::FUNCTION:return",
    "fentry": "fbt::FUNCTION:entry",
    "fexit": "fbt::FUNCTION:return",
    "watchpoint": "",
    "iter": "",
}
_PID = "the pid provider takes the number of a process: pid1234, or pid$target with -c or -p"


def nearest_probes() -> list[tuple[str, str]]:
    """(provider, the nearest probes) of those that another system has."""
    return [(name, near) for name, near in _NEAREST.items() if near]


def is_absent(provider: str) -> bool:
    """Whether another system has a provider of just this name."""
    return provider in _NEAREST


def explain(provider: str) -> str | None:
    """One line for a provider that dscript knows of and lacks; None for any other name."""
    if provider.rstrip("*") == "pid":
        return _PID
    if provider not in _NEAREST:
        return None
    nearest = _NEAREST[provider]
    text = f"provider {provider} is not available in this version"
    return f"{text}; nearest: {nearest}" if nearest else text
