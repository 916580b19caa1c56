"""The dtrace commands of a Perl script.

Commands stand in its strings, back quotes and here-documents, which may take in scalars that
were assigned a string before.  What only a run knows is `shell.NEUTRAL`.
"""

from __future__ import annotations

import re

from dscript.port.mapped import Mapped
from dscript.port.shell import NEUTRAL, Command, dtrace_commands

_TOKEN = re.compile(
    r"(?P<comment>(?:(?<=\s)|^)#[^\n]*)"
    r"|<<~?(?:\"(?P<double>\w+)\"|'(?P<single>\w+)'|(?P<bare>[A-Za-z_]\w*))"
    r"|(?P<q>\bqq?)\s*(?P<open>[{(\[|/!])"
    r"|(?P<quote>['\"`])"
    r"|(?P<newline>\n)"
    r"|(?P<pod>^=\w+.*?^=cut[^\n]*)",
    re.MULTILINE | re.DOTALL,
)
_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_ASSIGNED = re.compile(r"\$(\w+)\s*(\.?=)\s*$")
_INTERPOLATED = re.compile(r"\\(.)|\$\{?(\w+)\}?(?:\[[^]]*\]|->\{[^}]*\})?|@(\w+)", re.DOTALL)


def perl_commands(script: Mapped) -> list[Command]:
    """The dtrace commands of the script."""
    result: list[Command] = []
    for text in _Reader(script).strings():
        if "dtrace" in text.text:
            result += dtrace_commands(text)
    return result


class _Reader:
    """Goes through the string literals in order."""

    def __init__(self, script: Mapped) -> None:
        self.script = script
        self.scalars: dict[str, Mapped] = {}
        self._waiting: list[tuple[str, bool, str]] = []

    def strings(self) -> list[Mapped]:
        """All literals with their scalars put in."""
        text = self.script.text
        found: list[Mapped] = []
        at = 0
        while (token := _TOKEN.search(text, at)) is not None:
            at = token.end()
            name = self._assigned(token.start())
            if delimiter := token["double"] or token["single"] or token["bare"]:
                self._waiting.append((delimiter, token["single"] is None, name))
                continue
            if token["newline"]:
                for delimiter, expands, name in self._waiting:
                    end, at_next = self._document(at, delimiter)
                    found.append(self._literal(at, end, expands, name))
                    at = at_next
                self._waiting.clear()
                continue
            opened = token["quote"] or token["open"]
            if not opened:
                continue
            end = self._end(at, opened)
            expands = token["q"] == "qq" or (token["q"] is None and opened != "'")
            found.append(self._literal(at, end, expands, name))
            at = end + 1
        return found

    def _assigned(self, at: int) -> str:
        found = _ASSIGNED.search(self.script.text, max(0, at - 80), at)
        return found[1] if found else ""

    def _document(self, at: int, delimiter: str) -> tuple[int, int]:
        line = re.compile(rf"^\s*{re.escape(delimiter)}$", re.MULTILINE)
        found = line.search(self.script.text, at)
        length = len(self.script.text)
        return (length, length) if found is None else (found.start(), found.end())

    def _end(self, at: int, opened: str) -> int:
        text = self.script.text
        closer = _CLOSERS.get(opened, opened)
        depth = 1
        while at < len(text):
            if text[at] == "\\":
                at += 1
            elif text[at] == closer:
                depth -= 1
                if depth == 0:
                    return at
            elif text[at] == opened:
                depth += 1
            at += 1
        return len(text)

    def _literal(self, start: int, end: int, expands: bool, name: str) -> Mapped:
        value = self.script.cut(start, end)
        if expands:
            value = self._expanded(value)
        if name:
            before = self.scalars.get(name)
            self.scalars[name] = value if before is None else Mapped.join((before, value))
        return value

    def _expanded(self, value: Mapped) -> Mapped:
        """Scalars and escapes of a string that interpolates."""
        parts: list[Mapped] = []
        at = 0
        for found in _INTERPOLATED.finditer(value.text):
            parts.append(value.cut(at, found.start()))
            at = found.end()
            if found[1] is not None:
                special = {"n": "\n", "t": "\t"}.get(found[1])
                kept = value.cut(found.start() + 1, found.end())
                parts.append(Mapped.made(special) if special else kept)
            elif found[2] is not None:
                parts.append(self.scalars.get(found[2], Mapped.made(NEUTRAL)))
            else:
                parts.append(value.cut(*found.span()))
        parts.append(value.cut(at))
        return Mapped.join(parts)
