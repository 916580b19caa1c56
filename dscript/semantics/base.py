"""What the checks of expressions share: the environment, and the way back in for their parts.

Checking a call, a place or an aggregation leads to checking the expressions in it.  All of
these modules take a `Checker` and know no more of it than this; `expressions` is the one that
tells kinds of expressions apart and calls them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from dscript.dtypes.types import is_integral, is_scalar
from dscript.errors import Diagnostic
from dscript.semantics import conversions, tree
from dscript.semantics.environment import Environment
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import TypeResolver
from dscript.semantics.variables import VariableTable
from dscript.syntax import ast


class Checker(ABC):
    """Types one expression at a time; state between calls is only the environment's."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.types = TypeResolver(environment, self.constant)
        self.variables = VariableTable(environment)

    @abstractmethod
    def check(self, node: ast.Expr) -> Expr:
        """The typed expression; a Diagnostic for one that is wrong."""

    def constant(
        self,
        node: ast.Expr,
        tag: str = "D_SYNTAX",
        message: str = "an integral constant expression is required here",
    ) -> int:
        """Value of an integral constant expression; a Diagnostic of `tag` for others."""
        expr = self.check(node)
        if not isinstance(expr, tree.Const) or not is_integral(expr.type):
            raise Diagnostic(tag, message, node.span)
        return expr.value

    def condition(self, node: ast.Expr) -> Expr:
        """A predicate or the condition of an `if`: a scalar."""
        expr = conversions.decay(self.check(node))
        if not is_scalar(expr.type):
            hint = 'compare a string with one: … != ""' if conversions.is_string(expr) else None
            raise Diagnostic(
                "D_PRED_SCALAR", "predicate result must be of scalar type", node.span, hint
            )
        return expr
