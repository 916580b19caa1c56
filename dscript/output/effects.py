"""Actions of user space that do more than print: printa(), exit(), trunc(), system() …

They are carried out when their record is consumed, in order with what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from dscript.aggregates import AggregationState, signed64
from dscript.options import setting_problem
from dscript.output.console import Console
from dscript.output.messages import enabled_probe_text
from dscript.program import Action, Conversion

# Keys of Documentation/admin-guide/sysrq.rst: crash, and enter the kernel debugger.
SYSRQ_TRIGGER = "/proc/sysrq-trigger"
_SYSRQ_KEYS = {"panic": b"c", "breakpoint": b"g"}


class Effects:
    """Makes the function that carries one action out; see `clauses.Surroundings.effect`."""

    def __init__(self, printer: Console) -> None:
        self.printer = printer

    def function(self, action: Action) -> Callable[..., Any]:
        makers: dict[str, Callable[[Action], Callable[..., Any]]] = {
            "printa": self._printa,
            "exit": self._exit,
            "clear": self._clear,
            "trunc": self._trunc,
            "normalize": self._normalize,
            "denormalize": self._denormalize,
            "setopt": self._setopt,
            "system": self._system,
            "freopen": self._freopen,
            "ftruncate": self._ftruncate,
            "breakpoint": self._sysrq,
            "panic": self._sysrq,
            "pcap": self._pcap,
        }
        return makers[action.kind](action)

    def _states(self, action: Action) -> Sequence[AggregationState]:
        return [self.printer.aggregations[i] for i in action.aggregations]

    def _printa(self, action: Action) -> Callable[..., Any]:
        printer = self.printer
        states = self._states(action)
        if action.format is None:

            def text() -> bytes:
                return b"\n" + printer.writer.table(states)
        else:
            text = self._formatted(action.format, states)

        def printa(*keys: Any) -> None:
            printer.snapshot()
            for state in states:
                state.printed = True
            printer.write(text())

        return printa

    def _formatted(
        self, conversions: Sequence[Conversion], states: Sequence[AggregationState]
    ) -> Callable[[], bytes]:
        """The text of a printa() with a format, under the options of the moment."""
        printer = self.printer
        writer = printer.writer
        write = writer.compile(conversions, states)

        def text() -> bytes:
            nonlocal writer, write
            if printer.writer is not writer:  # setopt() came between
                writer = printer.writer
                write = writer.compile(conversions, states)
            return write()

        return text

    def _exit(self, action: Action) -> Callable[..., None]:
        def leave(status: int) -> None:
            # The last one counts: END may give another status.
            self.printer.exit_status = status & 0xFF

        return leave

    def _clear(self, action: Action) -> Callable[..., None]:
        return self._on_state(action, AggregationState.clear)

    def _denormalize(self, action: Action) -> Callable[..., None]:
        return self._on_state(action, AggregationState.denormalize)

    def _on_state(
        self, action: Action, change: Callable[[AggregationState], None]
    ) -> Callable[..., None]:
        (state,) = self._states(action)

        def effect() -> None:
            self.printer.snapshot()
            change(state)

        return effect

    def _trunc(self, action: Action) -> Callable[..., None]:
        (state,) = self._states(action)

        def trunc(count: int | None = None) -> None:
            self.printer.snapshot()
            state.truncate(None if count is None else signed64(count))

        return trunc

    def _normalize(self, action: Action) -> Callable[..., None]:
        (state,) = self._states(action)

        def normalize(divisor: int) -> None:
            self.printer.snapshot()
            if divisor:
                state.normalize(divisor)
            else:
                self.printer.message(f"normalize( ) of @{state.spec.name} by 0 has no effect")

        return normalize

    def _setopt(self, action: Action) -> Callable[..., None]:
        printer = self.printer

        def setopt(probe: int, epid: int, name: bytes, value: bytes = b"1") -> None:
            option, text = name.decode("utf-8", "replace"), value.decode("utf-8", "replace")
            reason = setting_problem(option, text)
            if reason is None:
                printer.set_option(option, text)
                return
            why = f'couldn\'t set option "{option}" to "{text}": {reason}'
            printer.message(enabled_probe_text(epid, printer.program.probes.get(probe), why))

        return setopt

    def _system(self, action: Action) -> Callable[..., Any]:
        import subprocess  # costs 5 ms to load; few programs need it

        def system(command: bytes) -> None:
            printer = self.printer
            printer.out.flush()
            # The command's output takes its place among ours, also after freopen().
            try:
                done = subprocess.run(command, shell=True, stdout=printer.command_output())
            except (OSError, ValueError) as error:
                printer.message(f"failed to run command: {error}")
                return
            if done.returncode < 0:
                printer.message(f"command ended by signal {-done.returncode}")

        return system

    def _freopen(self, action: Action) -> Callable[..., None]:
        def freopen(probe: int, epid: int, path: bytes) -> None:
            printer = self.printer
            if not path:
                printer.redirect(None)
                return
            try:
                new: BinaryIO = open(path, "ab")  # noqa: SIM115
            except (OSError, ValueError) as error:
                name = path.decode("utf-8", "replace")
                reason = error.strerror if isinstance(error, OSError) else str(error)
                why = f'couldn\'t freopen() "{name}": {reason}'
                printer.message(enabled_probe_text(epid, printer.program.probes.get(probe), why))
                return
            printer.redirect(new)

        return freopen

    def _ftruncate(self, action: Action) -> Callable[..., None]:
        def ftruncate() -> None:
            printer = self.printer
            printer.out.flush()
            try:
                printer.out.truncate(0)
                printer.out.seek(0)
            except (OSError, ValueError):
                # Pipes and terminals have nothing to truncate, as in DTrace.
                return

        return ftruncate

    def _pcap(self, action: Action) -> Callable[..., None]:
        from dscript.output.packets import PacketWriter

        return PacketWriter(self.printer).write

    def _sysrq(self, action: Action) -> Callable[..., None]:
        def trigger() -> None:
            printer = self.printer
            printer.out.flush()
            try:
                with open(SYSRQ_TRIGGER, "wb", buffering=0) as file:
                    file.write(_SYSRQ_KEYS[action.kind])
            except OSError as error:
                printer.message(f"{action.kind}( ) failed: {SYSRQ_TRIGGER}: {error.strerror}")

        return trigger
