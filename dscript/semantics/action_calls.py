"""What the checks of actions have in common."""

from __future__ import annotations

from dscript.dtypes.types import VOID
from dscript.errors import Diagnostic
from dscript.semantics.tree import ActionCall, Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def void_call(node: ast.Call, kind: str, *args: Expr, **rest: object) -> ActionCall:
    return ActionCall(VOID, node.span, kind, tuple(args), **rest)  # type: ignore[arg-type]


def not_scalar(node: ast.Call, number: int, arg: Expr, tag: str) -> Diagnostic:
    return Diagnostic(
        tag,
        f"{node.name}( ) argument #{number} must be of scalar type, not {describe(arg.type)}",
        arg.span,
    )
