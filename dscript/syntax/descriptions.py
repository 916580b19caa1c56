"""Probe descriptions: text → four fields."""

from __future__ import annotations

from dscript.errors import Diagnostic, Span
from dscript.syntax import ast, foreign

# The last of the fields that each form of the command line names, from the left.
_LAST_FIELD = {"P": 1, "m": 2, "f": 3, "n": 4}


def describe(text: str, form: str, span: Span) -> ast.ProbeDescription:
    """A description in the form of an option (`n` in programs); error `D_PDESC_INVAL`.

    Fields are filled from the right: with `n`, `read:entry` is function and name; with `m`,
    `libc` is a module.
    """
    if form in ("i", "n") and text.isdecimal():
        return ast.ProbeDescription(
            span=span, provider="", module="", function="", name=text, fields=0
        )
    written = text.split(":")
    if form == "n":
        translated = foreign.translate(written)
        if translated is not None:
            provider, module, function, name = translated
            return ast.ProbeDescription(
                span=span,
                provider=provider,
                module=module,
                function=function,
                name=name,
                written=text,
            )
    last = _LAST_FIELD.get(form, 4)
    if len(written) > last:
        raise Diagnostic(
            "D_PDESC_INVAL",
            f'invalid probe description "{text}": {len(written)} fields',
            span,
            _shape(form),
        )
    provider, module, function, name = [""] * (last - len(written)) + written + [""] * (4 - last)
    return ast.ProbeDescription(
        span=span,
        provider=provider,
        module=module,
        function=function,
        name=name,
        fields=len(written) if last == 4 else 4,
    )


def _shape(form: str) -> str:
    shapes = {
        "P": "-P takes a provider",
        "m": "-m takes [provider:]module",
        "f": "-f takes [[provider:]module:]function",
    }
    return shapes.get(form, "a description is provider:module:function:name")
