"""LLVM IR text to a BPF ELF object or assembly, by llvmlite.

Runs in a child process forked by the caller: LLVM reports some errors of its BPF backend by
printing to stderr and calling exit(1) or abort(), which no exception handler sees.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from dscript.errors import DscriptError

CPU = "v3"


class CodegenError(DscriptError):
    """LLVM did not take the module: a fault of this compiler, not of the D program."""


def emit_object(text: str, *, level: int = 2, misaligned: bool = False) -> bytes:
    """The ELF object of an IR module.

    `level` is LLVM's optimisation level (0 to 3); `misaligned` lets loads and stores that
    are known to be unaligned be single instructions.  Raises CodegenError.
    """
    machine, module = _optimised(text, level, misaligned)
    return bytes(machine.emit_object(module))


def emit_assembly(text: str, *, level: int = 2, misaligned: bool = False) -> str:
    """BPF assembly of an IR module, as LLVM prints it.  Raises CodegenError."""
    machine, module = _optimised(text, level, misaligned)
    return str(machine.emit_assembly(module))


def _optimised(text: str, level: int, misaligned: bool) -> tuple[Any, Any]:
    machine = _machine(misaligned)
    import llvmlite.binding as llvm

    # A context of its own: the global one keeps all types and metadata for ever.
    context = llvm.create_context()
    try:
        module = llvm.parse_assembly(text, context)
    except RuntimeError as error:
        raise CodegenError(f"LLVM does not accept the generated program: {error}") from error
    tuning = llvm.create_pipeline_tuning_options(speed_level=level)
    tuning.loop_vectorization = False
    tuning.slp_vectorization = False
    tuning.loop_interleaving = False
    tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return machine, module


@cache
def _machine(misaligned: bool) -> Any:
    try:
        import llvmlite.binding as llvm
    except (ImportError, OSError) as error:
        raise CodegenError(f"llvmlite cannot be loaded: {error}") from error
    _initialise()
    features = "+allows-misaligned-mem-access" if misaligned else ""
    try:
        target = llvm.Target.from_triple("bpf")
        return target.create_target_machine(cpu=CPU, features=features, opt=2)
    except RuntimeError as error:
        raise CodegenError(f"this llvmlite has no BPF target: {error}") from error


@cache
def _initialise() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    # Loops that look like memset or strlen must not become calls.
    llvm.set_option("dscript", "--disable-loop-idiom-all")
