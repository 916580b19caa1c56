"""Probes that programs define themselves (manual, chapter "Statically Defined Tracing for
User Applications"), as SystemTap's notes tell of them.

    python1234:::function-entry        in one process
    python*:::function-entry           in every process that runs a file with such a probe
    usdt:/usr/bin/python3:python:gc-start   of a file, in processes that are still to start

A double underscore in a note's name is DTrace's hyphen.  The module is the file's name, the
program's too (`mysqld`), as that of a program is where it defines probes; a description may say
`a.out` for it, as for the `pid` provider.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from dscript.kernel import elf, processes, usdt
from dscript.kernel.demangle import demangle
from dscript.kernel.processes import MappedFile
from dscript.providers import absent, runtimes, usercode
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    UserPlace,
    is_glob,
    matcher,
)
from dscript.providers.pid import matches_module, may_be_loaded
from dscript.providers.usercode import CodeFile

_IN_PROCESS = re.compile(r"(.*\D)(\d+)")


class _Usdt:
    names = ("usdt",)

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        kind = usercode.mechanism()
        if kind is None:
            return []
        found: list[ProbePoint] = []
        for file, wanted in self._files(pattern):
            for provider in dict.fromkeys(site.provider for site in usdt.sites(file.image)):
                if matcher(wanted)(provider) or matcher(wanted)(dashed(provider)):
                    found.extend(_points(file, provider, pattern, kind))
        return found

    def _files(self, pattern: Pattern) -> Iterator[tuple[CodeFile, str]]:
        """Files that may have the probes, and what their notes' provider must match."""
        if "/" in pattern.module:
            path = pattern.module
            image = _image(path)
            if image is not None:
                yield CodeFile(image, path, ""), pattern.provider
            return
        process = _IN_PROCESS.fullmatch(pattern.provider)
        if process is not None:
            pid = int(process[2])
            for name, image in _objects(pid, pattern.module):
                yield CodeFile(image, name, str(pid), pid), process[1]
            return
        seen: set[tuple[int, int]] = set()
        for pid in processes.all_processes():
            for object_, image in _mapped(pid, pattern.module):
                if image.identity not in seen:
                    seen.add(image.identity)
                    yield CodeFile(image, object_.name, ""), pattern.provider

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        """Integers of the size that the note tells; of what they point to it tells nothing."""
        return [
            ArgumentType("", "int64_t", -1, 0, 0)
            if location is None
            else ArgumentType("", _type(location), at, 0, location.size, location.signed)
            for at, location in enumerate(point.attach.places[0].arguments)
        ]

    def missing(self, pattern: Pattern) -> str | None:
        if usercode.mechanism() is None:
            return "this kernel has no uprobes (it was built without CONFIG_UPROBES)"
        if "/" in pattern.module:
            try:
                image = elf.read(pattern.module)
            except elf.BadElf as bad:
                return str(bad)
            return None if usdt.sites(image) else f"{pattern.module} defines no probes"
        process = _IN_PROCESS.fullmatch(pattern.provider)
        advice = runtimes.nearest(pattern.provider)
        if process is None:
            return absent.explain(pattern.provider) or (
                "no running process defines such a probe; "
                + (advice or "usdt:/path/of/file:provider:name")
            )
        pid = int(process[2])
        if not processes.exists(pid):
            return processes.absence(pid)
        defined = sorted({s.provider for _, image in _mapped(pid, "") for s in usdt.sites(image)})
        if any(map(matcher(process[1]), defined)):
            return None
        if advice is not None:
            return f"process {pid} has none of that provider; {advice}"
        if not defined:
            return (
                f"nothing that process {pid} has loaded defines probes of its own; name the "
                f"library if it is loaded later: {pattern.provider}:libNAME::{pattern.name}"
            )
        return f"process {pid} has the providers {', '.join(f'{p}{pid}' for p in defined)}"

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        if is_glob(pattern.name):
            return "", ()
        names = {dashed(s.name) for file, _ in self._files(pattern) for s in usdt.sites(file.image)}
        return pattern.name, sorted(names)

    def described(self) -> Sequence[Described]:
        return (
            Described(
                "*provider*`N:`*module*`:`*function*`:`*name*",
                "uprobe multi-link on the probe's `nop`, found by the notes of SystemTap's "
                "`<sys/sdt.h>`; the kernel counts the semaphore of an is-enabled probe up",
                "`arg0` … `arg9`; `args[]` are integers of the noted sizes",
                fallback="a perf event a place (before Linux 6.6)",
            ),
            Described(
                "*provider*`*:::`, `usdt:`*path*`:`*provider*`:`*name*",
                "the same, in every process that runs the file",
                "the same",
                "`probeprov` has no process number",
                fallback="the same",
            ),
        )


def dashed(name: str) -> str:
    return name.replace("__", "-")


def in_processes(pattern: Pattern) -> Iterator[ProbePoint]:
    """The probes of all running processes, under each process's own provider name."""
    kind = usercode.mechanism()
    if kind is None:
        return
    for pid in processes.all_processes():
        for object_, image in _mapped(pid, pattern.module):
            file = CodeFile(image, object_.name, str(pid), pid)
            for provider in dict.fromkeys(site.provider for site in usdt.sites(image)):
                yield from _points(file, provider, pattern, kind)


def _points(file: CodeFile, provider: str, pattern: Pattern, kind: str) -> Iterator[ProbePoint]:
    """The probes of one of a file's providers; one of several sites in a function is one."""
    found: dict[tuple[str, str], list[UserPlace]] = {}
    for site in usdt.sites(file.image):
        name = dashed(site.name)
        offset = file.image.file_offset(site.address)
        if site.provider != provider or offset is None:
            continue
        if not (pattern.matches_name(name) or pattern.matches_name(site.name)):
            continue
        inside = file.image.function_at(site.address)
        function = "" if inside is None else demangle(inside.name)
        if not pattern.matches_function(function):
            continue
        semaphore = file.image.file_offset(site.semaphore) if site.semaphore else 0
        place = UserPlace(
            file.image.path, offset, 0, file.pid, semaphore or 0, arguments=site.arguments
        )
        found.setdefault((function, name), []).append(place)
    target = f"{file.pid} {file.image.path}"
    for (function, name), places in found.items():
        made = usercode.probe(f"{dashed(provider)}{file.provider}", file.module, function, name)
        attach = AttachPoint(kind, target, "usdt", places=tuple(places))  # type: ignore[arg-type]
        yield ProbePoint(made, attach)


def _mapped(pid: int, module: str) -> Iterator[tuple[MappedFile, elf.Elf]]:
    """The mapped files of a process that match and can be read."""
    try:
        mapped = processes.mapped_files(pid)
    except OSError:
        return
    for object_ in mapped:
        if not matches_module(module, object_) or not defines_probes(object_.file):
            continue
        if (image := _image(object_.file)) is not None:
            yield object_, image


def _objects(pid: int, module: str) -> Iterator[tuple[str, elf.Elf]]:
    """Names and files of the objects of a process that match, else of those that it may load."""
    mapped = [(object_.name, image) for object_, image in _mapped(pid, module)]
    yield from mapped
    if not mapped and module.strip("*"):
        for path in may_be_loaded(module, pid):
            if defines_probes(path) and (image := _image(path)) is not None:
                yield os.path.basename(path), image


def defines_probes(path: str) -> bool:
    """Whether a file has notes of probes; looks at no more than its section names."""
    try:
        stat = os.stat(path)
    except OSError:
        return False
    return _has_notes(path, stat.st_dev, stat.st_ino, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _has_notes(path: str, _device: int, _inode: int, _time: int) -> bool:
    # <elf.h>: Elf64_Ehdr has e_shoff at 40, e_shentsize, e_shnum and e_shstrndx at 58;
    # Elf64_Shdr has sh_offset and sh_size at 24.
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            if head[:5] != b"\x7fELF\x02" or len(head) < 64:
                return False
            table = int.from_bytes(head[40:48], "little")
            size, _count, names = struct.unpack_from("<HHH", head, 58)
            file.seek(table + size * names)
            offset, length = struct.unpack_from("<QQ", file.read(64), 24)
            file.seek(offset)
            return b"\0.note.stapsdt\0" in file.read(length)
    except (OSError, struct.error):
        return False


def _image(path: str) -> elf.Elf | None:
    try:
        return elf.read(path)
    except elf.BadElf:
        return None


def _type(location: usdt.Location) -> str:
    size = location.size if location.size in (1, 2, 4, 8) else 8
    return f"{'' if location.signed else 'u'}int{8 * size}_t"


PROVIDER = _Usdt()
