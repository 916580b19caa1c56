"""Declarations outside clauses: variables, types, inlines."""

from __future__ import annotations

from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.dtypes.types import ArrayType, Type, VoidType
from dscript.errors import Diagnostic
from dscript.semantics import operators
from dscript.semantics.environment import InlineDefinition, define_typedef
from dscript.semantics.expressions import ExpressionChecker
from dscript.semantics.tree import Scope, Variable
from dscript.semantics.typenames import describe, storage_problem
from dscript.syntax import ast


def declare(checker: ExpressionChecker, node: ast.Declaration) -> None:
    """Enter one declaration into the environment."""
    type_, keys = checker.types.resolve_keyed(node.type)
    if not node.name:
        return
    environment = checker.environment
    if node.initializer is not None:
        raise Diagnostic(
            "D_SYNTAX",
            f"a declaration may not give {node.name} an initial value",
            node.initializer.span,
            "assign it in a BEGIN clause",
        )
    if node.storage in ("static", "auto", "register"):
        raise Diagnostic(
            "D_DECL_BADCLASS", "specified storage class not appropriate in D", node.span
        )
    if node.storage == "typedef":
        known = environment.typedefs.get(node.name)
        if known is not None and not operators.same_type(known, type_):
            raise Diagnostic("D_DECL_TYPERED", f"type redeclared: {node.name}", node.span)
        define_typedef(environment, node.name, type_)
        return
    if isinstance(type_, ArrayType) and type_.count is None and keys is None:
        raise Diagnostic(
            "D_DECL_ARRNULL",
            "array declaration requires array dimension or tuple signature",
            node.span,
        )
    scope: Scope = node.storage if node.storage in ("self", "this") else "global"
    problem = storage_problem(type_)
    if problem == "function":
        return  # a prototype says nothing that a D program could use
    if keys is not None and any(isinstance(key.resolve(), VoidType) for key in keys):
        raise Diagnostic(
            "D_DECL_PROTO_VOID", "void must be the sole parameter in a prototype", node.span
        )
    if problem is not None:
        raise Diagnostic(
            "D_DECL_VOIDOBJ" if problem == "void" else "D_DECL_INCOMPLETE",
            f"cannot declare {node.name} of {problem} type {describe(type_)}",
            node.span,
        )
    if keys is not None and scope == "this":
        raise Diagnostic(
            "D_DECL_LOCASSC",
            f"may not declare clause-local associative array: {node.name}",
            node.span,
        )
    _check_redeclaration(checker, node, scope, type_, keys)
    variable = Variable(node.name, scope, type_, keys, declared=True)
    checker.variables.add(variable)


def _check_redeclaration(
    checker: ExpressionChecker,
    node: ast.Declaration,
    scope: Scope,
    type_: Type,
    keys: tuple[Type, ...] | None,
) -> None:
    environment = checker.environment
    known = environment.variables.get((scope, node.name))
    if known is not None:
        same = (
            operators.same_type(known.type, type_)
            and (known.keys is None) == (keys is None)
            and all(map(operators.same_type, known.keys or (), keys or ()))
        )
        if not same or not known.declared:
            raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {node.name}", node.span)
    if scope != "global":
        return
    if node.name in environment.inlines or node.name in environment.enumerators:
        raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {node.name}", node.span)
    if node.name in BUILTIN_VARIABLES:
        raise Diagnostic(
            "D_DECL_IDRED", f"identifier redeclared: {node.name} is a built-in variable", node.span
        )


def declare_inline(checker: ExpressionChecker, node: ast.Inline) -> None:
    environment = checker.environment
    name = node.name
    if name in environment.inlines or ("global", name) in environment.variables:
        raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    if name in BUILTIN_VARIABLES or name in environment.enumerators:
        raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    type_ = checker.types.resolve(node.type)
    if isinstance(type_.resolve(), VoidType):
        raise Diagnostic("D_DECL_VOIDOBJ", f"cannot declare void inline: {name}", node.span)
    params = None
    if node.params is not None:
        params = tuple((checker.types.resolve(t), n) for t, n in node.params)
        names = [n for _, n in params]
        if len(set(names)) != len(names):
            raise Diagnostic("D_DECL_PROTO_NAME", f"parameter declared twice in {name}", node.span)
    inline = InlineDefinition(type_, node, params)
    if params is None:
        _check_now(checker, inline)
    environment.inlines[name] = inline


def _check_now(checker: ExpressionChecker, inline: InlineDefinition) -> None:
    """An inline without parameters must be right where it stands, used or not."""
    value = checker.check(inline.node.value)
    operators.assignable(value, inline.type, inline.node.span, checker.environment.string)
