"""Compiled programs kept on disk, so that the same script starts without the compiler.

An entry's name is a digest of everything its compilation could have depended on: the
program's text, options and arguments, dscript's own files, the D libraries it could have
read, and the running kernel (build, boot, modules, and what this user may do, since
facilities are found by trying them).  `$target`, `$pid` and the like are filled in at load
time and take no part.

Entries are pickles, and so code to whoever reads them: `dscript.kernel.cachedir` reads
only files of the user in a directory of the user.  A digest in front of the content
catches truncated and damaged files; those are compiled anew.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator

from dscript import options
from dscript.kernel import cachedir
from dscript.program import FORMAT_VERSION, CompiledProgram
from dscript.request import CompileRequest

if sys.implementation.name == "cpython":
    from _blake2 import blake2b  # hashlib's own; without OpenSSL, which takes 3 ms to load
else:
    from hashlib import blake2b

_PREFIX = "program-"
_DIGEST_SIZE = 32
_MAX_ENTRIES = 512
_MAX_BYTES = 64 << 20

# Small files whose content tells one kernel, boot and configuration from another.  Boot
# matters because kernel addresses and module types change with it.
_KERNEL_FACTS = (
    "/proc/sys/kernel/random/boot_id",
    "/sys/kernel/notes",  # holds the build ID, which also identifies the kernel's BTF
    "/sys/kernel/security/lockdown",
    "/proc/sys/kernel/kptr_restrict",
    "/proc/sys/kernel/perf_event_paranoid",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
)


# `provider$pid:` and `tick-$pid` as opposed to `$pid` in an expression.
_PROCESS_IN_PROBE = re.compile(r"[\w-]\$(target|p?pid|pgid|sid)\b|\$(target|p?pid|pgid|sid)\s*:")
# `python*:::`, whose probes a process that runs may have defined.
_PROVIDER_GLOB = re.compile(r"(?<![^\s,;}/])[A-Za-z_][\w-]*[*?\[][^\s:;{}()]*:")
# The types of a program: a.out`struct foo, libz.so.1`gzFile, pid123`…
_USER_TYPE = re.compile(r"\ba\.out`|\blib[\w.+-]*(?:\.so[\w.]*|\+\+)`|\bpid\d+`")


def key(request: CompileRequest) -> str:
    """The name of the entry that holds this request's program."""
    digest = blake2b(digest_size=_DIGEST_SIZE)
    for part in _identity(request):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return _PREFIX + digest.hexdigest()


def suits(request: CompileRequest) -> bool:
    """Whether the request's program may be kept.

    Not when the environment has DSCRIPT_CACHE=0; nor when its text is asked for, which is
    not kept; nor when a probe description names a process by a macro variable
    (`pid$pid:::`), which the compiler then fills in.
    """
    if request.emit is not None or request.disassemble or os.environ.get("DSCRIPT_CACHE") == "0":
        return False
    return not names_process(request)


def names_process(request: CompileRequest) -> bool:
    """Whether the program is about a process that the compiler is to look at.

    A probe description may name it by a macro variable (`pid$target:::`), or a type may be one
    of its (``a.out`struct foo``).
    """
    texts = [piece.source.text for piece in request.pieces]
    return any(_PROCESS_IN_PROBE.search(text) or _USER_TYPE.search(text) for text in texts)


def has_provider_glob(request: CompileRequest) -> bool:
    """Whether a probe description may mean probes that a program defines itself."""
    return any(_PROVIDER_GLOB.search(piece.source.text) for piece in request.pieces)


def load(name: str) -> CompiledProgram | None:
    """The program of an entry, None when there is none that can be used."""
    data = cachedir.read(name)
    if (
        data is None
        or blake2b(data[_DIGEST_SIZE:], digest_size=_DIGEST_SIZE).digest() != (data[:_DIGEST_SIZE])
    ):
        return None
    try:
        program = CompiledProgram.from_bytes(data[_DIGEST_SIZE:])
    except Exception:  # whatever a pickle of another version may raise: compile again
        return None
    _touch(name)
    return program


def store(name: str, program: CompiledProgram) -> None:
    """Keep a program; failing to (a full disk) is no error."""
    content = program.to_bytes()
    digest = blake2b(content, digest_size=_DIGEST_SIZE).digest()
    if cachedir.write(name, digest + content):
        _make_room()


def _identity(request: CompileRequest) -> Iterator[bytes]:
    for piece in request.pieces:
        source = piece.source
        yield repr((piece.kind, source.title, source.is_command_line, source.line_marks)).encode()
        yield source.text.encode("utf-8", "surrogateescape")
    yield repr(
        (
            FORMAT_VERSION,
            sorted(request.options.items()),
            sorted(request.environment_options.items()),
            request.arguments,
            request.program_name,
            request.destructive,
            request.zero_ok,
            request.has_target,
            request.library_dirs,
        )
    ).encode("utf-8", "surrogateescape")
    yield repr((sys.version_info[:3], os.uname(), os.cpu_count())).encode()
    yield repr((os.getuid(), os.geteuid(), os.getgid(), os.getegid(), _capabilities())).encode()
    for path in _KERNEL_FACTS:
        yield _content(path)
    yield _listing(("/sys/kernel/btf",), "")
    package = os.path.dirname(os.path.realpath(__file__))
    yield _listing(_folders(package), "")
    beside = os.path.dirname(package)
    stdlib = os.path.join(beside, "stdlib")
    machine = os.path.join(stdlib, os.uname().machine)
    yield _listing((os.path.join(beside, "grammar"), stdlib, machine), "")
    yield _listing((*request.library_dirs, *_option_dirs(request)), ".d")


def _option_dirs(request: CompileRequest) -> tuple[str, ...]:
    return (
        *options.texts(request.options, "libdir"),
        *options.texts(request.options, "syslibdir"),
        *options.texts(request.environment_options, "libdir"),
        *options.texts(request.environment_options, "syslibdir"),
    )


def _folders(package: str) -> list[str]:
    """The package's folders, itself among them."""
    folders = [package]
    for folder in folders:
        with os.scandir(folder) as entries:
            folders.extend(
                entry.path
                for entry in entries
                if entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False)
            )
    return sorted(folders)


def _listing(folders: Iterable[str], suffix: str) -> bytes:
    """Names, sizes and times of the files in folders (not below); absent ones count as such."""
    lines = []
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(suffix) and entry.is_file():
                        stat = entry.stat()
                        lines.append(f"{entry.path} {stat.st_size} {stat.st_mtime_ns}")
        except OSError as error:
            lines.append(f"{folder}: {error.errno}")
    return "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return f"errno {error.errno}".encode()


def _capabilities() -> bytes:
    """The effective capabilities as /proc writes them."""
    for line in _content("/proc/self/status").splitlines():
        if line.startswith(b"CapEff:"):
            return line
    return b""


def _touch(name: str) -> None:
    """Mark an entry as used, which saves it from `_make_room` for longer."""
    directory = cachedir.path()
    if directory is not None:
        try:
            os.utime(os.path.join(directory, name), follow_symlinks=False)
        except OSError:
            return


def _make_room() -> None:
    """Remove the entries not used for longest, until the rest is within bounds."""
    directory = cachedir.path()
    if directory is None:
        return
    try:
        with os.scandir(directory) as entries:
            found = [
                (stat.st_mtime_ns, stat.st_size, entry.path)
                for entry in entries
                if entry.name.startswith(_PREFIX)
                and (stat := entry.stat(follow_symlinks=False)) is not None
            ]
        found.sort(reverse=True)
        total = 0
        for index, (_, size, path) in enumerate(found):
            total += size
            if index >= _MAX_ENTRIES or total > _MAX_BYTES:
                os.unlink(path)
    except OSError:
        return
