"""The CSV sink: the aggregations of a run as one table (RFC 4180; docs/output.md, "CSV")."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, BinaryIO

from dscript.aggregates import AggregationState, bucket_bounds, divide, join, unprinted
from dscript.errors import TracingError
from dscript.output.aggregations import DISTRIBUTIONS
from dscript.output.clauses import Printer, Surroundings, compile_clause
from dscript.output.machine import MachineEffects, MachinePrinter
from dscript.program import Action, Field

# Actions whose only purpose is text, which the table has no place for.
TEXT_ACTIONS = frozenset(
    {"trace", "print", "tracemem", "pcap", "printf", "stack", "ustack", "jstack", "symbol"}
)


class CsvPrinter(MachinePrinter):
    """Takes the parameters of `TextPrinter`.

    The actions of records take place, but what they print is left out; commands of system()
    print to standard error.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._effects = _CsvEffects(self)
        self._tables = 0
        if not self.program.aggregations:
            raise TracingError("--format csv shows aggregations, and the program has none")
        self._keys = max(len(spec.keys) for spec in self.program.aggregations)
        kinds = {action.kind for clause in self.program.clauses for action in clause.actions}
        if kinds & TEXT_ACTIONS and not self._settings.quiet:
            self.tell("csv shows aggregations only: what printf(), trace() and so on print is not")

    def finish(self) -> None:
        self._report_speculative_drops()
        for state in unprinted(self.aggregations):
            self.rows(state)
        self.out.flush()

    def redirect(self, out: BinaryIO | None) -> None:
        super().redirect(out)
        self._names["write"] = _discard

    def command_output(self) -> int | None:
        """Commands of system() must not print into the table."""
        return 2

    def rows(self, state: AggregationState) -> None:
        """One row a key, or for distributions one row a bucket that is not empty."""
        spec = state.spec
        self._tables += 1
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not self.started:
            self.started = True
            keys = [f"key{i + 1}" for i in range(self._keys)]
            writer.writerow(["table", "aggregation", "function", *keys, "low", "high", "value"])
        missing = [""] * (self._keys - len(spec.keys))
        for key, entries in join((state,), self._settings.layout.order):
            parts = [self._key(f, part) for f, part in zip(spec.keys, key, strict=True)]
            head = [self._tables, f"@{spec.name}", spec.function, *parts, *missing]
            if spec.function not in DISTRIBUTIONS:
                writer.writerow([*head, "", "", state.number(entries[0])])
                continue
            words = entries[0].words if entries[0] is not None else []
            for (low, high), count in zip(bucket_bounds(spec), words, strict=False):
                if count:
                    low_text = "" if low is None else low
                    high_text = "" if high is None else high
                    writer.writerow([*head, low_text, high_text, divide(count, state.divisor)])
        self.out.write(text.getvalue().encode("utf-8", "surrogateescape"))

    def _key(self, field: Field, part: Any) -> str:
        """A key without padding; frames of stacks with `;` between them, innermost first."""
        stacks = self.writer.stacks
        if field.kind in ("stack", "ustack"):
            write = stacks.kernel_stack if field.kind == "stack" else stacks.user_stack
            shown = b";".join(write(part, 0).strip().split(b"\n"))
        else:
            shown = self.writer.plain_key(field, part)
        return shown.decode("utf-8", "surrogateescape")

    def _configure(self) -> None:
        super()._configure()
        self._names["write"] = _discard

    def _compile(self, clause: int) -> Printer:
        around = Surroundings(
            probes=self.program.probes,
            names=self._names,
            effect=self._effects.function,
            quiet=True,
            raw_bytes=self._settings.raw_bytes,
            heads=False,
        )
        printer = self._printers[clause] = compile_clause(self.program.clauses[clause], around)
        return printer


class _CsvEffects(MachineEffects):
    printer: CsvPrinter

    def _printa(self, action: Action) -> Callable[..., None]:
        states = self._states(action)

        def printa() -> None:
            self.printer.snapshot()
            for state in states:
                state.printed = True
                self.printer.rows(state)

        return printa


def _discard(text: bytes) -> None:
    """What records print."""
