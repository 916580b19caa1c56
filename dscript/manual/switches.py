"""The table of command-line switches: what --help, dscript(1) and the completions show.

`dscript.arguments` reads the command line; a test compares the two.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

# What a shell offers for the value of a switch.
Values = Literal["", "file", "folder", "pid", "command", "probe", "provider", "option", "words"]


class Switch(NamedTuple):
    """One switch: as it is typed, its value as shown ("" for none), and what it does.

    `detail` goes to the man page beside `meaning`; `words` are the values it may take.
    """

    name: str
    value: str
    meaning: str
    detail: str = ""
    values: Values = ""
    words: tuple[str, ...] = ()


SYNOPSIS = """\
Usage: dscript [-CeFGHhlqSvVwZ] [-b size] [-c command] [-D name[=value]] [-I dir] [-L dir]
               [-o file] [-p pid] [-U name] [-X a|c|s|t] [-x option[=value]]
               [-P provider] [-m module] [-f function] [-n name] [-i id] [-s script]
               [--format text|json|csv] [--top] [--flamegraph file] [--folded file]
               [--heatmap file] [--emit stage] [--info] [argument ...]
       dscript port [--format text|json] [--report file.md] [--write] file|folder ..."""

_PIECE = "May be given several times; a predicate and a clause may follow in the same word."
_PICTURE = "With several aggregations, @name= says which."

GROUPS: tuple[tuple[str, tuple[Switch, ...]], ...] = (
    (
        "What to trace",
        (
            Switch("-n", "name", "probes by name, [[provider:]module:]function:]name", _PIECE,
                   "probe"),
            Switch("-f", "function", "probes by function, [[provider:]module:]function", _PIECE),
            Switch("-m", "module", "probes by module, [provider:]module", _PIECE),
            Switch("-P", "provider", "probes by provider", _PIECE, "provider"),
            Switch("-i", "id", "the probe of a number that -l shows", _PIECE),
            Switch("-s", "script", "a D script; - is standard input",
                   "The words after it are the script's arguments, $1 and so on.", "file"),
        ),
    ),
    (
        "Whom",
        (
            Switch("-c", "command", "run it, and trace until it ends",
                   "Its process ID is $target.  It is held until the probes are attached "
                   "(-x evaltime says where).", "command"),
            Switch("-p", "pid", "trace until that process ends",
                   "Its process ID is $target.", "pid"),
        ),
    ),
    (
        "How",
        (
            Switch("-q", "", "print only what the program prints"),
            Switch("-F", "", "indent by function entry and return"),
            Switch("-o", "file", "append the output to a file", "", "file"),
            Switch("-w", "", "allow destructive actions"),
            Switch("-Z", "", "allow probes that do not exist"),
            Switch("-v", "", "say how probes are attached",
                   "With -l: the types of arguments, and stability."),
            Switch("-b", "size", "size of the record buffer", "The same as -x bufsize."),
            Switch("-x", "option[=value]", "set a D option, as -x strsize=1k", "", "option"),
            Switch("-C", "", "run cpp on scripts"),
            Switch("-D", "name[=value]", "define a name for cpp"),
            Switch("-U", "name", "undefine a name for cpp"),
            Switch("-I", "dir", "a folder of headers for cpp", "", "folder"),
            Switch("-H", "", "list the headers that cpp reads"),
            Switch("-X", "a|c|s|t", "how strictly cpp keeps to the C standard", "", "words",
                   ("a", "c", "s", "t")),
            Switch("-L", "dir", "a folder of D libraries", "", "folder"),
        ),
    ),
    (
        "What comes out",
        (
            Switch("--format", "format", "text; json, an object a line; csv, the aggregations",
                   "", "words", ("text", "json", "csv")),
            Switch("--top", "", "show the aggregations as they grow",
                   "The table is redrawn every switchrate."),
            Switch("--flamegraph", "[@name=]file", "a flame graph of the stacks in a key", _PICTURE,
                   "file"),
            Switch("--folded", "[@name=]file", "those stacks as folded lines", _PICTURE, "file"),
            Switch("--heatmap", "[@name=]file", "a heat map of a distribution over time", _PICTURE,
                   "file"),
            Switch("--heatmap-interval", "time", "width of a column of the heat map (1s)"),
        ),
    ),
    (
        "Instead of tracing",
        (
            Switch("-l", "", "list the probes"),
            Switch("-e", "", "compile only"),
            Switch("-S", "", "show the BPF instructions"),
            Switch("-h", "", "with -s: make a C header of the probes that a script declares",
                   "It goes to the file of -o, or beside the script's name with .h.  "
                   "Without -s: --help."),
            Switch("-G", "", "with -s: make an object with what those probes need to be linked",
                   "It goes to the file of -o, or beside the script's name with .o."),
            Switch("--emit", "stage", "write a stage of the compilation",
                   "To standard output or the file of -o.", "words",
                   ("ast", "ir", "asm", "object", "plan")),
            Switch("--info", "", "show what this kernel offers"),
            Switch("--completion", "shell", "print the completion script of a shell", "", "words",
                   ("bash", "zsh", "fish")),
            Switch("--install-dtrace-link", "[folder]", "make a link named dtrace",
                   "So that scripts which begin with #!/usr/sbin/dtrace -s run.  It is made in "
                   "/usr/sbin if no folder is given; another file of that name stays.", "folder"),
            Switch("-V, --version", "", "show the version"),
            Switch("--help", "", "show this text"),
        ),
    ),
)  # fmt: skip


def switches() -> tuple[Switch, ...]:
    return tuple(switch for _, group in GROUPS for switch in group)


def spellings(switch: Switch) -> list[str]:
    """`-V, --version` is two ways to type one switch."""
    return switch.name.split(", ")
