"""Declarations outside clauses: variables, types, inlines."""

from __future__ import annotations

from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.dtypes.names import NAMED_TYPES
from dscript.dtypes.types import ArrayType, StringType, Type, VoidType, is_scalar
from dscript.errors import Diagnostic
from dscript.semantics import conversions
from dscript.semantics.base import Checker
from dscript.semantics.environment import InlineDefinition, define_typedef
from dscript.semantics.names import is_known_function
from dscript.semantics.tree import Scope, Variable
from dscript.semantics.typenames import describe, storage_problem
from dscript.syntax import ast

# Typedefs that DTrace itself begins with; other known names are those of the kernel's types.
_OWN_TYPES = frozenset(
    [f"{sign}int{size}_t" for sign in ("", "u") for size in (8, 16, 32, 64, "ptr")]
    + ["uchar_t", "ushort_t", "uint_t", "ulong_t", "longlong_t", "u_longlong_t"]
    + ["size_t", "ssize_t", "id_t", "pid_t"]
)


def declare(checker: Checker, node: ast.Declaration) -> None:
    """Enter one declaration into the environment."""
    type_, keys = checker.types.resolve_keyed(node.type)
    if not node.name:
        if not isinstance(node.type.spec, (ast.StructType, ast.EnumType)):
            raise Diagnostic("D_DECL_USELESS", "useless declaration", node.span)
        return
    if "`" in node.name:
        raise Diagnostic(
            "D_DECL_SCOPE",
            f"D scoping operator may not be used in a declaration name ({node.name})",
            node.span,
        )
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
        _declare_typedef(checker, node, type_, keys)
        return
    if isinstance(type_, ArrayType) and type_.count is None and keys is None:
        raise Diagnostic(
            "D_DECL_ARRNULL",
            "array declaration requires array dimension or tuple signature",
            node.span,
        )
    scope: Scope = node.storage if node.storage in ("self", "this") else "global"
    problem = storage_problem(type_)
    if problem == "function" and scope == "global" and keys is None:
        return  # a prototype says nothing that a D program could use
    _check_keys(keys, node)
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
    if _is_declared(checker, node, scope, type_, keys):
        return
    checker.variables.add(Variable(node.name, scope, type_, keys, declared=True))


def _check_keys(keys: tuple[Type, ...] | None, node: ast.Declaration) -> None:
    for key in keys or ():
        resolved = key.resolve()
        if isinstance(resolved, VoidType):
            raise Diagnostic("D_DECL_PROTO_VOID", "void must be sole parameter", node.span)
        if not isinstance(resolved, (StringType, ArrayType)) and not is_scalar(key):
            raise Diagnostic(
                "D_DECL_PROTO_TYPE",
                f"array prototype may not use parameter of type {describe(key)}",
                node.span,
            )


def _declare_typedef(
    checker: Checker, node: ast.Declaration, type_: Type, keys: tuple[Type, ...] | None
) -> None:
    environment = checker.environment
    if keys is not None:
        raise Diagnostic(
            "D_DECL_DYNOBJ", f"an associative array may not be a typedef: {node.name}", node.span
        )
    if ("global", node.name) in environment.variables:
        raise Diagnostic(
            "D_DECL_IDRED", f"global variable identifier redeclared: {node.name}", node.span
        )
    known = environment.typedefs.get(node.name)
    # C allows the same typedef again; headers that the preprocessor brings make use of it.
    included = node.span.position.file != node.span.source.title
    if node.name in _OWN_TYPES and not included:
        known = NAMED_TYPES[node.name]
    if known is not None and not (included and known.resolve() == type_.resolve()):
        raise Diagnostic("D_DECL_TYPERED", f"typedef redeclared: {node.name}", node.span)
    define_typedef(environment, node.name, type_)


def _is_declared(
    checker: Checker,
    node: ast.Declaration,
    scope: Scope,
    type_: Type,
    keys: tuple[Type, ...] | None,
) -> bool:
    """Whether the variable is there already with this type; Diagnostic where it has another."""
    environment = checker.environment
    name = node.name
    if name in environment.typedefs or (name in NAMED_TYPES and name.endswith("_t")):
        raise Diagnostic("D_DECL_TYPERED", f"typedef identifier redeclared: {name}", node.span)
    known = environment.variables.get((scope, name))
    if known is not None:
        if known.type != type_ or known.keys != keys:
            raise Diagnostic(
                "D_DECL_IDRED",
                f"identifier redeclared: {name}\n"
                f"\t current: {_shown(type_, keys)}\n\tprevious: {_shown(known.type, known.keys)}",
                node.span,
            )
        return True
    if scope != "global":
        return False
    if name in environment.inlines or name in environment.enumerators:
        raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    if name in BUILTIN_VARIABLES or is_known_function(name) or name == "NULL":
        raise Diagnostic("D_DECL_IDRED", f"built-in identifier redeclared: {name}", node.span)
    return False


def _shown(type_: Type, keys: tuple[Type, ...] | None) -> str:
    signature = "" if keys is None else f" [{', '.join(map(describe, keys))}]"
    return f"{describe(type_)}{signature}"


def declare_inline(checker: Checker, node: ast.Inline) -> None:
    environment = checker.environment
    name = node.name
    if name in environment.inlines or ("global", name) in environment.variables:
        raise Diagnostic("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    taken = name in BUILTIN_VARIABLES or name in environment.enumerators
    if taken or is_known_function(name):
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


def _check_now(checker: Checker, inline: InlineDefinition) -> None:
    """An inline without parameters must be right where it stands, used or not."""
    value = checker.check(inline.node.value)
    conversions.assignable(value, inline.type, inline.node.span, checker.environment.string)
