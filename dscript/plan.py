"""`--emit plan` and `-v`: a compiled program's plan as text."""

from __future__ import annotations

from collections.abc import Iterator

from dscript.program import Action, Attachment, CompiledProgram, Conversion, Field

_SHOWN_TARGETS = 4


def plan_text(program: CompiledProgram) -> str:
    """Everything a compiled program holds beside its object, one thing a line."""
    return "".join(f"{line}\n" for line in _lines(program))


def attachment_lines(program: CompiledProgram) -> Iterator[str]:
    """How each BPF program gets to its probes."""
    for attachment in program.attachments:
        count = len(attachment.probes)
        yield (
            f"{attachment.program}: {attachment.kind}{_place(attachment)}, "
            f"{count} probe{'' if count == 1 else 's'}"
        )


def _place(attachment: Attachment) -> str:
    if attachment.period_ns:
        return f" every {attachment.period_ns} ns"
    targets = attachment.targets
    more = f" and {len(targets) - _SHOWN_TARGETS} more" if len(targets) > _SHOWN_TARGETS else ""
    return f" {' '.join(targets[:_SHOWN_TARGETS])}{more}" if targets else ""


def _lines(program: CompiledProgram) -> Iterator[str]:
    yield f"program {program.source_name}"
    for name, value in sorted(program.options.items()):
        yield f"option {name}={value}" if value else f"option {name}"
    for text, count in program.matches:
        yield f"description {text} matches {count}"
    for line in attachment_lines(program):
        yield f"attach {line}"
    for key, probe in sorted(program.probes.items()):
        yield f"probe {key} {probe}"
    for index, clause in enumerate(program.clauses):
        line = "prints a line" if clause.prints else "silent"
        yield f"clause {index} epid {clause.epid} record of {clause.size} bytes, {line}"
        for action in clause.actions:
            yield f"  {_action(action)}"
    for a in program.aggregations:
        keys = " ".join(_field(field) for field in a.keys)
        params = f" {a.params}" if a.params else ""
        yield f"aggregation {a.id} @{a.name}[{keys}] {a.function}{params} in {' '.join(a.maps)}"
    for variable in program.dynamic_variables:
        yield f"array {variable.name} in {variable.map}"
    if program.load_words:
        yield f"load words {' '.join(program.load_words)}"
    yield f"object of {len(program.object)} bytes"


def _action(action: Action) -> str:
    parts: list[str] = [action.kind]
    if action.format is not None:
        parts.append(repr("".join(_conversion(c) for c in action.format)))
    parts.extend(_field(field) for field in action.args)
    parts.extend(f"@{number}" for number in action.aggregations)
    if action.presence is not None:
        parts.append(f"if byte {action.presence}")
    return " ".join(parts)


def _conversion(c: Conversion) -> str:
    """A conversion as it was written."""
    if not c.letter:
        return c.prefix
    width = "" if c.width is None else "*" if c.width < 0 else str(c.width)
    precision = "" if c.precision is None else ".*" if c.precision < 0 else f".{c.precision}"
    at = "@" if c.aggregation else ""
    return f"{c.prefix}%{at}{c.flags}{width}{precision}{c.size}{c.letter}"


def _field(field: Field) -> str:
    sign = "signed " if field.signed else ""
    return f"({sign}{field.kind} {field.size} at {field.offset})"
