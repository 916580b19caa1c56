"""The pid provider: functions of one process (manual, chapter "pid Provider").

`pid1234:MODULE:FUNCTION:NAME`: the module is `a.out` for the program, else a library by its
file's name, with or without what follows `.so`; the name is `entry`, `return` or the offset
of an instruction in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dscript.kernel import elf, libraries, processes
from dscript.kernel.processes import MappedFile
from dscript.providers import usercode
from dscript.providers.base import ArgumentType, Described, Pattern, ProbePoint, is_glob, matcher
from dscript.providers.usercode import CodeFile

PROGRAM = "a.out"


class _Pid:
    names = ("pid",)

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        found: list[ProbePoint] = []
        for file in self._files(pattern):
            found.extend(usercode.points(file, pattern))
            if len(found) > usercode.MAX_PROBES:
                return []
        return found

    def _files(self, pattern: Pattern) -> Iterator[CodeFile]:
        """Objects of the process that match, else those that it may still load."""
        pid = process_of(pattern.provider)
        try:
            mapped = processes.mapped_files(pid)
        except OSError:
            return
        none = True
        for object_ in mapped:
            if matches_module(pattern.module, object_):
                none = False
                try:
                    image = elf.read(object_.file)
                except elf.BadElf:
                    continue
                module = PROGRAM if object_.is_program else object_.name
                yield CodeFile(image, module, pattern.provider, pid)
        if none and pattern.module.strip("*") and pattern.module != PROGRAM:
            for path in may_be_loaded(pattern.module, pid):
                try:
                    image = elf.read(path)
                except elf.BadElf:
                    continue
                yield CodeFile(image, path.rpartition("/")[2], pattern.provider, pid)

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return usercode.arguments(point)

    def missing(self, pattern: Pattern) -> str | None:
        pid = process_of(pattern.provider)
        if not processes.exists(pid):
            if processes.has_threads(pid):  # the kernel looks at that one's memory alone
                return (
                    f"the first thread of process {pid} has ended, without which the kernel does "
                    "not find its code: use uprobe:/path/of/file:… /pid == …/"
                )
            return processes.absence(pid)
        try:
            mapped = processes.mapped_files(pid)
        except PermissionError:
            return f"process {pid} belongs to another user (it takes CAP_SYS_PTRACE to look at it)"
        except OSError:
            return f"process {pid} has ended"
        if not mapped and processes.is_of_kernel(pid):
            return f"process {pid} is one of the kernel's own: it runs no user code"
        for object_ in mapped:
            if object_.is_program:
                try:
                    elf.read(object_.file)
                except elf.BadElf as bad:
                    return str(bad)
        files = list(self._files(pattern))
        if not files:
            return (
                f"process {pid} has no object {pattern.module}, and no library of that name is "
                "where its dynamic linker looks; a module may also be a path"
            )
        if len(files) == 1:
            return usercode.why_nothing(files[0], pattern)
        if _more_than_can_be(files, pattern):
            return usercode.TOO_MANY
        function = pattern.function
        having = [
            file
            for file in files
            if function in file.image.indirect or usercode.matching(file.image, function)
        ]
        if having:
            return usercode.why_nothing(having[0], pattern)
        return _in_none_of_several(pattern, pid)

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        files = list(self._files(pattern))
        if len(files) == 1 and not is_glob(pattern.function):
            return pattern.function, list(usercode.matching(files[0].image, ""))
        return "", ()

    def described(self) -> Sequence[Described]:
        return (
            Described(
                "`pid`*N*`:`*object*`:`*function*`:entry`",
                "uprobe multi-link on the function's first instruction, for that process",
                "`arg0` … `arg9`; `args[]` are the parameters, by DWARF or BTF",
                fallback="a perf event a place (before Linux 6.6; slow to detach)",
            ),
            Described(
                "… `return`",
                "uprobes on the instructions that leave the function, tail calls among them",
                "`arg0` offset of that instruction, `arg1` value; `args[]` the same, typed",
                fallback="the kernel's return probe where the code cannot be decoded; "
                "`arg0` is 0 there (never in Go programs)",
            ),
            Described(
                "… hexadecimal offset, `-` for all; function `-`: offset in the object",
                "uprobe on that instruction",
                "`arg0` … `arg9`: the registers of arguments",
            ),
        )


def _more_than_can_be(files: Sequence[CodeFile], pattern: Pattern) -> bool:
    found = 0
    for file in files:
        found += len(usercode.points(file, pattern))
        if found > usercode.MAX_PROBES:
            return True
    return False


def _in_none_of_several(pattern: Pattern, pid: int) -> str:
    """What to say where no object has the function."""
    if pattern.module.strip("*"):
        return f"no object {pattern.module} of process {pid} has a function {pattern.function}"
    return (
        f"nothing that process {pid} has loaded has a function {pattern.function}; name the "
        f"library if it is loaded later: {pattern.provider}:libNAME:{pattern.function}:"
        f"{pattern.name}"
    )


def process_of(provider: str) -> int:
    """1234 of `pid1234`."""
    return int(provider.removeprefix("pid"))


def may_be_loaded(module: str, pid: int) -> list[str]:
    """Files, as seen from here, that a module means though the process has not mapped it."""
    if module.startswith("/"):
        return [module if processes.shares_files(pid) else f"/proc/{pid}/root{module}"]
    if is_glob(module):
        return usercode.find_libraries(module, pid)
    found = usercode.find_library(module, pid)
    return [] if found is None else [found]


def matches_module(glob: str, object_: MappedFile) -> bool:
    """Whether a description's module means an object.

    `libz`, `libz.so`, `libz.so.1` and `libz.so.1.2.13` name the same one; a path is compared
    as a whole.
    """
    if not glob:
        return True
    wanted = matcher(glob)
    if object_.is_program and wanted(PROGRAM):
        return True
    if "/" in glob:
        return wanted(object_.path)
    return any(map(wanted, libraries.names_of(object_.name)))


PROVIDER = _Pid()
