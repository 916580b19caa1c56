"""AST expressions → typed expressions."""

from __future__ import annotations

from dscript.builtins.variables import ABSENT_VARIABLES, BUILTIN_VARIABLES, FOREIGN_NAMES
from dscript.dtypes.types import (
    CHAR,
    DOUBLE,
    FLOAT,
    INT,
    LDOUBLE,
    LONG,
    ULONG,
    VOID_POINTER,
    ArrayType,
    FunctionType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    integer_literal,
    is_integral,
    is_pointer_like,
    wrap,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics import operators, tree
from dscript.semantics.aggregations import check_update
from dscript.semantics.calls import check_call
from dscript.semantics.environment import (
    RUN_MACROS,
    Environment,
    InlineDefinition,
    fixed_macro,
    suggestion,
)
from dscript.semantics.translators import check_member, check_xlate
from dscript.semantics.tree import Expr, Scope, Variable
from dscript.semantics.typenames import TypeResolver, describe
from dscript.semantics.variables import VariableTable
from dscript.syntax import ast


class ExpressionChecker:
    """Types one expression at a time; state between calls is only the environment's."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.types = TypeResolver(environment, self.constant)
        self.variables = VariableTable(environment)

    # --------------------------------------------------------------------------- entry

    def constant(self, node: ast.Expr) -> int:
        """Value of an integral constant expression."""
        expr = self.check(node)
        if not isinstance(expr, tree.Const):
            raise Diagnostic(
                "D_SYNTAX",
                "an integral constant expression is required here",
                node.span,
            )
        return expr.value

    def condition(self, node: ast.Expr) -> Expr:
        expr = self.check(node)
        if isinstance(expr.type.resolve(), VoidType):
            raise Diagnostic("D_PRED_SCALAR", "predicate result must be of scalar type", node.span)
        return operators.truth(expr)

    def check(self, node: ast.Expr) -> Expr:
        match node:
            case ast.Integer():
                return self._integer(node)
            case ast.Identifier():
                return self._identifier(node)
            case ast.Binary():
                return self._binary(node)
            case ast.Scoped():
                return self._scoped(node)
            case ast.Call():
                return self._call(node)
            case ast.Assign():
                return self._assign(node)
            case ast.String():
                return tree.Text(StringType(len(node.value) + 1), node.span, node.value)
            case ast.Unary():
                return self._unary(node)
            case ast.Postfix():
                return self._step(node.operand, node.op, True, node.span)
            case ast.Member():
                return self._member(node)
            case ast.Index():
                return self._index(node)
            case ast.Conditional():
                return operators.conditional(
                    self.check(node.condition),
                    self.check(node.then),
                    self.check(node.otherwise),
                    node.span,
                    self.environment.string,
                )
            case _:
                return self._rarer(node)

    def _rarer(self, node: ast.Expr) -> Expr:
        string = self.environment.string
        match node:
            case ast.Character():
                return tree.Const(INT, node.span, wrap(node.value, INT))
            case ast.Float():
                kind = {"f": FLOAT, "l": LDOUBLE}.get(node.suffix, DOUBLE)
                return tree.FloatConst(kind, node.span, node.value)
            case ast.Cast():
                type_ = self.types.resolve(node.type)
                return operators.cast(self.check(node.operand), type_, node.span, string)
            case ast.Stringof():
                return operators.stringof(self.check(node.operand), node.span, string)
            case ast.Macro():
                return self._macro(node)
            case ast.Comma():
                items = tuple(self.check(item) for item in node.items)
                return tree.Comma(items[-1].type, node.span, items)
            case ast.SizeofType():
                return self._sizeof(self.types.resolve(node.type), node.span)
            case ast.SizeofExpr():
                return self._sizeof_expr(node)
            case ast.Offsetof():
                return self._offsetof(node)
            case ast.External():
                return self._external(node)
            case ast.AggregationRef():
                raise Diagnostic(
                    "D_SYNTAX",
                    f"aggregation @{node.name} may only be assigned to or given to an action",
                    node.span,
                )
            case ast.Xlate():
                return check_xlate(self, node)
        raise AssertionError(node)

    # ------------------------------------------------------------------------- literals

    def _integer(self, node: ast.Integer) -> Expr:
        type_ = integer_literal(node.value, node.suffix, node.decimal)
        if type_ is None:
            raise Diagnostic(
                "D_INT_OFLOW", "integer constant is too large for any integer type", node.span
            )
        return tree.Const(type_, node.span, node.value)

    def _macro(self, node: ast.Macro) -> Expr:
        environment = self.environment
        if node.name.isdigit():
            text = environment.argument(int(node.name), node.span)
            if node.text:
                value = b"" if text is None else text.encode()
                return tree.Text(StringType(len(value) + 1), node.span, value)
            return self._argument(text, node)
        fixed = fixed_macro(node.name)
        if fixed is not None:
            return tree.Const(INT, node.span, fixed)
        if node.name not in RUN_MACROS:
            raise Diagnostic(
                "D_MACRO_UNDEF",
                f"macro variable ${node.name} is not defined",
                node.span,
                suggestion(node.name, [*RUN_MACROS, "projid", "taskid"]),
            )
        if node.name == "target" and not environment.settings.has_target:
            raise Diagnostic(
                "D_MACRO_UNDEF",
                "macro variable $target is not defined",
                node.span,
                "it is the process given with -c COMMAND or -p PID",
            )
        return tree.LoadWord(INT, node.span, node.name)

    def _argument(self, text: str | None, node: ast.Macro) -> Expr:
        """`$n` stands for its text as a token: an integer or an identifier."""
        if text is None:
            return tree.Const(INT, node.span, 0)
        value = _number(text)
        if value is not None:
            type_ = integer_literal(abs(value), "", text.lstrip("-")[:1] != "0")
            if type_ is None:
                raise Diagnostic("D_INT_OFLOW", f"macro argument {text} is too large", node.span)
            return tree.Const(type_, node.span, value)
        if text.replace("_", "a").isalnum() and not text[0].isdigit():
            return self._identifier(ast.Identifier(name=text, span=node.span))
        raise Diagnostic(
            "D_SYNTAX",
            f"macro argument ${node.name} is {text!r}, neither an integer nor a name",
            node.span,
            f"write $${node.name} to use it as a string",
        )

    # ---------------------------------------------------------------------------- names

    def _identifier(self, node: ast.Identifier) -> Expr:
        found = self._find(node)
        if found is not None:
            return found
        name = node.name
        known = [
            *BUILTIN_VARIABLES,
            *(v for scope, v in self.environment.variables if scope == "global"),
            *self.environment.inlines,
        ]
        raise Diagnostic(
            "D_IDENT_UNDEF",
            f"failed to resolve {name}: Unknown variable name",
            node.span,
            suggestion(name, known, FOREIGN_NAMES),
        )

    def _find(self, node: ast.Identifier) -> Expr | None:
        environment, name, span = self.environment, node.name, node.span
        if name in environment.bindings:
            return environment.bindings[name]
        if name in environment.enumerators:
            value, enum = environment.enumerators[name]
            return tree.Const(enum, span, value)
        if name in environment.inlines:
            return self._inline(environment.inlines[name], None, span)
        variable = environment.variables.get(("global", name))
        if variable is not None:
            self._require_scalar_use(variable, span)
            return tree.VariableRef(variable.type, span, variable)
        if name in BUILTIN_VARIABLES:
            return self._builtin(name, span)
        if name == "NULL":
            return tree.Const(VOID_POINTER, span, 0)
        if name in ABSENT_VARIABLES:
            raise self._absent(name, span)
        kernel = environment.kernel.enumerator(name)
        if kernel is not None:
            value, enum = kernel
            return tree.Const(enum, span, value)
        return None

    def _absent(self, name: str, span: Span) -> Diagnostic:
        return Diagnostic(
            "D_IDENT_UNDEF",
            f"the built-in variable {name} is not available in this version",
            span,
            ABSENT_VARIABLES[name] or None,
        )

    def _builtin(self, name: str, span: Span) -> Expr:
        if name == "curthread":
            struct = self.environment.kernel.struct("struct", "task_struct")
            target = struct if struct is not None else StructType("struct", "task_struct")
            return tree.Builtin(PointerType(target), span, name)
        type_ = BUILTIN_VARIABLES[name].type_of(self.environment.settings.strsize)
        index = int(name[3:]) if name.startswith("arg") else 0
        return tree.Builtin(type_, span, name, index)

    def _require_scalar_use(self, variable: Variable, span: Span) -> None:
        if variable.keys is not None:
            raise Diagnostic(
                "D_IDENT_BADREF",
                f"{variable} is an associative array: it needs a key",
                span,
                f"write {variable}[…]",
            )

    def _scoped(self, node: ast.Scoped) -> Expr:
        variable = self.environment.variables.get((node.scope, node.name))
        if variable is None:
            known = [v for scope, v in self.environment.variables if scope == node.scope]
            raise Diagnostic(
                "D_VAR_UNDEF",
                f"{node.scope}->{node.name} has not yet been declared or assigned",
                node.span,
                suggestion(node.name, known),
            )
        self._require_scalar_use(variable, node.span)
        return tree.VariableRef(variable.type, node.span, variable)

    def _external(self, node: ast.External) -> Expr:
        found = self.environment.kernel.symbol(node.module, node.name)
        if found is None:
            shown = f"{node.module}`{node.name}"
            raise Diagnostic(
                "D_IDENT_UNDEF",
                f"failed to resolve {shown}: Unknown symbol name",
                node.span,
            )
        address, type_ = found
        return tree.KernelSymbol(type_, node.span, node.module, node.name, address)

    def _inline(
        self, inline: InlineDefinition, args: tuple[ast.Expr, ...] | None, span: Span
    ) -> Expr:
        if (inline.params is None) != (args is None):
            raise Diagnostic(
                "D_PROTO_LEN",
                f"inline {inline.node.name} "
                + ("takes no parameters" if inline.params is None else "needs parameters in [ ]"),
                span,
            )
        if inline.busy:
            raise Diagnostic("D_IDENT_UNDEF", f"inline {inline.node.name} refers to itself", span)
        bindings = self._bind(inline, args or (), span)
        saved = self.environment.bindings
        self.environment.bindings = bindings
        inline.busy = True
        try:
            value = self.check(inline.node.value)
        finally:
            inline.busy = False
            self.environment.bindings = saved
        if isinstance(inline.type.resolve(), VoidType):
            return value
        return operators.assignable(value, inline.type, span, self.environment.string)

    def _bind(
        self, inline: InlineDefinition, args: tuple[ast.Expr, ...], span: Span
    ) -> dict[str, Expr]:
        params = inline.params or ()
        if len(params) != len(args):
            raise Diagnostic(
                "D_PROTO_LEN",
                f"{inline.node.name}[ ] prototype mismatch: {len(args)} args passed, "
                f"{len(params)} expected",
                span,
            )
        string = self.environment.string
        return {
            name: operators.assignable(self.check(arg), type_, arg.span, string)
            for (type_, name), arg in zip(params, args, strict=True)
        }

    # ------------------------------------------------------------------------ operators

    def _binary(self, node: ast.Binary) -> Expr:
        # Long chains (a + b + c …) lean left: walk down them without recursion.
        chain: list[ast.Binary] = []
        walk: ast.Expr = node
        while isinstance(walk, ast.Binary):
            chain.append(walk)
            walk = walk.left
        left = self.check(walk)
        for item in reversed(chain):
            left = self._apply(item.op, left, self.check(item.right), item.span)
        return left

    def _apply(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
        if op in operators.RELATIONAL:
            return operators.compare(op, left, right, span, self.environment.string)
        if op in ("&&", "||", "^^"):
            return operators.logical(op, left, right, span)
        return operators.binary(op, left, right, span)

    def _unary(self, node: ast.Unary) -> Expr:
        if node.op in ("++", "--"):
            return self._step(node.operand, node.op, False, node.span)
        if node.op == "&":
            return self._address(node)
        operand = self.check(node.operand)
        if node.op == "*":
            return self._deref(operand, node.span)
        return operators.unary(node.op, operand, node.span)

    def _deref(self, operand: Expr, span: Span) -> Expr:
        operand = operators.decay(operand)
        type_ = operand.type.resolve()
        if not isinstance(type_, PointerType):
            raise Diagnostic(
                "D_DEREF_NONPTR",
                "cannot dereference non-pointer type",
                span,
                f"the operand is of type {describe(operand.type)}",
            )
        target = type_.target.resolve()
        if isinstance(target, VoidType):
            raise Diagnostic(
                "D_DEREF_VOID", "cannot dereference pointer to void", span, "cast it first"
            )
        if isinstance(target, FunctionType):
            raise Diagnostic("D_DEREF_FUNC", "cannot dereference pointer to function", span)
        return tree.Deref(type_.target, span, operand)

    def _address(self, node: ast.Unary) -> Expr:
        operand = self.check(node.operand)
        if isinstance(operand, tree.MemberRef) and operand.member.bits is not None:
            raise Diagnostic(
                "D_ADDROF_BITFIELD", "cannot take address of bit-field member", node.span
            )
        places = (tree.Deref, tree.MemberRef, tree.IndexRef, tree.KernelSymbol)
        if isinstance(operand, tree.Deref):
            return tree.Convert(PointerType(operand.type), node.span, operand.address)
        if isinstance(operand, places):
            return tree.AddressOf(PointerType(operand.type), node.span, operand)
        if isinstance(operand, (tree.VariableRef, tree.Element, tree.Builtin)):
            raise Diagnostic("D_ADDROF_VAR", "cannot take address of dynamic variable", node.span)
        raise Diagnostic("D_ADDROF_LVAL", "unary & requires an lvalue", node.span)

    def _member(self, node: ast.Member) -> Expr:
        if isinstance(node.base, ast.Xlate):
            return check_member(self, node.base, node.name, node.arrow, node.span)
        base = self.check(node.base)
        if node.arrow:
            base = operators.decay(base)
            type_ = base.type.resolve()
            target = type_.target.resolve() if isinstance(type_, PointerType) else None
            if not isinstance(target, StructType):
                raise Diagnostic(
                    "D_OP_SOU",
                    "left-hand side of operator -> must be a pointer to a struct or union",
                    node.span,
                    f"it is of type {describe(base.type)}",
                )
            assert isinstance(type_, PointerType)
            base = tree.Deref(type_.target, base.span, base)
        struct = base.type.resolve()
        if not isinstance(struct, StructType):
            pointer = isinstance(struct, PointerType)
            raise Diagnostic(
                "D_OP_SOU",
                "left-hand side of operator . must be a struct or union",
                node.span,
                "use -> on a pointer" if pointer else f"it is of type {describe(base.type)}",
            )
        if not struct.complete:
            raise Diagnostic(
                "D_OP_INCOMPLETE",
                f"operator . cannot be applied to incomplete type {struct}",
                node.span,
            )
        member = struct.find(node.name)
        if member is None:
            raise Diagnostic(
                "D_TYPE_MEMBER",
                f"{node.name} is not a member of {struct}",
                node.span,
                suggestion(node.name, struct.names()),
            )
        return tree.MemberRef(member.type, node.span, base, member)

    # ------------------------------------------------------------------------- indexing

    def _index(self, node: ast.Index) -> Expr:
        base = node.base
        if isinstance(base, ast.Identifier):
            name = base.name
            inline = self.environment.inlines.get(name)
            if inline is not None and inline.params is not None:
                return self._inline(inline, node.indices, node.span)
            variable = self.environment.variables.get(("global", name))
            if variable is None and name in ABSENT_VARIABLES:
                raise self._absent(name, node.span)
        elif isinstance(base, ast.Scoped):
            variable = self.environment.variables.get((base.scope, base.name))
        else:
            variable = None
        if variable is not None and variable.keys is not None:
            return self._element(variable, node)
        return self._subscript(self.check(base), node)

    def _element(self, variable: Variable, node: ast.Index) -> Expr:
        keys = tuple(self.check(key) for key in node.indices)
        keys = self.variables.match_keys(variable, keys, node.span)
        return tree.Element(variable.type, node.span, variable, keys)

    def _subscript(self, base: Expr, node: ast.Index) -> Expr:
        if len(node.indices) != 1:
            raise Diagnostic("D_PROTO_LEN", "an array or pointer takes one subscript", node.span)
        index = self.check(node.indices[0])
        operators.require_integral("[ ]", index)
        index = operators.convert(index, LONG)
        type_ = base.type.resolve()
        if isinstance(type_, ArrayType):
            self._check_bounds(type_, index, node.span)
            return tree.IndexRef(type_.element, node.span, base, index)
        if isinstance(type_, StringType):
            return tree.IndexRef(CHAR, node.span, base, index)
        if not is_pointer_like(base.type):
            raise Diagnostic(
                "D_DEREF_NONPTR",
                f"operator [ ] cannot be applied to type {describe(base.type)}",
                node.span,
            )
        return self._deref(operators.binary("+", base, index, node.span), node.span)

    def _check_bounds(self, type_: ArrayType, index: Expr, span: Span) -> None:
        if type_.count and isinstance(index, tree.Const) and not 0 <= index.value < type_.count:
            raise Diagnostic(
                "D_ARR_BOUNDS",
                f"index outside array bounds: {index.value}, the array has {type_.count} elements",
                span,
            )

    # --------------------------------------------------------------------------- sizeof

    def _sizeof_expr(self, node: ast.SizeofExpr) -> Expr:
        operand = node.operand
        if isinstance(operand, ast.Identifier) and self._find_quietly(operand) is None:
            type_ = self.types.find_typedef(operand.name)
            if type_ is not None:
                return self._sizeof(type_, node.span)
        if isinstance(operand, ast.AggregationRef):
            raise Diagnostic("D_SIZEOF_TYPE", "cannot apply sizeof to an aggregation", node.span)
        expr = self.check(operand)
        if isinstance(expr, tree.MemberRef) and expr.member.bits is not None:
            raise Diagnostic("D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field", node.span)
        if isinstance(expr, tree.Text):
            return tree.Const(ULONG, node.span, len(expr.value) + 1)
        return self._sizeof(expr.type, node.span)

    def _find_quietly(self, node: ast.Identifier) -> Expr | None:
        try:
            return self._find(node)
        except Diagnostic:
            return None

    def _sizeof(self, type_: Type, span: Span) -> Expr:
        resolved = type_.resolve()
        incomplete = isinstance(resolved, StructType) and not resolved.complete
        if incomplete or isinstance(resolved, (VoidType, FunctionType)) or type_.size == 0:
            raise Diagnostic(
                "D_SIZEOF_TYPE", f"cannot apply sizeof to an operand of type {type_}", span
            )
        return tree.Const(ULONG, span, type_.size)

    def _offsetof(self, node: ast.Offsetof) -> Expr:
        type_ = self.types.resolve(node.type)
        offset = 0
        for name in node.path:
            struct = type_.resolve()
            if not isinstance(struct, StructType) or not struct.complete:
                raise Diagnostic(
                    "D_OFFSETOF_TYPE",
                    f"offsetof operand must be a struct or union type, not {type_}",
                    node.span,
                )
            member = struct.find(name)
            if member is None:
                raise Diagnostic(
                    "D_TYPE_MEMBER",
                    f"{struct} has no member {name}",
                    node.span,
                    suggestion(name, struct.names()),
                )
            if member.bits is not None:
                raise Diagnostic(
                    "D_OFFSETOF_BITFIELD", f"cannot take offset of a bit-field: {name}", node.span
                )
            offset += member.offset
            type_ = member.type
        return tree.Const(ULONG, node.span, offset)

    # ----------------------------------------------------------------------- assignment

    def _assign(self, node: ast.Assign) -> Expr:
        if isinstance(node.target, ast.AggregationRef):
            return check_update(self, node)
        if node.op == "=":
            value = self.check(node.value)
            if isinstance(value.type.resolve(), VoidType):
                raise Diagnostic(
                    "D_OP_INCOMPAT", "a void expression cannot be assigned", node.value.span
                )
            target = self.target(node.target, value)
            value = operators.assignable(value, target.type, node.span, self.environment.string)
            return tree.Assign(target.type, node.span, target, value)
        target = self.target(node.target, None)
        value = self.check(node.value)
        op = node.op[:-1]
        # Typing the plain operator gives its checks and the type it computes in.
        probe = operators.binary(op, target, value, node.span)
        work = probe.type
        if isinstance(probe, tree.Binary):
            value = probe.right
        else:
            value = operators.convert(value, work)
        return tree.Assign(target.type, node.span, target, value, op, work)

    def target(self, node: ast.Expr, value: Expr | None) -> Expr:
        """The place an assignment writes.

        Undeclared variables come into being here with the type of `value`; `++`, `--` and
        compound assignments (`value` None) make an int64_t.
        """
        base, keys = node, None
        if isinstance(node, ast.Index):
            base, keys = node.base, node.indices
        scope: Scope | None = None
        if isinstance(base, ast.Identifier):
            scope = "global"
            if (
                base.name in BUILTIN_VARIABLES
                and (scope, base.name) not in self.environment.variables
            ):
                raise Diagnostic(
                    "D_OP_WRITE",
                    "operator = can only be applied to a writable variable: "
                    f"{base.name} is built in",
                    node.span,
                )
            if base.name in self.environment.inlines or base.name in self.environment.bindings:
                raise Diagnostic(
                    "D_OP_LVAL", "operator = requires modifiable lvalue as an operand", node.span
                )
            if base.name in self.environment.enumerators:
                raise Diagnostic(
                    "D_OP_LVAL", "operator = requires modifiable lvalue as an operand", node.span
                )
        elif isinstance(base, ast.Scoped):
            scope = base.scope
        if scope is not None:
            assert isinstance(base, (ast.Identifier, ast.Scoped))
            if (scope, base.name) not in self.environment.variables:
                return self._create(scope, base.name, keys, value, node)
        expr = self.check(node)
        self._require_writable(expr, node.span)
        return expr

    def _create(
        self,
        scope: Scope,
        name: str,
        keys: tuple[ast.Expr, ...] | None,
        value: Expr | None,
        node: ast.Expr,
    ) -> Expr:
        typed_keys = None if keys is None else tuple(self.check(key) for key in keys)
        type_: Type = LONG if value is None else self._stored_type(value)
        variable = self.variables.create(scope, name, type_, typed_keys, node.span)
        if typed_keys is None:
            return tree.VariableRef(variable.type, node.span, variable)
        typed_keys = self.variables.match_keys(variable, typed_keys, node.span)
        return tree.Element(variable.type, node.span, variable, typed_keys)

    def _stored_type(self, value: Expr) -> Type:
        type_ = value.type
        if isinstance(type_.resolve(), StringType):
            return self.environment.string
        if isinstance(type_.resolve(), (ArrayType, FunctionType)):
            return operators.decay(value).type
        return type_

    def _require_writable(self, expr: Expr, span: Span) -> None:
        place = expr
        while isinstance(place, (tree.MemberRef, tree.IndexRef)):
            place = place.base
        if isinstance(place, (tree.VariableRef, tree.Element, tree.Deref)):
            return
        if isinstance(place, tree.KernelSymbol):
            raise Diagnostic(
                "D_OP_WRITE", "operator = can only be applied to a writable variable", span
            )
        raise Diagnostic("D_OP_LVAL", "operator = requires modifiable lvalue as an operand", span)

    def _step(self, node: ast.Expr, op: str, post: bool, span: Span) -> Expr:
        if isinstance(node, ast.AggregationRef):
            raise Diagnostic(
                "D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", span
            )
        target = self.target(node, None)
        delta = 1
        if isinstance(target.type.resolve(), PointerType):
            sized = operators.binary("+", target, tree.Const(INT, span, 1), span)
            assert isinstance(sized, tree.Binary) and isinstance(sized.right, tree.Const)
            delta = sized.right.value
        elif not is_integral(target.type):
            raise Diagnostic(
                "D_OP_SCALAR",
                f"operator {op} requires an operand of scalar type, not {describe(target.type)}",
                span,
            )
        return tree.Step(target.type, span, target, delta if op == "++" else -delta, post)

    # ---------------------------------------------------------------------------- calls

    def _call(self, node: ast.Call) -> Expr:
        inline = self.environment.inlines.get(node.name)
        if inline is not None and inline.params is not None:
            return self._inline(inline, node.args, node.span)
        return check_call(self, node)


def _number(text: str) -> int | None:
    """An argument that reads as a C integer constant, perhaps negative; None for others."""
    digits = text.removeprefix("-")
    octal = digits.startswith("0") and digits[1:].isdigit()
    try:
        value = int(digits, 8 if octal else 0)
    except ValueError:
        return None
    return -value if text.startswith("-") else value
