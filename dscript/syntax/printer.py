"""AST → D text that parses back to an equal tree.

The text is laid out as one would write it by hand: a clause's body is indented by tabs,
and parentheses stand only where precedence asks for them.
"""

from __future__ import annotations

from dscript.syntax import ast
from dscript.syntax.print_types import Declared, TypePrinter
from dscript.syntax.tokens import KEYWORDS

# Precedence levels, loosest first; the grammar has one rule for each.
_COMMA, _ASSIGN, _CONDITIONAL = 0, 1, 2
_BINARY = {
    operator: level
    for level, operators in enumerate(
        ("||", "^^", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %"), start=3
    )
    for operator in operators.split()
}
_CAST, _UNARY, _POSTFIX = 14, 15, 16

_ESCAPES = {
    ord("\n"): r"\n",
    ord("\t"): r"\t",
    ord("\r"): r"\r",
    ord("\\"): r"\\",
}


def print_program(program: ast.Program) -> str:
    """The text of a whole program."""
    return "".join(print_item(item) + "\n" for item in program.items)


def print_item(item: ast.Item) -> str:
    """The text of one top-level item, without a newline at the end."""
    return _ITEMS[type(item)](_PRINTER, item)  # type: ignore[no-any-return, operator]


def print_expression(expression: ast.Expr) -> str:
    """The text of one expression."""
    return _PRINTER.expression(expression, _COMMA)


def print_type(type_: ast.TypeName) -> str:
    """The text of a type as in a cast."""
    return _PRINTER.type(type_)


def quote(data: bytes, mark: str) -> str:
    """A literal of these bytes between quotation marks."""
    text = "".join(
        _ESCAPES.get(byte)
        or (
            f"\\{mark}" if byte == ord(mark) else chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
        )
        for byte in data
    )
    return f"{mark}{text}{mark}"


class Printer(TypePrinter):
    # ------------------------------------------------------------------- expressions

    def expression(self, node: ast.Expr, level: int) -> str:
        """The text of a node where the grammar wants one of at least this level."""
        own, text = self._leveled(node)
        return f"({text})" if own < level else text

    def constant(self, node: ast.Expr) -> str:
        return self.expression(node, _CONDITIONAL)

    def _leveled(self, node: ast.Expr) -> tuple[int, str]:
        match node:
            case ast.Comma():
                return _COMMA, ", ".join(self.expression(item, _ASSIGN) for item in node.items)
            case ast.Assign():
                target = self.expression(node.target, _UNARY)
                return _ASSIGN, f"{target} {node.op} {self.expression(node.value, _ASSIGN)}"
            case ast.Conditional():
                condition = self.expression(node.condition, _CONDITIONAL + 1)
                then = self.expression(node.then, _COMMA)
                otherwise = self.expression(node.otherwise, _ASSIGN)
                return _CONDITIONAL, f"{condition} ? {then} : {otherwise}"
            case ast.Binary():
                level = _BINARY[node.op]
                left = self.expression(node.left, level)
                return level, f"{left} {node.op} {self.expression(node.right, level + 1)}"
            case ast.Cast():
                operand = self.expression(node.operand, _CAST)
                if _is_doubtful(node.type) and not operand[0].isalnum():
                    operand = f"({operand})"
                return _CAST, f"({self.type(node.type)}){operand}"
            case ast.Unary():
                step = node.op in ("++", "--")
                operand = self.expression(node.operand, _UNARY if step else _CAST)
                gap = " " if operand[0] == node.op[-1] else ""
                return _UNARY, f"{node.op}{gap}{operand}"
            case ast.SizeofExpr():
                return _UNARY, f"sizeof {self.expression(node.operand, _UNARY)}"
            case ast.SizeofType():
                return _UNARY, f"sizeof ({self.type(node.type)})"
            case ast.Stringof():
                return _UNARY, f"stringof {self.expression(node.operand, _UNARY)}"
        return _POSTFIX, self._postfix(node)

    def _postfix(self, node: ast.Expr) -> str:
        match node:
            case ast.Postfix():
                return f"{self.expression(node.operand, _POSTFIX)}{node.op}"
            case ast.Index():
                return f"{self.expression(node.base, _POSTFIX)}[{self._list(node.indices)}]"
            case ast.Member():
                link = "->" if node.arrow else "."
                if isinstance(node.base, ast.Integer):
                    return f"({self.expression(node.base, _COMMA)}){link}{node.name}"  # no 1.x
                return f"{self.expression(node.base, _POSTFIX)}{link}{node.name}"
            case ast.Call():
                return f"{node.name}({self._list(node.args)})"
            case ast.AggregationRef():
                keys = "" if node.keys is None else f"[{self._list(node.keys)}]"
                return f"@{node.name}{keys}"
            case ast.Offsetof():
                return f"offsetof({self.type(node.type)}, {'.'.join(node.path)})"
            case ast.Xlate():
                operand = self.expression(node.operand, _COMMA)
                return f"xlate <{self.type(node.type)}> ({operand})"
        return self._primary(node)

    def _primary(self, node: ast.Expr) -> str:
        match node:
            case ast.Identifier():
                return node.name
            case ast.Scoped():
                return f"{node.scope}->{node.name}"
            case ast.External():
                return f"{node.module}`{node.name}"
            case ast.Macro():
                return ("$$" if node.text else "$") + node.name
            case ast.Integer():
                return (str(node.value) if node.decimal else hex(node.value)) + node.suffix
            case ast.Float():
                text = "1e999" if node.value == float("inf") else repr(node.value)
                return text + node.suffix
            case ast.Character():
                size = max(1, (node.value.bit_length() + 7) // 8)
                return quote(node.value.to_bytes(size, "big"), "'")
            case ast.String():
                return quote(node.value, '"')
        raise AssertionError(f"no text for {type(node).__name__}")

    def _list(self, items: tuple[ast.Expr, ...]) -> str:
        return ", ".join(self.expression(item, _ASSIGN) for item in items)

    # -------------------------------------------------------------------- statements

    def block(self, statements: tuple[ast.Stmt, ...], indent: str) -> str:
        inner = "".join(
            f"{indent}\t{self.statement(statement, indent + chr(9))}\n" for statement in statements
        )
        return f"{{\n{inner}{indent}}}"

    def statement(self, node: ast.Stmt, indent: str) -> str:
        if isinstance(node, ast.If):
            text = f"if ({self.expression(node.condition, _COMMA)}) {self.block(node.then, indent)}"
            if len(node.otherwise) == 1 and isinstance(node.otherwise[0], ast.If):
                text += f" else {self.statement(node.otherwise[0], indent)}"
            elif node.otherwise:
                text += f" else {self.block(node.otherwise, indent)}"
            return text
        assert isinstance(node, ast.ExprStmt)
        return self.expression(node.expr, _COMMA) + ";"

    # ------------------------------------------------------------------------- items

    def description(self, probe: ast.ProbeDescription) -> str:
        if probe.fields == 0:
            return probe.name
        return ":".join(str(probe).split(":")[4 - probe.fields :])

    def clause(self, node: ast.Clause) -> str:
        text = ",\n".join(self.description(probe) for probe in node.probes)
        if node.predicate is not None:
            predicate = self.expression(node.predicate, _COMMA)
            gap = " " if predicate[0] == "*" else ""  # not a comment
            text += f"\n/{gap}{predicate}/"
        if node.body is None:
            return text + ";"
        return f"{text}\n{self.block(node.body, '')}"

    def declaration(self, node: ast.Declaration) -> str:
        storage = f"{node.storage} " if node.storage else ""
        value = ""
        if node.initializer is not None:
            value = f" = {self.expression(node.initializer, _ASSIGN)}"
        return f"{storage}{self.type(node.type, node.name)}{value};"

    def inline(self, node: ast.Inline) -> str:
        name = node.name
        if node.params is not None:
            name += f"[{self._parameters(node.params)}]"
        value = self.expression(node.value, _ASSIGN)
        return f"inline {self.type(node.type, name)} = {value};"

    def translator(self, node: ast.Translator) -> str:
        input_ = self.type(node.input, node.parameter)
        members = "".join(
            f"\t{member.name} = {self.expression(member.value, _ASSIGN)};\n"
            for member in node.members
        )
        return f"translator {self.type(node.output)} < {input_} > {{\n{members}}};"

    def provider(self, node: ast.ProviderDef) -> str:
        lines = ""
        for probe in node.probes:
            lines += f"\tprobe {probe.name}({self._parameters(probe.native)})"
            if probe.translated is not None:
                lines += f" : ({self._parameters(probe.translated)})"
            lines += ";\n"
        return f"provider {node.name} {{\n{lines}}};"

    def pragma(self, node: ast.Pragma) -> str:
        words = " ".join(node.words)
        opening = {"D": "#pragma D", "other": "#pragma"}.get(node.kind, f"#{node.kind}")
        return f"{opening} {words}".rstrip()

    def _parameters(self, parameters: tuple[Declared, ...]) -> str:
        return ", ".join(self.type(type_, name) for type_, name in parameters)


def _is_doubtful(type_: ast.TypeName) -> bool:
    """Whether `(type)` may be read as a parenthesised variable."""
    spec = type_.spec
    return (
        isinstance(spec, ast.NamedType)
        and not type_.derivations
        and spec.words[0] not in KEYWORDS
        and not spec.words[0].endswith("_t")
    )


_PRINTER = Printer()
_ITEMS = {
    ast.Clause: Printer.clause,
    ast.Declaration: Printer.declaration,
    ast.Inline: Printer.inline,
    ast.Translator: Printer.translator,
    ast.ProviderDef: Printer.provider,
    ast.Pragma: Printer.pragma,
}
