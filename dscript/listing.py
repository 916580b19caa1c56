"""`-l`: the probes that the pieces of a command line name, in dtrace(1M)'s columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dscript import options as d_options
from dscript.arguments import CommandLine
from dscript.errors import Diagnostic, message
from dscript.providers import Pattern, ProbePoint, arguments, by_id, listing
from dscript.request import Piece
from dscript.syntax import ast

if TYPE_CHECKING:
    from dscript.providers.stability import Attribute

NO_ARGUMENTS = "\t\tNone\n"
HEADING = f"{'ID':>5} {'PROVIDER':>10} {'MODULE':>17} {'FUNCTION':>33} NAME\n"
_MACRO = re.compile(r"\$\$?(\d+|target\b)")


def print_probes(line: CommandLine, pieces: Sequence[Piece], target: int = 0) -> int:
    """Print the probes of every description, or of all when there are no pieces.

    `target` is the process that `$target` means, 0 for none.  The status: 1 when a
    description names no probe, which is said on stderr, and -Z was not given.
    """
    status = 0
    found: dict[int, ProbePoint] = {}
    for pattern, ident in _patterns(pieces, line.arguments, target):
        matches = listing(pattern) if ident is None else by_id(ident)
        for point in matches.points:
            found.setdefault(point.probe.id, point)
        if not matches.points and not d_options.flag(line.options, "zdefs"):
            reason = matches.reason or "No probe matches description"
            shown = pattern if ident is None else ident
            sys.stderr.write(message(f"failed to match {shown}: {reason}\n"))
            if matches.suggestion:
                sys.stderr.write(f"  {matches.suggestion}\n")
            status = 1
    out = [HEADING]
    verbose = d_options.flag(line.options, "verbose")
    for point in found.values():
        p = point.probe
        out.append(f"{p.id:5} {p.provider:>10} {p.module:>17} {p.function:>33} {p.name}\n")
        if verbose:
            out.append(_details(point))
    sys.stdout.write("".join(out))
    if not pieces and sys.stdout.isatty():  # a list that goes elsewhere can be counted there
        sys.stdout.flush()
        sys.stderr.write(message(f"{len(found)} probes\n"))
    return status


def _details(point: ProbePoint) -> str:
    """What -v adds: how stable the probe is, and the types of args[]."""
    from dscript.providers import stability

    own, of_arguments = stability.of_probe(point.probe)
    types = "".join(
        f"\t\targs[{number}]: {argument.d_type or '(unknown)'}\n"
        for number, argument in enumerate(arguments(point))
    )
    return (
        f"\n\tProbe Description Attributes\n{_attribute(own)}"
        f"\n\tArgument Attributes\n{_attribute(of_arguments)}"
        f"\n\tArgument Types\n{types or NO_ARGUMENTS}\n"
    )


def _attribute(attribute: Attribute) -> str:
    return (
        f"\t\tIdentifier Names: {attribute.name}\n"
        f"\t\tData Semantics:   {attribute.data}\n"
        f"\t\tDependency Class: {attribute.dependency}\n"
    )


def _patterns(
    pieces: Sequence[Piece], arguments: Sequence[str], target: int
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
        yield Pattern(*(_expand(field, arguments, target, description) for field in fields)), None


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


def _expand(
    text: str, arguments: Sequence[str], target: int, description: ast.ProbeDescription
) -> str:
    """`$1`… and `$target` inside a description."""

    def value(found: re.Match[str]) -> str:
        if found[1] == "target":
            if not target:
                raise Diagnostic(
                    "D_MACRO_UNDEF",
                    "macro variable $target is not defined",
                    description.span,
                    "it is the process given with -c COMMAND or -p PID",
                )
            return str(target)
        number = int(found[1])
        if number == 0 or number > len(arguments):
            raise Diagnostic(
                "D_MACRO_UNDEF", f"macro argument {found[0]} is not defined", description.span
            )
        return arguments[number - 1]

    return _MACRO.sub(value, text) if "$" in text else text
