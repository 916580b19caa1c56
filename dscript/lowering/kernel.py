"""Offsets in kernel structures that lowering needs, from BTF, asked for one by one."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field

from dscript.errors import Diagnostic, Span
from dscript.kernel import btf

# struct pt_regs (arch/*/include/asm/ptrace.h): system call arguments, function arguments, those
# of Go's functions, return value, instruction and stack pointers.  Offsets in bytes.
_X86_64 = {
    "syscall": (112, 104, 96, 56, 72, 64),
    "call": (112, 104, 96, 88, 72, 64),
    "go": (80, 40, 88, 112, 104, 72, 64, 56, 48),
    "result": (80,),
    "pc": (128,),
    "sp": (152,),
    "size": (168,),
}
_AARCH64 = {
    "syscall": (272, 8, 16, 24, 32, 40),
    "call": (0, 8, 16, 24, 32, 40, 48, 56),
    "go": tuple(range(0, 128, 8)),
    "result": (0,),
    "pc": (256,),
    "sp": (248,),
    "size": (336,),
}


@dataclass(slots=True)
class KernelLayout:
    """`registers` of this machine; `offset` looks one member up and remembers it."""

    machine: str = field(default_factory=platform.machine)
    _known: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def registers(self) -> dict[str, tuple[int, ...]]:
        return _AARCH64 if self.machine == "aarch64" else _X86_64

    def offset(self, struct: str, path: str, span: Span | None) -> int:
        """Byte offset of `path` in `struct`; Diagnostic where type information is missing."""
        key = (struct, path)
        if key not in self._known:
            found = btf.member_offset(struct, path)
            if found is None:
                raise Diagnostic(
                    "D_TYPE_MEMBER",
                    f"this kernel's type information has no {struct}.{path}, which is needed here",
                    span,
                    "a kernel built with CONFIG_DEBUG_INFO_BTF has it in /sys/kernel/btf/vmlinux",
                )
            self._known[key] = found[0] // 8
        return self._known[key]

    def has(self, struct: str, path: str) -> bool:
        return btf.member_offset(struct, path) is not None
