"""One clause → one Python function that prints a record of it.

Output is on the path of every record, so a clause is compiled when its first record comes:
one `struct` unpack for all its fields, one bytes template for every run of actions that
only print.  Actions with another effect become calls between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dscript.output.formatting import Value, compile_format, literal
from dscript.output.records import RecordReader
from dscript.output.values import (
    INTEGER_DIRECTIVES,
    KEY_WIDTH,
    TEXT_WIDTH,
    memory_table,
    traced_bytes,
    traced_text,
)
from dscript.program import Action, ClauseRecord, Field, Probe

# (ring memory, offset of the record's header, CPU, probe key)
Printer = Callable[[Any, int, int, int], None]

_SILENT = frozenset({"commit", "discard"})
_SYMBOLS = frozenset({"sym", "mod", "func", "usym", "umod", "ufunc", "uaddr"})


class Surroundings(NamedTuple):
    """What compiled clauses need of the printer.

    `names` are those of `formatting.helpers` with `write`, which takes bytes, `is_quiet`, which
    tells the option's present value, and `heads`, probe key → the ID and FUNCTION:NAME
    columns; the dictionary itself is the namespace of
    every compiled clause.  `effect` gives the function that carries an action out: it takes
    the action's text for system() and freopen(), else its values.
    """

    probes: Mapping[int, Probe]
    names: dict[str, Any]
    effect: Callable[[Action], Callable[..., None]]
    quiet: bool
    raw_bytes: bool
    heads: bool  # write the CPU, ID and FUNCTION:NAME columns
    strsize: int = 256  # bytes of a string that is shown as a table


def compile_clause(clause: ClauseRecord, around: Surroundings) -> Printer:
    return _Compiler(clause, around).compile()


class _Compiler:
    def __init__(self, clause: ClauseRecord, around: Surroundings) -> None:
        self.clause = clause
        self.around = around
        self.reader = RecordReader(around.probes)
        self.names: dict[str, Any] = {}
        self.body: list[str] = []
        self.template = bytearray()
        self.expressions: list[str] = []

    def compile(self) -> Printer:
        around = self.around
        if self.clause.prints and around.heads:
            self.add(b"%3d%s", ["cpu", "heads[probe]"])
        for action in self.clause.actions:
            if action.kind in _SILENT:
                continue
            if action.presence is None:
                self.action(action)
            else:
                self.end_text("")
                start = len(self.body)
                self.action(action)
                self.end_text("")
                inside = [f"    {line}" for line in self.body[start:]]
                self.body[start:] = [f"if {self.reader.flag(action.presence)}:", *inside]
                if not inside:
                    self.body.append("    pass")
        if any(action.kind == "setopt" for action in self.clause.actions):
            # Whether the line ends is up to what "quiet" is by then.
            self.end_text("")
            self.body += ["if not is_quiet():", "    write(NEWLINE)"]
        elif self.clause.prints and not around.quiet:
            self.add(b"\n", [])
        self.end_text("")
        lines = [*self.reader.lines(), *self.body] or ["pass"]
        text = "def clause(data, at, cpu, probe):\n" + "".join(f"    {line}\n" for line in lines)
        # The shared names stay in one dictionary, so that `write` can be exchanged.
        local = {**self.reader.names, **self.names}
        made: dict[str, Any] = {}
        arguments = ", ".join(local)
        exec(f"def make({arguments}):\n{_indent(text)}    return clause\n", around.names, made)
        printer: Printer = made["make"](**local)
        return printer

    def add(self, template: bytes, expressions: list[str]) -> None:
        self.template += template
        self.expressions += expressions

    def end_text(self, before: str) -> None:
        """Write what has been collected."""
        if not self.template:
            return
        name = f"text{len(self.names)}"
        if self.expressions:
            self.names[name] = bytes(self.template)
            self.body.append(f"{before}write({name} % ({', '.join(self.expressions)},))")
        else:
            self.names[name] = bytes(self.template).replace(b"%%", b"%")
            self.body.append(f"{before}write({name})")
        self.template.clear()
        self.expressions.clear()

    def action(self, action: Action) -> None:
        kind = action.kind
        if kind == "printf":
            self.add(*self.formatted(action))
        elif kind in ("trace", "print", "tracemem", "stack", "ustack", "jstack", "symbol"):
            self.unformatted(action)
        else:
            self.end_text("")
            name = f"effect{len(self.names)}"
            self.names[name] = self.around.effect(action)
            if kind in ("system", "freopen"):
                template, expressions = self.formatted(action)
                text = f"text{len(self.names)}"
                self.names[text] = template
                inside = "".join(f"{e}, " for e in expressions)
                self.names["enabled_id"] = self.clause.enabled_id
                where = "probe, enabled_id(probe), " if kind == "freopen" else ""
                self.body.append(f"{name}({where}{text} % ({inside}))")
            else:
                values = ", ".join(self.reader.value(f).expression for f in action.args)
                if kind == "setopt":  # which may fail, and then says where
                    self.names["enabled_id"] = self.clause.enabled_id
                    values = f"probe, enabled_id(probe), {values}"
                self.body.append(f"{name}({values})")

    def formatted(self, action: Action) -> tuple[bytes, list[str]]:
        values = [self.reader.value(field) for field in action.args]
        return compile_format(action.format or (), values)

    def unformatted(self, action: Action) -> None:
        field = action.args[0]
        value = self.reader.value(field)
        if action.kind == "print":
            self.print_typed(action, value)
        elif action.kind == "tracemem":
            shown = self.reader.value(action.args[1]).expression if len(action.args) > 1 else None
            name = self.constant(memory_table)
            self.add(b"%s", [f"{name}({value.expression}, {shown})"])
        else:
            self.traced(value, field)

    def print_typed(self, action: Action, value: Value) -> None:
        layout = action.args[0].layout
        field = action.args[0]
        if value.kind in _SYMBOLS or value.kind in ("stack", "ustack"):
            self.traced(value, field)
            return
        if layout is None:
            self.add(literal(f"{action.text or field.type_name} "), [])
            self.add(b'"%s"\n', [value.expression])
            return
        raw = value.expression
        if field.kind == "int":
            mask = (1 << 8 * field.size) - 1
            raw = f"({raw} & {mask:#x}).to_bytes({field.size}, 'little')"
        elif field.kind == "float":
            packer = self.constant(_float_bytes)
            raw = f"{packer}({raw}, {field.size})"
        from dscript.output.prettyprint import print_value  # few programs need it

        show = self.constant(print_value)
        self.add(b"%s", [f"{show}({self.constant(layout)}, {raw}, symbol['sym'])"])

    def traced(self, value: Value, field: Field) -> None:
        """trace(), stack() and symbols: the default format of a value."""
        kind = value.kind
        quiet = self.around.quiet
        if kind == "stack":
            self.add(b"%s", [f"kernel_stack({value.expression})"])
        elif kind == "ustack":
            self.add(b"%s", [f"user_stack({value.expression})"])
        elif kind in _SYMBOLS:
            self.add(b"  %%-%ds" % KEY_WIDTH, [f"symbol[{kind!r}]({value.expression})"])
        elif kind == "bytes" and field.size in INTEGER_DIRECTIVES:
            # "If the data is 1, 2, 4 or 8 bytes in size", it is a decimal number.
            number = f"int.from_bytes({value.expression}, 'little', signed=True)"
            self.add(b"%d" if quiet else INTEGER_DIRECTIVES[field.size], [number])
        elif kind == "bytes":
            show = self.constant(traced_bytes)
            arguments = f"{value.expression}, {TEXT_WIDTH}, {quiet}, {self.around.raw_bytes}"
            self.add(b"%s", [f"{show}({arguments})"])
        elif kind == "string":
            show = self.constant(traced_text)
            settings = f"{TEXT_WIDTH}, {quiet}, {self.around.raw_bytes}, {self.around.strsize}"
            self.add(b"%s", [f"{show}({value.expression}, {settings})"])
        else:
            self.add(_directive(value, quiet=quiet), [value.expression])

    def constant(self, value: Any) -> str:
        name = f"const_{len(self.names)}"
        self.names[name] = value
        return name


def _directive(value: Value, *, quiet: bool) -> bytes:
    if value.kind == "int":
        return b"%d" if quiet else INTEGER_DIRECTIVES[value.size]
    if value.kind == "float":
        return b"%f" if quiet else b" %16f"
    return b"%s" if quiet else b"  %%-%ds" % TEXT_WIDTH


def _float_bytes(value: float, size: int) -> bytes:
    import struct

    return struct.pack("<f" if size == 4 else "<d", value)


def _indent(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
