"""What other kernels have and Linux has not: the data of `stdlib/port`, looked up.

The files are described at their heads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from dscript.resources import directory

_SYSTEMS = {
    "illumos": "illumos",
    "freebsd": "FreeBSD",
    "macos": "macOS",
    "bsd": "BSD and macOS",
    "past": "the past",
}


@dataclass(frozen=True, slots=True)
class Move:
    """How a probe on a foreign function becomes one of Linux, where that is mechanical.

    `function` takes the place of the function, or `probe` that of the whole description, of
    entry probes alone with `only`.  `arguments` are expressions over the probe's arguments and
    what they become; clauses that use the arguments otherwise are left alone.
    """

    function: str = ""
    probe: str = ""
    only: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something of another kernel: whose, what it does, what Linux has that is near."""

    name: str
    of: str
    what: str
    near: tuple[str, ...] = ()
    example: str = ""
    move: Move | None = None

    @property
    def sentence(self) -> str:
        if self.of == "program":
            return f"of programs: {self.what}"
        return f"of {_SYSTEMS.get(self.of, self.of)}: {self.what}"


class Table:
    """Entries by name; names with `*` stand for all that they match, the longest first."""

    def __init__(self, entries: Mapping[str, Foreign]) -> None:
        self.entries = entries
        self._globs = sorted((name for name in entries if "*" in name), key=len, reverse=True)

    def find(self, name: str) -> Foreign | None:
        found = self.entries.get(name)
        if found is not None or not name:
            return found
        glob = next((glob for glob in self._globs if fnmatchcase(name, glob)), None)
        if glob is None and "*" in name:  # a glob of the script's own
            glob = next((key for key in self.entries if fnmatchcase(key, name)), None)
        return self.entries[glob] if glob else None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """An expression of another system, with `$x` for any, and what it becomes here."""

    old: str
    new: str
    why: str


@lru_cache(maxsize=1)
def functions() -> Table:
    """Kernel functions."""
    return _table("functions-*.toml")


@lru_cache(maxsize=1)
def structures() -> Table:
    """Types and structures of a kernel, by typedef or tag."""
    return _table("structures.toml")


@lru_cache(maxsize=1)
def providers() -> Table:
    """Providers that are not here, without process numbers."""
    return _table("providers.toml")


@lru_cache(maxsize=1)
def probes() -> Table:
    """Probes, by `provider:::name`, of providers that are here."""
    return _table("probes.toml")


@lru_cache(maxsize=1)
def names() -> Table:
    """Kernel variables, system calls (`syscall NAME`), constants and libraries (`library NAME`)."""
    return _table("names.toml")


@lru_cache(maxsize=1)
def rewrites() -> tuple[Rewrite, ...]:
    """Expressions, in the order they are to be tried."""
    content = _read("rewrites.toml")
    return tuple(Rewrite(entry["old"], entry["new"], entry["why"]) for entry in content["rewrite"])


@dataclass(frozen=True, slots=True)
class Remark:
    """D that runs and may mean something else here."""

    pattern: re.Pattern[str]
    text: str


@lru_cache(maxsize=1)
def remarks() -> tuple[Remark, ...]:
    """What to look for in the text of every program."""
    content = _read("remarks.toml")
    return tuple(Remark(re.compile(e["pattern"]), e["text"]) for e in content["remark"])


def _table(pattern: str) -> Table:
    entries: dict[str, Foreign] = {}
    for path in sorted((directory("stdlib") / "port").glob(pattern)):
        for name, entry in _read(path.name).items():
            entries[name] = _entry(name, entry)
    return Table(entries)


def _entry(name: str, entry: Mapping[str, Any]) -> Foreign:
    move = entry.get("move")
    return Foreign(
        name,
        entry["of"],
        entry["what"],
        tuple(entry.get("near", ())),
        entry.get("example", ""),
        None if move is None else Move(**move),
    )


def _read(name: str) -> dict[str, Any]:
    with open(directory("stdlib") / "port" / name, "rb") as file:
        return tomllib.load(file)
