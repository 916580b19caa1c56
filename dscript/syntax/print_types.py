"""Types → D text, declarators around names included."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dscript.syntax import ast

Declared = tuple[ast.TypeName, str]


class TypePrinter(ABC):
    @abstractmethod
    def constant(self, node: ast.Expr) -> str:
        """The text of a constant expression."""

    def type(self, type_: ast.TypeName, name: str = "") -> str:
        """A type, declaring `name` (which may already carry brackets) if there is one."""
        words = (*type_.qualifiers, self._spec(type_.spec))
        declarator = self._declarator(type_.derivations, name)
        return " ".join(words) + (f" {declarator}" if declarator else "")

    def _declarator(self, derivations: tuple[ast.Derivation, ...], name: str) -> str:
        """Derivations stand from the inside out: stars go before, brackets after."""
        text = name
        pointed = False
        for derivation in derivations:
            if isinstance(derivation, ast.PointerTo):
                qualifiers = " ".join(derivation.qualifiers)
                text = f"*{qualifiers} {text}" if qualifiers else f"*{text}"
                pointed = True
                continue
            if pointed:
                text, pointed = f"({text})", False
            match derivation:
                case ast.ArrayOf(size=None):
                    text += "[]"
                case ast.ArrayOf(size=size):
                    assert size is not None
                    text += f"[{self.constant(size)}]"
                case ast.AssociativeOf(keys=keys):
                    text += f"[{', '.join(self.type(key) for key in keys)}]"
                case ast.FunctionOf():
                    text += f"({self._parameters_of(derivation)})"
        return text

    def _parameters_of(self, function: ast.FunctionOf) -> str:
        items = [
            self.type(type_, name)
            for type_, name in zip(function.params, function.names, strict=True)
        ]
        if function.variadic:
            items.append("...")
        return ", ".join(items)

    def _spec(self, spec: ast.TypeSpec) -> str:
        assert isinstance(spec, ast.NamedType | ast.StructType | ast.EnumType)
        scope = f"{spec.module}`" if spec.module else ""
        match spec:
            case ast.NamedType():
                return scope + " ".join(spec.words)
            case ast.StructType():
                tag = f" {scope}{spec.tag}" if spec.tag else ""
                return f"{spec.kind}{tag}{self._members(spec.members)}"
            case ast.EnumType():
                tag = f" {scope}{spec.tag}" if spec.tag else ""
                return f"enum{tag}{self._enumerators(spec.enumerators)}"

    def _members(self, members: tuple[ast.FieldDecl, ...] | None) -> str:
        if members is None:
            return ""
        lines = ""
        for member in members:
            bits = "" if member.bits is None else f" : {self.constant(member.bits)}"
            lines += f"{self.type(member.type, member.name)}{bits}; "
        return f" {{ {lines}}}"

    def _enumerators(self, enumerators: tuple[ast.Enumerator, ...] | None) -> str:
        if enumerators is None:
            return ""
        items = [
            e.name if e.value is None else f"{e.name} = {self.constant(e.value)}"
            for e in enumerators
        ]
        return f" {{ {', '.join(items)} }}"
