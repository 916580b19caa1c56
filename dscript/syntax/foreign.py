"""Probe descriptions in bpftrace's spelling, translated to D's four-part names.

    kprobe:FUNC               fbt::FUNC:entry
    kretprobe:FUNC            fbt::FUNC:return
    tracepoint:CATEGORY:NAME  sdt:CATEGORY::NAME
    rawtracepoint:NAME        rawtp:::NAME
    uprobe:PATH:SYMBOL        uprobe:PATH:SYMBOL:entry
    uretprobe:PATH:SYMBOL     uprobe:PATH:SYMBOL:return
    usdt:PATH:PROVIDER:NAME   PROVIDER:PATH::NAME
    usdt:PATH:NAME            *:PATH::NAME
    profile:hz:99             profile:::profile-99hz   (units hz s ms us)
    interval:s:1              profile:::tick-1s        (units hz s ms us)

The number of fields tells them from D: `kprobe::f:entry` has four and stays what it is.
"""

from __future__ import annotations

Fields = tuple[str, str, str, str]

_UNITS = frozenset(("hz", "s", "ms", "us"))


def translate(fields: list[str]) -> Fields | None:
    """The D name of a foreign description split at its colons; None if it is not one."""
    match fields:
        case ["kprobe", function] if function:
            return ("fbt", "", function, "entry")
        case ["kretprobe", function] if function:
            return ("fbt", "", function, "return")
        case ["rawtracepoint", name] if name:
            return ("rawtp", "", "", name)
        case ["tracepoint", category, name] if category and name:
            return ("sdt", category, "", name)
        case ["uprobe", path, symbol] if path and symbol:
            return ("uprobe", path, symbol, "entry")
        case ["uretprobe", path, symbol] if path and symbol:
            return ("uprobe", path, symbol, "return")
        case ["usdt", path, provider, name] if name or "/" in path:
            return (provider or "*", path, "", name)
        case ["usdt", path, name] if path and (name or "/" in path):
            return ("*", path, "", name)
        case ["profile", unit, count] if unit in _UNITS and _is_count(count):
            return ("profile", "", "", f"profile-{count}{unit}")
        case ["interval", unit, count] if unit in _UNITS and _is_count(count):
            return ("profile", "", "", f"tick-{count}{unit}")
    return None


def _is_count(text: str) -> bool:
    return text.isdecimal() or text.startswith("$")
