"""How far a -c command runs before it is held for the tracer: the option evaltime.

`preinit` is where the dynamic linker has mapped and relocated the program's libraries and
has run no initialiser: it then calls an empty function made for debuggers, with its state
RT_CONSISTENT (<link.h>, r_debug); a linker without that function goes on to the entry point.
`postinit` is the program's entry point, where the
linker jumps to when the initialisers of the libraries are done.  `main` is main(), which
the C library calls after the program's own initialisers.  A static program has no linker:
the first two are both its entry point.

The caller is the process's ptrace(2) tracer and has it stopped; it gets it back stopped.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

from dscript.errors import TracingError
from dscript.kernel import elf, processes


class _Machine(NamedTuple):
    """A breakpoint of this machine, and where two registers lie in its NT_PRSTATUS."""

    trap: bytes
    advance: int  # how far behind the breakpoint the program counter then is
    program_counter: int
    first_argument: int


# arch/x86 and arch/arm64, include/uapi/asm/ptrace.h: user_regs_struct, user_pt_regs.
_MACHINES: Final = {
    "x86_64": _Machine(b"\xcc", 1, 16, 14),
    "aarch64": _Machine(b"\x00\x00\x20\xd4", 0, 32, 0),
}

# include/uapi/linux/ptrace.h, include/uapi/linux/auxvec.h, <link.h>
_CONT, _SINGLESTEP, _GETREGSET, _SETREGSET = 7, 9, 0x4204, 0x4205
_NT_PRSTATUS: Final = 1
_AT_NULL, _AT_BASE, _AT_ENTRY = 0, 7, 9
_R_STATE_OFFSET: Final = 24
_RT_CONSISTENT: Final = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def run_to(pid: int, place: str, command: str) -> None:
    """Let a process that stopped at its exec run to `preinit`, `postinit` or `main`.

    Raises TracingError when it cannot be held there, or ends before.
    """
    try:
        _Held(pid).run_to(place)
    except (OSError, elf.BadElf, _HoldError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TracingError(f"failed to hold {command} at {place}: {reason}") from None


class _HoldError(Exception):
    """Why the process cannot be held."""


class _Held:
    def __init__(self, pid: int) -> None:
        machine = _MACHINES.get(os.uname().machine)
        if machine is None:
            raise _HoldError(f"breakpoints of {os.uname().machine} are not known")
        self.pid = pid
        if _is_32_bit(pid):
            raise _HoldError(
                "it is a 32-bit program, which can be held at exec only (-x evaltime=exec), and "
                "whose code cannot be probed"
            )
        self.machine = machine
        vector = _auxiliary_vector(pid)
        self.entry = vector.get(_AT_ENTRY, 0)
        self.linker = vector.get(_AT_BASE, 0)  # 0 in a static program

    def run_to(self, place: str) -> None:
        if place == "preinit" and self.linker:
            self.run_to_preinit()
        elif place == "main":
            self.run_to_main()
        else:
            self.run_to_address(self.entry)

    def run_to_preinit(self) -> None:
        """Stop where the dynamic linker tells debuggers that all is mapped."""
        mapping = next((m for m in self.mappings("r") if m.start == self.linker), None)
        if mapping is None:
            raise _HoldError("its dynamic linker cannot be found")
        image = elf.read(self.file(mapping.path))
        hook = next((f.address for f in image.functions() if f.name == "_dl_debug_state"), None)
        if hook is None:  # the next place where all is mapped
            self.run_to_address(self.entry)
            return
        state = image.variable("_r_debug")
        while True:
            self.run_to_address(self.linker + hook)
            # musl's linker keeps the state to itself, and calls but once here.
            if state is None or self.linker_state(self.linker + state) == _RT_CONSISTENT:
                return
            self.step()

    def linker_state(self, r_debug: int) -> int:
        (state,) = struct.unpack("<i", self.read(r_debug + _R_STATE_OFFSET, 4))
        return int(state)

    def run_to_main(self) -> None:
        """Stop at main(), by its symbol, or as the argument of __libc_start_main()."""
        path = os.readlink(f"/proc/{self.pid}/exe")
        image = elf.read(f"/proc/{self.pid}/exe")
        known = next((f.address for f in image.functions() if f.name == "main"), None)
        if known is not None:
            self.run_to_address(known + self.entry - image.entry)
            return
        if not self.linker:
            raise _HoldError(f"{path} has no symbol main (it is stripped); try evaltime=postinit")
        self.run_to_address(self.entry)
        start = self.start_function()
        if start is None:
            raise _HoldError(f"{path} has no symbol main and no C library")
        self.run_to_address(start)
        self.run_to_address(self.registers()[self.machine.first_argument])

    def start_function(self) -> int | None:
        """Address of __libc_start_main() in the process."""
        for mapping in self.mappings("x"):
            try:
                image = elf.read(self.file(mapping.path))
            except elf.BadElf:
                continue
            linked = image.address_at(mapping.offset)
            for function in image.functions():
                if function.name == "__libc_start_main" and linked is not None:
                    return mapping.start + function.address - linked
        return None

    # -- the process

    def run_to_address(self, address: int) -> None:
        trap = self.machine.trap
        saved = self.read(address, len(trap))
        self.write(address, trap)
        number = 0
        while True:
            self.ptrace(_CONT, number)
            _, status = os.waitpid(self.pid, 0)
            if not os.WIFSTOPPED(status):
                raise _HoldError("it has ended before")
            number = os.WSTOPSIG(status)
            if number == signal.SIGTRAP:
                number = 0
                if self.registers()[self.machine.program_counter] == address + self.machine.advance:
                    break
        self.write(address, saved)
        self.set_program_counter(address)

    def step(self) -> None:
        """One instruction, to leave the place of a breakpoint."""
        self.ptrace(_SINGLESTEP, 0)
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFSTOPPED(status):
            raise _HoldError("it has ended before")

    def registers(self) -> list[int]:
        buffer = (ctypes.c_uint64 * 64)()
        vector = _Vector(ctypes.addressof(buffer), ctypes.sizeof(buffer))
        self.ptrace(_GETREGSET, ctypes.addressof(vector), _NT_PRSTATUS)
        return list(buffer[: vector.length // 8])

    def set_program_counter(self, address: int) -> None:
        values = self.registers()
        values[self.machine.program_counter] = address
        buffer = (ctypes.c_uint64 * len(values))(*values)
        vector = _Vector(ctypes.addressof(buffer), ctypes.sizeof(buffer))
        self.ptrace(_SETREGSET, ctypes.addressof(vector), _NT_PRSTATUS)

    def ptrace(self, request: int, data: int, address: int = 0) -> None:
        if _libc.ptrace(request, self.pid, address, data) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def read(self, address: int, size: int) -> bytes:
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            return os.pread(memory.fileno(), size, address)

    def write(self, address: int, data: bytes) -> None:
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            os.pwrite(memory.fileno(), data, address)

    def mappings(self, permission: str) -> Iterator[processes.ProcessMapping]:
        """Mapped files with a permission."""
        found = processes.mappings(self.pid, permission)
        return (mapping for mapping in found if mapping.path.startswith("/"))

    def file(self, path: str) -> str:
        """A path of the process's own file tree."""
        return f"/proc/{self.pid}/root{path}"


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _is_32_bit(pid: int) -> bool:
    with open(f"/proc/{pid}/exe", "rb") as file:
        return file.read(5) == b"\x7fELF\x01"  # EI_CLASS is ELFCLASS32


def _auxiliary_vector(pid: int) -> dict[int, int]:
    """The auxiliary vector of a process: type → value (getauxval(3))."""
    with open(f"/proc/{pid}/auxv", "rb") as file:
        data = file.read()
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        raise _HoldError("only 64-bit little-endian machines are known")
    pairs = struct.iter_unpack("<QQ", data[: len(data) // 16 * 16])
    return {kind: value for kind, value in pairs if kind != _AT_NULL}
