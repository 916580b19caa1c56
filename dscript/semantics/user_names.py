"""Types of user programs: ``a.out`struct foo``, ``libz.so.1`gzFile``, ``pid123`a.out`foo_t``.

The module is that of a `pid` probe: `a.out` for the program, else a library.  It is looked for
where the clause's probes are, then in the process of `$target`; a process named in front is
looked at alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from dscript.dtypes.types import Type
from dscript.errors import Diagnostic, Span
from dscript.kernel import elf, processes, user_types
from dscript.kernel.user_types import TypeKind
from dscript.providers import usercode
from dscript.providers.pid import PROGRAM, matches_module
from dscript.semantics.environment import Environment

_PROCESS = re.compile(r"pid(\d+|\$target)`(.+)")


def is_user_module(environment: Environment, module: str) -> bool:
    """Whether the module of a type is one of user code: none of the kernel's has its name."""
    if "`" in module or "." in module or "+" in module:
        return True
    if module in ("", "vmlinux") or (not environment.points and not environment.settings.target):
        return False
    return environment.kernel.missing(module) is not None and (
        next(_files(environment, module), None) is not None
    )


def user_type(
    environment: Environment, kind: TypeKind, module: str, name: str, span: Span
) -> Type | None:
    """The type of that name; None where the module has none.  Diagnostic without a module, or
    where it tells nothing of its types."""
    shown = f"{module}`{name}" if kind == "typedef" else f"{kind} {module}`{name}"
    known, missing = False, ""
    files = list(_files(environment, module))
    for image, near in files:
        types = user_types.of_image(image)
        known = known or types.has_any
        found = types.named(kind, name, near)
        if found is not None:
            return found
        missing = missing or types.missing_file
    if missing:
        raise Diagnostic(
            "D_TYPE_ERR",
            f"failed to resolve type {shown}: the debug information of {module} is in {missing}, "
            "which is not there",
            span,
        )
    if not files:
        raise Diagnostic(
            "D_TYPE_ERR",
            f"failed to resolve type {shown}: there is no object {module} here",
            span,
            "an object is one of the process that the clause probes, or of -c or -p; "
            f"else name the process: pid123`{module}`{name}",
        )
    if not known:
        raise Diagnostic(
            "D_TYPE_ERR",
            f"failed to resolve type {shown}: {module} has no debug information",
            span,
            "compile it with -g, or install its debug package",
        )
    return None


def _files(environment: Environment, module: str) -> Iterator[tuple[elf.Elf, int | None]]:
    """Files that a module means, each with the address of a probe in it."""
    named = _PROCESS.fullmatch(module)
    if named is not None:
        pid = environment.settings.target if named[1] == "$target" else int(named[1])
        yield from _of_process(pid, named[2])
        return
    processes_seen: dict[int, None] = {}
    seen: set[str] = set()
    for point in environment.points:
        for place in point.attach.places:
            processes_seen.setdefault(place.pid)
            if place.path in seen or not _is_named(point.probe.module, place.path, module):
                continue
            seen.add(place.path)
            with suppress(elf.BadElf):  # it has gone since
                image = elf.read(place.path)
                yield image, image.address_at(place.offset)
    processes_seen.setdefault(environment.settings.target)
    for pid in processes_seen:
        if pid:
            yield from _of_process(pid, module)
    if 0 in processes_seen and environment.points and module != PROGRAM:
        path = usercode.find_library(module)
        if path is not None:
            with suppress(elf.BadElf):
                yield elf.read(path), None


def _is_named(shown: str, path: str, module: str) -> bool:
    """Whether a probed file is the module; of `uprobe` probes any is, to them, a program."""
    as_program = shown == PROGRAM or ".so" not in path.rpartition("/")[2]
    mapped = processes.MappedFile(shown if "/" in shown else path, path, as_program)
    return matches_module(module, mapped) or shown == module


def _of_process(pid: int, module: str) -> Iterator[tuple[elf.Elf, int | None]]:
    try:
        mapped = processes.mapped_files(pid)
    except OSError:
        return
    for each in mapped:
        if matches_module(module, each):
            try:
                yield elf.read(each.file), None
            except elf.BadElf:
                continue
