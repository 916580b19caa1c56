"""What is wrong with a place of the text where no token can be read."""

from __future__ import annotations

import re

from dscript.errors import Diagnostic, Span
from dscript.source import Source
from dscript.syntax.patterns import SKIP

_NEXT = re.compile(r"\w+|.", re.DOTALL)


def explain(source: Source, pos: int) -> Diagnostic:
    """The diagnostic for the first character after `pos` that begins no token."""
    text = source.text
    match = SKIP.match(text, pos)
    at = pos if match is None else match.end()
    if text.startswith("/*", at):
        return _comment(source, at)
    char = text[at : at + 1]
    if char == '"':
        return _unfinished(source, at, "STR", "string literal")
    if char == "'":
        return _unfinished(source, at, "CHR", "character constant")
    found = _NEXT.match(text, at)
    what = found.group() if found is not None else ""
    span = Span(source, at, at + max(1, len(what)))
    if char.isprintable():
        return Diagnostic("D_SYNTAX", f'syntax error near "{what}"', span, _hint(text, at))
    code = ord(char)
    # Bytes that are no UTF-8 were read as surrogates.
    name = f"byte 0x{code - 0xDC00:x}" if 0xDC80 <= code <= 0xDCFF else f"character 0x{code:x}"
    return Diagnostic("D_SYNTAX", f"syntax error: {name} has no place in D", span)


def _comment(source: Source, start: int) -> Diagnostic:
    text = source.text
    end = text.find("*/", start + 2)
    nested = text.find("/*", start + 2)
    if nested >= 0 and (end < 0 or nested < end):
        return Diagnostic(
            "D_SYNTAX", "/* encountered inside a comment", Span(source, nested, nested + 2)
        )
    return Diagnostic(
        "D_SYNTAX",
        "end-of-file encountered before matching */",
        Span(source, start, start + 2),
    )


def _unfinished(source: Source, start: int, tag: str, what: str) -> Diagnostic:
    text = source.text
    newline = text.find("\n", start)
    end = len(text) if newline < 0 else newline
    span = Span(source, start, end)
    if newline < 0:
        return Diagnostic(
            "D_SYNTAX", f"end-of-file encountered before matching {text[start]}", span
        )
    hint = r"write \n for a line end, and close the quotes on the line they were opened on"
    return Diagnostic(f"D_{tag}_NL", f"newline encountered in {what}", span, hint)


def _hint(text: str, at: int) -> str | None:
    if text[at] == "#":
        return "a # line must begin its line; run with -C to preprocess"
    if text[at] == "\\":
        return "a backslash continues a line only as its last character"
    return None
