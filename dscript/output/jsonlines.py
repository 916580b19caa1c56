"""The JSON sink: a run as one JSON object a line (docs/json.md, schema.json)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dscript.aggregates import AggregationState, unprinted
from dscript.output.clauses import Printer
from dscript.output.firings import Surroundings, compile_firing
from dscript.output.machine import MachineEffects, MachinePrinter
from dscript.output.messages import NO_OFFSET, fault_words
from dscript.output.typed import Json, TypedValues
from dscript.program import Action, DropKind
from dscript.version import VERSION

# Raised when a reader of the old lines could misread the new ones.
SCHEMA_VERSION = 1

# Drops that are not counted by CPU.
_NO_CPU = frozenset(
    {
        DropKind.DYNAMIC,
        DropKind.SPECULATION,
        DropKind.SPECULATION_BUSY,
        DropKind.SPECULATION_UNAVAILABLE,
    }
)


class JsonPrinter(MachinePrinter):
    """Takes the parameters of `TextPrinter`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
        # Aggregations that printa() showed, until the line of its firing is out.
        self.waiting: list[Json] = []
        self._heads: dict[int, str] = {}
        super().__init__(*arguments, **named)
        self._effects = _JsonEffects(self)

    # What the runtime calls.

    def error(
        self, probe: int, cpu: int, clause: int, action: int, fault: int, dif: int, address: int
    ) -> None:
        where = self.program.probes.get(probe)
        self._line(
            {
                "type": "error",
                "probe": None if where is None else where._asdict(),
                "cpu": cpu,
                "clause": clause,
                "action": action or None,
                "fault": fault_words(fault),
                "code": fault,
                "address": f"{address:#x}",
                "dif": None if dif == NO_OFFSET else dif,
            }
        )
        super().error(probe, cpu, clause, action, fault, dif, address)

    def drop(self, kind: DropKind, count: int, cpu: int) -> None:
        shown = {"type": "drop", "kind": kind.name.lower(), "count": count}
        self._line(shown if kind in _NO_CPU else {**shown, "cpu": cpu})
        super().drop(kind, count, cpu)

    def missed(self, program: str, count: int) -> None:
        self._line({"type": "missed", "program": program, "count": count})
        super().missed(program, count)

    def notice(self, message: str) -> None:
        self._line({"type": "notice", "message": message})
        super().notice(message)

    def finish(self) -> None:
        self._report_speculative_drops()
        for state in unprinted(self.aggregations):
            self.show_aggregation(state)
        self._release()
        self.out.flush()

    def close(self, status: int) -> None:
        """The last line: the exit status."""
        super().close(status)
        self._line({"type": "exit", "status": status})
        self.out.flush()

    # What actions call.

    def message(self, text: str) -> None:
        self._line({"type": "message", "message": text})
        super().message(text)

    def show_aggregation(self, state: AggregationState) -> None:
        """Once the line of the firing that is being read is out."""
        typed = TypedValues(self._symbols)
        self.waiting.append(typed.aggregation(state, self._settings.layout.order))

    # Inner workings.

    def _line(self, shown: Json) -> None:
        if not self.started:
            self._begin()
        self.out.write((self._encode(shown) + "\n").encode("ascii"))

    def _begin(self) -> None:
        self.started = True
        self._line(self._head())

    def _head(self) -> Json:
        return {
            "type": "dscript",
            "schema": SCHEMA_VERSION,
            "version": VERSION,
            "program": self.program.source_name,
            "probes": sum(count for _, count in self.program.matches),
        }

    def _configure(self) -> None:
        super()._configure()
        self._around = Surroundings(
            probes=self.program.probes,
            names=self._names,
            effect=lambda action: self._effects.function(action),
            aggregations=tuple(spec.name for spec in self.program.aggregations),
            typed=TypedValues(self._symbols),
            emit=self._emit,
        )

    def _compile(self, clause: int) -> Printer:
        shape = self.program.clauses[clause]
        printer = self._printers[clause] = compile_firing(clause, shape, self._around)
        return printer

    def _emit(
        self, probe: int, cpu: int, clause: int, actions: list[Json], continued: bool
    ) -> None:
        if not self.started:
            self._begin()
        head = self._heads.get(probe)
        if head is None:  # the same for all firings of a probe
            shown = self._encode(self.program.probes[probe]._asdict())
            head = self._heads[probe] = f'{{"type":"firing","probe":{shown},"cpu":'
        rest = f'{cpu},"clause":{clause}'
        if self._tid:
            rest += f',"tid":{self._tid}'
        if continued:
            rest += ',"continued":true'
        line = f'{head}{rest},"actions":{self._encode(actions)}}}\n'
        self.out.write(line.encode("ascii"))
        if self.waiting:
            self._release()

    def _release(self) -> None:
        for shown in self.waiting:
            self._line(shown)
        self.waiting.clear()


class _JsonEffects(MachineEffects):
    """Effects whose output becomes part of the lines."""

    printer: JsonPrinter

    def _printa(self, action: Action) -> Callable[..., bytes | None]:
        printer = self.printer
        states = self._states(action)
        write = None if action.format is None else self._formatted(action.format, states)

        def printa() -> bytes | None:
            printer.snapshot()
            for state in states:
                state.printed = True
                printer.show_aggregation(state)
            return None if write is None else write()

        return printa

    def _system(self, action: Action) -> Callable[..., tuple[bytes, int | None]]:
        import subprocess

        def system(command: bytes) -> tuple[bytes, int | None]:
            """What it prints, and its status (negative: the signal that ended it)."""
            self.printer.out.flush()
            try:
                done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False)
            except (OSError, ValueError) as error:
                self.printer.message(f"failed to run command: {error}")
                return b"", None
            if done.returncode < 0:
                self.printer.tell(f"command ended by signal {-done.returncode}")
            return done.stdout, done.returncode

        return system
