"""The text of --help."""

from __future__ import annotations

from dscript.manual.switches import GROUPS, SYNOPSIS


def help_text() -> str:
    """The synopsis, and a line for each switch."""
    lines = [SYNOPSIS]
    for title, group in GROUPS:
        lines += ["", f"{title}:"]
        for switch in group:
            lines.append(f"  {f'{switch.name} {switch.value}':30} {switch.meaning}")
    lines += ["", "D options, built-in variables, functions and examples: man dscript, docs/."]
    return "\n".join(lines)
