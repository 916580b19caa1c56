"""The typed AST: what the program means, with every name resolved and every type known.

The checker makes it from the AST; lowering reads it.  Inlines, macro variables and
translators are gone, conversions are explicit, operands of an operator have the type the
operator works in.  Scalars are integers or pointers of the node's `type`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from dscript.builtins.variables import ProbePart
from dscript.dtypes.types import ArrayType, Member, PointerType, StringType, StructType, Type
from dscript.errors import Span
from dscript.program import AggregationFunction, Conversion, SymbolKind
from dscript.program import LoadWord as LoadWordName
from dscript.providers.base import ArgumentType, ProbePoint

Scope = Literal["global", "self", "this"]
# What a key of an aggregation is: the kind of its field, but for bare probe names.
KeyKind = Literal["int", "string", "stack", "ustack"] | SymbolKind
# Which of the probe's names it is, where every use gives the same one.
KeyPart = ProbePart | Literal[""]


@dataclass(slots=True, eq=False)
class Variable:
    """A D variable.  `keys` is None for a scalar; key types for an associative array.

    `key_capacities` are the bytes each string key needs, the widest over all uses.
    """

    name: str
    scope: Scope
    type: Type
    keys: tuple[Type, ...] | None = None
    declared: bool = False
    key_capacities: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name if self.scope == "global" else f"{self.scope}->{self.name}"


@dataclass(slots=True, eq=False)
class AggregationVariable:
    """`@name`: function, parameters and key types agreed on by all its uses.

    `part_keys` tells for each key whether every use gave a bare probe name (`probefunc`, …).
    `weighted`: some use gives a weight, which may be 0.
    """

    name: str
    id: int
    keys: list[Type] = field(default_factory=list)
    key_kinds: list[KeyKind] = field(default_factory=list)
    key_capacities: list[int] = field(default_factory=list)
    key_frames: list[int] = field(default_factory=list)
    key_parts: list[KeyPart] = field(default_factory=list)
    function: AggregationFunction | Literal[""] = ""
    params: tuple[int, ...] = ()
    signed: bool = True
    weighted: bool = False
    used: bool = False


@dataclass(slots=True, eq=False)
class Expr:
    type: Type
    span: Span


@dataclass(slots=True, eq=False)
class Const(Expr):
    """An integer or pointer constant, already wrapped to `type`."""

    value: int


@dataclass(slots=True, eq=False)
class FloatConst(Expr):
    value: float


@dataclass(slots=True, eq=False)
class Text(Expr):
    """A string literal."""

    value: bytes


@dataclass(slots=True, eq=False)
class LoadWord(Expr):
    """A value that only the run knows (`$target`); `name` is a `program.LoadWord`."""

    name: LoadWordName


@dataclass(slots=True, eq=False)
class VariableRef(Expr):
    variable: Variable


@dataclass(slots=True, eq=False)
class Element(Expr):
    """`array[keys]` of an associative array; keys are converted to the declared types."""

    variable: Variable
    keys: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Builtin(Expr):
    """A built-in variable; `index` for arg0…, uregs[n]."""

    name: str
    index: int = 0


@dataclass(slots=True, eq=False)
class ProbeArgument(Expr):
    """`args[index]`: a scalar that lies at `place` of the probe's context, or a structure that
    was passed in registers."""

    index: int
    place: ArgumentType


@dataclass(slots=True, eq=False)
class KernelSymbol(Expr):
    """The object a backtick symbol names: a place of `type` at a kernel address."""

    module: str
    name: str
    address: int


@dataclass(slots=True, eq=False)
class Deref(Expr):
    """The place of `type` at the address that the pointer-typed `address` gives."""

    address: Expr


@dataclass(slots=True, eq=False)
class MemberRef(Expr):
    """Member of a struct-typed place or value."""

    base: Expr
    member: Member


@dataclass(slots=True, eq=False)
class IndexRef(Expr):
    """Element of an array-typed place; `index` is 64-bit; bounds are checked when known."""

    base: Expr
    index: Expr


@dataclass(slots=True, eq=False)
class AddressOf(Expr):
    operand: Expr


@dataclass(slots=True, eq=False)
class Convert(Expr):
    """Conversion between scalars: truncate or extend by the operand's signedness."""

    operand: Expr


@dataclass(slots=True, eq=False)
class ToString(Expr):
    """`stringof` and implied conversions: a `char *`, char array or string becomes a string."""

    operand: Expr


@dataclass(slots=True, eq=False)
class Unary(Expr):
    op: Literal["-", "~"]
    operand: Expr


@dataclass(slots=True, eq=False)
class Not(Expr):
    operand: Expr


@dataclass(slots=True, eq=False)
class Binary(Expr):
    """`+ - * / % & | ^ << >>` in `type`; a shift's right operand keeps its own type."""

    op: str
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Compare(Expr):
    """Relational operator on scalars of one type or on strings; the value is an int."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Logical(Expr):
    op: Literal["&&", "||", "^^"]
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Conditional(Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(slots=True, eq=False)
class Comma(Expr):
    items: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Assign(Expr):
    """`target = value`; with `op`, `target = (type)((work)target op value)`.

    `work` is the type a compound operator computes in; `value` has it already.
    """

    target: Expr
    value: Expr
    op: str = ""
    work: Type | None = None


@dataclass(slots=True, eq=False)
class Step(Expr):
    """`++`/`--`: adds `delta` (scaled for pointers); the value is the old one if `post`."""

    target: Expr
    delta: int
    post: bool


@dataclass(slots=True, eq=False)
class SubroutineCall(Expr):
    name: str
    args: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class StackValue(Expr):
    """`stack(n)`, `ustack(n)` or `jstack(n)` as a value or key: `frames` addresses."""

    kind: Literal["stack", "ustack"]
    frames: int
    strsize: int = 0


@dataclass(slots=True, eq=False)
class SymbolValue(Expr):
    """`sym(a)`, `usym(a)`, …: an address printed by name; `kind` is the field kind."""

    kind: SymbolKind
    address: Expr


@dataclass(slots=True, eq=False)
class ActionCall(Expr):
    """A data-recording or other action; void.

    `count` is tracemem's size, `text` a constant operand (option names, print's type).
    """

    kind: str
    args: tuple[Expr, ...] = ()
    format: tuple[Conversion, ...] | None = None
    aggregations: tuple[AggregationVariable, ...] = ()
    count: int = 0
    text: str = ""


@dataclass(slots=True, eq=False)
class AggregationUpdate(Expr):
    """`@a[keys] = function(value[, weight])`; void."""

    aggregation: AggregationVariable
    keys: tuple[Expr, ...]
    value: Expr | None
    weight: Expr | None = None


# ------------------------------------------------------------------------ statements


@dataclass(slots=True, eq=False)
class Stmt:
    span: Span


@dataclass(slots=True, eq=False)
class Do(Stmt):
    expr: Expr


@dataclass(slots=True, eq=False)
class If(Stmt):
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class Clause:
    """One clause with the probes it is enabled on; `empty` when no statement was written.

    `filter` tells which firings of an event are the probe (`providers.base.Derived`).
    """

    index: int
    points: Sequence[ProbePoint]
    predicate: Expr | None
    body: tuple[Stmt, ...]
    span: Span
    empty: bool
    filter: Expr | None = None


@dataclass(slots=True, eq=False)
class Program:
    clauses: list[Clause]
    variables: list[Variable]
    aggregations: list[AggregationVariable]
    options: dict[str, str]
    matches: list[tuple[str, int]]
    notes: list[str]
    remarks: list[str]
    destructive: bool
    strsize: int
    source_name: str
    source_text: str


def in_user_memory(place: Expr) -> bool:
    """Whether an lvalue lies in the memory of the traced process."""
    while True:
        match place:
            case MemberRef() | IndexRef():
                place = place.base
            case Comma():
                place = place.items[-1]
            case Assign():
                place = place.target
            case Conditional():
                place = place.then
            case Deref():
                return is_user_pointer(place.address.type)
            case _:
                return False


def is_user_pointer(type_: Type) -> bool:
    """Whether a type is a pointer into the traced process."""
    type_ = type_.resolve()
    return isinstance(type_, PointerType) and type_.user


def element_count(array: Expr) -> int | None:
    """How many elements an array-typed place has; None where nothing tells.

    An array of one at the end of a structure behind a pointer stands for as many as follow it,
    as C wrote before it had `[]`.
    """
    type_ = array.type.resolve()
    assert isinstance(type_, ArrayType)
    if type_.count == 1 and isinstance(array, MemberRef) and isinstance(array.base, Deref):
        struct = array.base.type.resolve()
        if isinstance(struct, StructType) and struct.kind == "struct":
            last = max(member.bit_offset for member in struct.members)
            return None if array.member.bit_offset == last else 1
    return type_.count


def capacity(expr: Expr) -> int:
    """Bytes that a string-typed expression can take, its NUL included."""
    match expr:
        case Text():
            return len(expr.value) + 1
        case Builtin(name="execname"):
            return min(16, max(1, expr.type.size))
        case Conditional():
            return max(capacity(expr.then), capacity(expr.otherwise))
        case ToString() if isinstance(expr.operand.type.resolve(), StringType):
            return capacity(expr.operand)
        case _:
            return max(1, expr.type.size)
