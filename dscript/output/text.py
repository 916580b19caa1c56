"""The text sink: a run's records as DTrace prints them.

Structurally a `dscript.runtime.sink.Sink`.  Records come in the order they were made;
what they print goes to `out` at once, except records of a speculation, which wait for
their commit().  Aggregations that no printa() named are printed at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from dscript.aggregates import unprinted
from dscript.options import size
from dscript.output.aggregations import AggregationWriter
from dscript.output.clauses import Printer, Surroundings, compile_clause
from dscript.output.console import Console
from dscript.output.effects import Effects
from dscript.output.flow import HEADING as FLOW_HEADING
from dscript.output.flow import FlowIndent, is_return
from dscript.output.formatting import helpers
from dscript.output.messages import NO_OFFSET, drop_text, error_text
from dscript.output.settings import Settings
from dscript.output.speculations import Held, Speculations
from dscript.output.stacks import KernelSymbols, StackWriter, Symbols, folding, names_user_code
from dscript.output.user_strings import UnreadableError
from dscript.program import CompiledProgram, DropKind, Fault, RecordHeader

if TYPE_CHECKING:
    from dscript.symbols.symbolizer import Symbolizer

HEADING = b"%3s %6s %32s\n" % (b"CPU", b"ID", b"FUNCTION:NAME")


class TextPrinter(Console):
    """Prints the records of one run.

    `out` and `err` (messages) are standard output and standard error when None.  `options`
    are D options by canonical name, those of the program when None; a flag is set when it
    is named.  setopt() changes a copy.  `target` is the process whose addresses `%A` means.
    """

    def __init__(
        self,
        program: CompiledProgram,
        out: BinaryIO | None = None,
        *,
        err: BinaryIO | None = None,
        options: Mapping[str, str] | None = None,
        symbols: Symbols | None = None,
        target: int = 0,
    ) -> None:
        out = sys.stdout.buffer if out is None else out
        err = sys.stderr.buffer if err is None else err
        super().__init__(program, out, err, program.options if options is None else options)
        self._cut_stack = ""  # the line about the first stack that was seen to end early
        self._cut_stacks_told = False
        self._watching: Symbolizer | None = None  # what must hear of processes as they go
        self._symbols = self._all_symbols = symbols or self._default_symbols()
        for state in self.aggregations:
            state.fold = folding(state.spec.keys, lambda: self._symbols)
        self._target = target
        self._effects = Effects(self)
        self._headed = False
        self._speculations = Speculations(size(self.options, "specsize"))
        # Losses are told once a second, as the kernel's are.
        self._next_report = 0.0
        self._pending: Held | None = None
        self._flow = FlowIndent(program.probes)
        self._configure()

    # What the runtime calls.

    def attach(self, snapshot: Callable[[], None]) -> None:
        self._snapshot = snapshot

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
        if spec or self._settings.flow:
            self._special(clause, probe, cpu, tid, spec, flags, data, offset)
            return
        printer = self._printers[clause] or self._compile(clause)
        try:
            printer(data, offset, cpu, probe)
        except UnreadableError as fault:
            self._unreadable(clause, probe, cpu, fault)

    def error(
        self, probe: int, cpu: int, clause: int, action: int, fault: int, dif: int, address: int
    ) -> None:
        clauses = self.program.clauses
        epid = clauses[clause].enabled_id(probe) if clause < len(clauses) else 0
        where = self.program.probes.get(probe)
        self.tell(error_text(epid, where, action, fault, dif, address))

    def drop(self, kind: DropKind, count: int, cpu: int) -> None:
        self.tell(drop_text(kind, count, cpu, self._settings.drop_tags))

    def missed(self, program: str, count: int) -> None:
        many = "" if count == 1 else "s"
        self.tell(f"{count} nested probe firing{many} missed ({program})")

    def cut_stacks(self, count: int, why: str, pid: int, address: int) -> None:
        self._cut_stacks_told = True
        many = "1 user stack ends" if count == 1 else f"{count} user stacks end"
        symbol = self._all_symbols.user(pid, pid, address)
        where = f" (seen first in {symbol.module})" if symbol is not None and symbol.module else ""
        self.notice(f"{many} {why}{where}")

    def code_files(self, pid: int) -> Sequence[str]:
        return self._watching.code_files(pid) if self._watching is not None else ()

    def _note_cut_stack(self, text: str) -> None:
        """At the end, where the kernel's side counts such stacks: that line says it already."""
        if self.program.unwinds:
            self._cut_stack = text
        else:
            self.notice(text)

    def notice(self, message: str) -> None:
        if not self._settings.quiet:
            self.tell(message)

    def idle(self) -> None:
        self._release_pending()
        self.out.flush()
        if self._watching is not None:
            self._watching.update()
        if self._speculations.dropped and monotonic() > self._next_report:
            self._next_report = monotonic() + 1
            self._report_speculative_drops()

    def finish(self) -> None:
        """A newline, then the aggregations that were never printed, in order of id."""
        self._release_pending()
        self._report_speculative_drops()
        if not self.capturing:
            self.write(b"\n")
        states = unprinted(self.aggregations)
        if self._settings.layout.order.reverse:  # aggsortrev turns everything round
            states.reverse()
        for state in states:
            self.write(self.writer.table((state,)))
        self.out.flush()

    def close(self, status: int) -> None:
        """The run is over, with this exit status, which is no text."""
        if self._cut_stack and not self._cut_stacks_told:
            self.notice(self._cut_stack)

    def interrupted(self) -> None:
        """Tracing was ended by a signal: set what follows off from the terminal's ^C."""
        self.write(b"\n")

    # Inner workings.

    def _default_symbols(self) -> Symbols:
        from dscript.symbols.symbolizer import Symbolizer

        symbols = Symbolizer(warn=self.message, note=self._note_cut_stack)
        if self.program.unwinds or names_user_code(self.program):
            symbols.watch()
            self._watching = symbols
        return symbols

    def _configure(self) -> None:
        """Read the options; clauses are compiled anew for them."""
        self._settings = settings = Settings.read(self.options)
        every = self._all_symbols
        self._symbols = KernelSymbols(every) if settings.no_resolve else every
        stacks = StackWriter(self._symbols, settings.stack_indent, self._target)
        self.writer = AggregationWriter(stacks, settings.layout)
        heads = {
            key: b" %6d %32s " % (probe.id, f"{probe.function}:{probe.name}".encode())
            for key, probe in self.program.probes.items()
        }
        # In place: what a clause prints after its setopt() follows it already.
        self._names.update(helpers(stacks))
        self._names.update(
            write=self.write,
            heads=heads,
            is_quiet=lambda: self._settings.quiet,
            NEWLINE=b"\n",
        )
        self._printers: list[Printer | None] = [None] * len(self.program.clauses)

    def _compile(self, clause: int) -> Printer:
        settings = self._settings
        around = Surroundings(
            probes=self.program.probes,
            names=self._names,
            effect=self._effects.function,
            quiet=settings.quiet,
            raw_bytes=settings.raw_bytes,
            heads=not settings.quiet and not settings.flow,
            strsize=settings.strsize,
        )
        shape = self.program.clauses[clause]
        printer = self._printers[clause] = compile_clause(shape, around)
        if shape.prints and not self._headed:
            # Before the first record of a clause that prints a line, and never later: a program
            # that turns quiet off by setopt() gets no heading, as in DTrace.
            if settings.flow:
                self.write(FLOW_HEADING)
            elif not settings.quiet:
                self.write(HEADING)
            self._headed = True
        return printer

    def _special(
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
        """A record of a speculation, a commit or discard, or one under flowindent."""
        end = offset + RecordHeader.SIZE + self.program.clauses[clause].size
        held = (clause, probe, cpu, tid, bytes(data[offset:end]))
        if spec and not flags:
            self._speculations.add(spec, held)
            return
        self._print(held)
        if flags:
            waiting = self._speculations.take(spec)
            if flags & RecordHeader.COMMIT:
                for record in waiting:
                    self._print(record)

    def _report_speculative_drops(self) -> None:
        count, self._speculations.dropped = self._speculations.dropped, 0
        if count:
            self.drop(DropKind.SPECULATION, count, 0)

    def _print(self, held: Held) -> None:
        if not self._settings.flow:
            clause, probe, cpu, _, data = held
            self._guarded(clause, probe, cpu, data)
            return
        self._release_pending(held)
        # Whether a return is the last clause of its firing shows in the next record.
        if is_return(self.program.probes[held[1]]):
            self._pending = held
        else:
            self._print_flow(held, False)

    def _release_pending(self, following: Held | None = None) -> None:
        held, self._pending = self._pending, None
        if held is None:
            return
        continued = (
            following is not None
            and (following[1], following[3]) == (held[1], held[3])
            and following[0] > held[0]
        )
        self._print_flow(held, continued)

    def _print_flow(self, held: Held, continued: bool) -> None:
        clause, probe, cpu, tid, data = held
        # Compiling a clause writes the heading, which comes first.
        self._printers[clause] or self._compile(clause)
        if self.program.clauses[clause].prints:
            self.write(self._flow.head(clause, probe, cpu, tid, continued))
        self._guarded(clause, probe, cpu, data)

    def _guarded(self, clause: int, probe: int, cpu: int, data: bytes) -> None:
        """Print a record that was kept."""
        printer = self._printers[clause] or self._compile(clause)
        try:
            printer(data, 0, cpu, probe)
        except UnreadableError as fault:
            self._unreadable(clause, probe, cpu, fault)

    def _unreadable(self, clause: int, probe: int, cpu: int, fault: UnreadableError) -> None:
        self.error(probe, cpu, clause, fault.action, Fault.BADADDR, NO_OFFSET, fault.address)
