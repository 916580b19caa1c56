"""LLVM IR as text: the module builder that lowering writes to.

Text, not llvmlite's object tree: building is a string a line, linear and cheap, and the
debug metadata of a module with cycles is no problem.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dscript.object.debuginfo import DebugInfo
from dscript.object.function import Function
from dscript.object.maps import MapDefinition
from dscript.object.values import NULL, VOID, Value, const, escaped, quoted, symbol, width

__all__ = ["NULL", "VOID", "Function", "Module", "Value", "const", "symbol", "width"]

# LLVM's own data layout of the little-endian BPF target.
_HEADER = """\
target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"
target triple = "bpf"
"""
# Without builtins LLVM forms no calls to libc functions of loops and stores.
_ATTRIBUTES = 'nounwind "no-builtins" "no-jump-tables"="true"'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Module:
    """One BPF object under construction.

    `source_text` is the D program; it travels in the debug information, so that the
    verifier's log and `bpftool prog dump xlated linum` show its lines.
    """

    def __init__(self, source_name: str, source_text: str) -> None:
        self.source_name = source_name
        self.debug = DebugInfo(source_name, source_text)
        self.functions: list[Function] = []
        self.maps: dict[str, MapDefinition] = {}
        self._names: set[str] = set()
        self._globals: list[str] = []
        self._declarations: dict[str, str] = {}
        self._constants: dict[tuple[bytes, int], Value] = {}
        self._load_words: str | None = None
        self._bss: str | None = None

    def _claim(self, name: str) -> None:
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is not a name BTF can hold")
        if name in self._names:
            raise ValueError(f"two things named {name}")
        self._names.add(name)

    def map(
        self,
        name: str,
        map_type: int,
        key_size: int,
        value_size: int,
        max_entries: int,
        flags: int = 0,
        *,
        key_btf: bool | None = None,
    ) -> Value:
        """A map; sizes in bytes.  `key_btf` gives it BTF key and value types.

        A ring buffer has sizes 0.  Task storage always gets its types, max_entries 0 and
        BPF_F_NO_PREALLOC are what the kernel asks for.
        """
        self._claim(name)
        definition = MapDefinition(
            name, int(map_type), key_size, value_size, max_entries, flags, bool(key_btf)
        )
        self.maps[name] = definition
        self._globals.append(definition.declare(self.debug))
        return Value(f"@{name}", "ptr")

    def bss(self, name: str, size: int) -> Value:
        """The zeroed state blob at offset 0 of `.bss`; one a module."""
        if self._bss is not None:
            raise ValueError("a module has one .bss blob")
        self._claim(name)
        metadata = self.debug.global_variable(name, self.debug.blob(size))
        self._bss = (
            f"@{name} = dso_local global [{size} x i8] zeroinitializer, "
            f'section ".bss", align 8, !dbg {metadata}'
        )
        return Value(f"@{name}", "ptr")

    def load_words(self, count: int) -> Value:
        """`count` 8-byte words at offset 0 of `.rodata` that are filled in before loading."""
        if self._load_words is not None:
            raise ValueError("a module has one blob of load-time words")
        self._claim("load_words")
        metadata = self.debug.global_variable("load_words", self.debug.blob(8 * count))
        # externally_initialized: LLVM must not fold the zeroes.
        self._load_words = (
            f"@load_words = dso_local externally_initialized constant [{8 * count} x i8] "
            f'zeroinitializer, section ".rodata", align 8, !dbg {metadata}'
        )
        return Value("@load_words", "ptr")

    def string(self, data: bytes) -> Value:
        """`data` and a NUL in `.rodata`; equal strings share one place."""
        return self.data(data + b"\0", align=1)

    def data(self, data: bytes, align: int = 8) -> Value:
        """A constant table in `.rodata`; equal ones share one place."""
        known = self._constants.get((data, align))
        if known is None:
            name = f"@.data.{len(self._constants)}"
            self._globals.append(
                f'{name} = internal unnamed_addr constant [{len(data)} x i8] c"{escaped(data)}", '
                f'section ".rodata", align {align}'
            )
            known = self._constants[data, align] = Value(name, "ptr")
        return known

    def function(
        self,
        name: str,
        params: Sequence[tuple[str, str]],
        result: str = "i64",
        *,
        section: str | None = None,
        line: int = 1,
    ) -> Function:
        """A function; params are (name, type).

        With `section` (libbpf's SEC) an entry program, else a static subprogram that is
        never inlined.  `line` is the D line it comes from.
        """
        self._claim(name)
        function = Function(self, name, params, result, section=section, line=line)
        self.functions.append(function)
        return function

    def declare(self, name: str, params: tuple[str, ...], result: str) -> None:
        """Declare an LLVM intrinsic; repeated calls are one declaration."""
        if name not in self._declarations:
            # Alignments written with an argument are no part of its type.
            self._declarations[name] = f"declare {result} @{name}({', '.join(params)})"

    def kfunc(self, name: str, params: Sequence[tuple[str, str]], result: str = "i64") -> Value:
        """The address of a kernel function (section `.ksyms`), resolved by libbpf at load.

        Weak: where the kernel lacks it, its address is 0 and a call to it is refused only
        if the verifier reaches it.
        """
        if name not in self._declarations:
            self._claim(name)
            metadata = self.debug.external(name, params, result)
            types = ", ".join(type for _, type in params)
            self._declarations[name] = (
                f'declare !dbg {metadata} extern_weak {result} @{name}({types}) section ".ksyms"'
            )
        return Value(f"@{name}", "ptr")

    def kernel_variable(self, name: str, *, structure: bool = False) -> Value:
        """A variable of the kernel's that BTF knows (section `.ksyms`), resolved at load.

        An int, or a structure of the same name.
        """
        if name not in self._declarations:
            self._claim(name)
            type_ = self.debug.opaque_struct(name) if structure else self.debug.c_int
            metadata = self.debug.external_variable(name, type_)
            self._declarations[name] = (
                f'@{name} = external global {"i64" if structure else "i32"}, section ".ksyms", '
                f"!dbg {metadata}"
            )
        return Value(f"@{name}", "ptr")

    def text(self) -> str:
        """The whole module as LLVM text, its debug information included."""
        parts = [f"source_filename = {quoted(self.source_name.encode(errors='replace'))}", _HEADER]
        parts.append('@_license = dso_local global [4 x i8] c"GPL\\00", section "license"')
        parts += [blob for blob in (self._load_words, self._bss) if blob is not None]
        parts += self._globals
        functions = [function.text() for function in self.functions]
        parts.append("")
        parts += functions
        parts += self._declarations.values()
        parts.append(f"attributes #0 = {{ {_ATTRIBUTES} }}")
        parts.append(f"attributes #1 = {{ noinline {_ATTRIBUTES} }}")
        parts.append(self.debug.text())
        return "\n".join(parts)
