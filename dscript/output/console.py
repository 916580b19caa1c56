"""What a run's actions act on: where its text goes, its aggregations and its options.

`text.TextPrinter` is one, and prints the records too; `effects` and `packets`, whose actions
it carries out, know this alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from dscript.aggregates import AggregationState
from dscript.errors import message
from dscript.output.aggregations import AggregationWriter
from dscript.program import CompiledProgram


class Console(ABC):
    """The output of one run, which freopen() sends elsewhere, and what else actions change.

    `writer` prints aggregations as the options of the moment say.
    """

    writer: AggregationWriter

    def __init__(
        self,
        program: CompiledProgram,
        out: BinaryIO,
        err: BinaryIO,
        options: Mapping[str, str],
    ) -> None:
        self.program = program
        self.options = dict(options)
        self.aggregations: Sequence[AggregationState] = [
            AggregationState(spec, program.probes) for spec in program.aggregations
        ]
        self.out = out
        self.err = err
        self.exit_status: int | None = None
        # Called with name and value when the program changes an option by setopt().
        self.option_changed: Callable[[str, str], None] | None = None
        self.write: Callable[[bytes], Any] = out.write
        self.capturing = False  # pcap() writes to the file of freopen(), which is no text
        self._standard_out = out
        self._names: dict[str, Any] = {}  # what the code that prints clauses calls
        self._snapshot: Callable[[], None] = _nothing

    @abstractmethod
    def _configure(self) -> None:
        """Read the options, which have changed."""

    def message(self, text: str) -> None:
        """One line on stderr about an action."""
        self.tell(text)

    def tell(self, text: str) -> None:
        """One line on stderr, after everything printed so far."""
        self.out.flush()
        self.err.write(message(f"{text}\n").encode("utf-8", "surrogateescape"))
        self.err.flush()

    def snapshot(self) -> None:
        self._snapshot()

    def set_option(self, name: str, value: str) -> None:
        self.options[name] = value
        self._configure()
        if self.option_changed is not None:
            self.option_changed(name, value)

    def redirect(self, out: BinaryIO | None) -> None:
        """Print to `out` from now on; None: to where output went at first."""
        self.out.flush()
        if self.out is not self._standard_out:
            self.out.close()
        self.out = self._standard_out if out is None else out
        self._names["write"] = self.write = self.out.write

    @property
    def redirected(self) -> bool:
        """Whether freopen() sends the output to a file of its own."""
        return self.out is not self._standard_out

    def command_output(self) -> int | None:
        """Descriptor for what system() runs: where ours goes, but not the file of -o."""
        try:
            return self.out.fileno() if self._standard_out.fileno() == 1 else None
        except (OSError, ValueError, AttributeError):
            return None


def _nothing() -> None:
    return None
