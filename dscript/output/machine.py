"""What the machine-readable sinks share: no headings, no flow, a first line for each file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from dscript.output.effects import Effects
from dscript.output.speculations import Held
from dscript.output.text import TextPrinter
from dscript.output.user_strings import UnreadableError
from dscript.program import Action


class MachinePrinter(TextPrinter):
    """Takes the parameters of `TextPrinter`; messages on stderr stay as they are.

    `started` says that the file in use has its first line.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.started = False
        self._home_started = False  # the same of where output went at first
        self._tid = 0  # of the record being read, 0 where records do not tell
        super().__init__(*arguments, **named)

    def record(
        self,
        clause: int,
        probe: int,
        cpu: int,
        tid: int,
        spec: int,
        flags: int,
        data: memoryview,
        offset: int,
    ) -> None:
        if spec:
            self._special(clause, probe, cpu, tid, spec, flags, data, offset)
            return
        self._tid = tid
        printer = self._printers[clause] or self._compile(clause)
        try:
            printer(data, offset, cpu, probe)
        except UnreadableError as fault:
            self._unreadable(clause, probe, cpu, fault)

    def interrupted(self) -> None:
        """Nothing: lines need not be set off from the terminal's ^C."""

    def redirect(self, out: BinaryIO | None) -> None:
        if self.out is self._standard_out:
            self._home_started = self.started
        super().redirect(out)
        self.started = out is None and self._home_started

    def _print(self, held: Held) -> None:
        clause, probe, cpu, self._tid, data = held
        self._guarded(clause, probe, cpu, data)


class MachineEffects(Effects):
    printer: MachinePrinter

    def _ftruncate(self, action: Action) -> Callable[..., None]:
        truncate = super()._ftruncate(action)

        def ftruncate() -> None:
            truncate()
            self.printer.started = False

        return ftruncate
