"""tracefs: which trace events the kernel has and what their records look like. Read only.

Where tracefs is not mounted, a private one is opened for the life of this process.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache

from dscript.kernel.mounts import private_mount

_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")

_FIELD = re.compile(
    r"\tfield:(?P<text>.*?);\toffset:(?P<offset>\d+);\tsize:(?P<size>\d+);\tsigned:(?P<signed>\d);"
)
_DECLARATOR = re.compile(r"(?P<type>.*?)\s*\b(?P<name>\w+)(?P<array>(?:\[[^]]*\])*)$")


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event's record.

    `type` is C text with any array suffix (`char [16]`); `offset` and `size` are bytes.
    `dynamic` marks `__data_loc`: the field holds a u32, length in its upper and offset in its
    lower half (`relative`: counted from the end of the field), and `type` describes the data.
    `common` marks the fields that every event has.
    """

    name: str
    type: str
    offset: int
    size: int
    signed: bool
    dynamic: bool = False
    relative: bool = False
    common: bool = False


@lru_cache(maxsize=1)
def root() -> str | None:
    """A path under which tracefs can be read, None when there is none and it can't be mounted."""
    for place in _PLACES:
        if os.path.isdir(f"{place}/events"):
            return place
    path = private_mount("tracefs")
    return path if path is not None and os.path.isdir(f"{path}/events") else None


def events() -> list[tuple[str, str]]:
    """(category, name) of every event, sorted; empty without tracefs."""
    return list(_events())


@lru_cache(maxsize=1)
def _events() -> tuple[tuple[str, str], ...]:
    text = read_text("available_events")
    if text is not None:
        pairs = [line.partition(":") for line in text.splitlines()]
        return tuple(sorted((category, name) for category, _colon, name in pairs if name))
    return tuple(sorted((c, n) for c in _folders("events") for n in _folders(f"events/{c}")))


@lru_cache(maxsize=1024)
def event_id(category: str, name: str) -> int | None:
    """The number perf_event_open takes (`config` of a tracepoint event)."""
    text = read_text(f"events/{category}/{name}/id") if _plain(category) and _plain(name) else None
    return int(text) if text is not None else None


@lru_cache(maxsize=1024)
def fields(category: str, name: str) -> tuple[EventField, ...] | None:
    """The fields of an event's record in order; None when there is no such event."""
    if not (_plain(category) and _plain(name)):
        return None
    text = read_text(f"events/{category}/{name}/format")
    return None if text is None else parse_format(text)


def parse_format(text: str) -> tuple[EventField, ...]:
    """The fields of a `format` file (Documentation/trace/events.rst, "Event formats")."""
    result: list[EventField] = []
    # Common fields come first, an empty line parts them from the event's own.
    common = True
    for line in text.splitlines():
        if not line.strip() and result:
            common = False
        found = _FIELD.match(line)
        if found is not None:
            result.append(_field(found, common))
    return tuple(result)


def _field(found: re.Match[str], common: bool) -> EventField:
    text = found["text"]
    dynamic = text.startswith(("__data_loc ", "__rel_loc "))
    relative = text.startswith("__rel_loc ")
    if dynamic:
        text = text.partition(" ")[2]
    declarator = _DECLARATOR.match(text)
    name, type_text = ("", text)
    if declarator is not None:
        name, type_text = declarator["name"], declarator["type"]
        if declarator["array"]:
            type_text += " " + declarator["array"]
    return EventField(
        name,
        type_text,
        int(found["offset"]),
        int(found["size"]),
        found["signed"] == "1",
        dynamic,
        relative,
        common,
    )


def _plain(name: str) -> bool:
    return bool(name) and "/" not in name and name not in (".", "..")


def read_text(path: str) -> str | None:
    """The content of a file below `root()`, None when it cannot be read."""
    base = root()
    if base is None:
        return None
    try:
        with open(f"{base}/{path}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _folders(path: str) -> list[str]:
    base = root()
    if base is None:
        return []
    try:
        with os.scandir(f"{base}/{path}") as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except OSError:
        return []
