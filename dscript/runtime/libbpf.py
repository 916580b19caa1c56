"""libbpf.so.1 by ctypes: open an object from memory, prepare its programs, load it.

libbpf creates the maps, relocates and loads the programs with BTF and line information;
everything it does not know (links above all) goes through `dscript.runtime.bpf`.  Its
messages are captured and never reach the terminal.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from typing import Final

from dscript.errors import TracingError
from dscript.program import Attachment
from dscript.runtime import bpf

_LOG_SIZE: Final = 8 << 20  # untouched pages of it cost nothing
_MESSAGE_SIZE: Final = 4096

# Program type, expected attach type and whether the first target is a BTF name, by
# attachment kind.
_PROGRAM_TYPES: Final[Mapping[str, tuple[int, int, bool]]] = {
    "begin": (bpf.PROG_TYPE_SYSCALL, 0, False),
    "end": (bpf.PROG_TYPE_SYSCALL, 0, False),
    "raw_tp": (bpf.PROG_TYPE_RAW_TRACEPOINT, 0, False),
    "tp_btf": (bpf.PROG_TYPE_TRACING, bpf.TRACE_RAW_TP, True),
    "perf_tp": (bpf.PROG_TYPE_TRACEPOINT, 0, False),
    "profile": (bpf.PROG_TYPE_PERF_EVENT, 0, False),
    "tick": (bpf.PROG_TYPE_PERF_EVENT, 0, False),
    "counter": (bpf.PROG_TYPE_PERF_EVENT, 0, False),
    "fentry": (bpf.PROG_TYPE_TRACING, bpf.TRACE_FENTRY, True),
    "fexit": (bpf.PROG_TYPE_TRACING, bpf.TRACE_FEXIT, True),
    "kprobe_multi": (bpf.PROG_TYPE_KPROBE, bpf.TRACE_KPROBE_MULTI, False),
    "kretprobe_multi": (bpf.PROG_TYPE_KPROBE, bpf.TRACE_KPROBE_MULTI, False),
    "kprobe": (bpf.PROG_TYPE_KPROBE, 0, False),
    "kretprobe": (bpf.PROG_TYPE_KPROBE, 0, False),
    "uprobe_multi": (bpf.PROG_TYPE_KPROBE, bpf.TRACE_UPROBE_MULTI, False),
    "uretprobe_multi": (bpf.PROG_TYPE_KPROBE, bpf.TRACE_UPROBE_MULTI, False),
    "uprobe": (bpf.PROG_TYPE_KPROBE, 0, False),
    "uretprobe": (bpf.PROG_TYPE_KPROBE, 0, False),
}


class _OpenOptions(ctypes.Structure):
    """struct bpf_object_open_opts of libbpf 1.0 and later."""

    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("object_name", ctypes.c_char_p),
        ("relaxed_maps", ctypes.c_bool),
        ("pin_root_path", ctypes.c_char_p),
        ("unused", ctypes.c_uint32),
        ("kconfig", ctypes.c_char_p),
        ("btf_custom_path", ctypes.c_char_p),
        ("kernel_log_buf", ctypes.c_void_p),
        ("kernel_log_size", ctypes.c_size_t),
        ("kernel_log_level", ctypes.c_uint32),
    )


class Library:
    """The loaded shared library with typed prototypes, and the messages it would print."""

    def __init__(self) -> None:
        try:
            lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
        except OSError:
            raise TracingError(
                "libbpf.so.1 cannot be loaded",
                "install the libbpf library (Debian: apt-get install python3-bpfcc)",
            ) from None
        pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        self.open_mem = self._function(
            lib, "bpf_object__open_mem", pointer, ctypes.c_char_p, ctypes.c_size_t, pointer
        )
        self.load = self._function(lib, "bpf_object__load", number, pointer)
        self.close = self._function(lib, "bpf_object__close", None, pointer)
        self.next_program = self._function(
            lib, "bpf_object__next_program", pointer, pointer, pointer
        )
        self.program_name = self._function(lib, "bpf_program__name", text, pointer)
        self.program_fd = self._function(lib, "bpf_program__fd", number, pointer)
        self.set_autoload = self._function(
            lib, "bpf_program__set_autoload", number, pointer, ctypes.c_bool
        )
        self.set_type = self._function(lib, "bpf_program__set_type", number, pointer, number)
        self.set_expected_attach_type = self._function(
            lib, "bpf_program__set_expected_attach_type", number, pointer, number
        )
        self.set_attach_target = self._function(
            lib, "bpf_program__set_attach_target", number, pointer, number, text
        )
        self.set_flags = self._function(
            lib, "bpf_program__set_flags", number, pointer, ctypes.c_uint32
        )
        self.find_map = self._function(lib, "bpf_object__find_map_by_name", pointer, pointer, text)
        self.map_fd = self._function(lib, "bpf_map__fd", number, pointer)
        self.set_max_entries = self._function(
            lib, "bpf_map__set_max_entries", number, pointer, ctypes.c_uint32
        )
        self.set_inner_map_fd = self._function(
            lib, "bpf_map__set_inner_map_fd", number, pointer, number
        )
        self.initial_value = self._function(
            lib, "bpf_map__initial_value", pointer, pointer, pointer
        )
        self.messages: list[str] = []
        self._capture(lib)

    @staticmethod
    def _function(lib: ctypes.CDLL, name: str, result: object, *arguments: object):  # type: ignore[no-untyped-def]  # ctypes function pointers have no useful static type
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
        return function

    def _capture(self, lib: ctypes.CDLL) -> None:
        """Route libbpf's printing (a va_list callback) into `messages`; drop debug output."""
        vsnprintf = ctypes.CDLL(None).vsnprintf
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        buffer = ctypes.create_string_buffer(_MESSAGE_SIZE)

        def receive(level: int, form: int, arguments: int) -> int:
            if level == 0:  # LIBBPF_WARN
                vsnprintf(buffer, ctypes.c_size_t(_MESSAGE_SIZE),
                          ctypes.c_void_p(form), ctypes.c_void_p(arguments))  # fmt: skip
                self.messages.append(buffer.value.decode(errors="replace").rstrip())
            return 0

        self._callback = kind(receive)
        lib.libbpf_set_print.restype = ctypes.c_void_p
        lib.libbpf_set_print(self._callback)


_library: Library | None = None


def library() -> Library:
    """The one instance of the process; TracingError when libbpf is not installed."""
    global _library
    if _library is None:
        _library = Library()
    return _library


class Map:
    """A loaded map: descriptor, sizes in bytes, capacity."""

    __slots__ = ("fd", "key_size", "kind", "max_entries", "name", "value_size")

    def __init__(self, name: str, fd: int) -> None:
        info = bpf.MapInfo(fd)
        self.name = name
        self.fd = fd
        self.kind: int = info.kind
        self.key_size: int = info.key_size
        self.value_size: int = info.value_size
        self.max_entries: int = info.max_entries


class BpfObject:
    """One BPF object file, opened from memory; `load` puts it into the kernel.

    The descriptors of maps and programs belong to libbpf and die with `close`.
    """

    def __init__(self, data: bytes) -> None:
        self._lib = library()
        self._lib.messages.clear()
        self._data = data  # libbpf may refer to it until load
        self._log = mmap.mmap(-1, _LOG_SIZE)
        options = _OpenOptions(
            sz=ctypes.sizeof(_OpenOptions),
            object_name=b"dscript",
            kernel_log_buf=ctypes.addressof(ctypes.c_char.from_buffer(self._log)),
            kernel_log_size=_LOG_SIZE,
        )
        self._handle: int | None = self._lib.open_mem(data, len(data), ctypes.byref(options))
        if not self._handle:
            detail = self._lib.messages[-1] if self._lib.messages else "no reason given"
            raise TracingError(f"the compiled BPF object cannot be read: {detail}")
        self._programs = self._list_programs()
        self._maps: dict[str, Map] = {}

    def _list_programs(self) -> dict[str, int]:
        programs: dict[str, int] = {}
        handle = self._lib.next_program(self._handle, None)
        while handle:
            programs[self._lib.program_name(handle).decode()] = handle
            handle = self._lib.next_program(self._handle, handle)
        return programs

    @property
    def warnings(self) -> list[str]:
        """What libbpf had to say so far."""
        return self._lib.messages

    def prepare(self, attachments: tuple[Attachment, ...]) -> None:
        """Set type and BTF target of every attached program; others are not loaded."""
        wanted = {a.program: a for a in attachments}
        for name, handle in self._programs.items():
            attachment = wanted.pop(name, None)
            if attachment is None:
                self._lib.set_autoload(handle, False)
            else:
                self._prepare_program(handle, attachment)
        if wanted:
            raise TracingError(f"the compiled object has no program '{next(iter(wanted))}'")

    def _prepare_program(self, handle: int, attachment: Attachment) -> None:
        kind, attach_type, has_target = _PROGRAM_TYPES[attachment.kind]
        self._lib.set_type(handle, kind)
        self._lib.set_expected_attach_type(handle, attach_type)
        if kind == bpf.PROG_TYPE_SYSCALL or attachment.sleepable:
            self._lib.set_flags(handle, bpf.F_SLEEPABLE)
        if has_target:
            target = attachment.targets[0]
            result = self._lib.set_attach_target(handle, 0, target.encode())
            if result < 0:
                what = "tracepoint" if attachment.kind == "tp_btf" else "kernel function"
                raise TracingError(
                    f"{what} {target} is not in the kernel's type information: "
                    f"{bpf.explain(-result)}"
                )

    def set_load_words(self, words: tuple[int, ...]) -> None:
        """Fill the 8-byte words at offset 0 of `.rodata` (negative ones as two's complement)."""
        if not words:
            return
        handle = self._lib.find_map(self._handle, b".rodata")
        size = ctypes.c_size_t(0)
        value = self._lib.initial_value(handle, ctypes.byref(size)) if handle else None
        if not value or size.value < 8 * len(words):
            raise TracingError("the compiled object has no room for its load-time words")
        blob = b"".join((word & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little") for word in words)
        ctypes.memmove(value, blob, len(blob))

    def set_max_entries(self, name: str, entries: int) -> None:
        handle = self._lib.find_map(self._handle, name.encode())
        if not handle or self._lib.set_max_entries(handle, entries) < 0:
            raise TracingError(f"the size of map '{name}' cannot be set")

    def set_inner_map(self, name: str, fd: int) -> None:
        """Tell a map of maps what its elements look like; `fd` is such a one."""
        handle = self._lib.find_map(self._handle, name.encode())
        if not handle or self._lib.set_inner_map_fd(handle, fd) < 0:
            raise TracingError(f"the maps in map '{name}' cannot be described")

    def load(self) -> None:
        """Create the maps and load the programs; TracingError with the reason otherwise."""
        result = self._lib.load(self._handle)
        if result < 0:
            # Only the failing path needs the report's writer.
            from dscript.runtime.rejection import load_failure

            log = self._log[: self._log.find(b"\0")].decode(errors="replace")
            raise load_failure(-result, log, self.warnings)

    def map(self, name: str) -> Map:
        """A map of the loaded object by name (`.bss` and `.rodata` among them)."""
        found = self._maps.get(name)
        if found is None:
            handle = self._lib.find_map(self._handle, name.encode())
            if not handle:
                raise TracingError(f"the compiled object has no map '{name}'")
            found = self._maps[name] = Map(name, self._lib.map_fd(handle))
        return found

    def program_fd(self, name: str) -> int:
        fd: int = self._lib.program_fd(self._programs[name])
        return fd

    def bss(self) -> mmap.mmap:
        """The object's `.bss`, shared with the running programs."""
        bss = self.map(".bss")
        page = mmap.PAGESIZE
        length = (bss.value_size + page - 1) // page * page
        return mmap.mmap(bss.fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    def close(self) -> None:
        if self._handle:
            self._lib.close(self._handle)
            self._handle = None
