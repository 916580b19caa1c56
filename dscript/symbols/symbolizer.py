"""Addresses of kernel and processes to symbols: what `dscript.output.stacks` asks."""

from __future__ import annotations

from collections.abc import Callable

from dscript.symbols.kernel import KernelSymbols
from dscript.symbols.types import Symbol
from dscript.symbols.user import UserSymbols, UserSymbolsUnavailable


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
        return source.lookup(pid, address) if source is not None and pid else None

    def hold(self, pid: int) -> None:
        """Learn a process's mappings while it lives; see `UserSymbols.hold`."""
        source = self._user_symbols()
        if source is not None:
            source.hold(pid)

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
