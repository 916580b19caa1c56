"""Diagnostics: every failure a user can see is one of these exceptions.

A `Diagnostic` says what is wrong, where, under which D error tag, and what to write
instead.  Nothing below `dscript.cli` prints one; they are raised and rendered there.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

# What messages start with: the name that the command was run by.
_program = "dscript"


def set_program(name: str) -> None:
    """Messages start with this name from now on: `dtrace` for a command that was run so."""
    global _program
    _program = name


def program_name() -> str:
    return _program


def message(text: str) -> str:
    """A line for stderr: `dscript: text`."""
    return f"{_program}: {text}"


class Position(NamedTuple):
    """A place in a file as people count it: line and column start at 1."""

    file: str
    line: int
    column: int


class SourceLike(Protocol):
    """What a span needs to know of the text it points into (`dscript.source.Source`)."""

    @property
    def title(self) -> str: ...

    @property
    def is_command_line(self) -> bool: ...

    @property
    def is_library(self) -> bool: ...

    def position(self, offset: int) -> Position: ...

    def line_text(self, offset: int) -> str: ...


class Span(NamedTuple):
    """Half-open range of character offsets in one source."""

    source: SourceLike
    start: int
    end: int

    @property
    def position(self) -> Position:
        return self.source.position(self.start)

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, max(self.end, other.end))


class DscriptError(Exception):
    """Base of every error that ends in a message and exit status 1."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render(self, *, errtags: bool = False) -> str:
        """The whole text for stderr, without a final newline."""
        text = message(self.message)
        return text if self.hint is None else f"{text}\n  {self.hint}"


class Diagnostic(DscriptError):
    """The D program is wrong: `tag` is the D error tag (`D_SYNTAX`, …)."""

    def __init__(self, tag: str, message: str, span: Span | None, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.tag = tag
        self.span = span

    def render(self, *, errtags: bool = False) -> str:
        tag = f"[{self.tag}] " if errtags else ""
        if self.span is None:
            lines = [message(f"{tag}{self.message}")]
        else:
            lines = self._located(tag, self.span)
        if self.hint is not None:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)

    def _located(self, tag: str, span: Span) -> list[str]:
        where = span.position
        source = span.source
        if source.is_command_line:
            head = message(f"invalid probe specifier {source.title}: {tag}")
            place = "" if where.line == 1 else f"line {where.line}: "
        else:
            head = message(f"failed to compile script {where.file}: {tag}")
            place = f"line {where.line}: "
        text = source.line_text(span.start).rstrip("\r")
        # One column a character, whatever it is: the caret counts on it.
        shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
        shown = shown.expandtabs(8)
        start = len(text[: where.column - 1].expandtabs(8))
        width = max(1, min(span.end - span.start, len(text) - where.column + 1))
        return [f"{head}{place}{self.message}", f"  {shown}", f"  {' ' * start}{'^' * width}"]


class TracingError(DscriptError):
    """The kernel or the system refused something while loading, attaching or running."""
