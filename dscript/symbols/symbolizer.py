"""Addresses of kernel and processes to symbols: what `dscript.output.stacks` asks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from dscript.symbols.kernel import KernelSymbols
from dscript.symbols.mappings import Spaces
from dscript.symbols.types import Symbol
from dscript.symbols.user import UserSymbols, UserSymbolsUnavailable

if TYPE_CHECKING:
    from dscript.symbols.sideband import Sideband

# Addresses whose names are kept at hand.
_REMEMBERED = 100_000


class Symbolizer:
    """Loads each source when the first address of its kind comes.

    `warn` takes one line, once, when a source is not to be had; its addresses then stay
    numbers.
    """

    def __init__(self, warn: Callable[[str], None] | None = None) -> None:
        self._warn = warn
        self._kernel = KernelSymbols()
        self._user: UserSymbols | None = None
        self._user_missing = False
        self._kernel_checked = False
        self._spaces = Spaces()
        self._sideband: Sideband | None = None
        self._ended: dict[tuple[int, int], Symbol | None] = {}  # of processes that are gone

    def watch(self) -> None:
        """From now on, note what processes map, so that those that end keep their names."""
        from dscript.symbols.sideband import Sideband

        with suppress(OSError):  # no permission, no perf events: names while a process runs
            self._sideband = Sideband(self._spaces)

    def update(self) -> None:
        """Take in what processes have mapped lately; called now and then while tracing."""
        if self._sideband is not None:
            self._sideband.update()

    def kernel(self, address: int) -> Symbol | None:
        symbol = self._kernel.lookup(address)
        if not self._kernel_checked:
            self._kernel_checked = True
            if not self._kernel.readable:
                self._say("kernel symbols stay addresses: /proc/kallsyms shows none")
        return symbol

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None:
        """`pid` is the process's number where the tracer runs, 0 when it has none there.

        `tgid`, its number in the initial PID namespace, is not used to find it.
        """
        source = self._user_symbols()
        if not pid:
            return None
        if source is not None and source.holds(pid):
            return source.lookup(pid, address)
        return self._of_ended(pid, address)

    def _of_ended(self, pid: int, address: int) -> Symbol | None:
        """By what the process had mapped when it was last seen."""
        key = (pid, address)
        if key not in self._ended:
            self.update()
            mapping = self._spaces.find(pid, address)
            found = None
            if mapping is not None:
                from dscript.symbols.files import symbol

                found = symbol(pid, mapping, address)
            if len(self._ended) >= _REMEMBERED:
                self._ended.clear()
            self._ended[key] = found
        return self._ended[key]

    def _user_symbols(self) -> UserSymbols | None:
        if self._user is None and not self._user_missing:
            try:
                self._user = UserSymbols()
            except UserSymbolsUnavailable as error:
                self._user_missing = True
                self._say(str(error))
        return self._user

    def _say(self, text: str) -> None:
        if self._warn is not None:
            self._warn(text)
