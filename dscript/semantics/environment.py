"""What names mean while a program is checked: types, variables, inlines, macro variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dscript.dtypes.types import EnumType, StringType, StructType, Type, TypedefType
from dscript.errors import Diagnostic, Span
from dscript.kernel.processes import stat_fields
from dscript.nearest import nearest
from dscript.program import LoadWord
from dscript.providers.base import ProbePoint
from dscript.semantics.tree import AggregationVariable, Expr, Scope, Variable
from dscript.syntax import ast


class KernelNames(Protocol):
    """What the checker asks of the kernel's type information and symbols, lazily."""

    def struct(self, kind: str, tag: str, module: str = "") -> StructType | None: ...

    def typedef(self, name: str, module: str = "") -> Type | None: ...

    def enum(self, tag: str, module: str = "") -> EnumType | None: ...

    def enumerator(self, name: str, module: str = "") -> tuple[int, EnumType] | None: ...

    def symbol(self, module: str, name: str) -> tuple[int, Type | None] | None: ...

    def missing(self, module: str) -> str | None: ...


class LibraryNames(Protocol):
    """What the checker asks of the D libraries: `semantics.libraries.Libraries`."""

    def define(self, name: str) -> bool: ...

    def define_translators(self) -> bool: ...

    def names(self) -> Iterable[str]: ...

    def require(self, name: str, span: Span) -> None: ...


@dataclass(slots=True, eq=False)
class InlineDefinition:
    type: Type
    node: ast.Inline
    params: tuple[tuple[Type, str], ...] | None
    busy: bool = False


@dataclass(slots=True, eq=False)
class TranslatorDefinition:
    output: StructType
    input: Type
    node: ast.Translator


@dataclass(slots=True)
class Settings:
    """The options that change what a program means."""

    strsize: int = 256
    stackframes: int = 20
    ustackframes: int = 20
    jstackframes: int = 50
    jstackstrsize: int = 512
    pcapsize: int = 1514
    defaultargs: bool = False
    argref: bool = False
    destructive: bool = False
    zero_ok: bool = False
    compat: bool = True
    has_target: bool = False
    target: int = 0  # its process ID, where that is known while compiling
    quiet: bool = False
    flowindent: bool = False
    empty: bool = False


@dataclass(slots=True, eq=False)
class Environment:
    settings: Settings
    kernel: KernelNames
    arguments: tuple[str, ...] = ()
    program_name: str = "dscript"
    typedefs: dict[str, Type] = field(default_factory=dict)
    tags: dict[str, StructType | EnumType] = field(default_factory=dict)
    # Structures whose members the program declares somewhere: never the kernel's of that name.
    own_tags: frozenset[str] = frozenset()
    enumerators: dict[str, tuple[int, EnumType]] = field(default_factory=dict)
    variables: dict[tuple[Scope, str], Variable] = field(default_factory=dict)
    aggregations: dict[str, AggregationVariable] = field(default_factory=dict)
    inlines: dict[str, InlineDefinition] = field(default_factory=dict)
    translators: list[TranslatorDefinition] = field(default_factory=list)
    # Declared providers: probe name -> types of its native and of its translated arguments.
    providers: dict[str, dict[str, tuple[tuple[Type, ...], tuple[Type, ...]]]] = field(
        default_factory=dict
    )
    bindings: dict[str, Expr] = field(default_factory=dict)
    used_arguments: set[int] = field(default_factory=set)
    expansions: int = 0  # uses of inlines, those inside of others included
    # The probes of the clause being checked, for args[].
    points: Sequence[ProbePoint] = ()
    libraries: LibraryNames | None = None
    remarks: list[str] = field(default_factory=list)  # lines for -v

    def define(self, name: str) -> bool:
        """Enter the D library that defines a name; whether that brought anything new."""
        return self.libraries is not None and self.libraries.define(name)

    @property
    def string(self) -> StringType:
        return StringType(self.settings.strsize)

    # ------------------------------------------------------------------- macro variables

    def argument(self, number: int, span: Span) -> str | None:
        """Text of `$number`; None when there is none and `defaultargs` is set."""
        self.used_arguments.add(number)
        if number == 0:
            return self.program_name
        if number <= len(self.arguments):
            return self.arguments[number - 1]
        if self.settings.defaultargs:
            return None
        raise Diagnostic(
            "D_MACRO_UNDEF",
            f"macro argument ${number} is not defined",
            span,
            "give it after the script's name, or set the option defaultargs",
        )

    def check_arguments_used(self) -> None:
        """More arguments than the program names are refused unless defaultargs is set.

        As in DTrace only the last one counts: a script may leave out an earlier one.
        """
        last = len(self.arguments)
        settings = self.settings
        if settings.defaultargs or settings.argref or not last or last in self.used_arguments:
            return
        raise Diagnostic(
            "D_MACRO_UNUSED",
            f"extraneous argument '{self.arguments[-1]}' (${last} is not referenced)",
            None,
        )


def suggestion(
    name: str, known: Iterable[str], foreign: Mapping[str, str] | None = None
) -> str | None:
    """A hint for a name that nothing has."""
    if foreign and name in foreign:
        return f"in D that is {foreign[name]}"
    near = nearest(name, known)
    return f"did you mean {near}?" if near else None


# Macro variables whose value only the run knows, with the load word that holds it.
RUN_MACROS: tuple[LoadWord, ...] = (
    "target",
    "pid",
    "ppid",
    "pgid",
    "sid",
    "uid",
    "euid",
    "gid",
    "egid",
)


def fixed_macro(name: str) -> int | None:
    """Macro variables that Linux has one value for: no projects and no tasks."""
    return 0 if name in ("projid", "taskid") else None


def macro_text(name: str) -> str | None:
    """Text of a run macro inside a probe description, as far as it is known while compiling."""
    tracer = os.getppid()  # the compiler is a child of it
    values: dict[str, Callable[[], int]] = {
        "pid": lambda: tracer,
        "ppid": lambda: int(stat_fields(tracer)[1]),
        "pgid": lambda: os.getpgid(tracer),
        "sid": lambda: os.getsid(tracer),
        "uid": os.getuid,
        "euid": os.geteuid,
        "gid": os.getgid,
        "egid": os.getegid,
    }
    if name in values:
        return str(values[name]())
    fixed = fixed_macro(name)
    return None if fixed is None else str(fixed)


def define_typedef(environment: Environment, name: str, target: Type) -> None:
    environment.typedefs[name] = TypedefType(name, target)
