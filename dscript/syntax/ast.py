"""The abstract syntax tree of a D program.

Every node carries the span it was read from; spans take no part in equality, so that
trees can be compared by shape.  Nothing here knows types or probes: names are names.
Order of operands and clauses is program order.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from dscript.errors import Span
from dscript.syntax.nodes import Comparable, node


@node
class Node(Comparable):
    span: Span = field(compare=False, repr=False)


# --------------------------------------------------------------------- expressions


@node
class Expr(Node):
    """Base of expressions."""


@node
class Integer(Expr):
    """`value` is non-negative; `suffix` is the canonical lower-case `""|u|l|ul|ll|ull`."""

    value: int
    suffix: str = ""
    decimal: bool = True


@node
class Float(Expr):
    """`suffix` is `""|f|l`."""

    value: float
    suffix: str = ""


@node
class Character(Expr):
    """A character constant; several characters make one int, first one highest (manual, ch. 2)."""

    value: int


@node
class String(Expr):
    """A string literal with its escapes resolved; bytes, because `\\xff` is one byte."""

    value: bytes


@node
class Macro(Expr):
    """A macro variable as an operand: `$1` → name `1`, text False; `$$1` → text True; `$target`."""

    name: str
    text: bool = False


@node
class Identifier(Expr):
    name: str


@node
class Scoped(Expr):
    """`self->name` and `this->name` (a keyed one is an `Index` of it)."""

    scope: Literal["self", "this"]
    name: str


@node
class External(Expr):
    """A backtick symbol: `` `sym ``, `` mod`sym ``; `module` is empty for the first form."""

    module: str
    name: str


@node
class AggregationRef(Expr):
    """`@name[keys]`; the anonymous `@` has the empty name; `keys` is None without brackets."""

    name: str
    keys: tuple[Expr, ...] | None = None


@node
class Call(Expr):
    name: str
    args: tuple[Expr, ...]


@node
class Index(Expr):
    """`base[a, b, …]`: array subscript or associative-array element."""

    base: Expr
    indices: tuple[Expr, ...]


@node
class Member(Expr):
    """`base.name`, or `base->name` when `arrow`."""

    base: Expr
    name: str
    arrow: bool


@node
class Unary(Expr):
    op: Literal["+", "-", "!", "~", "*", "&", "++", "--"]
    operand: Expr


@node
class Postfix(Expr):
    op: Literal["++", "--"]
    operand: Expr


@node
class Binary(Expr):
    """Arithmetic, relational, logical (`&& || ^^`) and bitwise operators."""

    op: str
    left: Expr
    right: Expr


@node
class Conditional(Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Assign(Expr):
    """`op` is `=` or a compound operator such as `+=`."""

    op: str
    target: Expr
    value: Expr


@node
class Comma(Expr):
    """The comma operator; value and type of the last one."""

    items: tuple[Expr, ...]


@node
class Cast(Expr):
    type: TypeName
    operand: Expr


@node
class SizeofType(Expr):
    type: TypeName


@node
class SizeofExpr(Expr):
    operand: Expr


@node
class Offsetof(Expr):
    """`offsetof(type, a.b.c)`: `path` is the member names in order."""

    type: TypeName
    path: tuple[str, ...]


@node
class Stringof(Expr):
    operand: Expr


@node
class Xlate(Expr):
    """`xlate <type> (operand)`."""

    type: TypeName
    operand: Expr


# ------------------------------------------------------- types as they are written


@node
class TypeSpec(Node):
    """Base of what stands before the declarator."""


@node
class NamedType(TypeSpec):
    """Keyword types and typedef names.

    `words` is the list as written, sorted out by the type checker: `("unsigned", "long")`,
    `("string",)`, `("uint64_t",)`.  `module` is the scope of a `` mod`name ``.
    """

    words: tuple[str, ...]
    module: str = ""


@node
class FieldDecl(Node):
    """One member of a struct or union; `bits` only for bit-fields."""

    type: TypeName
    name: str
    bits: Expr | None = None


@node
class StructType(TypeSpec):
    """`struct tag { … }`; `members` is None for a reference or forward declaration."""

    kind: Literal["struct", "union"]
    tag: str
    members: tuple[FieldDecl, ...] | None = None
    module: str = ""


@node
class Enumerator(Node):
    name: str
    value: Expr | None


@node
class EnumType(TypeSpec):
    tag: str
    enumerators: tuple[Enumerator, ...] | None = None
    module: str = ""


@node
class PointerTo(Comparable):
    """One `*`, with the qualifiers that follow it."""

    qualifiers: tuple[str, ...] = ()


@node
class ArrayOf(Comparable):
    """`[size]`; None for `[]`."""

    size: Expr | None


@node
class AssociativeOf(Comparable):
    """`[type, type, …]`: the key signature of an associative array or aggregation."""

    keys: tuple[TypeName, ...]


@node
class FunctionOf(Comparable):
    """`(params)`; `names` holds "" for an unnamed parameter."""

    params: tuple[TypeName, ...]
    names: tuple[str, ...]
    variadic: bool = False


Derivation = PointerTo | ArrayOf | AssociativeOf | FunctionOf


@node
class TypeName(Node):
    """A whole type: base plus derivations, read from the inside out.

    `int (*f[3])(char)` is base `int`, derivations `(ArrayOf 3, PointerTo, FunctionOf(char))`:
    "array of 3 pointers to function returning int".
    """

    spec: TypeSpec
    derivations: tuple[Derivation, ...] = ()
    qualifiers: tuple[str, ...] = ()


# ----------------------------------------------------------------------- statements


@node
class Stmt(Node):
    """Base of statements."""


@node
class ExprStmt(Stmt):
    expr: Expr


@node
class If(Stmt):
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


# ------------------------------------------------------------------ top-level items


@node
class ProbeDescription(Node):
    """`provider:module:function:name`; macro variables are still `$name` inside the fields.

    Missing left fields and empty fields are the empty string, which matches anything.
    `fields` counts those written, so that `BEGIN` (1) differs from `:::BEGIN` (4).
    An integer probe ID is written in `name` with `fields` 0.
    `written` is the text as it stands in the program where that differs: bpftrace's spelling.
    """

    provider: str
    module: str
    function: str
    name: str
    fields: int = 4
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return ":".join((self.provider, self.module, self.function, self.name))


@node
class Item(Node):
    """Base of what a program is a list of."""


@node
class Clause(Item):
    """`body` is None when no braces were written (the default action applies)."""

    probes: tuple[ProbeDescription, ...]
    predicate: Expr | None
    body: tuple[Stmt, ...] | None


@node
class Declaration(Item):
    """`storage` is "", "self", "this", "extern", "typedef" …; one declarator an item.

    `name` is "" where only a tag is declared (`struct s { … };`).
    """

    storage: Literal["", "self", "this", "extern", "static", "auto", "register", "typedef"]
    type: TypeName
    name: str
    initializer: Expr | None = None


@node
class Inline(Item):
    """`inline type name[params] = expr;` `params` is None without brackets.

    A parameter is (type, name).
    """

    type: TypeName
    name: str
    params: tuple[tuple[TypeName, str], ...] | None
    value: Expr


@node
class TranslatorMember(Node):
    name: str
    value: Expr


@node
class Translator(Item):
    """`translator output < input name > { member = expr; … };`"""

    output: TypeName
    input: TypeName
    parameter: str
    members: tuple[TranslatorMember, ...]


@node
class ProviderProbe(Node):
    """`probe name(native) : (translated);` `translated` is None when not written."""

    name: str
    native: tuple[tuple[TypeName, str], ...]
    translated: tuple[tuple[TypeName, str], ...] | None


@node
class ProviderDef(Item):
    name: str
    probes: tuple[ProviderProbe, ...]


@node
class Pragma(Item):
    """`#pragma D words…`; `words` are the tokens after `D` (options stay `name=value`).

    `#ident`, `#error` and a `#line` without a number come with `kind` `ident`, `error`,
    `line`, with or without `pragma` before; pragmas of others are `other`.
    """

    kind: Literal["D", "ident", "error", "line", "other"]
    words: tuple[str, ...]


@node
class Program(Node):
    items: tuple[Item, ...]
