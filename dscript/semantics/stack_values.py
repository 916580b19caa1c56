"""stack(), ustack(), jstack(), sym(), ufunc() and the like: what they record."""

from __future__ import annotations

from typing import get_args

from dscript.dtypes.types import ULONG, VOID, TypedefType, is_scalar
from dscript.errors import Diagnostic
from dscript.program import SymbolKind
from dscript.semantics import conversions, tree
from dscript.semantics.base import Checker
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

# What these actions give has no value that an expression could compute with: printed, or the
# key of an aggregation.  In messages the types go by the names that DTrace's own have.
STACK = TypedefType("stack", VOID)
SYMBOL = TypedefType("_symaddr", VOID)
USER_SYMBOL = TypedefType("_usymaddr", VOID)

# By the names of the actions.
_KINDS: dict[str, SymbolKind] = {kind: kind for kind in get_args(SymbolKind)}


def _frames(checker: Checker, node: ast.Call, at: int, default: int, tag: str) -> int:
    if len(node.args) <= at:
        return default
    value = checker.check(node.args[at])
    if not isinstance(value, tree.Const) or value.value < 0 or (at == 0 and value.value == 0):
        raise Diagnostic(
            tag,
            f"{node.name}( ) argument #{at + 1} must be a non-zero positive integer constant",
            node.args[at].span,
        )
    if at == 0 and value.value > 127:
        raise Diagnostic(
            tag, f"{node.name}( ) takes at most 127 frames, the kernel's limit", node.args[at].span
        )
    return value.value


def stack_value(checker: Checker, node: ast.Call) -> tree.StackValue:
    settings = checker.environment.settings
    if node.name == "stack":
        frames = _frames(checker, node, 0, settings.stackframes, "D_STACK_SIZE")
        return tree.StackValue(STACK, node.span, "stack", frames)
    java = node.name == "jstack"
    frames = settings.jstackframes if java else settings.ustackframes
    frames = _frames(checker, node, 0, frames, "D_USTACK_FRAMES")
    strsize = settings.jstackstrsize if java else 0
    strsize = _frames(checker, node, 1, strsize, "D_USTACK_STRSIZE")
    return tree.StackValue(STACK, node.span, "ustack", frames, strsize)


def symbol_value(checker: Checker, node: ast.Call) -> Expr:
    address = conversions.decay(checker.check(node.args[0]))
    if not is_scalar(address.type):
        raise Diagnostic(
            "D_PROTO_ARG",
            f"{node.name}( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: pointer or integer\n\t argument: {describe(address.type)}",
            node.args[0].span,
        )
    type_ = USER_SYMBOL if node.name.startswith("u") else SYMBOL
    kind = _KINDS[node.name]
    return tree.SymbolValue(type_, node.span, kind, conversions.convert(address, ULONG))
