"""Addresses of kernel and processes to symbols: what `dscript.output.stacks` asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dscript.kernel.processes import exists
from dscript.symbols.kernel import KernelSymbols
from dscript.symbols.mappings import Spaces
from dscript.symbols.types import Symbol

if TYPE_CHECKING:
    from dscript.symbols.sideband import Sideband
    from dscript.symbols.user import UserSymbols

# Addresses whose names are kept at hand.
_REMEMBERED = 100_000


class Symbolizer:
    """Loads each source when the first address of its kind comes.

    `warn` takes one line, once, when a source is not to be had; its addresses then stay
    numbers.  `note` takes a line about a stack that ends early, once.
    """

    def __init__(
        self,
        warn: Callable[[str], None] | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._warn = warn
        self._note = note
        self._kernel = KernelSymbols()
        self._user: UserSymbols | None = None
        self._kernel_checked = False
        self._spaces = Spaces()
        self._sideband: Sideband | None = None
        self._cut = False  # it was said that a stack ends early
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

    def code_files(self, pid: int) -> list[str]:
        """Files that a process has, or had, code of, as far as that is known."""
        self.update()
        return self._spaces.files(pid)

    def kernel(self, address: int) -> Symbol | None:
        symbol = self._kernel.lookup(address)
        if not self._kernel_checked:
            self._kernel_checked = True
            if not self._kernel.readable:
                self._say(
                    "kernel addresses stay without names: /proc/kallsyms shows them to those "
                    "with CAP_SYSLOG, and as kernel.kptr_restrict says"
                )
        return symbol

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None:
        """`pid` is the process's number where the tracer runs, 0 when it has none there.

        `tgid`, its number in the initial PID namespace, is not used to find it.
        """
        if not pid:
            return None
        if self._user is None:
            from dscript.symbols.user import UserSymbols

            self._user = UserSymbols()
        if self._user.holds(pid):
            symbol = self._user.lookup(pid, address)
            # One that is ending has nothing mapped any more, and soon no files in /proc.
            if symbol is not None and (symbol.name or exists(pid)):
                return symbol
        return self._of_ended(pid, address)

    def code_frames(self, pid: int, addresses: Sequence[int]) -> Sequence[int]:
        """The frames up to the first that is no code of the process, as far as that is known.

        Where code has no unwind tables, frame pointers are followed; code built without them
        has other things in that register.  The first time that shows, `note` is told.
        """
        if self._sideband is None:
            return addresses
        for index, address in enumerate(addresses):
            if self._spaces.find(pid, address) is None:
                self.update()
                if self._spaces.knows(pid) and self._spaces.find(pid, address) is None:
                    if not index:  # of something that the process ran long before
                        return addresses
                    self._say_cut(pid, addresses[:index])
                    return addresses[:index]
        return addresses

    def _say_cut(self, pid: int, kept: Sequence[int]) -> None:
        if self._note is not None and not self._cut and kept:
            self._cut = True
            symbol = self.user(pid, pid, kept[-1])
            where = symbol.module if symbol is not None and symbol.module else hex(kept[-1])
            self._note(
                "user stacks end where code has neither unwind tables nor frame pointers "
                f"(seen first in {where})"
            )

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

    def _say(self, text: str) -> None:
        if self._warn is not None:
            self._warn(text)
