"""D libraries: files whose definitions a program may use without naming them.

A library is read only when a program uses a name that nothing else defines (manual, chapter
"Translators": libraries come before the program; here they come when they are needed, which
a program cannot tell).  The libraries of dscript are searched first, then those of the user,
whose definitions take the place of equal ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from dscript.dtypes.names import NAMED_TYPES
from dscript.errors import Diagnostic, Span
from dscript.resources import stdlib_files
from dscript.semantics.environment import Environment
from dscript.source import Source
from dscript.syntax import ast

# What a library may define, as the files of dscript are written: one definition begins a line.
_DEFINITION = re.compile(
    r"^(?:"
    r"inline\s[\w\s*]*?\b(?P<inline>\w+)\s*[=\[(]"
    r"|typedef\s[^;{]*?\b(?P<typedef>\w+)\s*;"
    r"|(?:typedef\s+)?(?P<tag>(?:struct|union)\s+\w+)\s*\{"
    r"|\}\s*(?P<closing>\w+)\s*;"
    r"|(?P<translator>translator)\s"
    r"|\w+\s+(?P<array>__\w+)\["
    r")",
    re.MULTILINE,
)
_TRANSLATORS = "translator"
_TYPEDEF = re.compile(
    r"^(?:typedef\s[^;{]*?\b(\w+)\s*(?:\[[^]]*\]\s*)*;|\}\s*(\w+)\s*;)", re.MULTILINE
)
# Integer types of Linux whose names do not end in _t (include/uapi/asm-generic/int-ll64.h,
# include/uapi/linux/types.h).
_KERNEL_INTEGERS = re.compile(r"(?:__)?[us](?:8|16|32|64)|__(?:le|be)(?:16|32|64)")

Enter = Callable[[ast.Item], None]


class KnownTypes:
    """Tells the parser which names are types though the program's text does not show it.

    That matters where a name in parentheses could be a type or a variable, as in `(u32)-1`:
    nothing is read before.
    """

    def __init__(self, folders: Sequence[str] = (), system: str = "") -> None:
        self._folders = folders
        self._system = system
        self._names: set[str] | None = None

    def __call__(self, name: str) -> bool:
        if name in NAMED_TYPES or _KERNEL_INTEGERS.fullmatch(name) is not None:
            return True
        if self._names is None:
            self._names = {
                found[1] or found[2]
                for path in [*_system_paths(self._system), *_user_paths(self._folders)]
                for found in _TYPEDEF.finditer(_read(path))
            }
        return name in self._names


class Libraries:
    """The libraries a program can reach; `enter` declares one item of a library.

    `folders` are those of -L and the user's own, `system` that of `syslibdir` ("": the
    libraries of dscript).
    """

    def __init__(
        self,
        environment: Environment,
        enter: Enter,
        folders: Sequence[str] = (),
        system: str = "",
    ) -> None:
        self._environment = environment
        self._enter = enter
        self._folders = folders
        self._system = system
        self._files: dict[str, list[str]] | None = None
        self._programs: dict[str, ast.Program] = {}
        self._entered: set[str] = set()
        self._open: list[str] = []

    def define(self, name: str) -> bool:
        """Enter the library that defines a name or a `struct tag`; whether something was new."""
        new = False
        for path in self._index().get(name, ())[-1:]:
            new |= self._load(path)
        return new

    def define_translators(self) -> bool:
        """Enter every library that has translators; whether something was new."""
        new = False
        for path in self._index().get(_TRANSLATORS, ()):
            new |= self._load(path)
        return new

    def names(self) -> Iterable[str]:
        """What libraries define, for near-miss suggestions."""
        return self._index()

    def require(self, name: str, span: Span) -> None:
        """`#pragma D depends_on library NAME`."""
        beside = os.path.dirname(self._open[-1]) if self._open else ""
        paths = [os.path.join(beside, name)] if beside else []
        paths += [path for path in self._paths() if os.path.basename(path) == name]
        found = next((path for path in paths if os.path.isfile(path)), None)
        if found is None:
            raise Diagnostic(
                "D_PRAGMA_DEPEND", f"library {name}, which is depended on, does not exist", span
            )
        if found in self._open:
            chain = " -> ".join(map(os.path.basename, [*self._open, found]))
            raise Diagnostic("D_PRAGMA_DEPEND", f"libraries depend on each other: {chain}", span)
        self._load(found)

    # ---------------------------------------------------------------------------- index

    def _index(self) -> dict[str, list[str]]:
        """Name -> the files that define it, the one that counts last."""
        if self._files is None:
            self._files = {}
            for path in _system_paths(self._system):
                self._note(path, map(_defined, _DEFINITION.finditer(_read(path))))
            for path in _user_paths(self._folders):
                self._note(path, _names(self._parse(path)))
        return self._files

    def _note(self, path: str, names: Iterable[str]) -> None:
        assert self._files is not None
        for name in names:
            self._files.setdefault(name, []).append(path)

    def _paths(self) -> list[str]:
        return [*_system_paths(self._system), *_user_paths(self._folders)]

    # ------------------------------------------------------------------------- entering

    def _parse(self, path: str) -> ast.Program:
        from dscript.syntax.parser import parse

        known = self._programs.get(path)
        if known is None:
            source = Source(path, _read(path), is_library=True)
            types = KnownTypes(self._folders, self._system)
            known = self._programs[path] = parse(source, types)
        return known

    def _load(self, path: str) -> bool:
        """Declare what a file defines, apart from the firing and inline being checked."""
        if path in self._entered or path in self._open:
            return False
        environment = self._environment
        saved = environment.bindings, environment.points
        environment.bindings, environment.points = {}, ()
        self._open.append(path)
        try:
            for item in self._parse(path).items:
                self._item(item)
        finally:
            self._open.pop()
            environment.bindings, environment.points = saved
        self._entered.add(path)
        return True

    def _item(self, item: ast.Item) -> None:
        if isinstance(item, ast.Clause):
            raise Diagnostic(
                "D_SYNTAX", "a D library may define names only, it has no probe clauses", item.span
            )
        if not self._is_taken(item):
            self._enter(item)

    def _is_taken(self, item: ast.Item) -> bool:
        """What the program or a library before has defined stays as it is."""
        environment = self._environment
        if isinstance(item, ast.Inline):
            return item.name in environment.inlines or ("global", item.name) in (
                environment.variables
            )
        if isinstance(item, ast.Declaration) and item.name:
            if item.storage == "typedef":
                return item.name in environment.typedefs
            scope = item.storage if item.storage in ("self", "this") else "global"
            return (scope, item.name) in environment.variables
        return False


def _defined(found: re.Match[str]) -> str:
    kind = found.lastgroup
    assert kind is not None
    return " ".join(found.group(kind).split())


def _names(program: ast.Program) -> Iterator[str]:
    """What the items of a library define."""
    for item in program.items:
        if isinstance(item, ast.Translator):
            yield _TRANSLATORS
        elif isinstance(item, ast.Inline):
            yield item.name
        elif isinstance(item, ast.Declaration):
            if item.name:
                yield item.name
            spec = item.type.spec
            if isinstance(spec, ast.StructType) and spec.members is not None:
                yield f"{spec.kind} {spec.tag}"
            elif isinstance(spec, ast.EnumType):
                yield from (each.name for each in spec.enumerators or ())


def _system_paths(folder: str) -> list[str]:
    return _folder(folder) if folder else list(map(str, stdlib_files()))


def _user_paths(folders: Sequence[str]) -> list[str]:
    return [path for folder in folders for path in _folder(folder)]


def _folder(path: str) -> list[str]:
    """The libraries of a folder by name; none where it does not exist."""
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(".d"))
    except OSError:
        return []
    return [os.path.join(path, name) for name in names]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise Diagnostic(
            "D_LIB_OPEN", f"cannot open library {path}: {error.strerror}", None
        ) from None
