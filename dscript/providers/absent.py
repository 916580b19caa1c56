"""Providers of other systems, or of later versions, that a script may name.

Each maps to what to say after "provider X is not available in this version": the nearest
probes that exist here.
"""

from __future__ import annotations

_NEAREST = {
    "pid": "",
    "usdt": "",
    "uprobe": "",
    "uretprobe": "",
    "objc": "",
    "entry": "",
    "udplite": "sdt:net::",
    "sctp": "sdt:sctp::",
    "plockstat": "syscall::futex:entry",
    "vfs": "fbt::vfs_read:entry, fbt::vfs_write:entry",
    "fsop": "fbt::vfs_*:entry",
    "srp": "sdt:scsi::",
    "iscsi": "sdt:scsi::",
    "scsi": "sdt:scsi::",
    "fc": "sdt:scsi::",
    "nfs": "sdt:nfs::",
    "nfsv3": "sdt:nfs::",
    "nfsv4": "sdt:nfs4::",
    "nfsclient": "sdt:nfs::",
    "smb": "sdt:cifs::",
    "smb2": "sdt:cifs::",
    "zfs": "fbt:zfs::entry",
    "xpv": "sdt:xen::",
    "dtmalloc": "sdt:kmem::kmalloc, sdt:kmem::kfree",
    "priv": "fbt::capable:entry",
    "callout_execute": "sdt:timer::timer_expire_entry",
    "interval": "tick-1s",
    "software": "sdt:exceptions::page_fault_user, sdt:sched::sched_switch",
    "hardware": "profile-997",
    "kfunc": "fbt::FUNCTION:entry",
    "kretfunc": "fbt::FUNCTION:return",
    "fentry": "fbt::FUNCTION:entry",
    "fexit": "fbt::FUNCTION:return",
    "watchpoint": "",
    "iter": "",
}
# Providers of user processes carry the process ID in their name: pid123, node456.
_USER: tuple[str, ...] = (
    "pid",
    "plockstat",
    "hotspot",
    "hotspot_jni",
    "node",
    "php",
    "postgresql",
    "mysql",
)
_USER += ("python", "ruby", "perl", "java", "javascript")


def nearest_probes() -> list[tuple[str, str]]:
    """(provider, the nearest probes) of those that another system has."""
    return [(name, near) for name, near in _NEAREST.items() if near]


def explain(provider: str) -> str | None:
    """One line for a provider that dscript knows of and lacks; None for any other name."""
    base = provider.rstrip("0123456789")
    user = base in _USER and (base == "pid" or base != provider or provider.endswith("$target"))
    key = provider if provider in _NEAREST else base if base in _NEAREST else None
    if key is None and not user and "$" not in provider:
        return None
    nearest = _NEAREST.get(key or "", "")
    text = f"provider {provider} is not available in this version"
    if nearest:
        return f"{text}; nearest: {nearest}"
    if user or key in ("usdt", "uprobe", "uretprobe", "objc", "entry"):
        return f"{text}: user-space probes are not supported"
    return text
