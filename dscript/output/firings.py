"""One clause → one Python function that turns a record of it into the actions it holds.

The machine-readable counterpart of `dscript.output.clauses`: records are decoded by the same
`RecordReader`, formats by the same `compile_format`, and effects take place in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dscript.output.clauses import Printer
from dscript.output.formatting import Value, compile_format
from dscript.output.records import RecordReader
from dscript.output.typed import Json, TypedValues, layout_value, raw, text
from dscript.program import Action, ClauseRecord, Field, Probe

# Takes probe key, CPU, clause, actions, and whether it goes on with a firing begun before.
Emit = Callable[[int, int, int, list[Json], bool], None]

_SILENT = frozenset({"commit", "discard"})
# Actions of one value, shown under "value".
_VALUES = frozenset({"trace", "stack", "ustack", "jstack", "symbol"})
# What the values of other actions are called.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "exit": ("status",),
    "trunc": ("count",),
    "normalize": ("divisor",),
    "setopt": ("option", "value"),
}


class Surroundings(NamedTuple):
    """What compiled clauses need of the sink.

    `names` are those of `formatting.helpers`.  `effect` gives the function that carries an
    action out, as in `clauses.Surroundings`; that of printa() returns its text or None, that
    of system() what the command printed and its status.
    """

    probes: Mapping[int, Probe]
    names: Mapping[str, Any]
    effect: Callable[[Action], Callable[..., Any]]
    aggregations: tuple[str, ...]  # their names
    typed: TypedValues
    emit: Emit


def compile_firing(index: int, clause: ClauseRecord, around: Surroundings) -> Printer:
    return _Compiler(index, clause, around).compile()


class _Compiler:
    def __init__(self, index: int, clause: ClauseRecord, around: Surroundings) -> None:
        self.index = index
        self.clause = clause
        self.around = around
        self.reader = RecordReader(around.probes)
        self.names: dict[str, Any] = {
            "emit": around.emit,
            "text": text,
            "raw": raw,
            "show_layout": layout_value,
            "shown_of": _shown_bytes,
        }
        self.body: list[str] = []

    def compile(self) -> Printer:
        self.body += ["actions = []", "continued = False"]
        for action in self.clause.actions:
            if action.kind in _SILENT:
                continue
            start = len(self.body)
            self.action(action)
            if action.presence is not None:
                inside = [f"    {line}" for line in self.body[start:]]
                self.body[start:] = [f"if {self.reader.flag(action.presence)}:", *inside]
        condition = "not continued or actions" if self.clause.prints else "actions"
        self.body.append(f"if {condition}:")
        self.body.append(f"    emit(probe, cpu, {self.index}, actions, continued)")
        lines = [*self.reader.lines(), *self.body]
        source = "def clause(data, at, cpu, probe):\n" + "".join(f"    {x}\n" for x in lines)
        names = {**self.around.names, **self.reader.names, **self.names}
        exec(source, names)
        printer: Printer = names["clause"]
        return printer

    def constant(self, value: Any) -> str:
        name = f"given{len(self.names)}"
        self.names[name] = value
        return name

    def shown(self, field: Field) -> str:
        """Source of a field's value as JSON."""
        expression = self.reader.value(field).expression
        show = self.around.typed.show(field)
        return expression if show is None else f"{self.constant(show)}({expression})"

    def formatted(self, action: Action) -> str:
        """Source of the text of a format."""
        values = [self.reader.value(field) for field in action.args]
        template, expressions = compile_format(action.format or (), values)
        if not expressions:
            return self.constant(template.replace(b"%%", b"%"))
        return f"{self.constant(template)} % ({', '.join(expressions)},)"

    def add(self, kind: str, *parts: str) -> None:
        inside = ", ".join((f'"action": {kind!r}', *parts))
        self.body.append(f"actions.append({{{inside}}})")

    def action(self, action: Action) -> None:
        kind = action.kind
        if kind in _VALUES:
            field = action.args[0]
            name = field.kind if kind == "symbol" else kind
            types = (f'"type": {field.type_name!r}',) if field.type_name else ()
            self.add(name, *types, f'"value": {self.shown(field)}')
        elif kind == "printf":
            arguments = ", ".join(self.shown(field) for field in action.args)
            self.add(kind, f'"text": text({self.formatted(action)})', f'"args": [{arguments}]')
        elif kind == "print":
            self.print_typed(action)
        elif kind == "pcap":
            data, captured, length, when, link = (
                self.reader.value(field).expression for field in action.args
            )
            shown = (f'"value": raw({data}[:{captured}])', f'"length": {length}')
            self.add(kind, *shown, f'"time": {when}', f'"link": {link}')
        elif kind == "tracemem":
            data = self.reader.value(action.args[0]).expression
            size = self.reader.value(action.args[1]).expression if len(action.args) > 1 else None
            self.add(kind, f'"value": raw(shown_of({data}, {size}))')
        else:
            self.effect(action)

    def print_typed(self, action: Action) -> None:
        field = action.args[0]
        name = f'"type": {action.text or field.type_name!r}'
        if field.layout is None:
            self.add("print", name, f'"value": {self.shown(field)}')
            return
        value: Value = self.reader.value(field)
        data = value.expression
        if field.kind == "int":
            mask = (1 << 8 * field.size) - 1
            data = f"({data} & {mask:#x}).to_bytes({field.size}, 'little')"
        elif field.kind == "float":
            self.add("print", name, f'"value": {self.shown(field)}')
            return
        layout = self.constant(field.layout)
        self.add("print", name, f'"value": show_layout({layout}, {data})')

    def effect(self, action: Action) -> None:
        kind = action.kind
        effect = self.constant(self.around.effect(action))
        aggregations = [self.around.aggregations[i] for i in action.aggregations]
        if kind == "printa":
            self.body.append(f"found = {effect}()")
            self.add(kind, f'"aggregations": {aggregations!r}')
            self.body.append('if found is not None: actions[-1]["text"] = text(found)')
        elif kind == "system":
            self.body.append(f"command = {self.formatted(action)}")
            self.body.append(f"found, status = {effect}(command)")
            shown = ('"command": text(command)', '"output": text(found)', '"status": status')
            self.add(kind, *shown)
        elif kind in ("freopen", "ftruncate"):
            self.redirecting(action, effect)
        else:
            self.simple(action, effect, aggregations)

    def redirecting(self, action: Action, effect: str) -> None:
        """What was before it goes to the old file, what comes after to the new one."""
        arguments = ""
        if action.kind == "freopen":
            self.body.append(f"path = {self.formatted(action)}")
            self.add("freopen", '"path": text(path)')
            self.names["enabled_id"] = self.clause.enabled_id
            arguments = "probe, enabled_id(probe), path"
        else:
            self.add(action.kind)
        self.body.append(f"emit(probe, cpu, {self.index}, actions, continued)")
        self.body += ["actions = []", "continued = True", f"{effect}({arguments})"]

    def simple(self, action: Action, effect: str, aggregations: list[str]) -> None:
        kind = action.kind
        expressions = [self.reader.value(field).expression for field in action.args]
        values = ", ".join(expressions)
        if kind == "setopt":
            self.names["enabled_id"] = self.clause.enabled_id
            values = f"probe, enabled_id(probe), {values}"
        self.body.append(f"{effect}({values})")
        parts = [f'"aggregation": {name!r}' for name in aggregations]
        for name, field in zip(_NAMES.get(kind, ()), action.args, strict=False):
            parts.append(f'"{name}": {self.shown(field)}')
        self.add(kind, *parts)


def _shown_bytes(data: bytes, shown: int | None) -> bytes:
    """tracemem(): the bytes asked for; a length out of range is ignored."""
    return data[:shown] if shown is not None and 0 <= shown <= len(data) else data
