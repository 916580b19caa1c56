"""What the sdt and rawtp providers share: the typed arguments of a kernel tracepoint."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.kernel import btf
from dscript.providers.base import ArgumentType

_TYPEDEF = "btf_trace_"
_CALLER = "__traceiter_"


def names() -> list[tuple[str, str]]:
    """(module, tracepoint) of every tracepoint that BTF knows, sorted by name."""
    result: list[tuple[str, str]] = []
    for module in (btf.VMLINUX, *btf.modules()):
        types = btf.module(module)
        if types is not None:
            found = types.with_prefix(btf.Kind.TYPEDEF, _TYPEDEF)
            result += [(module, name[len(_TYPEDEF) :]) for name, _id in found]
    return sorted(set(result), key=lambda pair: (pair[1], pair[0]))


def arguments(name: str) -> Sequence[ArgumentType]:
    """The arguments a tracepoint passes, by the prototype of its calling function.

    The first parameter of that function (`void *__data`) is not an argument.  The typedef
    that BPF itself uses serves where the function is missing; it has no parameter names.
    """
    from dscript.kernel import btf_types

    place = btf.find(btf.Kind.FUNC, _CALLER + name)
    if place is None:
        place = _prototype(name)
    if place is None:
        return ()
    types, type_id = place
    result: list[ArgumentType] = []
    for word, param in enumerate(types.params(type_id)[1:]):
        if param == ("", 0):
            break
        text = str(btf_types.by_id(types.module, param.type))
        where = (types.module, param.type)
        result.append(ArgumentType(param.name, text, word, size=types.size(param.type), btf=where))
    return tuple(result)


def _prototype(name: str) -> tuple[btf.Btf, int] | None:
    """The function prototype behind the typedef `btf_trace_NAME` (a pointer to it)."""
    place = btf.find(btf.Kind.TYPEDEF, _TYPEDEF + name)
    if place is None:
        return None
    types, type_id = place
    pointer = types.type(types.resolve(type_id))
    if pointer.kind != btf.Kind.PTR:
        return None
    prototype = types.unqualified(pointer.value)
    return (types, prototype) if types.type(prototype).kind == btf.Kind.FUNC_PROTO else None
