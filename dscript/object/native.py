"""Objects for this machine: the variables that user-defined probes need (`dscript -G`)."""

from __future__ import annotations

from collections.abc import Iterable


def semaphore_object(names: Iterable[str]) -> bytes:
    """A relocatable object that defines the 2-byte counters of probes in section .probes.

    They are hidden symbols, so that every program and library counts for itself.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    triple = llvm.get_default_triple()
    lines = [f'target triple = "{triple}"']
    lines += [
        f'@{name} = hidden global i16 0, section ".probes", align 2' for name in sorted(names)
    ]
    module = llvm.parse_assembly("\n".join(lines), llvm.create_context())
    machine = llvm.Target.from_triple(triple).create_target_machine(reloc="pic")
    return bytes(machine.emit_object(module))
