"""The text of --help, and what a wrong command line is told."""

from __future__ import annotations

from dscript.errors import program_name
from dscript.manual.switches import GROUPS, SYNOPSIS


def synopsis() -> str:
    """What may follow the command, under the name by which it was called."""
    return SYNOPSIS.replace("dscript", program_name())


def help_text() -> str:
    """The synopsis, and a line for each switch."""
    lines = [synopsis()]
    for title, group in GROUPS:
        lines += ["", f"{title}:"]
        for switch in group:
            lines.append(f"  {f'{switch.name} {switch.value}':30} {switch.meaning}")
    lines += ["", "D options, built-in variables, functions and examples: man dscript, docs/."]
    return "\n".join(lines)
