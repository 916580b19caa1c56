"""dscript(1), from the tables of switches, D options, built-ins and providers.

`python -m dscript.manual.manpage [FILE]` writes it (docs/dscript.1); a test compares the two.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from dscript.builtins.actions import ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import SUBROUTINES
from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.manual.switches import GROUPS, Switch
from dscript.options import OPTIONS, Option
from dscript.providers import descriptions
from dscript.version import VERSION

_DESCRIPTION = """\
.B dscript
runs programs in D, the language of DTrace, on Linux.
A program is compiled to BPF, loaded into the running kernel, and prints what DTrace would
print.
It ends at exit(), at Ctrl-C, or when the command of
.B \\-c
and the process of
.B \\-p
have ended; aggregations that the program did not print are printed then.
.PP
Tracing needs root, or CAP_BPF and CAP_PERFMON; a message names what else a program needs."""

_EXAMPLES = (
    ("What is opening files", "syscall::openat:entry { trace(copyinstr(arg1)); }", "-n"),
    ("System calls by program", "syscall:::entry { @[execname] = count(); }", "-n"),
    ("Sizes of reads", "syscall::read:return /arg0 > 0/ { @[execname] = quantize(arg0); }", "-n"),
    ("What runs on the CPUs, as a picture", "profile-97 { @[stack(), ustack()] = count(); }",
     "--flamegraph cpu.svg -n"),
    ("Sizes of what a command allocates", "pid$target:libc:malloc:entry { @ = quantize(arg0); }",
     "-c 'ls -lR /etc' -n"),
)  # fmt: skip

_EXIT = (
    ("0", "The program ended, or the number given to exit()."),
    ("1", "The program is wrong, or the system refuses it."),
    ("2", "The command line is wrong."),
    (
        "port",
        "Of the worst script: 0 runs unchanged, 2 with aliases, 3 with the edits that are "
        "offered, 4 cannot run here, 1 is no D script.",
    ),
)

_ENVIRONMENT = (
    ("DSCRIPT_OPT_NAME", "Sets the D option NAME, as -x does; -x and the program override it."),
    ("DSCRIPT_CACHE", "0: compile anew, and keep nothing."),
    ("XDG_CACHE_HOME", "Where compiled programs are kept, in the folder dscript (~/.cache)."),
    ("XDG_CONFIG_HOME", "Where D libraries of your own are, in the folder dscript (~/.config)."),
)


def page() -> str:
    """The whole man page, in man(7) macros."""
    lines = [
        f'.TH DSCRIPT 1 "" "dscript {VERSION}" "User Commands"',
        ".SH NAME",
        "dscript \\- trace the running system with programs in D",
        *_synopsis(),
        ".SH DESCRIPTION",
        *_DESCRIPTION.splitlines(),
        ".SH OPTIONS",
        "Letters may be bundled, as in \\fB\\-qs\\fR.",
        *_switches(),
        *_d_options(),
        *_providers(),
        *_variables(),
        *_functions(),
        ".SH EXAMPLES",
    ]
    for title, program, before in _EXAMPLES:
        lines += [".PP", f"{title}:", ".PP", ".EX"]
        lines += [f"    dscript {_escaped(before)} {_escaped(repr(program))}", ".EE"]
    lines += [".SH EXIT STATUS", *_table(_EXIT), ".SH ENVIRONMENT", *_table(_ENVIRONMENT)]
    lines += [".SH SEE ALSO", ".BR bpftool (8),", ".BR bpf (2),", "and the documents in docs/."]
    return "\n".join(lines) + "\n"


def _synopsis() -> Iterator[str]:
    yield from (".SH SYNOPSIS", ".SY dscript", ".RI [ option \\.\\|.\\|.]")
    yield from (
        ".RB { \\-n | \\-f | \\-m | \\-P | \\-i",
        ".IR probes [ clause ]\\c",
        ".RB }\\~\\.\\|.\\|.",
    )
    yield from (".RI [ argument \\.\\|.\\|.]", ".YS", ".SY dscript", ".RI [ option \\.\\|.\\|.]")
    yield from (".B \\-s", ".I script", ".RI [ argument \\.\\|.\\|.]", ".YS")
    yield from (".SY dscript", ".B port", ".RB [ \\-\\-report", ".IR file ]", ".RB [ \\-\\-write ]")
    yield from (".IR file \\.\\|.\\|.", ".YS")


def _switches() -> Iterator[str]:
    for title, group in GROUPS:
        yield f".SS {title}"
        for switch in group:
            yield from (".TP", _switch_line(switch), _sentence(switch.meaning))
            if switch.words:
                yield f"One of {', '.join(switch.words)}."
            if switch.detail:
                yield _escaped(switch.detail)


def _switch_line(switch: Switch) -> str:
    name = f"\\fB{_escaped(switch.name)}\\fR"
    return f"{name} \\fI{_escaped(switch.value)}\\fR" if switch.value else name


def _d_options() -> Iterator[str]:
    yield ".SH D OPTIONS"
    yield "Set with \\fB\\-x\\fR \\fIname\\fR[=\\fIvalue\\fR], in a program with"
    yield "\\fB#pragma D option\\fR \\fIname\\fR[=\\fIvalue\\fR], or by the environment."
    yield "Sizes take k, m, g and t; rates take hz, or the units of a time."
    for name in sorted(OPTIONS):
        option = OPTIONS[name]
        if option.missing:
            continue
        yield from (".TP", f"\\fB{name}\\fR{_option_value(option)}")
        yield _sentence(option.meaning or f"accepted without effect: {option.harmless}")


def _option_value(option: Option) -> str:
    value = "|".join(option.choices) or {"flag": "", "count": "number"}.get(
        option.kind, option.kind
    )
    shown = f"=\\fI{_escaped(value)}\\fR" if value else ""
    return f"{shown} ({_escaped(option.default)})" if option.default else shown


def _providers() -> Iterator[str]:
    yield ".SH PROVIDERS"
    yield "\\fBdscript \\-l \\-P\\fR \\fIprovider\\fR lists the probes of one;"
    yield "docs/providers.md says what each probe is on Linux."
    for provider, described in descriptions():
        probes = ", ".join(dict.fromkeys(_plain(row.probes) for row in described))
        yield from (".TP", f"\\fB{provider}\\fR", _escaped(probes))


def _variables() -> Iterator[str]:
    yield ".SH BUILT-IN VARIABLES"
    for name, variable in BUILTIN_VARIABLES.items():
        if not name.startswith("__"):
            kind = "string" if variable.type is None else str(variable.type)
            yield from (".TP", f"\\fB{name}\\fR", _sentence(variable.meaning))
            if name != "curthread":
                yield f"Type {_escaped(kind)}."
    yield from (".TP", "\\fBargs[]\\fR", "Arguments of the probe with their types; -lv shows them.")


def _functions() -> Iterator[str]:
    yield ".SH FUNCTIONS"
    groups = (
        ("Aggregating", AGGREGATING_FUNCTIONS),
        ("Actions", ACTIONS),
        ("Subroutines", [name for name in SUBROUTINES if not name.startswith("_")]),
    )
    for title, names in groups:
        yield from (".TP", f"\\fB{title}\\fR", ", ".join(sorted(names)))


def _table(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, meaning in rows:
        yield from (".TP", f"\\fB{name}\\fR", _escaped(meaning))


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:] if text[:1].isalpha() and text[1:2] != "(" else text
    return _escaped(text if text.endswith(".") else f"{text}.")


def _plain(markdown: str) -> str:
    """Text of a cell of docs/providers.md, without its marks."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "")


def _escaped(text: str) -> str:
    """Text for roff: backslashes and dashes, and no line that begins as a request does."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/dscript.1").write_text(page())
