"""Types as they are written → types with a layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dscript.dtypes.names import NAMED_TYPES, from_words
from dscript.dtypes.types import (
    INT,
    LONG,
    UINT,
    ArrayType,
    EnumType,
    FunctionType,
    IntType,
    PointerType,
    StructType,
    Type,
    TypedefType,
    VoidType,
    is_integral,
    lay_out,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics.environment import Environment, suggestion
from dscript.syntax import ast

if TYPE_CHECKING:
    from dscript.kernel.user_types import TypeKind


class Evaluate(Protocol):
    """Value of a constant expression, or a Diagnostic of that tag and message."""

    def __call__(self, node: ast.Expr, tag: str, message: str) -> int: ...


class TypeResolver:
    """Resolves type names in an environment; `evaluate` computes constant expressions."""

    def __init__(self, environment: Environment, evaluate: Evaluate) -> None:
        self.environment = environment
        self.evaluate = evaluate
        # `struct s { … } a, *b;` defines its struct once: by identity of what was written.
        self._defined: dict[int, tuple[ast.TypeSpec, Type]] = {}

    def resolve(self, name: ast.TypeName) -> Type:
        """The type without associative-array derivations.

        Raises Diagnostic for unknown names and impossible combinations.
        """
        type_ = self.specifier(name.spec)
        user = "userland" in name.qualifiers or self._is_of_user(name.spec)
        for derivation in reversed(name.derivations):
            type_ = self._derive(type_, derivation, name.span)
            if user and isinstance(type_, PointerType):
                type_ = PointerType(type_.target, user=True)
        return type_

    def resolve_keyed(self, name: ast.TypeName) -> tuple[Type, tuple[Type, ...] | None]:
        """The element type and, for an associative array, its key types."""
        for at, derivation in enumerate(name.derivations):
            if isinstance(derivation, ast.AssociativeOf):
                if at != 0:
                    raise Diagnostic(
                        "D_DECL_DYNOBJ",
                        "cannot declare array of associative arrays"
                        if isinstance(name.derivations[at - 1], (ast.ArrayOf, ast.AssociativeOf))
                        else "an associative array may only be declared as a variable",
                        name.span,
                    )
                rest = ast.TypeName(
                    spec=name.spec,
                    derivations=name.derivations[1:],
                    span=name.span,
                    qualifiers=name.qualifiers,
                )
                keys = tuple(self.resolve(key) for key in derivation.keys)
                return self.resolve(rest), keys
        return self.resolve(name), None

    def _derive(self, type_: Type, derivation: ast.Derivation, span: Span) -> Type:
        match derivation:
            case ast.PointerTo():
                return PointerType(type_)
            case ast.ArrayOf(size=size):
                if isinstance(type_.resolve(), (VoidType, FunctionType)):
                    raise Diagnostic(
                        "D_DECL_ARRVOID"
                        if isinstance(type_.resolve(), VoidType)
                        else "D_DECL_ARRFUNC",
                        f"array declaration has an element of type {type_}",
                        span,
                    )
                count = None if size is None else self._count(size)
                return ArrayType(type_, count)
            case ast.FunctionOf():
                if isinstance(type_.resolve(), (ArrayType, FunctionType)):
                    raise Diagnostic(
                        "D_DECL_FUNCTYPE", f"function may not return type {type_}", span
                    )
                params = tuple(self.resolve(param) for param in derivation.params)
                _check_names(params, derivation.names, span)
                if len(params) == 1 and isinstance(params[0].resolve(), VoidType):
                    params = ()
                elif any(isinstance(param.resolve(), VoidType) for param in params):
                    raise Diagnostic(
                        "D_DECL_PROTO_VOID", "void must be the sole formal parameter", span
                    )
                return FunctionType(type_, params, derivation.variadic)
        raise Diagnostic(
            "D_DECL_DYNOBJ", "an associative array may only be declared as a variable", span
        )

    def _count(self, size: ast.Expr) -> int | None:
        message = (
            "positive integral constant expression or tuple signature expected as array "
            "declaration subscript"
        )
        count = self.evaluate(size, "D_DECL_ARRSUB", message)
        if count == 0 and _in_system_header(size.span):
            return None  # GNU C's array of no elements, as long as the memory behind it
        if count <= 0:
            raise Diagnostic("D_DECL_ARRSUB", message, size.span)
        if count > 0xFFFFFFFF:
            raise Diagnostic("D_DECL_ARRBIG", "array dimension too big", size.span)
        return count

    # ----------------------------------------------------------------------- specifiers

    def _is_of_user(self, spec: ast.TypeSpec) -> bool:
        """Whether a type is scoped by an object of user code."""
        module: str = getattr(spec, "module", "")
        if not module:
            return False
        from dscript.semantics.user_names import is_user_module

        return is_user_module(self.environment, module)

    def _user_type(self, kind: TypeKind, spec: ast.TypeSpec, name: str) -> Type:
        from dscript.semantics.user_names import user_type

        module: str = getattr(spec, "module", "")
        found = user_type(self.environment, kind, module, name, spec.span)
        if found is None:
            keyword = "" if kind == "typedef" else f"{kind} "
            raise Diagnostic(
                "D_TYPE_ERR",
                f"failed to resolve type {keyword}{module}`{name}: Type not found",
                spec.span,
            )
        return found

    def specifier(self, spec: ast.TypeSpec) -> Type:
        if self._is_of_user(spec):
            if isinstance(spec, ast.NamedType):
                return self._user_type("typedef", spec, spec.words[0])
            if isinstance(spec, ast.StructType):
                return self._user_type(spec.kind, spec, spec.tag)
            assert isinstance(spec, ast.EnumType)
            return self._user_type("enum", spec, spec.tag)
        if isinstance(spec, ast.NamedType):
            return self._named(spec)
        known = self._defined.get(id(spec))
        if known is not None:
            return known[1]
        made = self._tagged(spec)
        self._defined[id(spec)] = spec, made
        return made

    def _tagged(self, spec: ast.TypeSpec) -> Type:
        match spec:
            case ast.StructType():
                return self._struct(spec)
            case ast.EnumType():
                return self._enum(spec)
        raise AssertionError(spec)

    def find_typedef(self, name: str, module: str = "") -> Type | None:
        """A typedef of the program, of D, or of the kernel."""
        environment = self.environment
        if not module:
            found = environment.typedefs.get(name) or NAMED_TYPES.get(name)
            if found is None and environment.define(name):
                found = environment.typedefs.get(name)
            if found is not None:
                return found
        return environment.kernel.typedef(name, module)

    def _named(self, spec: ast.NamedType) -> Type:
        words = spec.words
        if words == ("string",):
            return self.environment.string
        found = from_words(words)
        if found is None and len(words) == 1:
            found = self.find_typedef(words[0], spec.module)
        if found is None:
            name = " ".join(words)
            if len(words) > 1:
                raise Diagnostic("D_DECL_COMBO", f"invalid type combination: {name}", spec.span)
            known = [*self.environment.typedefs, *NAMED_TYPES, "string", "char", "int", "long"]
            # DTrace's lexer tells type names from others: an unknown one is a syntax error.
            raise Diagnostic(
                "D_TYPE_ERR" if spec.module else "D_SYNTAX",
                f"failed to resolve type {name}: Type not found",
                spec.span,
                suggestion(name, known),
            )
        return found

    def _struct(self, spec: ast.StructType) -> Type:
        environment = self.environment
        key = f"{spec.kind} {spec.tag}"
        if spec.members is None:
            known = environment.tags.get(key)
            if isinstance(known, StructType):
                return known
            own = key in environment.own_tags and not spec.module
            if own and not spec.span.source.is_library:
                struct = environment.tags[key] = StructType(spec.kind, spec.tag)
                return struct
            if environment.define(key):
                return self._struct(spec)
            found = environment.kernel.struct(spec.kind, spec.tag, spec.module)
            if found is None and spec.module:
                raise Diagnostic(
                    "D_TYPE_ERR",
                    f"failed to resolve type {spec.kind} {spec.module}`{spec.tag}: Type not found",
                    spec.span,
                )
            if found is None:
                found = StructType(spec.kind, spec.tag)
                environment.tags[key] = found
            return found
        known = environment.tags.get(key) if spec.tag else None
        if isinstance(known, StructType) and known.complete:
            raise Diagnostic("D_DECL_TYPERED", f"type redeclared: {key}", spec.span)
        self._check_tag(spec.tag, spec.kind, spec.span)
        struct = known if isinstance(known, StructType) else StructType(spec.kind, spec.tag)
        if spec.tag:
            environment.tags[key] = struct
        members, size, align = lay_out(spec.kind, self._fields(spec))
        struct.define(members, size, align)
        return struct

    def _check_tag(self, tag: str, kind: str, span: Span) -> None:
        """Structures, unions and enums share one name space (C11 6.2.3)."""
        for other in ("struct", "union", "enum"):
            known = self.environment.tags.get(f"{other} {tag}") if tag else None
            if other != kind and known is not None:
                raise Diagnostic(
                    "D_DECL_TYPERED", f"type redeclared: {kind} {tag} is a {other}", span
                )

    def _fields(self, spec: ast.StructType) -> list[tuple[str, Type, int | None]]:
        fields: list[tuple[str, Type, int | None]] = []
        seen: set[str] = set()
        for member in spec.members or ():
            if member.name and member.name in seen:
                raise Diagnostic(
                    "D_DECL_MNAME", f"duplicate member name: {member.name}", member.span
                )
            seen.add(member.name)
            type_ = self._member_type(member)
            problem = storage_problem(type_)
            if problem == "void":
                raise Diagnostic(
                    "D_DECL_VOIDOBJ", f"cannot have void member: {member.name}", member.span
                )
            if problem is not None:
                raise Diagnostic(
                    "D_DECL_INCOMPLETE",
                    f"member {member.name} has incomplete type {type_}",
                    member.span,
                )
            fields.append((member.name, type_, self._bits(member, type_)))
        return fields

    def _member_type(self, member: ast.FieldDecl) -> Type:
        type_, keys = self.resolve_keyed(member.type)
        if keys is not None:
            raise Diagnostic(
                "D_DECL_DYNOBJ", f"cannot have dynamic member: {member.name}", member.span
            )
        return type_

    def _bits(self, member: ast.FieldDecl, type_: Type) -> int | None:
        if member.bits is None:
            return None
        if not is_integral(type_):
            raise Diagnostic("D_DECL_BFTYPE", f"invalid type for bit-field: {type_}", member.span)
        message = "positive integral constant expression expected as bit-field size"
        bits = self.evaluate(member.bits, "D_DECL_BFCONST", message)
        if bits < 0 or (bits == 0 and member.name):
            raise Diagnostic("D_DECL_BFCONST", message, member.bits.span)
        if bits > type_.size * 8:
            raise Diagnostic(
                "D_DECL_BFSIZE", f"bit-field too big for type {type_}: {bits} bits", member.span
            )
        return bits

    def _enum(self, spec: ast.EnumType) -> Type:
        environment = self.environment
        key = f"enum {spec.tag}"
        known = environment.tags.get(key) if spec.tag else None
        if spec.enumerators is None:
            found = known if isinstance(known, EnumType) else None
            found = found or environment.kernel.enum(spec.tag, spec.module)
            if found is None:
                raise Diagnostic(
                    "D_TYPE_ERR",
                    f"failed to resolve type enum {spec.tag}: Type not found",
                    spec.span,
                )
            return found
        if known is not None:
            raise Diagnostic("D_DECL_TYPERED", f"type redeclared: {key}", spec.span)
        self._check_tag(spec.tag, "enum", spec.span)
        return self._define_enum(spec, key)

    def _define_enum(self, spec: ast.EnumType, key: str) -> EnumType:
        environment = self.environment
        values: list[tuple[str, int]] = []
        following = 0
        enum = EnumType(spec.tag)
        for item in spec.enumerators or ():
            value = following
            if item.value is not None:
                message = (
                    f"enumerator '{item.name}' must be assigned to an integral constant expression"
                )
                value = self.evaluate(item.value, "D_DECL_ENCONST", message)
            variable = environment.variables.get(("global", item.name))
            taken = item.name in environment.enumerators or item.name in environment.inlines
            if taken or variable is not None:
                raise Diagnostic(
                    "D_DECL_IDRED", f"identifier redeclared: enumerator {item.name}", item.span
                )
            if value >= 1 << 31 and _in_system_header(item.span):
                # GNU C gives the enumeration a type that its values fit in.
                enum.base = UINT if value < 1 << 32 and enum.base.size == 4 else LONG
            elif not -(1 << 31) <= value < 1 << 31:
                raise Diagnostic(
                    "D_DECL_ENOFLOW",
                    f"enumerator '{item.name}' value overflows INT_MAX ({0x7FFFFFFF})",
                    item.span,
                )
            values.append((item.name, value))
            environment.enumerators[item.name] = (value, enum)
            following = value + 1
        enum.enumerators = tuple(values)
        if spec.tag:
            environment.tags[key] = enum
        return enum


def _check_names(params: tuple[Type, ...], names: tuple[str, ...], span: Span) -> None:
    for at, (type_, name) in enumerate(zip(params, names, strict=False)):
        if name and isinstance(type_.resolve(), VoidType):
            message = f"void parameter may not have a name: {name}"
            raise Diagnostic("D_DECL_PROTO_NAME", message, span)
        if name and name in names[:at]:
            message = f"parameter is declared more than once: {name}"
            raise Diagnostic("D_DECL_PROTO_NAME", message, span)


def storage_problem(type_: Type) -> str | None:
    """Why a variable cannot have this type; None when it can."""
    resolved = type_.resolve()
    if isinstance(resolved, VoidType):
        return "void"
    if isinstance(resolved, FunctionType):
        return "function"
    while isinstance(resolved, ArrayType):
        resolved = resolved.element.resolve()
    if isinstance(resolved, StructType) and not resolved.complete:
        return "incomplete"
    return None


def describe(type_: Type) -> str:
    """The type as DTrace writes it in messages."""
    if isinstance(type_, TypedefType):
        return type_.name
    if isinstance(type_, IntType) and type_ == INT:
        return "int"
    return str(type_)


def _in_system_header(span: Span) -> bool:
    """Whether a declaration comes from a C header of the system, which has more than D takes."""
    return span.source is not None and span.position.file.startswith("/usr/")
