"""Instructions in basic blocks, as LLVM IR text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from dscript.object.debuginfo import DebugInfo
from dscript.object.values import VOID, Value, const, width

Operand = Value | int

_BINARY = frozenset(
    ("add", "sub", "mul", "udiv", "urem", "and", "or", "xor", "shl", "lshr", "ashr")
)
_PREDICATES = frozenset(("eq", "ne", "ugt", "uge", "ult", "ule", "sgt", "sge", "slt", "sle"))
# The others have no instruction below -mcpu=v4 and abort LLVM's instruction selection.
_ATOMICS = frozenset(("add", "sub", "and", "or", "xor", "xchg"))
# The kernel's limit on arguments of BPF-to-BPF and helper calls (registers R1 to R5).
MAX_ARGUMENTS = 5
# Types that the assembler constraint "r" takes.
_REGISTERS = ("i64", "i32", "ptr")
_LOCAL = re.compile(r"%v\d+")


class Instructions:
    """Blocks under construction.

    Instructions go to the block chosen by `at`; the entry block is chosen at first.  Integer
    operands may be given as `int` where the other operand tells the type.
    """

    def __init__(
        self,
        name: str,
        debug: DebugInfo,
        scope: str,
        declare: Callable[[str, tuple[str, ...], str], None],
    ) -> None:
        """`scope` is the function in the debug information; `declare` makes intrinsics known."""
        self.name = name
        self._debug = debug
        self._scope = scope
        self._declare = declare
        self._allocas: list[str] = []
        self._slots: dict[tuple[str, int], Value] = {}
        self._largest: dict[str, tuple[Value, int, int]] = {}  # with its alloca's index and size
        self._blocks: dict[str, list[str]] = {"entry": []}
        self._done: set[str] = set()
        self._lines = self._blocks["entry"]
        self._count = 0
        self._labels = 0
        self._atomics: list[tuple[list[str], int, str]] = []
        self._loops: list[tuple[str, str]] = []
        self._place = ""
        self.current = "entry"

    # Places

    def block(self, hint: str = "") -> str:
        """A new label; nothing is emitted there before `at`."""
        self._labels += 1
        return f"{hint or 'b'}.{self._labels}"

    def at(self, label: str) -> None:
        """Emit what follows at the end of the block of that label."""
        self._lines = self._blocks.setdefault(label, [])
        self.current = label

    @property
    def terminated(self) -> bool:
        """Whether the current block has ended with a branch or return."""
        return self.current in self._done

    def location(self, line: int, column: int) -> None:
        """Line and column (from 1) of the D text that the following instructions come from."""
        self._place = f", !dbg {self._debug.location(self._scope, line, column)}"

    def _emit(self, text: str) -> None:
        if self.current in self._done:
            raise ValueError(f"{self.name}: instruction after the end of {self.current}: {text}")
        self._lines.append(f"  {text}{self._place}")

    def _value(self, text: str, type: str) -> Value:
        self._count = count = self._count + 1
        name = f"%v{count}"
        self._emit(f"{name} = {text}")
        return Value(name, type)

    def _end(self, text: str) -> None:
        self._emit(text)
        self._done.add(self.current)

    # Memory

    def alloca(self, size: int, align: int = 8, name: str = "") -> Value:
        """`size` bytes of stack, taken once at entry wherever this is called."""
        self._count += 1
        text = f"%{name or 's'}_{self._count}"
        self._allocas.append(f"  {text} = alloca [{size} x i8], align {align}")
        return Value(text, "ptr")

    def slot(self, name: str, size: int, align: int = 8) -> Value:
        """Stack for a value that is used up at once: every call with this name shares it."""
        known = self._slots.get((name, size))
        if known is None:
            known = self._slots[name, size] = self.alloca(size, align, name)
        return known

    def largest_slot(self, name: str, size: int) -> Value:
        """Like `slot`, but one for all sizes: it takes what the largest of them needs."""
        known = self._largest.get(name)
        if known is None:
            known = self.alloca(size, name=name), len(self._allocas) - 1, size
        place, at, most = known
        if size > most:
            self._allocas[at] = self._allocas[at].replace(f"[{most} x i8]", f"[{size} x i8]")
        self._largest[name] = place, at, max(most, size)
        return place

    @contextmanager
    def scratch(self, size: int, align: int = 8) -> Iterator[Value]:
        """`with f.scratch(24) as key:` is stack that others may use again after the block.

        Allocas without such bounds are never merged, and BPF has 512 bytes of stack.
        """
        slot = self.alloca(size, align)
        self.intrinsic("llvm.lifetime.start.p0", [slot], "void")
        yield slot
        if not self.terminated:
            self.intrinsic("llvm.lifetime.end.p0", [slot], "void")

    def load(
        self, type: str, ptr: Value, *, align: int | None = None, volatile: bool = False
    ) -> Value:
        suffix = "" if align is None else f", align {align}"
        return self._value(f"load {'volatile ' * volatile}{type}, ptr {ptr.text}{suffix}", type)

    def store(
        self, value: Value, ptr: Value, *, align: int | None = None, volatile: bool = False
    ) -> None:
        suffix = "" if align is None else f", align {align}"
        self._emit(
            f"store {'volatile ' * volatile}{value.type} {value.text}, ptr {ptr.text}{suffix}"
        )

    def gep(self, ptr: Value, offset: Operand) -> Value:
        """`ptr` moved by a number of bytes."""
        if isinstance(offset, int):
            if offset == 0:
                return ptr
            offset = const(offset)
        return self._value(f"getelementptr i8, ptr {ptr.text}, {offset.type} {offset.text}", "ptr")

    def ctx_load(self, ctx: Value, offset: int, type: str = "i64") -> Value:
        """Load from the program's context at a constant offset.

        The verifier refuses a context pointer that was changed by addition, which LLVM
        makes of two loads that meet; `llvm.preserve.static.offset` keeps them apart.  The
        empty asm keeps it apart from loads of other memory, which the verifier does not let
        one instruction share; it goes away with a value that is not used.
        """
        fixed = self.intrinsic("llvm.preserve.static.offset", [ctx], "ptr")
        address = self._value(f"getelementptr inbounds i8, ptr {fixed.text}, i32 {offset}", "ptr")
        value = self.load(type, address, align=min(8, width(type) // 8))
        if type not in _REGISTERS:
            return value
        return self._value(f'call {type} asm "", "=r,0"({value})', type)

    def atomic(self, op: str, ptr: Value, value: Value) -> Value:
        """add, sub, and, or, xor or xchg; the value that was there before.

        Unused results give the plain locked form: see `_ordered`.
        """
        if op not in _ATOMICS:
            raise ValueError(f"no atomic {op} on BPF")
        old = self._value(f"atomicrmw {op} ptr {ptr.text}, {value} monotonic", value.type)
        self._atomics.append((self._lines, len(self._lines) - 1, old.text))
        return old

    def _ordered(self) -> None:
        """Make the atomics whose result is used sequentially consistent.

        The backend emits a monotonic one as the locked form without a result (`lock
        *(u64 *)(r1 + 0) += r2`), for add and sub even where the result is used, which
        then reads the operand (LLVM 22).
        """
        uses = Counter(
            name
            for lines in self._blocks.values()
            for line in lines
            for name in _LOCAL.findall(line)
        )
        for lines, index, name in self._atomics:
            if uses[name] > 1:
                lines[index] = lines[index].replace(" monotonic", " seq_cst", 1)
        self._atomics.clear()

    def cmpxchg(self, ptr: Value, expected: Value, new: Value) -> Value:
        """Store `new` if `expected` is there; the value that was there before."""
        pair = self._value(
            f"cmpxchg ptr {ptr.text}, {expected}, {new} seq_cst seq_cst", expected.type
        )
        return self._value(f"extractvalue {{ {pair.type}, i1 }} {pair.text}, 0", pair.type)

    # Arithmetic

    def _pair(self, a: Operand, b: Operand) -> tuple[Value, Value]:
        if isinstance(a, int):
            if isinstance(b, int):
                return const(a), const(b)
            return self._like(a, b), b
        if isinstance(b, int):
            return a, self._like(b, a)
        if a.type != b.type:
            raise ValueError(f"{self.name}: operands of two types: {a}, {b}")
        return a, b

    @staticmethod
    def _like(n: int, value: Value) -> Value:
        return Value("null", "ptr") if value.type == "ptr" and n == 0 else const(n, value.type)

    def op(self, name: str, a: Operand, b: Operand) -> Value:
        if name not in _BINARY:
            raise ValueError(f"no {name} instruction on BPF")
        a, b = self._pair(a, b)
        return self._value(f"{name} {a.type} {a.text}, {b.text}", a.type)

    def icmp(self, predicate: str, a: Operand, b: Operand) -> Value:
        if predicate not in _PREDICATES:
            raise ValueError(f"no comparison {predicate}")
        a, b = self._pair(a, b)
        return self._value(f"icmp {predicate} {a.type} {a.text}, {b.text}", "i1")

    def select(self, condition: Value, a: Operand, b: Operand) -> Value:
        a, b = self._pair(a, b)
        return self._value(f"select i1 {condition.text}, {a}, {b}", a.type)

    def _convert(self, name: str, value: Value, type: str) -> Value:
        if value.type == type:
            return value
        return self._value(f"{name} {value} to {type}", type)

    def zext(self, value: Value, type: str) -> Value:
        return self._convert("zext", value, type)

    def sext(self, value: Value, type: str) -> Value:
        return self._convert("sext", value, type)

    def trunc(self, value: Value, type: str) -> Value:
        return self._convert("trunc", value, type)

    def to_int(self, value: Value, type: str = "i64") -> Value:
        """A pointer as a number."""
        return self._convert("ptrtoint", value, type)

    def to_ptr(self, value: Value) -> Value:
        """A number as a pointer (the verifier then treats it as a scalar)."""
        return self._convert("inttoptr", value, "ptr")

    # Control

    def br(self, label: str) -> None:
        self._end(f"br label %{label}")

    def cbr(self, condition: Value, then: str, otherwise: str) -> None:
        self._end(f"br i1 {condition.text}, label %{then}, label %{otherwise}")

    def switch(self, value: Value, default: str, cases: Mapping[int, str]) -> None:
        table = " ".join(f"{const(n, value.type)}, label %{to}" for n, to in cases.items())
        self._end(f"switch {value}, label %{default} [ {table} ]")

    def phi(self, type: str, incoming: Sequence[tuple[Value, str]]) -> Value:
        """Must come before every other instruction of its block."""
        pairs = ", ".join(f"[ {value.text}, %{label} ]" for value, label in incoming)
        return self._value(f"phi {type} {pairs}", type)

    @contextmanager
    def loop(self, count: Operand) -> Iterator[Value]:
        """`with f.loop(n) as i:` runs the body for i = 0 … n-1 (i64, unsigned).

        A count that is not constant must have an upper bound the verifier can see.  In the
        body `break_label` and `continue_label` are branch targets and `break_if` leaves early;
        after it the builder stands where the loop has ended.
        """
        bound = const(count) if isinstance(count, int) else count
        before = self.current
        header, body = self.block("loop"), self.block("body")
        latch, after = self.block("next"), self.block("done")
        self.br(header)
        self.at(header)
        index = self.phi("i64", [(const(0), before), (Value(f"%i.{latch}", "i64"), latch)])
        self.cbr(self.icmp("ult", index, bound), body, after)
        self.at(body)
        self._loops.append((after, latch))
        yield index
        self._loops.pop()
        if not self.terminated:
            self.br(latch)
        self.at(latch)
        self._emit(f"%i.{latch} = add nuw i64 {index.text}, 1")
        self.br(header)
        self.at(after)

    @property
    def break_label(self) -> str:
        """Where the innermost `loop` ends."""
        return self._loops[-1][0]

    @property
    def continue_label(self) -> str:
        """Where the innermost `loop` goes to its next round."""
        return self._loops[-1][1]

    def break_if(self, condition: Value) -> None:
        """Leave the innermost `loop` when `condition` holds."""
        stay = self.block("stay")
        self.cbr(condition, self.break_label, stay)
        self.at(stay)

    # Calls

    def helper(self, number: int, args: Sequence[Value], result: str = "i64") -> Value:
        """Call a BPF helper by number."""
        return self._call(result, f"inttoptr (i64 {int(number)} to ptr)", args)

    def intrinsic(self, name: str, args: Sequence[Value], result: str = "i64") -> Value:
        """Call an LLVM intrinsic (`llvm.ctlz.i64`, …), declaring it in the module."""
        self._declare(name, tuple(a.type for a in args), result)
        return self._call(result, f"@{name}", args)

    def _call(self, result: str, target: str, args: Sequence[Value]) -> Value:
        if len(args) > MAX_ARGUMENTS:
            raise ValueError(f"{self.name}: more than {MAX_ARGUMENTS} arguments to {target}")
        text = f"call {result} {target}({', '.join(map(str, args))})"
        if result == "void":
            self._emit(text)
            return VOID
        return self._value(text, result)

    def opaque(self, value: Value) -> Value:
        """The same value, of which the optimiser knows nothing any more."""
        if value.type not in _REGISTERS:
            raise ValueError(f"no register class for {value}")
        return self._value(f'call {value.type} asm sideeffect "", "=r,0"({value})', value.type)

    def apart(self, value: Value, number: int) -> Value:
        """The same value, which the optimiser takes for another one than that of other numbers."""
        if value.type not in _REGISTERS:
            raise ValueError(f"no register class for {value}")
        return self._value(f'call {value.type} asm "", "=r,0,i"({value}, i64 {number})', value.type)

    def fence(self) -> None:
        """Keep the optimiser from moving or merging memory accesses across this point."""
        self._emit('call void asm sideeffect "", "~{memory}"()')
