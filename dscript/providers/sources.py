"""Where a derived probe comes from: a tracepoint, a kernel function, or an event of perf.

Whether this kernel offers a source is asked of its type information and by trying the
mechanism, never of its version.  A function attaches as the fbt provider attaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from dscript.kernel import btf, functions
from dscript.kernel.functions import KernelFunction
from dscript.providers.base import ArgumentType, AttachPoint, Derived, SourceKind

# The name that the value of a function has in the D of its return.
RESULT = "result"


def unavailable(kind: SourceKind, target: str, needs: Sequence[str] = ()) -> str | None:
    """Why this kernel lacks a source, as the end of a sentence; None when it has it.

    `needs` are what its D names: `struct.member` or an enumeration constant; with `!` before it,
    what a kernel has that needs no such source.
    """
    if kind == "tracepoint":
        if btf.find(btf.Kind.TYPEDEF, f"btf_trace_{target}") is None:
            return f"this kernel has no tracepoint {target}, or no type information of it"
    elif kind == "perf":
        from dscript.providers import perfevents

        event = perfevents.find(target)
        return perfevents.refused(event) if event is not None else f"perf has no event {target}"
    else:
        from dscript.providers import fbt

        if not fbt.mechanisms():
            return f"it is kernel function {target}, and {fbt.no_mechanism()}"
        if _function(target) is None:
            return f"this kernel has no function {target} that can be probed"
    lacking = next((need for need in needs if _has(need.lstrip("!")) == (need[0] == "!")), None)
    if lacking is None:
        return None
    return f"this kernel has {'' if lacking[0] == '!' else 'no '}{lacking.lstrip('!')}"


def may_have(module: str) -> bool:
    """Whether the module is loaded, or part of the kernel itself."""
    return module in btf.modules() or Path("/sys/module", module).exists()


def attach_point(kind: SourceKind, target: str, derived: Derived) -> AttachPoint:
    """The place; the source must be there."""
    if kind == "tracepoint":
        # The task of another thread is only a pointer to the kernel where types are kept.
        context = "raw_tp" if derived.subject < 0 else "tp_btf"
        return AttachPoint(context, target, context, derived=derived)  # type: ignore[arg-type]
    if kind == "perf":
        from dscript.providers import cpc, perfevents

        event = perfevents.find(target)
        assert event is not None
        return replace(cpc.attach_point(event, 0, 1), derived=derived)
    from dscript.providers import fbt

    function = _function(target)
    assert function is not None
    mechanism, function_context, symbol = fbt.attach(function, kind == "return", True)
    return AttachPoint(mechanism, symbol, function_context, derived=derived)


def parameters(attach: AttachPoint) -> Sequence[tuple[str, ArgumentType]]:
    """What the D of a source can name, with its place in the context.

    The arguments in order, as `Derived.parameters` calls them; at the return of a function its
    value, as `result`, where the arguments can still be had from a trampoline only.
    """
    derived = attach.derived
    assert derived is not None
    if attach.context in ("raw_tp", "tp_btf"):
        from dscript.providers import tracepoints

        return list(zip(derived.parameters, tracepoints.arguments(attach.target), strict=False))
    if attach.context == "perf_event":
        return []
    from dscript.providers import fbt

    function = next(iter(functions.named(functions.source_name(attach.target))), None)
    module = function.module if function is not None else btf.VMLINUX
    places, result, words = fbt.prototype(functions.source_name(attach.target), module)
    named = list(zip(derived.parameters, places, strict=False))
    if attach.context in ("fentry", "kprobe"):
        return named
    value = ArgumentType(RESULT, result.d_type, words, 0, result.size, result.signed, result.btf)
    return [*(named if attach.context == "fexit" else ()), (RESULT, value)]


@lru_cache(maxsize=1024)
def _function(name: str) -> KernelFunction | None:
    """The function of this name in the source, if there is just one."""
    found = functions.named(name)
    return found[0] if len(found) == 1 and found[0].unique else None


@lru_cache(maxsize=256)
def _has(need: str) -> bool:
    struct, dot, path = need.partition(".")
    if dot:
        return btf.member_offset(struct, path) is not None
    return any(
        types is not None and types.enumerator(need) is not None
        for types in map(btf.module, (btf.VMLINUX, *btf.modules()))
    )
