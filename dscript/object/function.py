"""The builder of one function: its signature, and the instructions that it consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dscript.object import memory
from dscript.object.debuginfo import DebugInfo
from dscript.object.instructions import MAX_ARGUMENTS, Instructions, Operand
from dscript.object.values import Value, const, symbol

__all__ = ["Function", "Operand"]


class Surroundings(Protocol):
    """What a function asks of the module that it belongs to (`ir.Module`)."""

    debug: DebugInfo

    def declare(self, name: str, params: tuple[str, ...], result: str) -> None: ...

    def function(self, name: str, params: Sequence[tuple[str, str]]) -> Function: ...


class Function(Instructions):
    """A function under construction."""

    def __init__(
        self,
        module: Surroundings,
        name: str,
        params: Sequence[tuple[str, str]],
        result: str,
        *,
        section: str | None,
        line: int,
    ) -> None:
        if len(params) > MAX_ARGUMENTS:
            raise ValueError(f"{name}: BPF functions take at most {MAX_ARGUMENTS} arguments")
        local = section is None
        scope = module.debug.subprogram(name, params, result, line=line, local=local)
        super().__init__(name, module.debug, scope, module.declare)
        self.module = module
        self.result = result
        self.section = section
        self.value = Value(symbol(name), "ptr")
        self.params = [Value(f"%{param}", type) for param, type in params]
        self.location(line, 0)

    def memcpy(self, dst: Value, src: Value, size: int, align: int = 8) -> None:
        """Copy `size` bytes between areas that do not overlap, both aligned to `align`."""
        memory.copy(self, dst, src, size, align)

    def memset(self, dst: Value, size: int, value: int = 0, align: int = 8) -> None:
        """Set `size` bytes, aligned to `align`, to the byte `value`."""
        memory.fill(self, dst, size, value, align)

    def call(self, function: Function | Value, args: Sequence[Value], result: str = "i64") -> Value:
        """Call a subprogram; `result` counts only for a bare address."""
        if isinstance(function, Function):
            if [a.type for a in args] != [p.type for p in function.params]:
                raise ValueError(f"{self.name}: wrong arguments for {function.name}")
            return self._call(function.result, function.value.text, args)
        return self._call(result, function.text, args)

    def ret(self, value: Operand | None = None) -> None:
        if value is None:
            self._end("ret void")
        else:
            self._end(f"ret {const(value, self.result) if isinstance(value, int) else value}")

    def text(self) -> str:
        """The definition as LLVM text; ValueError when a block has no end."""
        for label in self._blocks:
            if label not in self._done:
                raise ValueError(f"{self.name}: block {label} does not end")
        if self._atomics:
            self._ordered()
        params = ", ".join(map(str, self.params))
        if self.section is None:
            head = f"define internal {self.result} {self.value.text}({params}) #1"
        else:
            section = self.section
            head = (
                f'define dso_local {self.result} {self.value.text}({params}) #0 section "{section}"'
            )
        lines = [f"{head} !dbg {self._scope} {{"]
        for label, body in self._blocks.items():
            lines.append(f"{label}:")
            if label == "entry":
                lines += self._allocas
            lines += body
        lines.append("}\n")
        return "\n".join(lines)
