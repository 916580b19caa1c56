"""Actions on aggregations: printa(), clear(), trunc(), normalize() and denormalize()."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.builtins.formats import Argument, ArgumentKind, FormatError, check_arguments
from dscript.dtypes.types import LONG, Type, is_integral, is_scalar
from dscript.errors import Diagnostic
from dscript.program import Conversion
from dscript.semantics import tree
from dscript.semantics.action_calls import not_scalar, void_call
from dscript.semantics.aggregations import find_aggregation
from dscript.semantics.base import Checker
from dscript.semantics.conversions import convert, is_string
from dscript.semantics.formatted_actions import argument_kind, checked_format
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def _aggregation(checker: Checker, node: ast.Call, at: int = 0) -> tree.AggregationVariable:
    arg = node.args[at]
    upper = node.name.upper()
    if not isinstance(arg, ast.AggregationRef):
        raise Diagnostic(
            f"D_{upper}_AGGARG",
            f"{node.name}( ) argument #{at + 1} is incompatible with prototype:\n"
            "\tprototype: aggregation\n\t argument: " + describe(checker.check(arg).type),
            arg.span,
        )
    return find_aggregation(checker.environment, arg, f"D_{upper}_AGGBAD")


def check_printa(checker: Checker, node: ast.Call) -> Expr:
    first = node.args[0]
    conversions: tuple[Conversion, ...] | None = None
    start = 0
    if not isinstance(first, ast.AggregationRef):
        if not is_string(checker.check(first)):
            _aggregation(checker, node)  # refuses it
        conversions = checked_format(checker, node, first)
        start = 1
    if len(node.args) == start:
        raise Diagnostic(
            "D_PRINTA_PROTO",
            "printa( ) prototype mismatch: 1 arg passed, at least 2 expected",
            node.span,
        )
    aggregations = tuple(_aggregation(checker, node, at) for at in range(start, len(node.args)))
    _check_same_keys(node, aggregations, start)
    if conversions is not None:
        _check_printa_format(checker, node, conversions, aggregations)
    return void_call(node, "printa", format=conversions, aggregations=aggregations)


def _check_same_keys(
    node: ast.Call, aggregations: Sequence[tree.AggregationVariable], start: int
) -> None:
    head = aggregations[0]
    for at, other in enumerate(aggregations[1:], start + 1):
        if len(other.keys) != len(head.keys):
            raise Diagnostic(
                "D_PRINTA_AGGKEY",
                f"printa( ) @{other.name} key prototype mismatch: @{head.name} has "
                f"{len(head.keys)} keys, @{other.name} has {len(other.keys)}",
                node.args[at].span,
            )
        for number, (one, two) in enumerate(zip(head.keys, other.keys, strict=True), 1):
            kinds = (head.key_kinds[number - 1], other.key_kinds[number - 1])
            if not _same_key(one, two, kinds):
                raise Diagnostic(
                    "D_PRINTA_AGGPROTO",
                    f"printa( ) @{other.name} key #{number} is incompatible with @{head.name}:\n"
                    f"\t@{head.name} key #{number}: {describe(one)}\n"
                    f"\t@{other.name} key #{number}: {describe(two)}",
                    node.args[at].span,
                )


def _same_key(one: Type, two: Type, kinds: tuple[str, str]) -> bool:
    """Whether two keys mean the same, so that rows can be joined by them."""
    texts = {"string", "probe"}
    if kinds[0] != kinds[1]:
        return set(kinds) <= texts
    return kinds[0] != "int" or is_scalar(one) == is_scalar(two)


def _check_printa_format(
    checker: Checker,
    node: ast.Call,
    conversions: tuple[Conversion, ...],
    aggregations: Sequence[tree.AggregationVariable],
) -> None:
    head = aggregations[0]
    kinds = []
    for type_, kind in zip(head.keys, head.key_kinds, strict=True):
        seen: ArgumentKind = "stack" if kind == "ustack" else kind
        if kind in ("int", "string", "probe"):
            stand_in = Expr(type_, node.span)
            seen = argument_kind(stand_in)
        kinds.append(Argument(seen, describe(type_), type_.size))
    try:
        check_arguments(conversions, kinds, "printa", first=1, exact=False, takes_aggregation=True)
    except FormatError as error:
        raise Diagnostic(error.tag, error.message, node.args[0].span) from None


def check_on_aggregation(checker: Checker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    return void_call(node, node.name, aggregations=(aggregation,))


def check_trunc(checker: Checker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    args: list[Expr] = []
    if len(node.args) == 2:
        count = checker.check(node.args[1])
        if not is_integral(count.type):
            raise not_scalar(node, 2, count, "D_TRUNC_SCALAR")
        args.append(convert(count, LONG))
    return void_call(node, "trunc", *args, aggregations=(aggregation,))


def check_normalize(checker: Checker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    factor = checker.check(node.args[1])
    if not is_integral(factor.type):
        raise not_scalar(node, 2, factor, "D_NORMALIZE_SCALAR")
    return void_call(node, "normalize", convert(factor, LONG), aggregations=(aggregation,))
