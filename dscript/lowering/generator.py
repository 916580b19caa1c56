"""What lowering one function needs at hand: the builder, the firing's memory, fault exits.

And the one recursion of this folder: what lowers an expression of some kind asks the generator
for its operands, of whatever kind those are (`clause_generator` knows who lowers which).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dscript.dtypes.types import Type, is_bool, is_signed
from dscript.errors import Diagnostic, Span
from dscript.lowering.layout import Layout, State, round_up
from dscript.lowering.operands import Place, Str
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.ir import Module
from dscript.object.values import NULL, Value, const
from dscript.program import Aggregation, DropKind, Fault, LoadWord
from dscript.providers.base import ArgumentType, Context, Shape
from dscript.semantics import tree

if TYPE_CHECKING:
    from dscript.lowering.kernel import KernelLayout
    from dscript.lowering.records import RecordPlan
    from dscript.lowering.scratch import ScratchSizes

# `error`: the ERROR probe, whose arguments come from the firing's fault words.
Firing = Context | Literal["error"]


@dataclass(slots=True, eq=False)
class Unit:
    """Everything that all functions of one object share."""

    module: Module
    program: tree.Program
    layout: Layout
    kernel: KernelLayout
    bss: Value
    records: Value
    drops: Value
    scratch: ScratchSizes
    # Aggregations that only one BPF program updates need no atomic operations.
    exclusive: set[int] = field(default_factory=set)
    load_words: list[LoadWord] = field(default_factory=list)
    load_words_value: Value | None = None
    helpers: dict[str, Function] = field(default_factory=dict)
    probe_tables: dict[str, tuple[Value, int, int]] = field(default_factory=dict)
    probe_names: dict[int, tuple[str, str, str, str]] = field(default_factory=dict)
    probe_ids: dict[int, int] = field(default_factory=dict)
    epids: dict[int, int] = field(default_factory=dict)
    # Whether an ERROR clause reads arg1, the enabled probe ID of the clause that failed.
    error_reads_epid: bool = False
    needs_vtime: bool = False
    flowindent: bool = False
    # Key of the ERROR probe in `CompiledProgram.probes`.
    error_probe: int = 3
    # Probes of one system-call tracepoint when all calls are traced.
    syscall_count: int = 1 << 16
    # The only CPU where probes fire, None for all.
    cpu: int | None = None
    # pid and tid are those of the initial PID namespace.
    host_pids: bool = False
    # User stacks are unwound by tables.
    unwind: bool = False
    # The map that holds the control group to which tracing is limited.
    cgroup: Value | None = None
    # Which processes descend from the targets (lowering.following), where that is asked for;
    # `follow` says that probes of a process fire in those, too.
    followed: Value | None = None
    follow: bool = False
    # Speculations there may be, and where their words lie in the state blob once one is used.
    nspec: int = 1
    speculations: int | None = None
    # Where the figures of the system lie in the state blob, once one is used (never at 0).
    system_words: int = 0
    # Per-CPU account of chill(), once it is used.
    chilled: Value | None = None
    # Most bytes of temporaries that any statement needs.
    temporary_top: int = 0
    aggregation_plans: list[Aggregation] = field(default_factory=list)
    aggregation_maps: list[tuple[Value, Value]] = field(default_factory=list)

    def subprogram(
        self, name: str, params: Sequence[tuple[str, str]], build: Callable[[Function], None]
    ) -> Function:
        """The one of that name, built when first asked for; it returns 0 unless `build` does."""
        known = self.helpers.get(name)
        if known is None:
            known = self.helpers[name] = self.module.function(name, params)
            build(known)
            if not known.terminated:
                known.ret(0)
        return known


@dataclass(slots=True, eq=False)
class Generator(ABC):
    """State of lowering one clause function.

    `fault_label` is where a fault goes on from (the record, if any, is given back there).
    `cached` holds values computed once a clause, such as the timestamp.
    """

    unit: Unit
    f: Function
    ctx: Value
    state: Value
    scratch: Value
    firing: Firing
    plan: RecordPlan
    arguments: tuple[ArgumentType, ...] = ()
    clause: int = 0
    action: int = 0
    fault_label: str = ""
    skip_label: str = ""
    # The statement's number, its temporary memory in scratch, and the bytes of it that are used.
    statement: int = 0
    temporaries: Value = NULL
    temporary: int = 0
    temporary_top: int = 0
    uses_scratch: bool = False
    key_depth: int = 0
    cached: dict[str, Value] = field(default_factory=dict)
    record: Value | None = None
    # Word of the context that holds the task the probe is about; -1 for the one running.
    subject: int = -1
    exits: bool = False
    # Whether keys are built in scratch memory, since what the clause calls needs the stack.
    spares_stack: bool = False
    # The program may wait for pages of the process (lowering.prefault).
    may_wait: bool = False
    # What makes the system call another one, in a clause for such (lowering/call_names.py).
    shape: Shape | None = None

    # -------------------------------------------------------------------------- operands

    @abstractmethod
    def value(self, expr: tree.Expr) -> Value:
        """A scalar expression: 64 bits, as a variable of its type would read back."""

    @abstractmethod
    def truth(self, expr: tree.Expr) -> Value:
        """A condition as an i1."""

    @abstractmethod
    def effect(self, expr: tree.Expr) -> None:
        """An expression for what it does: its value is not wanted."""

    @abstractmethod
    def string(self, expr: tree.Expr) -> Str:
        """A string expression, in place where it already lies in memory."""

    @abstractmethod
    def string_into(self, expr: tree.Expr, destination: Value, capacity: int, *, pad: bool) -> None:
        """Compute a string straight into `capacity` bytes; `pad` fills the rest with NULs."""

    @abstractmethod
    def place(self, expr: tree.Expr) -> Place:
        """Where an object in memory lies, for reading."""

    # ----------------------------------------------------------------------------- memory

    def at(self, span: Span) -> None:
        """Instructions from here on come from this place of the D text."""
        if span.source is not None:
            where = span.position
            self.f.location(where.line, where.column)

    def bss(self, offset: int) -> Value:
        return self.f.gep(self.unit.bss, offset)

    def state_at(self, offset: int) -> Value:
        return self.f.gep(self.state, offset)

    def scratch_at(self, offset: int) -> Value:
        self.uses_scratch = True
        self.temporary_top = max(self.temporary_top, 8)
        return self.f.gep(self.scratch, offset)

    def key_buffer(self, name: str, size: int, limit: int) -> Value:
        """Memory for a key: up to `limit` bytes of stack, one place for a name, else scratch."""
        if size <= limit and not self.spares_stack:
            return self.f.largest_slot(name, size)
        return self.temporary_at(size)

    def temporary_at(self, size: int) -> Value:
        """`size` bytes of scratch that stay until the statement ends."""
        start = self.temporary
        self.temporary += round_up(size)
        self.temporary_top = max(self.temporary_top, self.temporary)
        self.uses_scratch = True
        return self.f.gep(self.temporaries, self.unit.scratch.temporaries + start)

    def begin_statement(self) -> None:
        """From here on temporary memory is used anew.

        Were its address known to be that of the statement before, LLVM would keep addresses from
        one to the next: on the stack.
        """
        self.temporary = 0
        self.statement += 1
        self.temporaries = self.f.apart(self.scratch, self.statement)

    def load_word(self, name: LoadWord) -> Value:
        return load_word(self.unit, self.f, name)

    # ----------------------------------------------------------------------------- faults

    def fault(self, kind: Fault, address: Value | None = None) -> None:
        """Leave the clause with a fault; the current block ends here."""
        f = self.f
        f.store(const(int(kind)), self.state_at(State.FAULT))
        f.store(const(self.action), self.state_at(State.FAULT_ACTION))
        f.store(const(0) if address is None else address, self.state_at(State.FAULT_ADDRESS))
        f.br(self.fault_label)

    def fault_if(self, condition: Value, kind: Fault, address: Value | None = None) -> None:
        f = self.f
        bad, good = f.block("fault"), f.block("ok")
        f.cbr(condition, bad, good)
        f.at(bad)
        self.fault(kind, address)
        f.at(good)

    def count_drop(self, kind: DropKind) -> None:
        """Add one to this CPU's counter of a kind."""
        count_drop(self.f, self.unit.drops, kind)

    # --------------------------------------------------------------------------- integers

    def normalise(self, value: Value, type_: Type) -> Value:
        """A 64-bit value as a variable of `type_` would read back."""
        size = type_.size
        if size >= 8:
            return value
        f = self.f
        if is_bool(type_):
            return f.zext(f.icmp("ne", value, 0), "i64")
        narrow = f.trunc(value, f"i{size * 8}")
        return f.sext(narrow, "i64") if is_signed(type_) else f.zext(narrow, "i64")

    def load_int(self, pointer: Value, type_: Type) -> Value:
        """Load a scalar of BPF memory, extended to 64 bits."""
        size = type_.size
        loaded = self.f.load(f"i{size * 8}", pointer, align=1 if size == 1 else None)
        if size >= 8:
            return loaded
        f = self.f
        return f.sext(loaded, "i64") if is_signed(type_) else f.zext(loaded, "i64")

    def store_int(self, value: Value, pointer: Value, size: int) -> None:
        narrow = value if size >= 8 else self.f.trunc(value, f"i{size * 8}")
        self.f.store(narrow, pointer)

    def address_of(self, pointer: Value) -> Value:
        """A BPF pointer as a number the verifier no longer tracks.

        Negating a pointer makes the verifier forget what it was; twice gives it back.
        """
        f = self.f
        negated = f.op("sub", 0, f.opaque(f.to_int(pointer)))
        return f.op("sub", 0, f.opaque(negated))

    def pid_tgid(self) -> Value:
        """(tgid << 32 | tid) of the initial PID namespace."""
        known = self.cached.get("pid_tgid")
        return known or self.f.helper(Helper.GET_CURRENT_PID_TGID, [])

    def unsupported(self, what: str, span: Span, hint: str | None = None) -> Diagnostic:
        return Diagnostic("D_UNKNOWN", f"{what} is not available in this version", span, hint)


# How a subroutine is lowered that gives a number, and one that gives a string, which is
# computed into so many bytes.
Scalar = Callable[[Generator, tree.SubroutineCall], Value]
StringInto = Callable[[Generator, tree.SubroutineCall, Value, int], None]


def load_word(unit: Unit, f: Function, name: LoadWord) -> Value:
    """A value that only the run knows (`program.LoadWord`)."""
    words = unit.load_words
    if name not in words:
        words.append(name)
    base = Value("@load_words", "ptr")
    return f.load("i64", f.gep(base, 8 * words.index(name)), volatile=True)


def count_drop(f: Function, drops: Value, kind: DropKind) -> None:
    key = f.slot("drop", 4, 4)
    f.store(const(int(kind), "i32"), key)
    counter = f.helper(Helper.MAP_LOOKUP_ELEM, [drops, key], "ptr")
    found, done = f.block("drop"), f.block("dropped")
    f.cbr(f.icmp("ne", counter, Value("null", "ptr")), found, done)
    f.at(found)
    f.atomic("add", counter, const(1))
    f.br(done)
    f.at(done)
