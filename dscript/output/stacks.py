"""Addresses and stacks as text: module`symbol+0xoffset, frame by frame.

An address without symbol prints as module`0x…, one without module as 0x… (manual, chapter
"Actions and Subroutines", `stack()` and `ustack()`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dscript.program import CompiledProgram, Field
from dscript.symbols.types import Symbol

STACK_INDENT = 14


class Symbols(Protocol):
    """Resolves addresses; `dscript.symbols.Symbolizer` is one."""

    def kernel(self, address: int) -> Symbol | None: ...

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None: ...

    def code_frames(self, pid: int, addresses: Sequence[int]) -> Sequence[int]:
        """The frames of a user stack up to the first that is no code of the process."""
        ...


class KernelSymbols:
    """Resolves addresses of the kernel alone: those of processes stay numbers (`noresolve`)."""

    def __init__(self, symbols: Symbols) -> None:
        self.kernel = symbols.kernel
        self.code_frames = symbols.code_frames

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None:
        return None


class StackWriter:
    """Text of addresses by way of a symbolizer; `target` is the process of %A."""

    def __init__(self, symbols: Symbols, indent: int = STACK_INDENT, target: int = 0) -> None:
        self.symbols = symbols
        self.indent = indent
        self.target = target

    def kernel_address(self, address: int) -> bytes:
        return _with_offset(self.symbols.kernel(address), address)

    def target_address(self, address: int) -> bytes:
        symbol = self.symbols.user(self.target, self.target, address) if self.target else None
        return _with_offset(symbol, address)

    def user_address(self, value: Sequence[int]) -> bytes:
        tgid, pid, address = value
        return _with_offset(self.symbols.user(tgid, pid, address), address)

    def kernel_stack(
        self, addresses: Sequence[int], indent: int | None = None, frame: bytes = b"%s"
    ) -> bytes:
        """A newline, then one line a frame; ends at the first address 0.

        `indent` is that of the option stackindent when None; `frame` formats each frame.
        """
        texts = (frame % self.kernel_address(a) for a in _frames(addresses))
        return self._frames(texts, indent)

    def user_stack(
        self, value: Sequence[int], indent: int | None = None, frame: bytes = b"%s"
    ) -> bytes:
        """The same for (tgid, pid, addresses…)."""
        found = user_frames(self.symbols, value)
        texts = (frame % _with_offset(symbol, address) for address, symbol in found)
        return self._frames(texts, indent)

    def _frames(self, texts: Any, indent: int | None) -> bytes:
        margin = b" " * (self.indent if indent is None else indent)
        return b"\n" + b"".join([margin + text + b"\n" for text in texts])

    def symbol_functions(self) -> dict[str, Callable[[Any], bytes]]:
        """For each symbol kind of a field, its value → text without padding."""
        kernel, user = self.symbols.kernel, self.symbols.user
        return {
            "sym": lambda a: symbol_text(kernel(a), a),
            "func": lambda a: symbol_text(kernel(a), a),
            "mod": lambda a: _module(kernel(a), a),
            "usym": lambda v: symbol_text(user(*v), v[2]),
            "ufunc": lambda v: symbol_text(user(*v), v[2]),
            "umod": lambda v: _module(user(*v), v[2]),
            "uaddr": self.user_address,
        }


# Where handlers of signals return to; what called them was interrupted and called nothing.
_AFTER_SIGNALS = frozenset(("__restore_rt", "__kernel_rt_sigreturn", "__vdso_rt_sigreturn"))


def user_frames(symbols: Symbols, value: Sequence[int]) -> list[tuple[int, Symbol | None]]:
    """The frames of (tgid, pid, addresses…) and where each lies.

    A stack ends at an address 0, or where the process has no code, as when frame pointers were
    followed that are none.  A function that ends with a call of what never returns (abort)
    has its return address behind its end: the call tells the function, as in debuggers.
    """
    tgid, pid, *addresses = value
    found: list[tuple[int, Symbol | None]] = []
    is_return = False
    for address in symbols.code_frames(pid, _frames(addresses)):
        symbol = symbols.user(tgid, pid, address)
        if is_return and (symbol is None or not symbol.name or not symbol.offset):
            call = symbols.user(tgid, pid, address - 1)
            if call is not None and call.name:
                symbol = Symbol(call.module, call.name, call.offset + 1)
        is_return = symbol is None or symbol.name not in _AFTER_SIGNALS
        found.append((address, symbol))
    return found


def _frames(addresses: Sequence[int]) -> list[int]:
    result = []
    for address in addresses:
        if not address:
            break
        result.append(address)
    return result


_NAMED_BY_SYMBOL = ("sym", "func", "usym", "ufunc")
_NAMED_BY_MODULE = ("mod", "umod")


def folding(
    keys: Sequence[Field], symbols: Callable[[], Symbols]
) -> Callable[[tuple[Any, ...]], tuple[Any, ...]] | None:
    """What makes keys of sym(), func(), mod() and their user kin one for each name they print.

    Every address of a function becomes its first one, every address in a module the first that
    was seen, as dtrace(1M) does when it reads an aggregation.  None: no such key.
    """
    places = [(i, k.kind) for i, k in enumerate(keys) if k.kind in _NAMED_BY_SYMBOL]
    modules = [(i, k.kind) for i, k in enumerate(keys) if k.kind in _NAMED_BY_MODULE]
    if not places and not modules:
        return None
    seen: dict[tuple[Any, ...], Any] = {}

    def fold(key: tuple[Any, ...]) -> tuple[Any, ...]:
        parts = list(key)
        for i, kind in places:
            found = _symbol_of(symbols(), kind, parts[i])
            if found is not None and found.name:
                parts[i] = _moved(parts[i], found.offset)
        for i, kind in modules:
            found = _symbol_of(symbols(), kind, parts[i])
            if found is not None:
                process = parts[i][:2] if kind == "umod" else ()
                parts[i] = seen.setdefault((i, process, found.module), parts[i])
        return tuple(parts)

    return fold


def _symbol_of(symbols: Symbols, kind: str, value: Any) -> Symbol | None:
    return symbols.user(*value) if kind.startswith("u") else symbols.kernel(value)


def _moved(value: Any, offset: int) -> Any:
    """A key's address, or (tgid, pid, address), so many bytes back."""
    return value - offset if isinstance(value, int) else (*value[:2], value[2] - offset)


_USER_FIELDS = frozenset(("ustack", "usym", "umod", "ufunc", "uaddr"))


def names_user_code(program: CompiledProgram) -> bool:
    """Whether a program's output may hold addresses of processes, `%A` of integers among them."""
    actions = [action for clause in program.clauses for action in clause.actions]
    fields = [field for action in actions for field in action.args]
    fields += [key for aggregation in program.aggregations for key in aggregation.keys]
    if any(field.kind in _USER_FIELDS for field in fields):
        return True
    formats = (action.format or () for action in actions)
    return any(conversion.letter == "A" for format_ in formats for conversion in format_)


def _with_offset(symbol: Symbol | None, address: int) -> bytes:
    if symbol is None:
        return b"0x%x" % address
    if not symbol.name:
        return b"%s`0x%x" % (symbol.module.encode(), address)
    text = f"{symbol.module}`{symbol.name}" if symbol.module else symbol.name
    return (f"{text}+{symbol.offset:#x}" if symbol.offset else text).encode()


def symbol_text(symbol: Symbol | None, address: int) -> bytes:
    """Module and function, without an offset."""
    if symbol is None:
        return b"0x%x" % address
    if not symbol.name:
        return b"%s`0x%x" % (symbol.module.encode(), address)
    return (f"{symbol.module}`{symbol.name}" if symbol.module else symbol.name).encode()


def _module(symbol: Symbol | None, address: int) -> bytes:
    return b"0x%x" % address if symbol is None else symbol.module.encode()
