"""Which type words may stand together in a declaration (C11 6.7.2, with DTrace's tags)."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.errors import Diagnostic, Span

_ATTRIBUTES = frozenset(("signed", "unsigned", "short", "long"))
_INTEGERS = frozenset(("char", "int", "_Bool"))
_FLOATS = frozenset(("float", "double"))


def check_words(words: Sequence[str], others: int, span: Span) -> None:
    """Raise Diagnostic unless the words, and `others` more specifiers (a structure, a typedef
    name), name one type."""
    attributes = [word for word in words if word in _ATTRIBUTES]
    bases = [word for word in words if word not in _ATTRIBUTES]
    _check_attributes(attributes, span)
    if len(bases) + others > 1:
        raise Diagnostic("D_DECL_COMBO", f"invalid type combination{_shown(words)}", span)
    base = bases[0] if bases else ""
    if not attributes or not (base or others):
        return
    sizes = not {"short", "long"}.isdisjoint(attributes)
    if base == "char" and sizes:
        message = "short and long may not be used with char type"
        raise Diagnostic("D_DECL_CHARATTR", f"invalid type declaration: {message}", span)
    if base == "void":
        message = "attributes may not be used with void type"
        raise Diagnostic("D_DECL_VOIDATTR", f"invalid type declaration: {message}", span)
    if base not in _INTEGERS and not {"signed", "unsigned"}.isdisjoint(attributes):
        message = "signed and unsigned may only be used with integer type"
        raise Diagnostic("D_DECL_SIGNINT", f"invalid type declaration: {message}", span)
    if base not in _INTEGERS | _FLOATS and "long" in attributes:
        message = "long and long long may only be used with integer or floating-point type"
        raise Diagnostic("D_DECL_LONGINT", f"invalid type declaration: {message}", span)
    if others:
        raise Diagnostic("D_DECL_COMBO", f"invalid type combination{_shown(words)}", span)


def _check_attributes(attributes: Sequence[str], span: Span) -> None:
    if attributes.count("long") > 2:
        message = "the attribute 'long' may only be used at most twice in a declaration"
        raise Diagnostic("D_DECL_COMBO", message, span)
    for one, other in (("long", "short"), ("signed", "unsigned")):
        if one in attributes and other in attributes:
            message = f"'{one}' and '{other}' may not be used together in a declaration"
            raise Diagnostic("D_DECL_COMBO", message, span)


def _shown(words: Sequence[str]) -> str:
    return f": {' '.join(words)}" if words else ""
