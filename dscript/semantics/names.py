"""Names: variables, built-in variables, enumerators, kernel symbols."""

from __future__ import annotations

from dscript.builtins.actions import ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import SUBROUTINES
from dscript.builtins.variables import ABSENT_VARIABLES, BUILTIN_VARIABLES, FOREIGN_NAMES
from dscript.dtypes.types import VOID, VOID_POINTER, PointerType, StructType
from dscript.errors import Diagnostic, Span
from dscript.providers import enter_go
from dscript.semantics import kernels, tree
from dscript.semantics.arguments import word_of_go
from dscript.semantics.base import Checker
from dscript.semantics.derived import derivation, integer_argument
from dscript.semantics.environment import suggestion
from dscript.semantics.inlines import use_inline
from dscript.semantics.tree import Expr, Variable
from dscript.syntax import ast


def check_identifier(checker: Checker, node: ast.Identifier) -> Expr:
    found = find_name(checker, node)
    if found is not None:
        return found
    name = node.name
    if is_known_function(name):
        raise bad_function_reference(name, node.span)
    if name == "args":
        raise Diagnostic(
            "D_IDENT_BADREF",
            "array 'args' may not be referenced as scalar",
            node.span,
            "write args[0]",
        )
    known = [
        *BUILTIN_VARIABLES,
        *("self", "this"),
        *(v for scope, v in checker.environment.variables if scope == "global"),
        *checker.environment.inlines,
        *(checker.environment.libraries.names() if checker.environment.libraries else ()),
    ]
    raise Diagnostic(
        "D_IDENT_UNDEF",
        f"failed to resolve {name}: Unknown variable name",
        node.span,
        suggestion(name, known, FOREIGN_NAMES),
    )


def is_known_function(name: str) -> bool:
    """Whether a name is a subroutine, an action or an aggregating function."""
    return name in SUBROUTINES or name in ACTIONS or name in AGGREGATING_FUNCTIONS


def bad_function_reference(name: str, span: Span) -> Diagnostic:
    """The name of a function where a variable stands."""
    kind = "aggregating function" if name in AGGREGATING_FUNCTIONS else "function"
    return Diagnostic(
        "D_IDENT_BADREF",
        f"{kind} '{name}' may not be referenced as scalar",
        span,
        f"write {name}(…) to call it",
    )


def find_name(checker: Checker, node: ast.Identifier) -> Expr | None:
    """What a name means; None for an unknown one.  Later declarations hide kernel names."""
    environment, name, span = checker.environment, node.name, node.span
    if name in environment.bindings:
        return environment.bindings[name]
    if name in environment.enumerators:
        value, enum = environment.enumerators[name]
        return tree.Const(enum, span, value)
    if name in environment.inlines:
        return use_inline(checker, environment.inlines[name], None, span)
    variable = environment.variables.get(("global", name))
    if variable is not None:
        _require_scalar_use(variable, span)
        return tree.VariableRef(variable.type, span, variable)
    if name in BUILTIN_VARIABLES:
        return _builtin(checker, name, span)
    if name == "NULL":
        return tree.Const(VOID_POINTER, span, 0)
    if environment.define(name):
        return find_name(checker, node)
    if name in ABSENT_VARIABLES:
        raise absent_variable(name, span)
    kernel = environment.kernel.enumerator(name)
    if kernel is not None:
        value, enum = kernel
        return tree.Const(enum, span, value)
    return None


def absent_variable(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "D_IDENT_UNDEF",
        f"the built-in variable {name} is not available in this version",
        span,
        ABSENT_VARIABLES[name] or None,
    )


def _builtin(checker: Checker, name: str, span: Span) -> Expr:
    if name == "curthread":
        struct = checker.environment.kernel.struct("struct", "task_struct")
        target = struct if struct is not None else StructType("struct", "task_struct")
        return tree.Builtin(PointerType(target), span, name)
    if name[:3] == "arg" and derivation(checker.environment.points) is not None:
        return integer_argument(checker, int(name[3:]), span)
    if name[:3] == "arg" and enter_go(checker.environment.points):
        return word_of_go(int(name[3:]), span)
    type_ = BUILTIN_VARIABLES[name].type_of(checker.environment.settings.strsize)
    index = int(name[3:]) if name.startswith("arg") else 0
    return tree.Builtin(type_, span, name, index)


def _require_scalar_use(variable: Variable, span: Span) -> None:
    if variable.keys is not None:
        raise Diagnostic(
            "D_IDENT_BADREF",
            f"{variable} is an associative array: it needs a key",
            span,
            f"write {variable}[…]",
        )


def check_scoped(checker: Checker, node: ast.Scoped) -> Expr:
    variable = checker.environment.variables.get((node.scope, node.name))
    if variable is None:
        known = [v for scope, v in checker.environment.variables if scope == node.scope]
        raise Diagnostic(
            "D_VAR_UNDEF",
            f"{node.scope}->{node.name} has not yet been declared or assigned",
            node.span,
            suggestion(node.name, known),
        )
    _require_scalar_use(variable, node.span)
    return tree.VariableRef(variable.type, node.span, variable)


def check_external(checker: Checker, node: ast.External, *, only_address: bool = False) -> Expr:
    """A backtick name; without a type (`&name` needs none) it is a void object."""
    found = checker.environment.kernel.symbol(node.module, node.name)
    shown = f"{node.module}`{node.name}"
    if found is None:
        other = kernels.variable(checker, node)
        if other is not None and not only_address:
            return check_identifier(checker, other)
        raise Diagnostic(
            "D_IDENT_UNDEF",
            f"failed to resolve {shown}: Unknown symbol name",
            node.span,
            checker.environment.kernel.missing(node.module),
        )
    address, type_ = found
    if type_ is None and not only_address:
        raise Diagnostic(
            "D_SYM_NOTYPES",
            f"failed to resolve {shown}: No symbolic type information is available for it",
            node.span,
            f"cast its address: *(int *)&{shown}",
        )
    return tree.KernelSymbol(type_ or VOID, node.span, node.module, node.name, address)
