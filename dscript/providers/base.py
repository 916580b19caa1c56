"""What every provider offers the compiler: probes, where they attach, what their arguments are.

A provider turns a `Pattern` (the four fields of a probe description, with D's globs) into
`ProbePoint`s.  A point names the probe as DTrace lists it and the one place of the kernel
where it attaches; how the BPF context is to be read there is its `Context`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from dscript.program import AttachKind, Probe

if TYPE_CHECKING:
    from dscript.dtypes.types import Type
    from dscript.kernel.usdt_operands import Location

# How the BPF program's ctx is to be read:
#   syscall_program  ctx of a `syscall` program run by TEST_RUN (BEGIN, END)
#   syscall_entry    raw tracepoint sys_enter: word 0 pt_regs of the call, word 1 its number
#   syscall_return   raw tracepoint sys_exit: word 0 pt_regs, word 1 the result (-errno)
#   perf_event       struct bpf_perf_event_data (profile, tick)
#   raw_tp, tp_btf   the tracepoint's arguments as 8-byte words (tp_btf: typed pointers)
#   perf_tp          the record described by tracefs' format file
#   fentry, fexit    arguments as 8-byte words; fexit has the return value after the last one
#   kprobe, kretprobe  struct pt_regs
#   uprobe, ureturn  struct pt_regs of a process; the attach cookie holds the offset of the
#                    probed instruction within its function in its upper 32 bits
#   usdt             the same, but the cookie holds the number of the place in the program
Context = Literal[
    "syscall_program",
    "syscall_entry",
    "syscall_return",
    "perf_event",
    "raw_tp",
    "tp_btf",
    "perf_tp",
    "fentry",
    "fexit",
    "kprobe",
    "kretprobe",
    "uprobe",
    "ureturn",
    "usdt",
]


# How an argument of a user function is passed: as the value of a register or of a word on the
# stack; a structure in consecutive registers, by its address in one, or on the stack itself.
Passed = Literal["value", "registers", "pointer", "address"]


@dataclass(frozen=True, slots=True)
class ArgumentType:
    """One element of `args[]`: its name (may be empty), its C type text and where it lies.

    `word` is the index of the 8-byte word in ctx (raw_tp, tp_btf, fentry, fexit) or the number
    of the argument register (syscall_entry, kprobe); in kretprobe and syscall_return 0 means
    the return register.  It is -1 for a value with no place there: a field of the perf_tp
    record, which lies at `offset` in it (bytes), or, with `size` 0, one that cannot be had.
    `size` is the size of the value in bytes where it is known, else 0.
    `btf` is the type's place in BTF, (module, type ID), for `kernel.btf_types.by_id`: exact
    where `d_type` has no spelling (unnamed structs).
    """

    name: str
    d_type: str
    word: int = -1
    offset: int = 0
    size: int = 0
    signed: bool = False
    btf: tuple[str, int] | None = None
    # Of a statically defined probe in user code: by the number of the place.
    locations: tuple[Location | None, ...] = ()
    # Of a function in user code: its type there, and how it is passed.  `word` then is the
    # number of an argument register of C or Go, or counts on from C's in words of the stack.
    type: Type | None = field(default=None, compare=False)
    passed: Passed = "value"
    registers: Literal["call", "go"] = "call"


# What a derived probe comes from (providers/sources.py): `perf` is every occurrence of a
# software event of perf, which has no arguments.
SourceKind = Literal["tracepoint", "entry", "return", "perf"]


@dataclass(frozen=True, slots=True)
class Step:
    """An event that a derived probe needs beside its own, and the D statements to run there.

    `body` may keep values for the probe in variables of its own (`__name[key]`): it runs
    before the clauses of the probe's own event, or with `after` behind them.  Parameters and
    condition are those of `Derived`.
    """

    kind: SourceKind
    target: str
    parameters: tuple[str, ...]
    condition: str
    body: str
    after: bool = False


@dataclass(frozen=True, slots=True)
class Derived:
    """How a probe is made from another event: D over that event's own arguments.

    `parameters` names those arguments, in order; `condition` tells the firings that count
    ("" for all); `arguments` are (type, expression) of `args[]`, where an expression
    `xlate <type *> (…)` computes only the members that a program names.  `subject` is the
    parameter (its word) that is the task the probe fires for, -1 for the one running.
    `running` are events a little later, with that task running: clauses that need its memory
    take the first that the kernel offers.
    """

    parameters: tuple[str, ...]
    condition: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    subject: int = -1
    steps: tuple[Step, ...] = ()
    running: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class UserPlace:
    """An instruction of user code.

    `path` opens the file from here, `offset` is the instruction's in it, `within` its offset
    in its function.  `pid` (as the tracer sees it) is the only process that counts, 0 for
    all.  `semaphore` is the offset in the file of the counter that says whether anyone
    listens, 0 without one.
    """

    path: str
    offset: int
    within: int = 0
    pid: int = 0
    semaphore: int = 0
    arguments: tuple[Location | None, ...] = ()  # of a statically defined probe


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on a system call's argument: its bits under `mask` are `value`, or are not.

    With `memory` it is about the 8 bytes of the process that the argument points at.
    """

    argument: int
    mask: int
    value: int
    equal: bool = True
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A system call shown as another one (providers/aliases.py).

    `key` is the number of the call's own probe, `call` its name.  `arguments` are arg0, arg1, …
    as they are shown: numbers of the call's own, or constants as `=2`; None for those it has.
    It fires where all of `when` holds and none of `unless`, whose members are conjunctions.
    """

    key: int
    call: str
    arguments: tuple[int | str, ...] | None
    when: tuple[Test, ...] = ()
    unless: tuple[tuple[Test, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class AttachPoint:
    """Where a probe attaches: `target` is one tracepoint, `category/name` or function name.

    `selector` is the system call number within raw sys_enter/sys_exit.  Points with equal
    kind, target and period can share one BPF program and link.
    """

    kind: AttachKind
    target: str
    context: Context
    period_ns: int = 0
    selector: int | None = None
    derived: Derived | None = None
    places: tuple[UserPlace, ...] = ()  # of a probe in user code
    shape: Shape | None = None  # of a system call under another name


@dataclass(frozen=True, slots=True)
class ProbePoint:
    """A probe and where it attaches."""

    probe: Probe
    attach: AttachPoint


@dataclass(frozen=True, slots=True)
class Described:
    """A line of docs/providers.md: what probes of a provider are on Linux.

    `mechanism` is what fires them, in Markdown; `exactness` says how that differs from what the
    Dynamic Tracing Guide describes ("exact" where it does not); `fallback` is what is used, or
    can be used, where the kernel lacks the mechanism.
    """

    probes: str
    mechanism: str
    arguments: str = ""
    exactness: str = "exact"
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A probe description: four globs (`* ? [ ] [!…] \\`); the empty one matches anything."""

    provider: str
    module: str
    function: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.module}:{self.function}:{self.name}"

    def matches_provider(self, text: str) -> bool:
        return matcher(self.provider)(text)

    def matches_module(self, text: str) -> bool:
        return matcher(self.module)(text)

    def matches_function(self, text: str) -> bool:
        return matcher(self.function)(text)

    def matches_name(self, text: str) -> bool:
        return matcher(self.name)(text)

    def matches(self, module: str, function: str, name: str) -> bool:
        """Everything but the provider."""
        return (
            self.matches_module(module)
            and self.matches_function(function)
            and self.matches_name(name)
        )


class Provider(Protocol):
    """One provider; `names` are its own name and the aliases it answers to."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        """The probes that match, in listing order; `pattern.provider` is already matched."""
        ...

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        """Types of `args[]` at this point, empty when there are none or they are unknown."""
        ...

    def missing(self, pattern: Pattern) -> str | None:
        """Why `match` found nothing, in one line: what is missing and what would serve.

        None when there is nothing better to say than "does not match any probes".
        """
        ...

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        """For a near-miss suggestion: the field as written and names it could have been."""
        ...

    def described(self) -> Sequence[Described]:
        """What its probes are, for docs/providers.md; the same on every machine."""
        ...


_SPECIAL = re.compile(r"[*?\[\]\\]")


def is_glob(text: str) -> bool:
    """Whether a description field can match more than one name."""
    return not text or _SPECIAL.search(text) is not None


@lru_cache(maxsize=256)
def matcher(glob: str) -> Callable[[str], bool]:
    """The predicate of one description field; the commonest shapes avoid regular expressions."""
    if not glob or glob == "*":
        return _anything
    if _SPECIAL.search(glob) is None:
        return glob.__eq__
    head = glob[:-1]
    if glob[-1] == "*" and _SPECIAL.search(head) is None:
        return lambda text: text.startswith(head)
    compiled = re.compile(glob_to_regex(glob), re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def glob_to_regex(glob: str) -> str:
    """D's globs (manual, chapter 3, "Pattern Matching Metacharacters") as a regular expression.

    An unclosed `[` stands for itself, as in gmatch(3GEN).
    """
    out: list[str] = []
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "\\" and at < len(glob):
            out.append(re.escape(glob[at]))
            at += 1
        elif char == "[" and (end := _bracket_end(glob, at)) >= 0:
            body, negated = glob[at:end], ""
            if body[0] == "!":
                body, negated = body[1:], "^"
            escaped = re.sub(r"([\[\]^&~|])", r"\\\1", body)
            out.append(f"[{negated}{escaped}]" if _valid_ranges(body) else "(?!)")
            at = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _anything(_text: str) -> bool:
    return True


def _bracket_end(glob: str, start: int) -> int:
    """Index of the `]` closing a set whose body starts at `start`; -1 when there is none.

    A `]` right after `[` or `[!` is a member of the set.
    """
    at = start + (1 if glob[start : start + 1] == "!" else 0)
    return glob.find("]", at + 1)


def _valid_ranges(body: str) -> bool:
    """False for a set with a reversed range (`z-a`), which matches nothing."""
    try:
        re.compile("[" + re.sub(r"([\[\]^&~|])", r"\\\1", body) + "]")
    except re.error:
        return False
    return True
