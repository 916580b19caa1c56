"""Program text with its name, and the way from a character offset to file and line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from dscript.errors import Position

_LINE_MARK = re.compile(
    r'^[ \t]*#[ \t]*(?:line[ \t]+)?(?P<line>\d{1,9})(?:[ \t]+"(?P<file>(?:[^"\\\n]|\\.)*)")?[^\n]*',
    re.MULTILINE,
)
# The same outside of comments and strings.
_LINE_MARK_OR_OPAQUE = re.compile(
    r'/\*.*?(?:\*/|\Z)|"(?:[^"\\\n]|\\.)*"|' + _LINE_MARK.pattern, re.MULTILINE | re.DOTALL
)


def _line_marks(text: str, title: str) -> Iterator[tuple[int, str, int]]:
    """`#line 12 "file"` and `# 12 "file"` lines, as in `Source.line_marks`."""
    if _LINE_MARK.search(text) is None:
        return
    file = title
    line = 1
    counted = 0  # offset up to which `line` counts newlines
    for match in _LINE_MARK_OR_OPAQUE.finditer(text):
        if match["line"] is None:
            continue
        if match["file"] is not None:
            file = re.sub(r"\\(.)", r"\1", match["file"])
        line += text.count("\n", counted, match.start())
        counted = match.start()
        yield line + 1, file, int(match["line"])


class Source:
    """One D text: a script, a `-n`-style command-line program, or a library.

    `line_marks` holds what `#line` and the preprocessor's markers say, as
    (physical line, file, logical line), sorted; physical lines count from 1.  They are
    read from the text unless given.
    """

    __slots__ = ("_starts", "is_command_line", "is_library", "line_marks", "text", "title")

    def __init__(
        self,
        title: str,
        text: str,
        is_command_line: bool = False,
        is_library: bool = False,
        line_marks: tuple[tuple[int, str, int], ...] = (),
    ) -> None:
        self.title = title
        self.text = text
        self.is_command_line = is_command_line
        self.is_library = is_library
        self.line_marks = line_marks or tuple(_line_marks(text, title))
        self._starts = [0]
        self._starts.extend(i + 1 for i, char in enumerate(text) if char == "\n")

    def __repr__(self) -> str:
        return f"Source({self.title!r})"

    def position(self, offset: int) -> Position:
        """File, line and column of a character offset."""
        physical = bisect_right(self._starts, offset)
        column = offset - self._starts[physical - 1] + 1
        mark = bisect_right(self.line_marks, physical, key=lambda m: m[0]) - 1
        if mark < 0:
            return Position(self.title, physical, column)
        at, file, logical = self.line_marks[mark]
        return Position(file, logical + physical - at, column)

    def line_text(self, offset: int) -> str:
        """The physical line that holds `offset`, without its newline."""
        physical = bisect_right(self._starts, offset)
        start = self._starts[physical - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]
