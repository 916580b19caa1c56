"""The command line: dtrace(1M)'s letters, bundled or not, and a few long options.

A word of options may bundle letters, the last of which may take a value, in the same word
or the next one: an interpreter line gives `-qs` and the script's name.  The first word
that is no option, and all after it, are the script's arguments `$1`….
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

from dscript import options as d_options
from dscript.errors import Diagnostic
from dscript.request import Format, Picture, PieceKind, Stage

_WITH_VALUE = frozenset("bcDfIiLmnoPpsUXx")
_PIECES = frozenset("snPmfi")

# Letters that set a D option, with the option's name.
_FLAGS = {
    "C": "cpp",
    "F": "flowindent",
    "H": "cpphdrs",
    "q": "quiet",
    "v": "verbose",
    "w": "destructive",
    "Z": "zdefs",
}
_VALUES = {
    "b": "bufsize",
    "D": "define",
    "I": "incdir",
    "L": "libdir",
    "U": "undef",
    "X": "stdc",
}
_MODES = {"e": "compile_only", "l": "list_probes", "S": "disassemble", "V": "show_version"}
_LONG_FLAGS = {
    "help": "show_help",
    "info": "show_info",
    "version": "show_version",
    "top": "top",
}
_LONG_VALUES = frozenset(
    {
        "candidates",
        "completion",
        "emit",
        "flamegraph",
        "folded",
        "format",
        "heatmap",
        "heatmap-interval",
        "install-dtrace-link",  # its value may be left out
    }
)
_SHELLS = ("bash", "zsh", "fish")
_STAGES = ("ast", "ir", "asm", "object", "plan")
# Reading the aggregations takes the kernel about this long (ns).
_SHORTEST_INTERVAL = 10_000_000
_UNSUPPORTED = {
    "-a": "claims anonymous tracing, which does not exist on Linux",
    "-A": "sets up anonymous tracing, which does not exist on Linux",
    "-32": "asks for 32-bit D; dscript compiles 64-bit D only",
}


class UsageError(Exception):
    """The command line is not one: a message and exit status 2."""


class CommandLine:
    """What was asked for.  `pieces` are option letters with their text, `s` with a path."""

    def __init__(self) -> None:
        self.pieces: list[tuple[PieceKind, str]] = []
        self.options: dict[str, str] = {}
        self.arguments: tuple[str, ...] = ()
        self.targets: list[str | int] = []  # commands of -c and process IDs of -p, in order
        self.output: str | None = None
        self.format: Format = "text"
        self.pictures: list[Picture] = []
        self.heatmap_interval = 1.0  # seconds
        self.top = False
        self.emit: Stage | None = None
        self.compile_only = False
        self.list_probes = False
        self.disassemble = False
        self.show_version = False
        self.show_info = False
        self.show_help = False
        self.completion = ""  # a shell whose completion script is asked for
        self.candidates: str | None = None  # a word of -n that a shell wants completed
        self.link_folder: str | None = None  # where to make the link `dtrace`; "": the usual place
        self.for_programs = ""  # "h" a header, "G" an object for the probes that scripts declare


def parse(words: Sequence[str]) -> CommandLine:
    """The command line without the command's own name; raises UsageError or Diagnostic.

    Options may stand behind arguments, as in dtrace(1M), so that a script which is a command
    takes both in any order: `./script.d 5 -c make`.  After the first argument `-5` is one, too.
    """
    line = CommandLine()
    arguments: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            arguments += words[at:]
            break
        if word == "-" or not word.startswith("-") or (arguments and word[1].isdigit()):
            arguments.append(word)
        elif word.startswith("--"):
            at += _long(line, word[2:], words[at] if at < len(words) else None)
        elif word in _UNSUPPORTED:
            raise UsageError(f"option {word} is not supported: it {_UNSUPPORTED[word]}")
        elif word != "-64":
            at += _bundle(line, word[1:], words[at] if at < len(words) else None)
    line.arguments = tuple(arguments)
    _choose_product(line)
    return line


def _choose_product(line: CommandLine) -> None:
    """-h with a script makes a header, alone it asks for help; -G makes an object."""
    scripts = [text for kind, text in line.pieces if kind == "s"]
    if line.for_programs == "h" and not line.pieces:
        line.show_help = True
    elif line.for_programs:
        if len(scripts) != 1 or len(line.pieces) != 1:
            raise UsageError(f"option -{line.for_programs} needs one script: -s provider.d")
        line.emit = "header" if line.for_programs == "h" else "semaphores"
        if line.output is None:
            base = scripts[0].rpartition("/")[2].removesuffix(".d")
            line.output = f"{base}.{'h' if line.for_programs == 'h' else 'o'}"


def _bundle(line: CommandLine, letters: str, following: str | None) -> int:
    """One word of letters; how many words beyond it were used (0 or 1)."""
    for at, letter in enumerate(letters):
        if letter in _WITH_VALUE:
            value = letters[at + 1 :]
            if value:
                _valued(line, letter, value)
                return 0
            if following is None:
                raise UsageError(f"option requires an argument -- {letter}")
            _valued(line, letter, following)
            return 1
        if letter in _FLAGS:
            line.options[_FLAGS[letter]] = ""
        elif letter in _MODES:
            setattr(line, _MODES[letter], True)
        elif letter in "hG":
            line.for_programs = letter
        elif f"-{letter}" in _UNSUPPORTED:
            raise UsageError(f"option -{letter} is not supported: it {_UNSUPPORTED[f'-{letter}']}")
        else:
            raise UsageError(f"illegal option -- {letter}")
    return 0


def _valued(line: CommandLine, letter: str, value: str) -> None:
    if letter in _PIECES:
        line.pieces.append((cast(PieceKind, letter), value))
    elif letter in _VALUES:
        _set(line, f"-{letter} {value}", _VALUES[letter], value)
    elif letter == "c":
        line.targets.append(value)
    elif letter == "p":
        if not value.isascii() or not value.isdigit() or int(value) == 0:
            raise UsageError(f"invalid process ID: {value}")
        line.targets.append(int(value))
    elif letter == "o":
        line.output = value
    else:
        name, _, setting = value.partition("=")
        _set(line, f"-x {name}", name, setting)


def _set(line: CommandLine, shown: str, name: str, value: str) -> None:
    """Set a D option; its complaint names the option letter instead of the pragma."""
    wrong = d_options.problem(name, value)
    if wrong is not None:
        reason, hint = wrong
        raise Diagnostic("D_PRAGMA_OPTSET", f"failed to set {shown}: {reason}", None, hint)
    d_options.add(line.options, name, value)


def _long(line: CommandLine, text: str, following: str | None) -> int:
    """One `--name[=value]`; how many words beyond it were used."""
    name, equals, value = text.partition("=")
    if name == "install-dtrace-link":
        taken = not equals and following is not None and not following.startswith("-")
        line.link_folder = following if taken else value
        return int(taken)
    if name in _LONG_VALUES:
        if not equals:
            if following is None:
                raise UsageError(f"option --{name} requires an argument")
            value = following
        _long_valued(line, name, value)
        return 0 if equals else 1
    attribute = _LONG_FLAGS.get(name)
    if attribute is None or equals:
        raise UsageError(f"unknown option --{text}")
    setattr(line, attribute, True)
    return 0


def _long_valued(line: CommandLine, name: str, value: str) -> None:
    if name == "emit":
        line.emit = cast(Stage, _one_of(name, value, _STAGES))
    elif name == "format":
        line.format = cast(Format, _one_of(name, value, get_args(Format)))
    elif name == "completion":
        line.completion = _one_of(name, value, _SHELLS)
    elif name == "candidates":
        line.candidates = value
    elif name == "heatmap-interval":
        line.heatmap_interval = _interval(name, value)
    else:
        aggregation = None
        path = value
        if value.startswith("@") and "=" in value:
            aggregation, _, path = value[1:].partition("=")
        if not path:
            raise UsageError(f"option --{name} requires a file")
        kind = cast(Literal["flamegraph", "folded", "heatmap"], name)
        line.pictures.append(Picture(kind, path, aggregation))


def _one_of(name: str, value: str, words: Sequence[str]) -> str:
    if value not in words:
        raise UsageError(f"--{name} {value}: not one of {' '.join(words)}")
    return value


def _interval(name: str, value: str) -> float:
    """Seconds of a time or rate as D writes it."""
    try:
        period = d_options.parse_rate(value)
    except ValueError:
        period = 0
    if period < _SHORTEST_INTERVAL:
        raise UsageError(f"--{name} {value}: not a time of 10ms or more, such as 500ms or 1s")
    return period / 1e9
