"""`provider NAME { probe NAME(native) : (translated); … };`

A declaration describes the probes that a program or the kernel may have (manual, chapter
"Statically Defined Tracing for User Applications"); it is checked and makes no probe fire.
"""

from __future__ import annotations

from dscript.dtypes.types import Type, VoidType
from dscript.errors import Diagnostic
from dscript.providers import Pattern, arguments, is_provider, match
from dscript.semantics import conversions
from dscript.semantics.base import Checker
from dscript.semantics.translators import has_translator
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

# DTRACE_PROVNAMELEN and DTRACE_NAMELEN with their final NUL; UINT8_MAX.
_LONGEST_NAME = 63
_MOST_ARGUMENTS = 255

# Types of a probe's native and of its translated arguments.
Signature = tuple[tuple[Type, ...], tuple[Type, ...]]


def declare_provider(checker: Checker, node: ast.ProviderDef) -> None:
    """Check one declaration and remember its probes."""
    _check_name("provider", node.name, node)
    if node.name[-1].isdigit():
        raise Diagnostic(
            "D_PROV_BADNAME",
            f"provider name may not end with a digit: {node.name}",
            node.span,
            "the ID of the process is appended to it",
        )
    declared = checker.environment.providers
    probes: dict[str, Signature] = {}
    for probe in node.probes:
        # Two underlines stand for the hyphen of the probe's name.
        name = probe.name.replace("__", "-")
        _check_name("probe", name, probe)
        if name in probes:
            raise Diagnostic("D_PROV_PRDUP", f"probe redeclared: {node.name}:{name}", probe.span)
        probes[name] = _signature(checker, node, probe)
        if node.name in declared:
            known = declared[node.name].get(name)
            if known is None or not _same(known, probes[name]):
                raise _mismatch(node, name, probe, "the earlier declaration")
        elif is_provider(node.name):
            _check_existing(node, name, probe, len(probes[name][0]))
    declared.setdefault(node.name, probes)


def _check_name(kind: str, name: str, node: ast.Node) -> None:
    if len(name) > _LONGEST_NAME:
        raise Diagnostic(
            "D_PROV_BADNAME",
            f"{kind} name may not exceed {_LONGEST_NAME} characters: {name}",
            node.span,
        )


def _signature(checker: Checker, provider: ast.ProviderDef, probe: ast.ProviderProbe) -> Signature:
    native = _prototype(checker, probe, probe.native)
    if probe.translated is None:
        return native, native
    translated = _prototype(checker, probe, probe.translated)
    names = [name for _, name in probe.native]
    for number, ((_, name), type_) in enumerate(zip(probe.translated, translated, strict=True), 1):
        if not name or name not in names:
            raise Diagnostic(
                "D_DECL_PROTO_FORM",
                f"output argument #{number} of probe {probe.name} has no input argument"
                + (f" of its name: {name}" if name else ": it needs the name of one"),
                probe.span,
            )
        source = native[names.index(name)]
        if not _translates(checker, source, type_, probe):
            raise Diagnostic(
                "D_PROV_PRXLATOR",
                f"translator for {provider.name}:{probe.name} output argument #{number} from "
                f"{describe(source)} to {describe(type_)} is not defined",
                probe.span,
            )
    return native, translated


def _prototype(
    checker: Checker,
    probe: ast.ProviderProbe,
    parameters: tuple[tuple[ast.TypeName, str], ...],
) -> tuple[Type, ...]:
    """The parameters' types; the builder has taken a lone `void` for none."""
    if len(parameters) > _MOST_ARGUMENTS:
        raise Diagnostic(
            "D_PROV_PRARGLEN",
            f"probe {probe.name} prototype exceeds {_MOST_ARGUMENTS} parameters: "
            f"{len(parameters)} params used",
            probe.span,
        )
    types = []
    for type_name, name in parameters:
        type_ = checker.types.resolve(type_name)
        if isinstance(type_.resolve(), VoidType):
            if name:
                raise Diagnostic(
                    "D_DECL_PROTO_NAME", f"void parameter may not have a name: {name}", probe.span
                )
            raise Diagnostic(
                "D_DECL_PROTO_VOID", "void must be the sole parameter in a prototype", probe.span
            )
        types.append(type_)
    return tuple(types)


def _translates(checker: Checker, source: Type, target: Type, probe: ast.ProviderProbe) -> bool:
    value = Expr(source, probe.span)
    if conversions.fits(value, target, checker.environment.string):
        return True
    return has_translator(checker, target, conversions.decay(value))


def _same(known: Signature, new: Signature) -> bool:
    return all(
        len(old) == len(given) and all(map(conversions.same_type, old, given))
        for old, given in zip(known, new, strict=True)
    )


def _check_existing(
    node: ast.ProviderDef, name: str, probe: ast.ProviderProbe, native: int
) -> None:
    """A provider that exists already has this probe, with as many arguments, or is another."""
    found = match(Pattern(node.name, "", "", name)).points
    if not found or len(arguments(found[0])) != native:
        raise _mismatch(node, name, probe, "the provider that exists")


def _mismatch(node: ast.ProviderDef, name: str, probe: ast.ProviderProbe, other: str) -> Diagnostic:
    return Diagnostic(
        "D_PROV_INCOMPAT",
        f"provider interface mismatch: probe {node.name}:{name} is not as in {other}",
        probe.span,
    )
