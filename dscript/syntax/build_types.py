"""Reductions of declaration rules: specifiers, declarators, and the items made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from dscript.errors import Diagnostic, Span
from dscript.syntax import ast
from dscript.syntax.build_expressions import Children, ExpressionRules
from dscript.syntax.specifiers import check_words
from dscript.syntax.tokens import QUALIFIERS, Token

Storage = Literal["", "self", "this", "extern", "static", "auto", "register", "typedef"]


@dataclass(slots=True)
class Specifiers:
    """What stands before a declarator, sorted."""

    span: Span
    spec: ast.TypeSpec
    qualifiers: tuple[str, ...]
    storage: Storage

    def type(self, derivations: tuple[ast.Derivation, ...] = (), end: int = 0) -> ast.TypeName:
        span = self.span
        if end > span.end:
            span = Span(span.source, span.start, end)
        return ast.TypeName(
            span=span, spec=self.spec, derivations=derivations, qualifiers=self.qualifiers
        )


@dataclass(slots=True)
class Declarator:
    """A declarator under construction; `derivations` from the inside out.

    `parameters` are those of the bracket or parenthesis read last.
    """

    name: str
    span: Span
    derivations: list[ast.Derivation] = field(default_factory=list)
    parameters: tuple[tuple[ast.TypeName, str], ...] | None = None
    bracketed: bool = False  # the name has been grouped or derived from


@dataclass(slots=True)
class Dimension:
    derivation: ast.Derivation
    parameters: tuple[tuple[ast.TypeName, str], ...] | None
    start: int
    end: int


@dataclass(slots=True)
class Parameters:
    items: tuple[tuple[ast.TypeName, str], ...]
    variadic: bool


class TypeRules(ExpressionRules):
    """The rules from `declaration` to `provider_probe`."""

    # ------------------------------------------------------------------- specifiers

    def storage(self, c: Children) -> Token:
        return cast(Token, c[0])

    def declaration_specifiers(self, c: Children) -> Specifiers:
        return self._specifiers(c)

    def type_specifiers(self, c: Children) -> Specifiers:
        return self._specifiers(c)

    def _specifiers(self, c: Children) -> Specifiers:
        words: list[str] = []
        qualifiers: list[str] = []
        storage: Storage = ""
        specs: list[ast.TypeSpec] = []
        for part in c:
            if isinstance(part, ast.TypeSpec):
                specs.append(part)
            elif part.type == "TYPE_WORD":
                words.append(part.value)
            elif part.type == "TYPE_NAME":
                specs.append(_scoped(part.value, self._token_span(part)))
            elif part.value in QUALIFIERS:
                qualifiers.append(part.value)
            elif storage:
                raise Diagnostic(
                    "D_DECL_CLASS", "only one storage class allowed in declaration",
                    self._token_span(part),
                )  # fmt: skip
            else:
                storage = part.value
        span = self._start(c[0]).to(self._start(c[-1]))
        check_words(words, len(specs), span)
        if words:
            specs.append(ast.NamedType(span=span, words=tuple(words)))
        if not specs:  # `self x;`
            specs.append(ast.NamedType(span=span, words=("int",)))
        return Specifiers(span, specs[0], tuple(qualifiers), storage)

    def _start(self, part: Any) -> Span:
        if isinstance(part, Token):
            return self._token_span(part)
        return cast(Span, part.span)

    def struct_kind(self, c: Children) -> Token:
        return cast(Token, c[0])

    def tag(self, c: Children) -> Token:
        return cast(Token, c[0])

    def struct(self, c: Children) -> ast.StructType:
        kind = c[0]
        braces = len(c) > 2
        module, _, tag = c[1].value.rpartition("`") if c[1].type != "LBRACE" else ("", "", "")
        first = 2 if c[1].type == "LBRACE" else 3
        members: tuple[ast.FieldDecl, ...] | None = None
        if braces:
            members = tuple(member for fields in c[first:-1] for member in fields)
        return ast.StructType(
            span=Span(self.source, kind.start, c[-1].end),
            kind=kind.value,
            tag=tag,
            members=members,
            module=module,
        )

    def field(self, c: Children) -> list[ast.FieldDecl]:
        specifiers = c[0]
        if len(c) == 2:
            return [ast.FieldDecl(span=specifiers.span, type=specifiers.type(), name="")]
        fields = []
        for declarator, bits in c[1:-1:2]:
            if declarator is None:
                type_, name, end = specifiers.type(), "", bits.span.end
            else:
                type_ = specifiers.type(tuple(declarator.derivations), declarator.span.end)
                name, end = declarator.name, declarator.span.end
            span = Span(self.source, specifiers.span.start, end)
            fields.append(ast.FieldDecl(span=span, type=type_, name=name, bits=bits))
        return fields

    def field_declarator(self, c: Children) -> tuple[Declarator | None, ast.Expr | None]:
        if len(c) == 1:
            return c[0], None
        if len(c) == 2:
            return None, c[1]
        return c[0], c[2]

    def enum(self, c: Children) -> ast.EnumType:
        span = Span(self.source, c[0].start, c[-1].end)
        tagged = c[1].type != "LBRACE"
        module, _, tag = c[1].value.rpartition("`") if tagged else ("", "", "")
        enumerators = None
        if len(c) > 2:
            enumerators = tuple(part for part in c if isinstance(part, ast.Enumerator))
        return ast.EnumType(span=span, tag=tag, enumerators=enumerators, module=module)

    def enumerator(self, c: Children) -> ast.Enumerator:
        value = c[2] if len(c) > 1 else None
        end = c[0].end if value is None else value.span.end
        return ast.Enumerator(span=Span(self.source, c[0].start, end), name=c[0].value, value=value)

    # ------------------------------------------------------------------- declarators

    def declared_name(self, c: Children) -> Declarator:
        return Declarator(c[0].value, self._token_span(c[0]))

    def grouped(self, c: Children) -> Declarator:
        inner = cast(Declarator, c[1])
        inner.span = Span(self.source, c[0].start, c[2].end)
        return inner

    def pointer(self, c: Children) -> list[ast.PointerTo]:
        """The stars as written, outermost (nearest to the base type) first."""
        stars: list[ast.PointerTo] = c[0] if isinstance(c[0], list) else []
        qualifiers = tuple(part.value for part in c if isinstance(part, Token))
        stars.append(ast.PointerTo(qualifiers=qualifiers[1:]))
        return stars

    def declarator(self, c: Children) -> Declarator:
        declarator = cast(Declarator, c[-1])
        if len(c) == 2:
            declarator.derivations.extend(reversed(c[0]))
        return declarator

    def abstract_declarator(self, c: Children) -> Declarator:
        if isinstance(c[-1], Declarator):
            return self.declarator(c)
        return Declarator("", Span(self.source, 0, 0), list(reversed(c[0])))

    def dimension(self, c: Children) -> Dimension:
        start, end = c[0].start, c[-1].end
        if len(c) == 2:
            return Dimension(ast.ArrayOf(size=None), None, start, end)
        if isinstance(c[1], ast.Expr):
            return Dimension(ast.ArrayOf(size=c[1]), None, start, end)
        keys = tuple(type_ for type_, _ in c[1])
        if any(name and _is_void(type_, "") for type_, name in c[1]):
            raise Diagnostic(
                "D_DECL_PROTO_NAME", "void parameter may not have a name",
                Span(self.source, start, end),
            )  # fmt: skip
        return Dimension(ast.AssociativeOf(keys=keys), c[1], start, end)

    def keys(self, c: Children) -> tuple[tuple[ast.TypeName, str], ...]:
        if isinstance(c[-1], Token):
            raise Diagnostic(
                "D_DECL_PROTO_VARARGS",
                "array prototype may not use a variable-length argument list",
                self._token_span(c[-1]),
            )
        return tuple(c[::2])

    def derived(self, c: Children) -> Declarator:
        dimension = cast(Dimension, c[-1])
        if len(c) == 1:
            declarator = Declarator("", Span(self.source, dimension.start, dimension.end))
        else:
            declarator = c[0]
        declarator.span = Span(self.source, declarator.span.start, dimension.end)
        declarator.derivations.append(dimension.derivation)
        declarator.parameters = dimension.parameters
        return declarator

    def derived_function(self, c: Children) -> Declarator:
        parameters = cast(Parameters, c[-2])
        if len(c) == 3:
            declarator = Declarator("", Span(self.source, c[0].start, c[2].end))
        else:
            declarator = c[0]
        declarator.span = Span(self.source, declarator.span.start, c[-1].end)
        declarator.derivations.append(
            ast.FunctionOf(
                params=tuple(type_ for type_, _ in parameters.items),
                names=tuple(name for _, name in parameters.items),
                variadic=parameters.variadic,
            )
        )
        return declarator

    def parameters(self, c: Children) -> Parameters:
        items = tuple(part for part in c if isinstance(part, tuple))
        variadic = bool(c) and isinstance(c[-1], Token)
        if len(items) == 1 and not variadic and _is_void(*items[0]):
            items = ()
        return Parameters(items, variadic)

    def parameter(self, c: Children) -> tuple[ast.TypeName, str]:
        specifiers = cast(Specifiers, c[0])
        if specifiers.storage:
            raise Diagnostic(
                "D_DECL_PARMCLASS",
                "inappropriate storage class for function or associative array parameter",
                specifiers.span,
            )
        if len(c) == 1:
            return specifiers.type(), ""
        declarator = c[1]
        return specifiers.type(tuple(declarator.derivations), declarator.span.end), declarator.name

    def type_name(self, c: Children) -> ast.TypeName:
        return self.parameter(c)[0]

    # ------------------------------------------------------------------------- items

    def init_declarator(self, c: Children) -> tuple[Declarator, ast.Expr | None]:
        return c[0], (c[2] if len(c) > 1 else None)

    def declaration(self, c: Children) -> list[ast.Declaration]:
        specifiers = cast(Specifiers, c[0])
        if len(c) == 2:
            span = Span(self.source, specifiers.span.start, c[-1].end)
            return [
                ast.Declaration(
                    span=span, storage=specifiers.storage, type=specifiers.type(), name=""
                )
            ]
        items = []
        for declarator, initializer in c[1:-1:2]:
            end = declarator.span.end if initializer is None else initializer.span.end
            items.append(
                ast.Declaration(
                    span=Span(self.source, specifiers.span.start, end),
                    storage=specifiers.storage,
                    type=specifiers.type(tuple(declarator.derivations), declarator.span.end),
                    name=declarator.name,
                    initializer=initializer,
                )
            )
        return items

    def inline(self, c: Children) -> ast.Inline:
        word, specifiers, declarator, _, value, end = c
        derivations = declarator.derivations
        params = None
        if derivations and isinstance(derivations[0], ast.AssociativeOf):
            params = declarator.parameters
            derivations = derivations[1:]
        return ast.Inline(
            span=Span(self.source, word.start, end.end),
            type=specifiers.type(tuple(derivations), declarator.span.end),
            name=declarator.name,
            params=params,
            value=value,
        )

    def translator(self, c: Children) -> ast.Translator:
        word, output, _, (input_, parameter) = c[:4]
        if not parameter:
            raise Diagnostic("D_SYNTAX", "the translator's input has no name", input_.span)
        return ast.Translator(
            span=Span(self.source, word.start, c[-1].end),
            output=output,
            input=input_,
            parameter=parameter,
            members=tuple(c[6:-1]),
        )

    def translator_member(self, c: Children) -> ast.TranslatorMember:
        span = Span(self.source, c[0].start, c[3].end)
        return ast.TranslatorMember(span=span, name=c[0].value, value=c[2])

    def provider(self, c: Children) -> ast.ProviderDef:
        span = Span(self.source, c[0].start, c[-1].end)
        return ast.ProviderDef(span=span, name=c[1].value, probes=tuple(c[3:-1]))

    def provider_probe(self, c: Children) -> ast.ProviderProbe:
        if c[3].variadic or (len(c) > 6 and c[7].variadic):
            raise Diagnostic(
                "D_DECL_PROTO_VARARGS",
                f"probe {c[1].value} prototype may not use a variable-length argument list",
                Span(self.source, c[0].start, c[-1].end),
            )
        translated = c[7].items if len(c) > 6 else None
        return ast.ProviderProbe(
            span=Span(self.source, c[0].start, c[-1].end),
            name=c[1].value,
            native=c[3].items,
            translated=translated,
        )


def _is_void(type_: ast.TypeName, name: str) -> bool:
    """Whether a lone parameter is the `void` that stands for none."""
    spec = type_.spec
    return (
        not name
        and not type_.derivations
        and isinstance(spec, ast.NamedType)
        and spec.words == ("void",)
    )


def _scoped(text: str, span: Span) -> ast.TypeSpec:
    """The type of a name with or without a module: ``name``, ``mod`name``, ``mod`struct tag``."""
    module, _, name = text.rpartition("`")
    keyword, _, tag = name.partition(" ")
    tag = tag.strip()
    if keyword == "enum" and tag:
        return ast.EnumType(span=span, tag=tag, module=module)
    if tag:
        kind: Literal["struct", "union"] = "union" if keyword == "union" else "struct"
        return ast.StructType(span=span, kind=kind, tag=tag, module=module)
    return ast.NamedType(span=span, words=(name,), module=module)
