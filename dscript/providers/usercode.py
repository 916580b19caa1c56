"""Probes in the code of a file: entry, return and single instructions of its functions.

What the providers `pid` and `uprobe` share.  Many places of a file go through one uprobe
multi-link where the kernel has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from dscript.kernel import elf, features, instructions, libraries, user_types
from dscript.kernel.demangle import demangle, without_parameters
from dscript.program import AttachKind, Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Context,
    Pattern,
    ProbePoint,
    UserPlace,
    is_glob,
    matcher,
)

# Above the IDs of the kernel's probes.  They hold for one command: processes come and go.
_FIRST_ID = 300_000

# What one description may stand for.
MAX_PROBES = 100_000
TOO_MANY = f"more than {MAX_PROBES} probes: name fewer functions"

_LONGEST = 15  # bytes of an x86 instruction
_OFFSET = re.compile(r"[0-9a-fA-F]+")

# What names every instruction of a function, beside offsets.
ALL_INSTRUCTIONS = "-"

_ids: dict[tuple[str, str, str, str], int] = {}
# Refused instructions by description and file, for `left_out`.
_refused: dict[Pattern, dict[str, int]] = {}


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file whose code is probed: as `module` in probe names, in process `pid` (0: in all)."""

    image: elf.Elf
    module: str
    provider: str
    pid: int = 0
    # Offsets of instructions that match and that the kernel refuses to probe.
    refused: set[int] = field(default_factory=set, compare=False)


def probe(provider: str, module: str, function: str, name: str) -> Probe:
    """The probe of that name; the same ID each time it is asked for."""
    fields = (provider, module, function, name)
    return Probe(_ids.setdefault(fields, _FIRST_ID + len(_ids)), *fields)


def mechanism() -> AttachKind | None:
    """How user code is probed on this kernel; None where it cannot be."""
    if features.works("uprobe_multi"):
        return "uprobe_multi"
    return "uprobe" if features.works("uprobe") else None


def points(file: CodeFile, pattern: Pattern) -> list[ProbePoint]:
    """The probes of a file that match function and name of a description.

    Beyond MAX_PROBES the rest is not looked for.
    """
    kind = mechanism()
    if kind is None:
        return []
    if pattern.function == "-":
        return list(_absolute(file, pattern.name, kind))
    found: list[ProbePoint] = []
    named = matching(file.image, pattern.function)
    if is_glob(pattern.function) or not pattern.function:
        named = _each_place_once(named)
    for name, functions in named.items():
        found.extend(_of_function(file, name, functions, pattern, kind))
        if len(found) > MAX_PROBES:
            return found
    if file.refused:
        _refused.setdefault(pattern, {})[file.image.path] = len(file.refused)
    return found


def left_out(pattern: Pattern) -> int:
    """Instructions that a description names and that the kernel refuses to probe."""
    return sum(_refused.get(pattern, {}).values())


def matching(image: elf.Elf, glob: str) -> dict[str, list[elf.Function]]:
    """Functions by the name that is shown, in order of address, each place once.

    Constructors and destructors of C++ have several symbols that are shown alike.
    A glob is held against the symbol, its demangled form, and that without parameters; a name
    that none has also means the copies of that function that the compiler made.
    """
    wanted = matcher(glob)
    found: dict[str, list[elf.Function]] = {}
    for function in image.functions():
        name = function.name
        shown = demangle(name)
        hit = wanted(name)
        if not hit and shown is not name:
            hit = wanted(shown) or wanted(without_parameters(shown))
        if hit and not _is_part(name):
            alike = found.setdefault(shown, [])
            if not alike or alike[-1].address != function.address:
                alike.append(function)
    if not found and glob and not is_glob(glob):
        copies = [f for f in image.functions() if _COPY.sub("", f.name) == glob]
        return {glob: copies} if copies else {}
    return found


def _each_place_once(named: dict[str, list[elf.Function]]) -> dict[str, list[elf.Function]]:
    """Of several names of one place (`malloc`, `__libc_malloc`) a glob means the plainest."""
    chosen: dict[int, str] = {}
    for name in sorted(named, key=elf.plainness):
        for function in named[name]:
            chosen.setdefault(function.address, name)
    return {
        name: kept
        for name, functions in named.items()
        if (kept := [function for function in functions if chosen[function.address] == name])
    }


def _is_part(name: str) -> bool:
    """A part of a function that the compiler moved away, not a function of its own."""
    return ".cold" in name


def _of_function(
    file: CodeFile,
    name: str,
    functions: Sequence[elf.Function],
    pattern: Pattern,
    kind: AttachKind,
) -> Iterator[ProbePoint]:
    if pattern.matches_name("entry"):
        entries = [place for f in functions if (place := _place(file, f, 0)) is not None]
        if entries:
            yield _point(file, name, "entry", kind, "uprobe", entries)
    if pattern.matches_name("return"):
        yield from _returns(file, name, functions, kind)
    if is_glob(pattern.name) or pattern.name == ALL_INSTRUCTIONS or _OFFSET.fullmatch(pattern.name):
        for function in functions:
            yield from _offsets(file, name, function, pattern.name, kind)


def _returns(
    file: CodeFile, name: str, functions: Sequence[elf.Function], kind: AttachKind
) -> Iterator[ProbePoint]:
    """On the instructions that leave the function where they are known, so that its return
    address stays what it is; else by the kernel's return probe, which replaces that."""
    sites: list[UserPlace] = []
    replaced: list[UserPlace] = []
    for function in functions:
        offsets = return_offsets(file.image, function)
        found = [_place(file, function, at) for at in offsets or ()]
        if offsets is not None and None not in found:
            sites += [place for place in found if place is not None]
        elif not file.image.is_go and (start := _place(file, function, 0)) is not None:
            replaced.append(start)
    if sites:
        yield _point(file, name, "return", kind, "ureturn", sites)
    if replaced:
        returning: AttachKind = "uretprobe_multi" if kind == "uprobe_multi" else "uretprobe"
        yield _point(file, name, "return", returning, "ureturn", replaced)


def return_offsets(image: elf.Elf, function: elf.Function) -> tuple[int, ...] | None:
    """Where a function is left, from its start; also in the parts split off from it.

    None where that is not known for certain.
    """
    parts = [function, *_parts(image, function)]
    found: list[int] = []
    for part in parts:
        others = tuple(
            range(p.address - part.address, p.address - part.address + p.size)
            for p in parts
            if p is not part
        )
        body = instructions.decode(image.machine, image.code(part.address, part.size), others)
        if body.returns is None and part is function:
            return None
        found += [part.address - function.address + at for at in body.returns or ()]
    return tuple(found)


def _parts(image: elf.Elf, function: elf.Function) -> list[elf.Function]:
    return [part for name in (f"{function.name}.cold",) for part in _by_name(image).get(name, ())]


@lru_cache(maxsize=64)
def _by_name(image: elf.Elf) -> dict[str, list[elf.Function]]:
    table: dict[str, list[elf.Function]] = {}
    for function in image.functions():
        table.setdefault(function.name, []).append(function)
    return table


def _offsets(
    file: CodeFile, name: str, function: elf.Function, wanted: str, kind: AttachKind
) -> Iterator[ProbePoint]:
    """Probes on instructions, named by their hexadecimal offset in the function."""
    matches = matcher("" if wanted == ALL_INSTRUCTIONS else wanted)
    if not is_glob(wanted) and wanted != ALL_INSTRUCTIONS:
        matches = f"{int(wanted, 16):x}".__eq__
    code = file.image.code(function.address, function.size)
    for at in instructions.decode(file.image.machine, code).instructions:
        if matches(f"{at:x}") and (place := _place(file, function, at)) is not None:
            yield _point(file, name, f"{at:x}", kind, "uprobe", [place])


def _absolute(file: CodeFile, name: str, kind: AttachKind) -> Iterator[ProbePoint]:
    """Function `-`: an offset in the object, in hexadecimal, wherever that is."""
    if _OFFSET.fullmatch(name) is None:
        return
    address = int(name, 16)
    offset = file.image.file_offset(address)
    if offset is None:
        return
    if not instructions.probeable(file.image.machine, file.image.code(address, _LONGEST)):
        file.refused.add(offset)
        return
    function = file.image.function_at(address)
    # Of unknown code, anywhere but where a function begins.
    within = 1 if function is None else address - function.address
    place = UserPlace(file.image.path, offset, within, file.pid)
    yield _point(file, "-", f"{address:x}", kind, "uprobe", [place])


def _place(file: CodeFile, function: elf.Function, within: int) -> UserPlace | None:
    """Where an instruction of a function is probed; None where it cannot be."""
    address = function.address + within
    offset = file.image.file_offset(address)
    if offset is None:
        return None
    if not instructions.probeable(file.image.machine, file.image.code(address, _LONGEST)):
        file.refused.add(offset)
        return None
    return UserPlace(file.image.path, offset, max(within, 0) & 0xFFFFFFFF, file.pid)


def _point(
    file: CodeFile,
    function: str,
    name: str,
    kind: AttachKind,
    context: Context,
    places: Sequence[UserPlace],
) -> ProbePoint:
    target = f"{file.pid} {file.image.path}"
    made = probe(file.provider, file.module, function, name)
    return ProbePoint(made, AttachPoint(kind, target, context, places=tuple(places)))


# ------------------------------------------------------------------------------- args[]

# Copies of a function that the compiler made to suit some callers: their parameters differ.
_CLONE = re.compile(r"\.(?:isra|constprop|part|specialized)\b")
# What names a copy that does all that the function does.
_COPY = re.compile(r"(?:\.(?:isra|constprop|llvm)\.\d+)+$")


def arguments(point: ProbePoint) -> Sequence[ArgumentType]:
    """`args[]` of `entry` and `return`, by the function's debug information.

    Empty where that is not there, and where functions of one name differ in them.
    """
    found = [_typed(point, *start) for start in _starts(point)]
    if not found or any(str(other) != str(found[0]) for other in found):
        return ()
    return found[0]


def _typed(point: ProbePoint, image: elf.Elf, address: int) -> Sequence[ArgumentType]:
    from dscript.providers.passing import at_entry, at_return

    symbol = image.function_at(address)
    if symbol is not None and _CLONE.search(symbol.name):
        return ()
    function = user_types.of_image(image).function(address)
    if function is None:
        return ()
    placed = at_return if point.attach.context == "ureturn" else at_entry
    return placed(function, os.uname().machine)


def _starts(point: ProbePoint) -> Iterator[tuple[elf.Elf, int]]:
    """The functions that the places of an entry or return probe belong to, each once."""
    if point.probe.name not in ("entry", "return"):
        return
    seen: set[tuple[str, int]] = set()
    for place in point.attach.places:
        start = place.path, place.offset - place.within
        if start in seen:
            continue
        seen.add(start)
        try:
            image = elf.read(place.path)
        except elf.BadElf:  # it has gone since
            continue
        at = image.address_at(place.offset)
        inside = None if at is None else image.function_at(at)
        if at is not None and (inside is None or not _is_part(inside.name)):
            yield image, at - place.within


def enter_go(points: Sequence[ProbePoint]) -> bool:
    """Whether all are in files of the Go linker, and one at least is of Go's own functions.

    These have the package in their name; others there are C's, or Go's assembly.
    """
    if not any("." in point.probe.function for point in points):
        return False
    try:
        paths = {place.path for point in points for place in point.attach.places}
        return all(elf.read(path).is_go for path in paths)
    except elf.BadElf:  # it has gone since
        return False


def untyped(point: ProbePoint) -> str:
    """Why a probe has no `args[]`, and what to do."""
    if point.probe.name not in ("entry", "return"):
        return "a probe on an instruction has no args[ ]: use arg0 or uregs[ ]"
    module, function = point.probe.module, point.probe.function
    number = "arg1" if point.probe.name == "return" else "arg0"
    instead = f"use {number}, with copyin( ) for what it points to"
    for image, address in _starts(point):
        types = user_types.of_image(image)
        if not types.has_any:
            return f"{module} has no debug information: compile it with -g, or {instead}"
        if types.missing_file:
            return (
                f"the debug information of {module} is in {types.missing_file}, which is not "
                f"there: bring it back, or {instead}"
            )
        symbol = image.function_at(address)
        if symbol is not None and _CLONE.search(symbol.name):
            return f"the compiler changed the parameters of {function}: {instead}"
    return (
        f"the debug information of {module} does not tell how {function} is called (compilers "
        f"change the parameters of some functions): {instead}"
    )


def why_nothing(file: CodeFile, pattern: Pattern) -> str:
    """Why a file has no such probe, in one line."""
    if mechanism() is None:
        return "this kernel has no uprobes (it was built without CONFIG_UPROBES)"
    function = pattern.function
    if not matching(file.image, function):
        if function in file.image.indirect:
            return (
                f"{function} in {file.module} is an indirect function, which is chosen among "
                f"several when the program starts: probe one of those (*{function}*)"
            )
        if not file.image.functions():
            return f"{file.module} has no symbols (it was stripped); use {file.module}:-:OFFSET"
        return f"{file.module} has no function {function}"
    found = points(file, pattern)
    if len(found) > MAX_PROBES:
        return TOO_MANY
    if not found and file.refused:
        return f"the kernel refuses to probe this instruction of {function}"
    if _OFFSET.fullmatch(pattern.name):
        return f"no instruction of {function} begins at offset 0x{pattern.name}"
    if pattern.name == "return" and file.image.is_go:
        return f"it cannot be told where {function} returns, and Go's stacks forbid return probes"
    if pattern.name == "return":
        return f"{function} does not return"
    return (
        f"{function} has no probe {pattern.name}: there are entry, return and hexadecimal offsets "
        "(- for all)"
    )


def find_library(name: str, pid: int = 0) -> str | None:
    """The file of a library named `libz.so.1` or `libz`, where the dynamic linker looks.

    With `pid` as it looks for that process.
    """
    return next(iter(libraries.find(_named(name), pid)), None)


def find_libraries(glob: str, pid: int) -> list[str]:
    """The files of all libraries that a glob names and a process may load."""
    return libraries.find(_named(glob), pid, several=True)


def _named(glob: str) -> Callable[[str], bool]:
    wanted = matcher(glob)
    return lambda file_name: any(map(wanted, libraries.names_of(file_name)))
