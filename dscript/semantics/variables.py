"""D variables: how they come into being, and the keys of associative arrays."""

from __future__ import annotations

from dscript.dtypes.types import ArrayType, StringType, StructType, Type, is_integral, is_scalar
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions
from dscript.semantics.environment import Environment
from dscript.semantics.tree import Expr, Scope, StackValue, SymbolValue, Variable, capacity
from dscript.semantics.typenames import describe, storage_problem


class VariableTable:
    """Creates variables and holds associative-array keys to their signatures."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def create(
        self,
        scope: Scope,
        name: str,
        type_: Type,
        keys: tuple[Expr, ...] | None,
        span: Span,
    ) -> Variable:
        """A variable by first assignment; key types are those of this first use."""
        self._check_type(scope, name, type_, span)
        key_types = None
        if keys is not None:
            if scope == "this":
                raise Diagnostic(
                    "D_ARR_LOCAL",
                    f"clause-local variable this->{name} may not be an associative array",
                    span,
                )
            key_types = tuple(self._key_type(key) for key in keys)
        return self.add(Variable(name, scope, type_, key_types))

    def add(self, variable: Variable) -> Variable:
        if variable.keys is not None:
            variable.key_capacities = [0] * len(variable.keys)
        self.environment.variables[(variable.scope, variable.name)] = variable
        return variable

    def _check_type(self, scope: Scope, name: str, type_: Type, span: Span) -> None:
        problem = storage_problem(type_)
        if problem is not None:
            prefix = "" if scope == "global" else f"{scope}->"
            raise Diagnostic(
                "D_DECL_VOIDOBJ" if problem == "void" else "D_DECL_INCOMPLETE",
                f"cannot have {problem} type for variable {prefix}{name}",
                span,
            )

    def _key_type(self, key: Expr) -> Type:
        if isinstance(key, (StackValue, SymbolValue)):
            raise Diagnostic(
                "D_KEY_TYPE",
                f"{key.kind}( ) may only be used as the key of an aggregation",
                key.span,
            )
        if isinstance(key.type.resolve(), ArrayType) and conversions.is_string_like(key):
            return self.environment.string  # what it holds is the key, not where it lies
        key = conversions.decay(key)
        type_ = key.type
        if isinstance(type_.resolve(), StringType):
            return self.environment.string
        if is_scalar(type_):
            return type_
        kind = "struct" if isinstance(type_.resolve(), StructType) else describe(type_)
        raise Diagnostic(
            "D_KEY_TYPE",
            f"associative array key must be a scalar or a string, not {kind}",
            key.span,
        )

    def match_keys(
        self, variable: Variable, keys: tuple[Expr, ...], span: Span
    ) -> tuple[Expr, ...]:
        """The keys as the array's signature wants them."""
        assert variable.keys is not None
        if len(keys) != len(variable.keys):
            raise Diagnostic(
                "D_PROTO_LEN",
                f"{variable}[ ] prototype mismatch: {len(keys)} keys passed, "
                f"{len(variable.keys)} expected",
                span,
            )
        return tuple(
            self._match(variable, at, key, type_)
            for at, (key, type_) in enumerate(zip(keys, variable.keys, strict=True))
        )

    def _match(self, variable: Variable, at: int, key: Expr, type_: Type) -> Expr:
        string = self.environment.string
        if isinstance(type_.resolve(), StringType):
            if not conversions.is_string_like(key):
                raise self._mismatch(variable, at, key, type_)
            key = conversions.to_string(key, string)
            capacities = variable.key_capacities
            capacities[at] = max(capacities[at], min(capacity(key), string.capacity))
            return key
        key = conversions.decay(key)
        if not is_scalar(key.type) or is_integral(key.type) != is_integral(type_):
            compatible = is_scalar(key.type) and conversions.is_null(key)
            if not compatible and not (is_scalar(key.type) and not variable.declared):
                raise self._mismatch(variable, at, key, type_)
        return conversions.convert(key, type_) if variable.declared else key

    def _mismatch(self, variable: Variable, at: int, key: Expr, type_: Type) -> Diagnostic:
        return Diagnostic(
            "D_PROTO_ARG",
            f"{variable}[ ] key #{at + 1} is incompatible with prototype:\n"
            f"\tprototype: {describe(type_)}\n\t argument: {describe(key.type)}",
            key.span,
        )
