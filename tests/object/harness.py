"""Loads an object made by `dscript.object` into the running kernel and runs its programs.

A minimal ctypes client of libbpf, independent of `dscript.runtime`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import TracebackType

from dscript.object.codegen import emit_object
from dscript.object.ir import Function, Module, Value

_lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
_P, _S, _I = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
for _name, _result, *_arguments in (
    ("bpf_object__open_mem", _P, _S, ctypes.c_size_t, _P),
    ("bpf_object__load", _I, _P),
    ("libbpf_set_print", _P, _P),
    ("bpf_object__close", None, _P),
    ("bpf_object__btf_fd", _I, _P),
    ("bpf_object__find_program_by_name", _P, _P, _S),
    ("bpf_object__find_map_by_name", _P, _P, _S),
    ("bpf_program__fd", _I, _P),
    ("bpf_program__set_log_buf", _I, _P, _P, ctypes.c_size_t),
    ("bpf_program__set_log_level", _I, _P, ctypes.c_uint32),
    ("bpf_object__next_program", _P, _P, _P),
    ("bpf_map__fd", _I, _P),
    ("bpf_map__initial_value", _P, _P, _P),
    ("bpf_map_lookup_elem", _I, _I, _P, _P),
    ("bpf_map_update_elem", _I, _I, _P, _P, ctypes.c_uint64),
    ("bpf_prog_test_run_opts", _I, _I, _P),
    ("ring_buffer__new", _P, _I, _P, _P, _P),
    ("ring_buffer__poll", _I, _P, _I),
    ("ring_buffer__free", None, _P),
):
    _function = getattr(_lib, _name)
    _function.restype, _function.argtypes = _result, _arguments

_messages: list[str] = []
_vsnprintf = ctypes.CDLL(None).vsnprintf


@ctypes.CFUNCTYPE(_I, _I, _P, _P)
def _print(level: int, form: int, arguments: int) -> int:
    buffer = ctypes.create_string_buffer(4096)
    if level == 0:
        _vsnprintf(buffer, ctypes.c_size_t(4096), _P(form), _P(arguments))
        _messages.append(buffer.value.decode(errors="replace"))
    return 0


class _TestRun(ctypes.Structure):
    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("data_in", _P),
        ("data_out", _P),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", _P),
        ("ctx_out", _P),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", _I),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    )


class Rejected(Exception):
    """The kernel did not take the object; the text is the verifier's log."""


class Loaded:
    """A module compiled and loaded; `words` go to the load-time words of `.rodata`."""

    def __init__(self, module: Module, *, words: bytes = b"", level: int = 2) -> None:
        _messages.clear()
        before = _lib.libbpf_set_print(_print)  # the runtime has its own, in the same process
        try:
            self._load(emit_object(module.text(), level=level), words)
        finally:
            _lib.libbpf_set_print(before)

    def _load(self, data: bytes, words: bytes) -> None:
        self._log = ctypes.create_string_buffer(16 << 20)
        self._object = _lib.bpf_object__open_mem(data, len(data), None)
        if not self._object:
            raise Rejected("\n".join(_messages))
        # The programs share one buffer: it shows the one loaded last.
        program = _lib.bpf_object__next_program(self._object, None)
        while program:
            _lib.bpf_program__set_log_buf(program, self._log, len(self._log))
            _lib.bpf_program__set_log_level(program, 2)
            program = _lib.bpf_object__next_program(self._object, program)
        if words:
            size = ctypes.c_size_t()
            rodata = _lib.bpf_object__find_map_by_name(self._object, b".rodata")
            memory = _lib.bpf_map__initial_value(rodata, ctypes.byref(size))
            assert size.value >= len(words)
            ctypes.memmove(memory, words, len(words))
        if _lib.bpf_object__load(self._object) != 0:
            log = self._log.value.decode(errors="replace")
            self.close()
            raise Rejected(log + "\n".join(_messages))

    def __enter__(self) -> Loaded:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._object:
            _lib.bpf_object__close(self._object)
            self._object = None

    @property
    def log(self) -> str:
        """The verifier's log of the program loaded last."""
        return self._log.value.decode(errors="replace")

    @property
    def warnings(self) -> list[str]:
        return list(_messages)

    @property
    def has_btf(self) -> bool:
        return bool(_lib.bpf_object__btf_fd(self._object) >= 0)

    def run(self, name: str = "prog", context: bytes = b"") -> int:
        """Run a program once by BPF_PROG_TEST_RUN; its result as u32."""
        program = _lib.bpf_object__find_program_by_name(self._object, name.encode())
        buffer = ctypes.create_string_buffer(context, len(context)) if context else None
        run = _TestRun(
            sz=ctypes.sizeof(_TestRun),
            ctx_in=ctypes.addressof(buffer) if buffer else None,
            ctx_size_in=len(context),
        )
        code = _lib.bpf_prog_test_run_opts(_lib.bpf_program__fd(program), ctypes.byref(run))
        assert code == 0, f"test run: {code}"
        return int(run.retval)

    def map_fd(self, name: str) -> int:
        handle = _lib.bpf_object__find_map_by_name(self._object, name.encode())
        assert handle, name
        return int(_lib.bpf_map__fd(handle))

    def lookup(self, name: str, key: bytes, size: int) -> bytes | None:
        """The value at `key`; `size` bytes (of all CPUs for a per-CPU map)."""
        value = ctypes.create_string_buffer(size)
        if _lib.bpf_map_lookup_elem(self.map_fd(name), key, value) != 0:
            return None
        return value.raw

    def update(self, name: str, key: bytes, value: bytes) -> None:
        assert _lib.bpf_map_update_elem(self.map_fd(name), key, value, 0) == 0

    def state(self, size: int) -> bytes:
        """The first `size` bytes of `.bss`; the blob must have exactly that size."""
        value = self.lookup(".bss", bytes(4), size)
        assert value is not None
        return value

    def records(self, name: str) -> list[bytes]:
        """What a ring buffer holds; consumes it."""
        found: list[bytes] = []

        @ctypes.CFUNCTYPE(_I, _P, _P, ctypes.c_size_t)
        def receive(_context: int, data: int, size: int) -> int:
            found.append(ctypes.string_at(data, size))
            return 0

        ring = _lib.ring_buffer__new(self.map_fd(name), receive, None, None)
        _lib.ring_buffer__poll(ring, 0)
        _lib.ring_buffer__free(ring)
        return found


def program(
    body: Callable[[Module, Function, Value], None],
    *,
    state: int = 64,
    section: str = "syscall",
    source: str = "one\ntwo\nthree\n",
) -> Module:
    """A module of one program `prog`; `body(module, function, state blob)` writes it.

    A body that does not return returns 0.
    """
    module = Module("test.d", source)
    blob = module.bss("state", state)
    function = module.function("prog", [("ctx", "ptr")], "i32", section=section)
    body(module, function, blob)
    if not function.terminated:
        function.ret(0)
    return module
