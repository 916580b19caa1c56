"""Variables and members of other kernels, which stdlib/kernels.d defines in terms of Linux's.

They are looked at only where this kernel has no symbol or member of that name.
"""

from __future__ import annotations

from dscript.dtypes.types import PointerType, StructType
from dscript.semantics import tree
from dscript.semantics.base import Checker
from dscript.semantics.environment import InlineDefinition
from dscript.semantics.tree import Expr
from dscript.syntax import ast


def variable(checker: Checker, node: ast.Expr) -> ast.Identifier | None:
    """What stands for a backtick name that this kernel lacks: the name of an inline."""
    if not isinstance(node, ast.External) or not checker.environment.settings.compat:
        return None
    name = f"__kernel_{node.name}"
    if _definition(checker, name) is None:
        return None
    if checker.environment.kernel.symbol(node.module, node.name) is not None:
        return None
    _remark(checker, f"`{node.name}, which this kernel does not name")
    return ast.Identifier(span=node.span, name=name)


def member(checker: Checker, base: Expr, node: ast.Member) -> Expr | None:
    """What stands for a member that the structure lacks; None where nothing does.

    `base` is the structure, or a pointer to it: what one kernel embeds another one points to.
    """
    if not checker.environment.settings.compat:
        return None
    type_ = base.type.resolve()
    if isinstance(type_, PointerType):
        pointer, struct = base, type_.target.resolve()
    else:
        pointer, struct = _address(base), type_
    if not isinstance(struct, StructType) or not struct.tag:
        return None
    definition = _definition(checker, f"__member_{struct.tag}_{node.name}")
    if definition is None or not definition.params:
        return None
    _remark(checker, f"{node.name}, no member of {struct}")
    environment = checker.environment
    saved = environment.bindings
    environment.bindings = {definition.params[0][1]: pointer}
    try:
        return checker.check(definition.node.value)
    finally:
        environment.bindings = saved


def _address(base: Expr) -> Expr:
    if isinstance(base, tree.Deref):
        return base.address
    return tree.AddressOf(PointerType(base.type), base.span, base)


def _definition(checker: Checker, name: str) -> InlineDefinition | None:
    environment = checker.environment
    if name not in environment.inlines:
        environment.define(name)
    return environment.inlines.get(name)


def _remark(checker: Checker, what: str) -> None:
    text = f"{what}, is computed from what Linux has; -x compat=none turns this off"
    if text not in checker.environment.remarks:
        checker.environment.remarks.append(text)
