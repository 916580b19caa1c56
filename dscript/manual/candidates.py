"""What a shell may offer for a probe name that is half typed."""

from __future__ import annotations

from dscript.program import Probe
from dscript.providers import Pattern, descriptions, listing


def provider_names() -> list[str]:
    """Those whose names are words; the others (pid123) are of single processes."""
    return sorted({name for name, _ in descriptions() if name.isalpha()})


def _names(probe: Probe) -> tuple[str, str, str, str]:
    return probe.provider, probe.module, probe.function, probe.name


def probe_candidates(word: str) -> list[str]:
    """What may stand for `word`, part of a probe's full name, up to its next colon.

    `sys` gives `syscall:`; `syscall::op` gives `syscall::open:`, `syscall::openat:` and so on.
    """
    fields = word.split(":")
    if len(fields) == 1:
        return [f"{name}:" for name in provider_names() if name.startswith(word)]
    if len(fields) > 4:
        return []
    *before, last = fields
    patterns = [*before, f"{last}*", *[""] * (4 - len(fields))]
    head = ":".join(before)
    end = "" if len(fields) == 4 else ":"
    return sorted(
        {
            f"{head}:{_names(point.probe)[len(before)]}{end}"
            for point in listing(Pattern(*patterns[:4])).points
        }
    )
