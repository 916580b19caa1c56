"""Hypothesis strategies for syntax trees: anything the parser can build."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dscript.errors import Span
from dscript.source import Source
from dscript.syntax import ast

_SPAN = Span(Source("generated", ""), 0, 0)

# Names that are no keyword; some also name actions and built-in variables.
NAMES = st.sampled_from(["x", "foo", "a_b", "_c", "count", "pid", "printf", "BEGIN", "n1", "probe"])
MEMBERS = NAMES | st.sampled_from(["string", "if", "self", "int", "uid_t"])
TYPEDEFS = st.sampled_from(["foo_t", "uint64_t", "b_t"])
TAGS = st.sampled_from(["proc", "s1", "x"])
QUALIFIERS = st.lists(st.sampled_from(["const", "volatile"]), max_size=1).map(tuple)
FIELDS = st.sampled_from(
    ["", "*", "syscall", "read*", "pid$target", "a.out", "e?it", "[a-z]*", "[!x]", "tick-1s", "$1"]
)
BINARY = "+ - * / % & | ^ << >> && || ^^ == != < > <= >=".split()  # noqa: SIM905
UNARY = st.sampled_from(["+", "-", "!", "~", "*", "&", "++", "--"])
ASSIGN = "= += -= *= /= %= &= |= ^= <<= >>=".split()  # noqa: SIM905


def node(kind: Any, /, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nodes of a class from strategies for its fields."""

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        return kind(span=_SPAN, **{name: draw(part) for name, part in parts.items()})

    return build()


def tuples(items: st.SearchStrategy[Any], low: int = 0, high: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(items, min_size=low, max_size=high).map(tuple)


# Specifiers without expressions: what casts in expressions are made of.
_keyword_types = st.sampled_from(
    [("int",), ("unsigned", "long"), ("string",), ("char",), ("unsigned", "long", "long")]
)
_plain_specs = st.one_of(
    node(ast.NamedType, words=_keyword_types),
    node(ast.NamedType, words=TYPEDEFS.map(lambda name: (name,)), module=st.just("")),
    node(ast.NamedType, words=TYPEDEFS.map(lambda name: (name,)), module=st.just("ext4")),
    node(ast.StructType, kind=st.sampled_from(["struct", "union"]), tag=TAGS),
    node(ast.StructType, kind=st.just("struct"), tag=TAGS, module=st.just("mod")),
    node(ast.EnumType, tag=TAGS),
)
_pointers = st.builds(ast.PointerTo, qualifiers=QUALIFIERS)
CAST_TYPES = node(
    ast.TypeName, spec=_plain_specs, derivations=tuples(_pointers, 0, 2), qualifiers=QUALIFIERS
)

_literals = st.one_of(
    node(
        ast.Integer,
        value=st.integers(0, 2**64 - 1),
        suffix=st.sampled_from(["", "u", "l", "ul", "ll", "ull"]),
        decimal=st.booleans(),
    ),
    node(
        ast.Float,
        value=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
        suffix=st.sampled_from(["", "f", "l"]),
    ),
    node(ast.Character, value=st.integers(0, 2**64 - 1)),
    node(ast.String, value=st.binary(max_size=12)),
)
_leaves = st.one_of(
    _literals,
    node(ast.Macro, name=st.sampled_from(["1", "target", "12"]), text=st.booleans()),
    node(ast.Identifier, name=NAMES),
    node(ast.Scoped, scope=st.sampled_from(["self", "this"]), name=MEMBERS),
    node(ast.External, module=st.sampled_from(["", "ext4"]), name=NAMES),
    node(ast.AggregationRef, name=st.sampled_from(["", "a", "min"])),
    node(ast.SizeofType, type=CAST_TYPES),
    node(ast.Offsetof, type=CAST_TYPES, path=tuples(NAMES, 1, 2)),
)


def _no_comma_first(items: tuple[ast.Expr, ...]) -> bool:
    return not isinstance(items[0], ast.Comma)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        node(ast.Call, name=NAMES, args=tuples(inner)),
        node(ast.Binary, op=st.sampled_from(BINARY), left=inner, right=inner),
        node(ast.Unary, op=UNARY, operand=inner),
        node(ast.Postfix, op=st.sampled_from(["++", "--"]), operand=inner),
        node(ast.Conditional, condition=inner, then=inner, otherwise=inner),
        node(ast.Assign, op=st.sampled_from(ASSIGN), target=inner, value=inner),
        node(ast.Comma, items=tuples(inner, 2, 3).filter(_no_comma_first)),
        node(ast.Cast, type=CAST_TYPES, operand=inner),
        node(ast.SizeofExpr, operand=inner),
        node(ast.Stringof, operand=inner),
        node(ast.Xlate, type=CAST_TYPES, operand=inner),
        node(ast.AggregationRef, name=st.just("k"), keys=tuples(inner, 1)),
        node(ast.Member, base=inner, name=MEMBERS, arrow=st.booleans()),
        node(
            ast.Index,
            base=inner.filter(lambda e: not isinstance(e, ast.AggregationRef)),
            indices=tuples(inner, 1),
        ),
    )


EXPRESSIONS = st.recursive(_leaves, _compound, max_leaves=12)
_constants = st.recursive(_leaves, _compound, max_leaves=4)

STATEMENTS = st.recursive(
    node(ast.ExprStmt, expr=EXPRESSIONS),
    lambda inner: node(
        ast.If, condition=EXPRESSIONS, then=tuples(inner), otherwise=tuples(inner, 0, 2)
    ),
    max_leaves=5,
)

# ------------------------------------------------------------------------- types


def _declared(
    specs: st.SearchStrategy[Any], inner: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    derivation = st.one_of(
        _pointers,
        st.builds(ast.ArrayOf, size=st.none() | _constants),
        st.builds(ast.AssociativeOf, keys=tuples(inner, 1)),
        tuples(st.tuples(inner, NAMES | st.just("")), 0, 2).flatmap(
            lambda params: st.builds(
                ast.FunctionOf,
                params=st.just(tuple(type_ for type_, _ in params)),
                names=st.just(tuple(name for _, name in params)),
                variadic=st.booleans() if params else st.just(False),
            )
        ),
    )
    return node(
        ast.TypeName, spec=specs, derivations=tuples(derivation, 0, 3), qualifiers=QUALIFIERS
    )


_member_types = _declared(_plain_specs, CAST_TYPES)
_specs = st.one_of(
    _plain_specs,
    node(
        ast.StructType,
        kind=st.sampled_from(["struct", "union"]),
        tag=TAGS | st.just(""),
        members=tuples(node(ast.FieldDecl, type=_member_types, name=NAMES)),
    ),
    node(
        ast.EnumType,
        tag=TAGS | st.just(""),
        enumerators=tuples(node(ast.Enumerator, name=NAMES, value=st.none() | _constants), 1),
    ),
    # Written as in a program, where a name before a declarator needs no other sign.
    node(ast.NamedType, words=NAMES.map(lambda name: (name,))),
)
TYPES = _declared(_specs, CAST_TYPES)
_parameters = tuples(st.tuples(CAST_TYPES, NAMES), 1, 2)

# ------------------------------------------------------------------------- items


def _described(fields: list[str]) -> ast.ProbeDescription:
    names = [""] * (4 - len(fields)) + fields
    return ast.ProbeDescription(
        span=_SPAN,
        provider=names[0],
        module=names[1],
        function=names[2],
        name=names[3],
        fields=len(fields),
    )


DESCRIPTIONS = st.one_of(
    st.lists(FIELDS, min_size=2, max_size=4).map(_described),
    st.sampled_from(["BEGIN", "tick-1s", "profile-$1", "read*"]).map(lambda n: _described([n])),
)
ITEMS = st.one_of(
    node(
        ast.Clause,
        probes=tuples(DESCRIPTIONS, 1),
        predicate=st.none() | EXPRESSIONS,
        body=st.none() | tuples(STATEMENTS),
    ),
    node(
        ast.Declaration,
        storage=st.sampled_from(["", "self", "this", "extern", "static"]),
        type=TYPES,
        name=NAMES,
        initializer=st.none() | _constants,
    ),
    node(ast.Declaration, storage=st.just("typedef"), type=TYPES, name=st.sampled_from(["new_t"])),
    node(
        ast.Inline,
        type=CAST_TYPES,
        name=NAMES,
        params=st.none() | _parameters,
        value=EXPRESSIONS,
    ),
    node(
        ast.Translator,
        output=CAST_TYPES,
        input=CAST_TYPES,
        parameter=NAMES,
        members=tuples(node(ast.TranslatorMember, name=NAMES, value=EXPRESSIONS)),
    ),
    node(
        ast.ProviderDef,
        name=NAMES,
        probes=tuples(
            node(
                ast.ProviderProbe,
                name=NAMES.filter(lambda name: name != "probe"),
                native=_parameters,
                translated=st.none() | _parameters,
            )
        ),
    ),
    node(
        ast.Pragma,
        kind=st.just("D"),
        words=st.sampled_from([("option", "quiet"), ("option", "bufsize=4m")]),
    ),
)
PROGRAMS = node(ast.Program, items=tuples(ITEMS, 0, 4))
