"""`-l`: the probes that the pieces of a command line name, in dtrace(1M)'s columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from dscript import options as d_options
from dscript.arguments import CommandLine
from dscript.errors import Diagnostic
from dscript.program import Probe
from dscript.providers import Pattern, by_id, listing
from dscript.request import Piece
from dscript.syntax import ast

HEADING = f"{'ID':>5} {'PROVIDER':>10} {'MODULE':>17} {'FUNCTION':>33} NAME\n"
_MACRO = re.compile(r"\$\$?(\d+)")


def print_probes(line: CommandLine, pieces: Sequence[Piece]) -> int:
    """Print the probes of every description, or of all when there are no pieces.

    The status: 1 when a description names no probe, which is said on stderr, and -Z was
    not given.
    """
    status = 0
    found: dict[int, Probe] = {}
    for pattern, ident in _patterns(pieces, line.arguments):
        matches = listing(pattern) if ident is None else by_id(ident)
        probes = [point.probe for point in matches.points]
        found.update((probe.id, probe) for probe in probes)
        if not probes and not d_options.flag(line.options, "zdefs"):
            reason = matches.reason or "No probe matches description"
            shown = pattern if ident is None else ident
            sys.stderr.write(f"dscript: failed to match {shown}: {reason}\n")
            if matches.suggestion:
                sys.stderr.write(f"  {matches.suggestion}\n")
            status = 1
    out = [HEADING]
    out.extend(
        f"{p.id:5} {p.provider:>10} {p.module:>17} {p.function:>33} {p.name}\n"
        for p in found.values()
    )
    sys.stdout.write("".join(out))
    return status


def _patterns(
    pieces: Sequence[Piece], arguments: Sequence[str]
) -> Iterator[tuple[Pattern, int | None]]:
    """Every description as a pattern; for a probe ID, the pattern of all and the ID."""
    if not pieces:
        yield Pattern("", "", "", ""), None
        return
    for description in _descriptions(pieces):
        if description.fields == 0:
            yield Pattern("", "", "", ""), int(description.name)
            continue
        fields = (
            description.provider,
            description.module,
            description.function,
            description.name,
        )
        yield Pattern(*(_expand(field, arguments, description) for field in fields)), None


def _descriptions(pieces: Sequence[Piece]) -> Iterator[ast.ProbeDescription]:
    from dscript.syntax.parser import parse, parse_clause_options

    for piece in pieces:
        if piece.kind == "s":
            program = parse(piece.source)
        else:
            program = parse_clause_options(piece.kind, piece.source)
        for item in program.items:
            if isinstance(item, ast.Clause):
                yield from item.probes


def _expand(text: str, arguments: Sequence[str], description: ast.ProbeDescription) -> str:
    """`$1`… inside a description."""

    def value(found: re.Match[str]) -> str:
        number = int(found[1])
        if number == 0 or number > len(arguments):
            raise Diagnostic(
                "D_MACRO_UNDEF", f"macro argument {found[0]} is not defined", description.span
            )
        return arguments[number - 1]

    return _MACRO.sub(value, text) if "$" in text else text
