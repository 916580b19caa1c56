"""The whole way from D text to the compiled program."""

from __future__ import annotations

from dscript import options as d_options
from dscript.object.codegen import emit_assembly, emit_object
from dscript.program import CompiledProgram
from dscript.request import CompileRequest, Piece
from dscript.semantics.checker import ProgramChecker, settings_from
from dscript.semantics.kernel_names import KernelTypes
from dscript.semantics.pragmas import pragma_options
from dscript.syntax import ast
from dscript.syntax.parser import parse, parse_clause_options


def compile_program(request: CompileRequest) -> CompiledProgram:
    """Compile a request.  Raises Diagnostic for a wrong program."""
    programs = [_parse(piece) for piece in request.pieces]
    # The command line overrides what the program says, which overrides the environment.
    options = d_options.merge(
        request.environment_options, pragma_options(programs), request.options
    )
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
    for piece, program in zip(request.pieces, programs, strict=True):
        checker.check(program, piece.source.title)
    first = request.pieces[0].source if request.pieces else None
    typed = checker.finish(first.title if first else "", first.text if first else "", options)
    if request.emit == "ast":
        return _only_text(options, _shown_ast(programs))
    from dscript.lowering.lower import lower

    lowered = lower(typed, options)
    text = lowered.text
    emitted = ""
    if request.emit == "ir":
        emitted = text
    elif request.emit == "asm" or request.disassemble:
        emitted = emit_assembly(text)
    return CompiledProgram(
        object=emit_object(text),
        probes=lowered.probes,
        clauses=lowered.clauses,
        attachments=lowered.attachments,
        aggregations=lowered.aggregations,
        dynamic_variables=lowered.dynamic_variables,
        load_words=lowered.load_words,
        options=options,
        matches=tuple(typed.matches),
        notes=tuple(dict.fromkeys(typed.notes)),
        destructive=typed.destructive,
        source_name=typed.source_name,
        emitted=emitted,
    )


def _parse(piece: Piece) -> ast.Program:
    if piece.kind == "s":
        return parse(piece.source)
    return parse_clause_options(piece.kind, piece.source)


def _only_text(options: dict[str, str], text: str) -> CompiledProgram:
    return CompiledProgram(b"", {}, (), (), options=options, emitted=text)


def _shown_ast(programs: list[ast.Program]) -> str:
    from dscript.syntax.outline import outline

    return "\n".join(map(outline, programs))
