"""One screen about this machine: what `dscript --info` prints."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

from dscript.kernel import btf, features, kallsyms, tracefs

_WIDTH = 78

# What a user calls it, the features that give it (the first that works is named), what for.
_PROBES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("syscall", ("raw_tp",), "system calls"),
    ("profile, tick", ("profile",), "timed probes"),
    ("sdt, rawtp", ("raw_tp",), "tracepoints"),
    ("sdt:syscalls", ("perf_tp",), "tracepoints that are perf events only"),
    ("fbt", ("fentry", "kprobe_multi", "kprobe"), "kernel functions"),
)
_LIBRARIES = ("libbpf.so.1",)


def info_lines() -> list[str]:
    """The screen, line by line."""
    lines = [
        _row("kernel", f"{os.uname().release} {os.uname().machine}"),
        _row("type information", _btf_text()),
        _row("kernel symbols", _symbols_text()),
        _row("tracefs", _tracefs_text()),
        _row("lockdown", features.lockdown()),
        _row("capabilities", _capabilities_text()),
        "",
        "probes",
    ]
    for name, needs, purpose in _PROBES:
        lines += _probe_rows(name, needs, purpose)
    lines += ["", "facilities", *_facility_rows()]
    lines += ["", "helpers"]
    lines += _helper_rows()
    lines += ["", "libraries"]
    lines += [f"  {name:<16}{_library_text(name)}" for name in _LIBRARIES]
    return lines


def _row(name: str, text: str) -> str:
    return f"{name:<18}{text}"


def _btf_text() -> str:
    if btf.vmlinux() is None:
        return "none: kernel types, fentry and typed arguments are not to be had"
    modules = len(btf.modules())
    return f"/sys/kernel/btf/vmlinux, and of {modules} module{'' if modules == 1 else 's'}"


def _symbols_text() -> str:
    found = kallsyms.lookup("schedule")
    if not found:
        return "none: /proc/kallsyms cannot be read"
    if not found[0].address:
        return "names only: addresses are hidden (kernel.kptr_restrict, CAP_SYSLOG)"
    data = kallsyms.data_symbol("init_task") is not None
    return "functions and variables" if data else "functions (no variables: CONFIG_KALLSYMS_ALL)"


def _tracefs_text() -> str:
    root = tracefs.root()
    if root is None:
        return "not mounted, and mounting it needs CAP_SYS_ADMIN"
    count = len(tracefs.events())
    place = "mounted privately" if root.startswith("/proc/") else root
    return f"{place}, {count} events"


def _capabilities_text() -> str:
    missing = features.missing_capabilities()
    return f"missing: {', '.join(missing)}" if missing else "all that are used"


def _probe_rows(name: str, needs: Sequence[str], purpose: str) -> list[str]:
    working = [need for need in needs if features.works(need)]
    if working:
        return [f"  {name:<16}yes, by {', '.join(working)} ({purpose})"]
    reasons = list(dict.fromkeys(f"{n}: {features.feature(n).why}" for n in needs))
    return _wrapped(f"  {name:<16}", f"no ({purpose}); {'; '.join(reasons)}")


def _facility_rows() -> list[str]:
    answers = {name: features.feature(name) for name in features.NAMES}
    working = ", ".join(name for name, answer in answers.items() if answer.works)
    rows = _wrapped("  work: ", working) if working else []
    for name, answer in answers.items():
        if not answer.works:
            rows += _wrapped("  not:  ", f"{name} ({answer.why})")
    return rows


def _helper_rows() -> list[str]:
    answers = {name: features.helper(name) for name in features.HELPERS}
    lacking = [f"{name} ({answer.why})" for name, answer in answers.items() if not answer.works]
    working = len(answers) - len(lacking)
    rows = [f"  {working} of {len(answers)} that dscript knows work"]
    return rows + (_wrapped("  not: ", ", ".join(lacking)) if lacking else [])


def _library_text(name: str) -> str:
    try:
        ctypes.CDLL(name)
    except OSError:
        return "not found: install the package python3-bpfcc"
    return "yes"


def _wrapped(head: str, text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
