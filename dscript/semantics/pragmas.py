"""Directives: `#pragma D attributes`, `binding`, `depends_on` and `option`, `#error`, `#ident`.

Rules: manual, chapters "Stability" (attributes), "Versioning" (binding), "Options and
Tunables" (option), "Translators" (depends_on).  Attributes and version bindings are checked
and change nothing: dscript reports no stability, and has one version of every name.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from dscript import options as d_options
from dscript.builtins.actions import ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import SUBROUTINES
from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.errors import Diagnostic
from dscript.providers import is_provider
from dscript.semantics.environment import Environment
from dscript.syntax import ast

_STABILITIES = frozenset(
    ("internal", "private", "obsolete", "external", "unstable", "evolving", "stable", "standard")
)
_CLASSES = frozenset(("unknown", "cpu", "platform", "group", "isa", "common"))
_PROVIDER_PARTS = ("provider", "module", "function", "name", "args")
_VERSION = re.compile(r'"(\d{1,3})\.(\d{1,4})(?:\.(\d{1,4}))?"')
_MOST_MAJOR, _MOST_MINOR = 255, 4095
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def pragma_options(programs: Sequence[ast.Program]) -> dict[str, str]:
    """What `#pragma D option` sets, checked."""
    found: dict[str, str] = {}
    for program in programs:
        for item in program.items:
            if isinstance(item, ast.Pragma) and item.kind == "D" and item.words[:1] == ("option",):
                _add_option(found, item)
    return found


def _add_option(found: dict[str, str], item: ast.Pragma) -> None:
    words = item.words[1:]
    if not words:
        raise _malformed(item, "option", "name=value")
    if len(words) > 1:
        raise Diagnostic(
            "D_PRAGMA_MALFORM",
            "superfluous arguments specified for #pragma D option",
            item.span,
            "each option has a #pragma D option line of its own, name=value without blanks",
        )
    name, _, value = words[0].partition("=")
    d_options.add(found, name, value, item.span)


class Pragmas:
    """Checks the directives of a program; those on names that come later wait for them."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._waiting: list[tuple[str, ast.Pragma]] = []

    def check(self, item: ast.Pragma) -> None:
        """One directive; raises Diagnostic D_PRAG… for a wrong one."""
        match item.kind:
            case "error":
                raise Diagnostic("D_PRAGERR", f"#error: {' '.join(item.words)}", item.span)
            case "ident":
                if len(item.words) != 1 or not item.words[0].startswith('"'):
                    raise Diagnostic(
                        "D_PRAGMA_MALFORM", 'malformed #ident: write #ident "text"', item.span
                    )
            case "line":
                raise Diagnostic(
                    "D_PRAGMA_MALFORM", 'malformed #line: write #line 12 "file"', item.span
                )
            case "D":
                self._compiler_pragma(item)

    def finish(self) -> None:
        """Refuse pragmas on names that never came (`D_PRAGMA_UNUSED`)."""
        for name, item in self._waiting:
            if not self._is_of_program(name):
                raise Diagnostic(
                    "D_PRAGMA_UNUSED",
                    f"unused #pragma D {item.words[0]}: nothing is named {name}",
                    item.span,
                )

    def _compiler_pragma(self, item: ast.Pragma) -> None:
        match item.words[0]:
            case "option":
                return  # read before everything else: `pragma_options`
            case "attributes":
                self._attributes(item)
            case "binding":
                self._binding(item)
            case "depends_on":
                self._depends_on(item)
            case other:
                raise Diagnostic(
                    "D_PRAGMA_INVAL",
                    f"invalid D pragma: {other}",
                    item.span,
                    "there are: option, attributes, binding, depends_on",
                )

    # ------------------------------------------------------------- attributes and versions

    def _attributes(self, item: ast.Pragma) -> None:
        """`attributes Name/Data/Class identifier` or `… provider NAME PART`."""
        words = item.words[1:]
        if len(words) < 2 or not _NAME.fullmatch(words[1]):
            raise _malformed(item, "attributes", "name/data/class identifier")
        if not _is_triplet(words[0]):
            raise Diagnostic(
                "D_PRAGMA_INVAL",
                f"invalid attributes {words[0]} specified by #pragma D attributes",
                item.span,
                "write three labels, as in Stable/Evolving/Common",
            )
        if words[1] == "provider":
            self._provider_attributes(item, words[2:])
        else:
            self._apply(words[1], item)

    def _provider_attributes(self, item: ast.Pragma, words: tuple[str, ...]) -> None:
        if len(words) != 2:
            raise _malformed(item, "attributes", "name/data/class provider name component")
        name, part = words
        if name not in self._environment.providers and not is_provider(name):
            self._wait(name, item)
        elif part not in _PROVIDER_PARTS:
            raise Diagnostic(
                "D_PRAGMA_INVAL",
                f'invalid component "{part}" in #pragma D attributes for provider {name}',
                item.span,
                f"one of: {', '.join(_PROVIDER_PARTS)}",
            )

    def _binding(self, item: ast.Pragma) -> None:
        """`binding "version" identifier`."""
        words = item.words[1:]
        if len(words) < 2 or not words[0].startswith('"') or not _NAME.fullmatch(words[1]):
            raise _malformed(item, "binding", '"version" identifier')
        version = _VERSION.fullmatch(words[0])
        numbers = [] if version is None else [int(part or 0) for part in version.groups()]
        if not numbers or numbers[0] > _MOST_MAJOR or max(numbers[1:]) > _MOST_MINOR:
            raise Diagnostic(
                "D_PRAGMA_INVAL",
                f"invalid version string {words[0]} specified by #pragma D binding",
                item.span,
                'write "MAJOR.MINOR"',
            )
        self._apply(words[1], item)

    def _apply(self, name: str, item: ast.Pragma) -> None:
        if not self._is_of_program(name) and self._is_of_d(name):
            raise Diagnostic(
                "D_PRAGMA_SCOPE",
                f"#pragma D {item.words[0]} cannot modify {name}, which is defined outside the "
                "program",
                item.span,
            )
        self._wait(name, item)

    def _wait(self, name: str, item: ast.Pragma) -> None:
        """A library is entered when one of its names is used: the others never come."""
        if item.span.source is None or not item.span.source.is_library:
            self._waiting.append((name, item))

    def _is_of_program(self, name: str) -> bool:
        environment = self._environment
        return (
            ("global", name) in environment.variables
            or name in environment.inlines
            or name in environment.providers
        )

    def _is_of_d(self, name: str) -> bool:
        libraries = self._environment.libraries
        tables: tuple[Container[str], ...] = (
            *(BUILTIN_VARIABLES, ACTIONS, SUBROUTINES, AGGREGATING_FUNCTIONS),
            tuple(libraries.names()) if libraries is not None else (),
        )
        return any(name in table for table in tables)

    # ------------------------------------------------------------------------ dependencies

    def _depends_on(self, item: ast.Pragma) -> None:
        """`depends_on library|module|provider NAME`."""
        if len(item.words) != 3:
            raise _malformed(item, "depends_on", "class name")
        _, kind, name = item.words
        name = name.strip('"')
        match kind:
            case "library":
                self._depends_on_library(item, name)
                return
            case "provider":
                there = name in self._environment.providers or is_provider(name)
            case "module":
                from dscript.kernel.kallsyms import modules

                there = name in ("vmlinux", "kernel") or name.replace("-", "_") in modules()
            case _:
                raise Diagnostic(
                    "D_PRAGMA_INVAL",
                    f"invalid class {kind} specified by #pragma D depends_on",
                    item.span,
                    "one of: library, module, provider",
                )
        if not there:
            raise Diagnostic("D_PRAGMA_DEPEND", f"program requires {kind} {name}", item.span)

    def _depends_on_library(self, item: ast.Pragma, name: str) -> None:
        if item.span.source is None or not item.span.source.is_library:
            raise Diagnostic(
                "D_PRAGMA_DEPEND",
                "main program may not explicitly depend on a library",
                item.span,
                "libraries are found by themselves; their folders are given with -L",
            )
        if self._environment.libraries is not None:
            self._environment.libraries.require(name, item.span)


def _malformed(item: ast.Pragma, name: str, form: str) -> Diagnostic:
    return Diagnostic(
        "D_PRAGMA_MALFORM", f"malformed #pragma D {name}: write {name} {form}", item.span
    )


def _is_triplet(text: str) -> bool:
    labels = text.lower().split("/")
    return (
        len(labels) == 3
        and labels[0] in _STABILITIES
        and labels[1] in _STABILITIES
        and labels[2] in _CLASSES
    )
