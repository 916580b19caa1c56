"""The fbt provider: entry and return of kernel functions (manual, chapter "fbt Provider").

`kprobe` and `kretprobe` are aliases.  The mechanism is what this kernel takes: fentry/fexit
for a few functions (cheapest to hit), one kprobe multi-link for many (cheapest to attach),
else a kprobe each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dscript.kernel import btf, features, functions
from dscript.kernel.functions import KernelFunction
from dscript.program import AttachKind, Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Context,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)

_FIRST_ID = 20_000

# A trampoline is made for every function, about 1 ms each; a multi-link takes any number.
FEW = 20

# Arguments a trampoline can pass on every kernel that has them (MAX_BPF_FUNC_REG_ARGS + 1),
# and argument registers of x86-64; aarch64 has 8.
_TRAMPOLINE_WORDS = 6
_REGISTER_WORDS = 6

_RETURN_OFFSET = ArgumentType("", "int")


class _Fbt:
    names = ("fbt", "kprobe", "kretprobe")

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        entry = pattern.matches_name("entry") and pattern.provider != "kretprobe"
        exit_ = pattern.matches_name("return") and pattern.provider != "kprobe"
        offered = mechanisms() if entry or exit_ else ()
        if not offered:
            return []
        found = self._functions(pattern)
        few = not self.many(pattern, found)
        points: list[ProbePoint] = []
        for function in found:
            # By name, two functions of one name cannot be told apart; take none of a crowd.
            if not function.unique and is_glob(pattern.function):
                continue
            if entry:
                points.append(_point(function, False, few, offered))
            if exit_:
                points.append(_point(function, True, few, offered))
        return points

    def many(self, pattern: Pattern, found: Sequence[KernelFunction] | None = None) -> bool:
        """Whether trampolines for all of it would cost too much."""
        found = self._functions(pattern) if found is None else found
        entry = pattern.matches_name("entry") and pattern.provider != "kretprobe"
        exit_ = pattern.matches_name("return") and pattern.provider != "kprobe"
        return len(found) * (entry + exit_) > FEW

    def among_many(self, point: ProbePoint) -> ProbePoint:
        """The point as it is where its function is one of many that are probed."""
        kinds: dict[AttachKind, tuple[AttachKind, AttachKind, Context]] = {
            "fentry": ("kprobe_multi", "kprobe", "kprobe"),
            "fexit": ("kretprobe_multi", "kretprobe", "kretprobe"),
        }
        offered = mechanisms()
        if point.attach.kind not in kinds or len(offered) == 1:
            return point
        multi, single, context = kinds[point.attach.kind]
        kind = multi if "kprobe_multi" in offered else single
        return replace(point, attach=AttachPoint(kind, point.attach.target, context))

    def left_out(self, pattern: Pattern) -> int:
        """How many functions `match` passes over because others have the same name."""
        if not is_glob(pattern.function) or not mechanisms():
            return 0
        return sum(not function.unique for function in self._functions(pattern))

    def _functions(self, pattern: Pattern) -> list[KernelFunction]:
        if not is_glob(pattern.function):
            found = functions.named(pattern.function)
        else:
            found = [f for f in functions.functions() if pattern.matches_function(f.name)]
        return [function for function in found if pattern.matches_module(function.module)]

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        if functions.has_own_parameters(point.attach.target):
            return []
        parameters, result, words = prototype(point.probe.function, point.probe.module)
        if point.probe.name == "entry":
            if point.attach.context == "kprobe":
                return [p if p.word < _REGISTER_WORDS else _unplaced(p) for p in parameters]
            return parameters
        # fbt:::return: args[0] is the offset of the return instruction, which nothing here
        # can tell; args[1] is the value returned.
        word = words if point.attach.context == "fexit" else 0
        place = ArgumentType("", result.d_type, word, 0, result.size, result.signed, result.btf)
        return (_RETURN_OFFSET, place)

    def missing(self, pattern: Pattern) -> str | None:
        if not mechanisms():
            return f"{no_mechanism()}. Tracepoints (sdt:::) and system calls (syscall:::) can be"
        if not is_glob(pattern.function) and not functions.named(pattern.function):
            return f"kernel function {pattern.function} is not there or cannot be probed"
        return None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        if not mechanisms() or is_glob(pattern.function):
            return pattern.name, ("entry", "return")
        if functions.named(pattern.function):
            return pattern.name, ("entry", "return")
        # Comparing with every function takes too long; a typo rarely hits the first letters.
        head = pattern.function[:2]
        return pattern.function, [name for name in functions.names() if name.startswith(head)]

    def described(self) -> Sequence[Described]:
        inlined = "calls that the C compiler inlined do not fire"
        clones = f"{inlined}; `args[]` is empty for clones (`.isra`, `.constprop`, `.part`)"
        offset = f"{inlined}; `arg0`, the offset of the return, is 0"
        links = "for many a kprobe multi-link, else a kprobe each"
        return (
            Described("`entry`", f"fentry for up to {FEW} probes", "from BTF", clones, links),
            Described(
                "`return`",
                f"fexit for up to {FEW} probes",
                "`args[1]`: the value returned, from BTF",
                offset,
                links,
            ),
        )


def mechanisms() -> tuple[str, ...]:
    """What this kernel takes, best first."""
    names = ("fentry", "kprobe_multi", "kprobe")
    return tuple(name for name in names if features.works(name))


def no_mechanism() -> str:
    """Why kernel functions cannot be probed here, when there are no `mechanisms`."""
    reasons = "; ".join(
        f"{name}: {features.feature(name).why}" for name in ("fentry", "kprobe_multi", "kprobe")
    )
    return f"kernel functions cannot be probed on this kernel: {reasons}"


def _point(
    function: KernelFunction, returns: bool, few: bool, offered: tuple[str, ...]
) -> ProbePoint:
    number = _FIRST_ID + 2 * function.position + returns
    name = "return" if returns else "entry"
    probe = Probe(number, "fbt", function.module, function.name, name)
    kind, context, target = attach(function, returns, few, offered)
    return ProbePoint(probe, AttachPoint(kind, target, context))


def attach(
    function: KernelFunction, returns: bool, few: bool, offered: tuple[str, ...] = ()
) -> tuple[AttachKind, Context, str]:
    """How and where a function's entry or return attaches; `few`: trampolines are affordable.

    `offered` is what `mechanisms` says, for those who ask often.
    """
    offered = offered or mechanisms()
    trampoline = "fexit" if returns else "fentry"
    if (few or len(offered) == 1) and features.works(trampoline) and _takes(function):
        return (
            ("fexit", "fexit", function.symbol)
            if returns
            else ("fentry", "fentry", function.symbol)
        )
    if "kprobe_multi" in offered and function.unique:
        return (
            ("kretprobe_multi", "kretprobe", function.symbol)
            if returns
            else ("kprobe_multi", "kprobe", function.symbol)
        )
    target = function.symbol
    return ("kretprobe", "kretprobe", target) if returns else ("kprobe", "kprobe", target)


def _takes(function: KernelFunction) -> bool:
    """Whether fentry can attach: a prototype of few plain arguments under its own symbol."""
    if not (function.typed and function.unique):
        return False
    types = btf.module(function.module)
    found = types.find(btf.Kind.FUNC, function.symbol) if types is not None else None
    if types is None or found is None:
        return False
    params = types.params(found)
    plain = all(param.type and types.size(param.type) <= 8 for param in params)
    return plain and len(params) <= _TRAMPOLINE_WORDS


def prototype(name: str, module: str) -> tuple[list[ArgumentType], ArgumentType, int]:
    """Parameters, result, and how many 8-byte words the parameters take."""
    from dscript.kernel import btf_types

    types = btf.module(module)
    found = types.find(btf.Kind.FUNC, name) if types is not None else None
    if types is None or found is None:
        return [], ArgumentType("", "int64_t", 0, 0, 8, True), 0
    parameters: list[ArgumentType] = []
    word = 0
    for param in types.params(found):
        if param.type == 0:
            break
        size = types.size(param.type)
        text = str(btf_types.by_id(module, param.type))
        where = (module, param.type)
        # A structure of over 16 bytes is passed in memory and takes no register.
        parameters.append(
            ArgumentType(param.name, text, word if size <= 16 else -1, 0, size, btf=where)
        )
        word += (size + 7) // 8 if size <= 16 else 0
    result = types.result(found)
    text = str(btf_types.by_id(module, result))
    value = ArgumentType("", text, 0, 0, types.size(result), btf=(module, result))
    return parameters, value, word


def _unplaced(argument: ArgumentType) -> ArgumentType:
    return ArgumentType(argument.name, argument.d_type, btf=argument.btf)


PROVIDER = _Fbt()
