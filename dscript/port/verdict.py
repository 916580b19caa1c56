"""What is found out about a file: plain data, which passes between processes."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Class(IntEnum):
    """How a file runs here, best first."""

    UNCHANGED = 0
    ALIASES = 1
    EDITS = 2
    CANNOT = 3
    ERROR = 4

    @property
    def status(self) -> int:
        """The exit status of `dscript port`, which that of the worst file is."""
        return (0, 2, 3, 4, 1)[self]

    @property
    def title(self) -> str:
        return _TITLES[self]


_TITLES = (
    "runs unchanged",
    "runs with these aliases",
    "edit these lines",
    "cannot",
    "is not a D script",
)


class Edit(NamedTuple):
    """Characters `start` to `end` of the file become `text`; `why` is one phrase."""

    start: int
    end: int
    text: str
    why: str


class Finding(NamedTuple):
    """One thing to know about a script.

    kind    alias: a name of another system stands for one of Linux; note: what to know before
            it runs; edit: a line to change; foreign: what only another kernel has; broken:
            what no dtrace takes; fault: no file to read, or dscript itself failed
    line    of the file, 0 for none
    subject what it is about, as written; `text` says what it is, or what it becomes
    nearest what Linux has that comes near, `example` a recipe of examples/
    """

    kind: str
    line: int
    subject: str
    text: str
    nearest: tuple[str, ...] = ()
    example: str = ""


class Verdict(NamedTuple):
    """The class of a file and what led to it; `ported` is its new text where edits are offered."""

    path: str
    cls: Class
    programs: int = 0
    findings: tuple[Finding, ...] = ()
    diff: str = ""
    ported: str = ""

    @property
    def title(self) -> str:
        """The class as it is shown; what could not be judged is said to be that."""
        return "could not be looked at" if self.of_kind("fault") else self.cls.title

    def of_kind(self, *kinds: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind in kinds)
