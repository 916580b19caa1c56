"""The whole way from D text to the compiled program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from dscript import options as d_options
from dscript import progress
from dscript.kernel import debugfiles
from dscript.object.codegen import emit_assembly, emit_object
from dscript.program import CompiledProgram
from dscript.request import CompileRequest, Piece
from dscript.semantics.checker import ProgramChecker, settings_from
from dscript.semantics.kernel_names import KernelTypes
from dscript.semantics.libraries import KnownTypes
from dscript.semantics.pragmas import pragma_options
from dscript.syntax import ast
from dscript.syntax.parser import parse_clause_options
from dscript.syntax.tokens import MacroArguments

if TYPE_CHECKING:
    from dscript.lowering.lower import Lowered


class Prepared(NamedTuple):
    """A request that is read: its programs in order, its options, and who will check them."""

    programs: list[ast.Program]
    options: dict[str, str]
    checker: ProgramChecker


def prepare(request: CompileRequest) -> Prepared:
    """Read the programs of a request.  Raises Diagnostic for what is no D."""
    progress.report("reading the program")
    is_type = KnownTypes(request.library_dirs, d_options.text(request.options, "syslibdir"))
    macros = MacroArguments(request.arguments)
    programs = [_parse(piece, is_type, macros) for piece in request.pieces]
    # The command line overrides what the program says, which overrides the environment.
    options = d_options.merge(
        request.environment_options, pragma_options(programs), request.options
    )
    debugfiles.use(options)
    settings = settings_from(
        options,
        destructive=request.destructive,
        zero_ok=request.zero_ok or d_options.flag(options, "zdefs"),
        has_target=request.has_target,
    )
    settings.target = request.target
    libraries = (request.library_dirs, d_options.text(options, "syslibdir"))
    checker = ProgramChecker(
        settings,
        KernelTypes(),
        request.arguments,
        request.program_name,
        None if d_options.flag(options, "nolibs") else libraries,
    )
    checker.environment.used_arguments |= macros.used
    return Prepared(programs, options, checker)


def compile_program(request: CompileRequest) -> CompiledProgram:
    """Compile a request.  Raises Diagnostic for a wrong program."""
    programs, options, checker = prepare(request)
    progress.report("finding probes and types")
    checker.announce(programs)
    for piece, program in zip(request.pieces, programs, strict=True):
        checker.check(program, piece.source.title)
    first = request.pieces[0].source if request.pieces else None
    typed = checker.finish(first.title if first else "", first.text if first else "", options)
    if request.emit == "ast":
        return _only_text(options, _shown_ast(programs))
    if request.emit in ("header", "semaphores"):
        return _declared(request, options, checker)
    from dscript.lowering.lower import lower

    progress.report("compiling")
    lowered = lower(typed, options)
    text = lowered.text
    emitted = ""
    if request.emit == "ir":
        emitted = text
    elif request.emit == "asm" or request.disassemble:
        emitted = emit_assembly(text)
    progress.report("generating BPF code")
    return CompiledProgram(
        object=emit_object(text),
        probes=lowered.probes,
        clauses=lowered.clauses,
        attachments=lowered.attachments,
        aggregations=lowered.aggregations,
        dynamic_variables=lowered.dynamic_variables,
        load_words=lowered.load_words,
        system_words=lowered.system_words,
        unwinds=lowered.unwinds,
        options=options,
        matches=tuple(typed.matches),
        notes=tuple(dict.fromkeys((*typed.notes, *_without_effect(options, lowered)))),
        remarks=tuple(dict.fromkeys(typed.remarks)),
        destructive=typed.destructive,
        copies=lowered.copies,
        source_name=typed.source_name,
        emitted=emitted,
    )


def _without_effect(options: Mapping[str, str], lowered: Lowered) -> Iterator[str]:
    """Options that change nothing in this program, though they would in others."""
    followed = any(
        target.startswith("-")
        for attachment in lowered.attachments
        if attachment.in_user_code
        for target in attachment.targets
    )
    if d_options.flag(options, "follow") and not followed:
        yield (
            "option follow changes nothing: no probe is in a process's code (pid$target:::); "
            "/progenyof($target)/ holds for descendants"
        )


def _parse(piece: Piece, is_type: KnownTypes, macros: MacroArguments) -> ast.Program:
    form = "n" if piece.kind == "s" else piece.kind
    return parse_clause_options(form, piece.source, is_type, macros)


def _only_text(options: dict[str, str], text: str) -> CompiledProgram:
    return CompiledProgram(b"", {}, (), (), options=options, emitted=text)


def _declared(
    request: CompileRequest, options: dict[str, str], checker: ProgramChecker
) -> CompiledProgram:
    """What a user's program needs of the providers that the scripts declare."""
    from dscript.errors import TracingError
    from dscript.semantics.probe_headers import header_text, semaphores

    scripts = checker.environment.providers
    providers = {
        name: {probe: native for probe, (native, _) in probes.items()}
        for name, probes in scripts.items()
    }
    title = request.pieces[0].source.title
    if not providers:
        raise TracingError(f"{title} declares no provider")
    if request.emit == "header":
        return _only_text(options, header_text(providers, title.rpartition("/")[2]))
    from dscript.object.native import semaphore_object

    return CompiledProgram(semaphore_object(semaphores(providers)), {}, (), (), options=options)


def _shown_ast(programs: list[ast.Program]) -> str:
    from dscript.syntax.outline import outline

    return "\n".join(map(outline, programs))
