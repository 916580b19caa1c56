"""The D programs in a file: scripts, wrappers in sh or Perl, lines of documents.

A program is what one dtrace command would trace, with its options; nothing is run to find it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dscript import options as d_options
from dscript.arguments import CommandLine, UsageError, parse
from dscript.errors import Diagnostic
from dscript.port.mapped import Mapped
from dscript.port.perl import perl_commands
from dscript.port.shell import NEUTRAL, Command, dtrace_commands
from dscript.request import PieceKind

_INTERPRETER = re.compile(r"#![ \t]*(\S+)(?:[ \t]+([^\n]*))?")
_SHELLS = ("sh", "ksh", "bash", "zsh", "dash", "ksh93")
# A command on a line of a document, maybe after a prompt.
_LINE = re.compile(
    r"^[ \t]*(?:[#$%>][ \t]+|`)?(?:sudo[ \t]+)?((?:/usr/sbin/)?(?:dtrace|dscript)[ \t]+-)",
    re.MULTILINE,
)
_FIRST_WORD = re.compile(r"(?:\s|#[^\n]*\n|/\*.*?\*/)*(?:sudo\s+)?(?:/usr/sbin/)?(\w+)\s+-", re.S)
# What D begins with, behind comments and directives.
_CLAUSE = re.compile(
    r"(?:\s|#[^\n]*\n|/\*.*?\*/)*"
    r"(?:(?:[\w*$.-]*:){3}[\w*$.-]*\s*(?:,|\{|\s/)|(?:BEGIN|END|(?:tick|profile)-\w+)\s*(?:\{|/)"
    r"|(?:inline|self|this)\s+\w+\s)",
    re.DOTALL,
)
# Files that hold no script whatever stands in them.
_NO_SCRIPTS = frozenset((".gif", ".gz", ".html", ".jpg", ".pdf", ".png", ".svg", ".tar", ".zip"))


@dataclass(frozen=True, slots=True)
class Text:
    """One text given to dtrace: by the letter of its option, with where it stands."""

    kind: PieceKind
    content: Mapped


@dataclass(frozen=True, slots=True)
class Program:
    """The texts of one command, the D options it sets, and the macro arguments it gives.

    `wrapped` says what it stands in: "" for a file of D, else `shell` or `perl`.  `targeted`:
    the command has -c or -p.
    """

    texts: tuple[Text, ...]
    options: dict[str, str]
    arguments: tuple[str, ...] = ()
    wrapped: str = ""
    targeted: bool = False

    @property
    def source(self) -> str:
        return "\n".join(text.content.text for text in self.texts)


def holds_no_script(path: str) -> bool:
    """Whether a file of a folder can be passed over by its name."""
    return os.path.splitext(path)[1].lower() in _NO_SCRIPTS


def programs_in(path: str, text: str) -> list[Program]:
    """The D programs of a file, in order; empty where it holds none."""
    whole = Mapped.of(text)
    found = _INTERPRETER.match(text)
    words = found[0][2:].split() if found else []
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    name = os.path.basename(words[0]) if words else ""
    if name in ("dtrace", "dscript"):
        return _script(whole, words[1:], path)
    if name in _SHELLS:
        return _wrapped(dtrace_commands(whole), "shell", path)
    if name.startswith("perl"):
        return _wrapped(perl_commands(whole), "perl", path)
    first = _FIRST_WORD.match(text)
    if first is not None and first[1] in ("dtrace", "dscript"):
        return _wrapped(_lines(whole), "shell", path)
    plain = os.path.splitext(path)[1] in ("", ".dtrace") and _CLAUSE.match(text) is not None
    if path.endswith(".d") or (plain and not name):
        return _script(whole, [], path)
    return _wrapped(_lines(whole), "shell", path)


def _script(whole: Mapped, words: list[str], path: str) -> list[Program]:
    """A file of D; `words` are the options of its interpreter line."""
    try:
        # The kernel passes on the script's name behind the options.
        options = parse([*words, path]).options if words else {}
    except (UsageError, Diagnostic):
        options = {}
    return [Program((Text("s", whole),), dict(options))]


def _lines(whole: Mapped) -> list[Command]:
    """Commands that begin lines of a document."""
    result: list[Command] = []
    end = 0
    for found in _LINE.finditer(whole.text):
        if found.start() < end:
            continue
        end = _command_end(whole.text, found.start(1))
        result += dtrace_commands(whole.cut(found.start(1), end))[:1]
    return result


def _command_end(text: str, at: int) -> int:
    """Where a command that begins at `at` ends: at the end of a line, outside of quotes."""
    quote = ""
    while at < len(text):
        char = text[at]
        if quote:
            if char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "\\":
            at += 1
        elif char == "\n":
            return at
        at += 1
    return len(text)


def _wrapped(commands: Sequence[Command], wrapped: str, path: str) -> list[Program]:
    programs: list[Program] = []
    places: set[tuple[int, int]] = set()
    for command in commands:
        program = _program(command, wrapped, path)
        # In Perl a command stands in a variable, and again where that is used.
        if program is None:
            continue
        content = program.texts[0].content
        place = content.near(0), content.near(len(content.text))
        if place not in places:
            programs.append(program)
            places.add(place)
    return programs


def _program(command: Command, wrapped: str, path: str) -> Program | None:
    """The program of one command; None where it only lists probes, or its text is not here."""
    values = [word.value for word in command.words]
    words = [value.text for value in values]
    for at, word in enumerate(command.words):
        if word.file is not None:
            words[at] = f"/dev/fd/{at}"
    line: CommandLine | None
    try:
        line = parse(words)
    except (UsageError, Diagnostic):
        line = _forgiving(words)
    if line is None or line.list_probes or not line.pieces:
        return None
    texts = []
    for kind, text in line.pieces:
        if kind == "s":
            content = _file(text, command, path)
        else:
            content = next(
                value.cut(len(value.text) - len(text))
                for value in values
                if value.text.endswith(text)
            )
        if content is None:
            return None
        texts.append(Text(kind, content))
    targeted = bool(line.targets)
    return Program(tuple(texts), dict(line.options), line.arguments, wrapped, targeted)


def _file(name: str, command: Command, path: str) -> Mapped | None:
    """The text of -s in a command; None for a file of its own, which is looked at by itself."""
    if name.startswith("/dev/fd/"):
        at = name.rpartition("/")[2]
        if at.isdigit() and int(at) < len(command.words):
            return command.words[int(at)].file
    return command.stdin if name in ("-", "/dev/stdin", "/dev/fd/0") else None


def _forgiving(words: list[str]) -> CommandLine | None:
    """The command line without the options that are wrong here, where that helps."""
    for at, word in enumerate(words):
        if word.startswith("-") and word[1:2] in "pxbA":
            for width in (1, 2):
                try:
                    return parse(words[:at] + words[at + width :])
                except (UsageError, Diagnostic):
                    continue
    return None


_MACRO = re.compile(r"\$\$?([1-9]\d*)")
_IN_PROBE = (
    (re.compile(r"\b(?:profile|tick)-\$\$?(\d+)"), "97"),
    (re.compile(r"\bsyscall:\w*:\$\$?(\d+)"), "read"),
    (re.compile(r"\bfbt:\w*:\$\$?(\d+)"), "vfs_read"),
    (re.compile(r"\bfbt:\$\$?(\d+)"), "vmlinux"),
)


def macro_arguments(program: Program) -> tuple[str, ...]:
    """`$1`…: those that the command gives, and values for others that the text names."""
    text = program.source
    named = [int(number) for number in _MACRO.findall(text)]
    if not named:
        return ()
    given = list(program.arguments)
    if d_options.flag(program.options, "defaultargs") and not given:
        given = []
    values = given + [NEUTRAL] * (max(named) - len(given))
    for pattern, value in _IN_PROBE:
        for found in pattern.finditer(text):
            values[int(found[1]) - 1] = value
    for found in re.finditer(r"\bpid\$\$?(\d+)", text):
        values[int(found[1]) - 1] = str(os.getpid())
    return tuple(values[: max(named)])
