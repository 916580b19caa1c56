"""Record layout: which fields the actions of a clause have and where they lie.

A pass of its own, before any code: the ring buffer wants a record's size when it is
reserved, ahead of what fills it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from dscript.builtins.variables import BUILTIN_VARIABLES, ProbePart
from dscript.dtypes.types import (
    FLOAT,
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    PointerType,
    StringType,
    StructType,
    Type,
    is_signed,
)
from dscript.lowering.layout import round_up
from dscript.program import Action, ActionKind, ClauseRecord, Field, RecordHeader, TypeLayout
from dscript.semantics import tree
from dscript.semantics.speculation import walk_actions
from dscript.semantics.typenames import describe

PART_NAMES: dict[str, ProbePart] = {
    variable.name: variable.part for variable in BUILTIN_VARIABLES.values() if variable.part
}

_KINDS: dict[str, ActionKind] = {kind: kind for kind in get_args(ActionKind)}
# Handled in the kernel alone: no part of the record.
_KERNEL_ONLY = frozenset(("speculate", "chill", "stop", "raise"))
_STORING_NOTHING = frozenset(("commit", "discard", "breakpoint", "panic"))
_MAX_PRINT_DEPTH = 8
# Bytes in front of the text of a `userstring` field.
USER_STRING_HEAD = 16


@dataclass(slots=True)
class RecordPlan:
    """Fields of each action call (by identity) and the whole of the record.

    Offsets count from the end of the header.  `presence` holds, for actions under a
    condition, the offset of the byte that tells whether they happened; those come first.
    """

    size: int = 0
    fields: dict[int, tuple[Field, ...]] = field(default_factory=dict)
    presence: dict[int, int] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    has_record: bool = False
    speculates: bool = False

    @property
    def presence_size(self) -> int:
        return round_up(len(self.presence)) if self.presence else 0

    def clause_record(self, epid: int, probes: tuple[int, ...] = ()) -> ClauseRecord:
        if not self.has_record:
            return ClauseRecord(0, (), False, epid, probes)
        # A clause shows a line for data; these actions store none.
        prints = not self.actions or any(a.kind not in _STORING_NOTHING for a in self.actions)
        return ClauseRecord(
            RecordHeader.SIZE + self.size, tuple(self.actions), prints, epid, probes
        )


def plan_record(clause: tree.Clause) -> RecordPlan:
    """Lay out the record of one clause.  An empty clause records that it fired."""
    plan = RecordPlan()
    found = list(_actions(clause.body, False))
    for number, node in enumerate(node for node, conditional in found if conditional):
        plan.presence[id(node)] = number
    plan.size += plan.presence_size
    for node, _ in found:
        _plan_action(plan, node)
    plan.speculates = any(
        isinstance(action, tree.ActionCall) and action.kind == "speculate"
        for action in walk_actions(clause.body)
    )
    # speculate() alone speculates that the probe fired (manual, "Speculative Tracing").
    plan.has_record = bool(found) or clause.empty or plan.speculates
    return plan


def _actions(body: Sequence[tree.Stmt], conditional: bool) -> list[tuple[tree.ActionCall, bool]]:
    found: list[tuple[tree.ActionCall, bool]] = []
    for statement in body:
        if isinstance(statement, tree.If):
            found += _actions(statement.then, True)
            found += _actions(statement.otherwise, True)
        elif isinstance(statement, tree.Do):
            found += _in_expression(statement.expr, conditional)
    return found


def _in_expression(expr: tree.Expr, conditional: bool) -> list[tuple[tree.ActionCall, bool]]:
    match expr:
        case tree.ActionCall():
            return [] if expr.kind in _KERNEL_ONLY else [(expr, conditional)]
        case tree.Conditional():
            return _in_expression(expr.then, True) + _in_expression(expr.otherwise, True)
        case tree.Comma():
            return [found for item in expr.items for found in _in_expression(item, conditional)]
    return []


def _plan_action(plan: RecordPlan, node: tree.ActionCall) -> None:
    fields = []
    for arg in node.args:
        made = plan_field(arg, node, plan.size)
        plan.size = made.offset + round_up(made.size)
        fields.append(made)
    plan.fields[id(node)] = tuple(fields)
    plan.actions.append(
        Action(
            kind=_KINDS[node.kind],
            args=tuple(fields),
            format=node.format,
            aggregations=tuple(a.id for a in node.aggregations),
            presence=plan.presence.get(id(node)),
            text=node.text,
        )
    )


def plan_field(expr: tree.Expr, node: tree.ActionCall, offset: int) -> Field:
    """The field that holds a value at `offset`."""
    if isinstance(expr, tree.StackValue):
        return Field(expr.kind, offset, stack_size(expr), strsize=expr.strsize)
    if isinstance(expr, tree.SymbolValue):
        return Field(expr.kind, offset, symbol_size(expr))
    if node.kind in ("tracemem", "pcap") and expr is node.args[0]:
        return Field("bytes", offset, node.count)
    layout = type_layout(expr.type) if node.kind == "print" else None
    if isinstance(expr, tree.Builtin) and expr.name in PART_NAMES and layout is None:
        part = PART_NAMES[expr.name]
        return Field("probe", offset, 4, type_name="string", part=part)
    name = describe(expr.type)
    type_ = expr.type.resolve()
    if isinstance(type_, StringType):
        size = round_up(tree.capacity(expr))
        if plain_user_string(expr) is not None and layout is None:
            return Field("userstring", offset, USER_STRING_HEAD + size, type_name="string")
        return Field("string", offset, size, type_name="string", layout=layout)
    if isinstance(type_, (StructType, ArrayType)):
        return Field("bytes", offset, max(1, type_.size), type_name=name, layout=layout)
    if isinstance(type_, FloatType):
        size = 4 if type_.size == FLOAT.size else 8  # IEEE 754, long doubles rounded
        return Field("float", offset, size, True, name, layout=layout)
    return Field("int", offset, expr.type.size, is_signed(expr.type), name, layout=layout)


def plain_user_string(expr: tree.Expr) -> tree.Expr | None:
    """The address of a user string that is printed as it is, which user space can complete.

    That is `copyinstr(address)`, and a `char *` of a user program.
    """
    if isinstance(expr, tree.SubroutineCall):
        return expr.args[0] if expr.name == "copyinstr" and len(expr.args) == 1 else None
    if isinstance(expr, tree.ToString) and tree.is_user_pointer(expr.operand.type):
        return expr.operand
    return None


def stack_size(expr: tree.StackValue) -> int:
    return 8 * expr.frames + (8 if expr.kind == "ustack" else 0)


def symbol_size(expr: tree.SymbolValue) -> int:
    return 16 if expr.kind.startswith("u") else 8


def type_layout(type_: Type, depth: int = 0) -> TypeLayout:
    """Shape of a type for print(); what is nested deeper than 8 levels shows as bytes."""
    resolved = type_.resolve()
    name = describe(type_)
    match resolved:
        case IntType():
            kind = "bool" if resolved.is_bool else "char" if resolved.is_char else "int"
            return TypeLayout(kind, name, resolved.size, resolved.signed)
        case EnumType():
            values = tuple((value, text) for text, value in resolved.enumerators)
            return TypeLayout("enum", name, resolved.size, resolved.base.signed, enumerators=values)
        case PointerType():
            target = resolved.target.resolve()
            code = TypeLayout("function", "", 0) if isinstance(target, FunctionType) else None
            return TypeLayout("pointer", name, 8, element=code)
        case FloatType():
            return TypeLayout("float", name, resolved.size, True)
        case StringType():
            return TypeLayout("string", name, resolved.size)
        case ArrayType():
            element = type_layout(resolved.element, depth + 1)
            count = resolved.count or 0
            return TypeLayout("array", name, resolved.size, element=element, length=count)
        case StructType() if depth < _MAX_PRINT_DEPTH:
            members = tuple(
                (
                    m.name,
                    m.bit_offset,
                    m.bits if m.bits is not None else 8 * m.type.size,
                    type_layout(m.type, depth + 1),
                )
                for m in resolved.members
            )
            return TypeLayout(resolved.kind, name, resolved.size, members=members)
    byte = TypeLayout("int", "uint8_t", 1)
    return TypeLayout("array", name, resolved.size, element=byte, length=resolved.size)
