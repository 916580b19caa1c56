"""Providers whose probes are where a kernel counts something: rows from statistics.toml.

The file's head says what its keys mean.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dscript.providers import calls
from dscript.providers.base import Derived, SourceKind
from dscript.providers.derived import DerivedProvider, Row

_FILE = Path(__file__).with_name("statistics.toml")
_EVENT = re.compile(r"([\w-]+)\((.*)\)")
_NAME = re.compile(r"\{(\w+)\}")
_KINDS: Mapping[str, SourceKind] = {
    "tracepoint": "tracepoint",
    "entry": "entry",
    "return": "return",
    "perf": "perf",
}
_Entry = dict[str, Any]


def provider(name: str, first_id: int) -> DerivedProvider:
    """The provider that a section of the file describes."""
    section: dict[str, _Entry | list[_Entry] | str] = _content()[name]
    rows: list[Row] = []
    absent: dict[str, str] = {}
    for probe, entry in section.items():
        if isinstance(entry, str):
            absent[probe] = entry
        else:
            sources = entry if isinstance(entry, list) else [entry]
            rows += [row for each in sources for row in _rows(probe, each, section)]
    return DerivedProvider(name, first_id, rows, absent)


def _rows(
    probe: str, entry: _Entry, section: Mapping[str, _Entry | list[_Entry] | str]
) -> Iterator[Row]:
    if "machine" in entry and entry["machine"] != os.uname().machine:
        return
    if "same" in entry:
        other = section[entry["same"]]
        assert not isinstance(other, str)
        for each in other if isinstance(other, list) else [other]:
            yield from _rows(probe, each, section)
        return
    yield _row(probe, entry)


def _row(probe: str, entry: _Entry) -> Row:
    kind, target, parameters, tests, when = _source(entry)
    if "if" in entry:
        tests.append(f"({_text(entry['if'])})" if tests else _text(entry["if"]))
    arguments: tuple[tuple[str, str], ...] = (("int64_t", _text(str(entry.get("amount", 1)))),)
    if "file" in entry:
        result = _text(str(entry.get("amount", 0)))
        file = f"xlate <fileinfo_t *> ({_text(entry['file'])})"
        arguments = (("fileinfo_t *", file), ("int64_t", result))
    return Row(
        probe,
        target,
        Derived(parameters, " && ".join(tests), arguments),
        when=entry.get("when", when),
        exactness=entry.get("exact", "exact"),
        fallback=entry.get("near", ""),
        kind=kind,
        needs=tuple(entry.get("needs", ())),
        otherwise=_row(probe, entry["else"]) if "else" in entry else None,
    )


def _source(entry: _Entry) -> tuple[SourceKind, str, tuple[str, ...], list[str], str]:
    """Kind, target, parameters, conditions, and those in words."""
    for key, parameters, number in (
        ("calls", calls.ENTER, "id"),
        ("results", calls.EXIT, calls.NUMBER),
    ):
        if key in entry:
            names = entry[key]
            target = "sys_enter" if key == "calls" else "sys_exit"
            said = f"of {', '.join(f'`{name}`' for name in names)}"
            return "tracepoint", target, parameters, [calls.is_call(number, *names)], said
    key = next(key for key in _KINDS if key in entry)
    found = _EVENT.fullmatch(entry[key])
    assert found is not None, entry
    names = tuple(name.strip() for name in found[2].split(",")) if found[2] else ()
    return _KINDS[key], found[1], names, [], ""


def _text(text: str) -> str:
    """D with the file's own names and the arguments of calls put in for `{name}`, `{arg0}`."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name[:3] == "arg" and name[3:].isdigit():
            return calls.argument(int(name[3:]))
        return _text(_content()["names"][name])

    return _NAME.sub(value, text)


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
