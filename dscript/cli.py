"""The `dscript` command: dtrace(1M)'s options, messages and exit statuses.

Status 0, or the one given to exit(); 1 for a wrong program and for what the system
refuses; 2 for a wrong command line.  Nothing ends in a traceback: a fault of dscript is
one line that names a file with the details.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from dscript import options as d_options
from dscript import progress
from dscript.arguments import CommandLine, UsageError, parse
from dscript.dtrace_link import called_by
from dscript.errors import DscriptError, TracingError, message, program_name, set_program
from dscript.request import CompileRequest, Piece, PieceKind, user_libraries
from dscript.source import Source
from dscript.version import VERSION

if TYPE_CHECKING:
    from dscript.program import CompiledProgram

# Where a command is held whose code is probed: its libraries are mapped by then.
_EVALTIME = "preinit"

_OPTION_PRAGMA = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+D[ \t]+option[ \t]+(.*)$", re.MULTILINE)

# What dtrace(1M) calls the argument of each option in "matched N probes".
_PIECE_NAMES: dict[PieceKind, str] = {
    "s": "script",
    "n": "description",
    "P": "provider",
    "m": "module",
    "f": "function",
    "i": "probe",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    _open_standard_streams()
    set_program(called_by(sys.argv[0]))
    status = _run(argv)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    except OSError as error:
        _silence_stdout()
        if status == 0:
            _say(message(f"failed to write output: {error.strerror}"))
            status = 1
    return status


def _run(argv: Sequence[str] | None) -> int:
    """The command but for the last flush."""
    words = list(sys.argv[1:] if argv is None else argv)
    errtags = False
    try:
        if words[:1] == ["port"]:
            from dscript.port.command import main as port

            return port(words[1:])
        line = parse(words)
        errtags = d_options.flag(line.options, "errtags")
        return _dispatch(line)
    except UsageError as wrong:
        from dscript.manual.usage import synopsis

        _say(message(f"{wrong}\n{synopsis()}"))
        return 2
    except DscriptError as wrong:
        _say(wrong.render(errtags=errtags))
        return 1
    except BrokenPipeError:
        _silence_stdout()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as fault:
        from dscript.compiler_child import internal_error

        _say(internal_error(fault).render())
        return 1


def _dispatch(line: CommandLine) -> int:
    if line.show_help:
        from dscript.manual.usage import help_text

        return _print(help_text())
    if line.show_version:
        return _print(message(f"dscript {VERSION}"))
    if line.show_info:
        from dscript.kernel.info import info_lines

        return _print("\n".join(info_lines()))
    if line.completion:
        from dscript.manual.completions import script

        return _print(script(line.completion).rstrip())
    if line.candidates is not None:
        from dscript.manual.candidates import probe_candidates

        return _print("\n".join(probe_candidates(line.candidates)))
    if line.link_folder is not None:
        from dscript.dtrace_link import install

        return _print(install(line.link_folder or None))
    if line.list_probes:
        return _list_probes(line)
    if not line.pieces:
        raise UsageError(_nothing_to_trace(line))
    if line.emit == "object" and line.output is None and sys.stdout.isatty():
        raise UsageError("an object file is no text: give -o FILE")
    return _compile_and_trace(line)


def _list_probes(line: CommandLine) -> int:
    """-l; a command of -c is started for it, looked at, and killed."""
    from dscript import api
    from dscript.kernel import debugfiles
    from dscript.listing import print_probes

    environment = d_options.from_environment(os.environ.items())
    options = {"evaltime": _EVALTIME, **d_options.merge(environment, line.options)}
    targets = api.start_targets(options, line.targets)
    debugfiles.use(options)
    try:
        status = print_probes(line, _pieces(line, {}), targets[0].pid if targets else 0)
    finally:
        for target in targets:
            target.close()
    sys.stdout.flush()
    return status


def _nothing_to_trace(line: CommandLine) -> str:
    if line.arguments and os.path.isfile(line.arguments[0]):
        return f"no probes specified; did you mean -s {line.arguments[0]}?"
    return "no probes specified"


def _compile_and_trace(line: CommandLine) -> int:
    from dscript import api, cache

    if sys.stderr.isatty():
        from dscript.progress_line import show_on_terminal

        show_on_terminal()
    request = _request(line)
    targets = None
    names_process = request.has_target and cache.names_process(request)
    if names_process or (request.has_target and cache.has_provider_glob(request)):
        # The compiler looks at what the process has loaded.
        given = d_options.merge(request.environment_options, _pragmas(request), line.options)
        given.setdefault("evaltime", _EVALTIME if names_process else "exec")
        targets = api.start_targets(given, line.targets)
        request = request._replace(target=targets[0].pid)
    try:
        program = api.obtain(request)
    except BaseException:
        for target in targets or ():
            target.close()
        raise
    quiet = d_options.flag(program.options, "quiet")
    for note in program.notes:
        _say(message(note))
    if line.emit is not None:
        _write_emitted(line, program)
        return 0
    if line.disassemble:
        _say(program.emitted)
    if not quiet:
        for counted in _match_messages(request.pieces, program.matches):
            _say(message(counted))
    if d_options.flag(program.options, "verbose"):
        from dscript.plan import attachment_lines

        for line_of_plan in (*program.remarks, *attachment_lines(program)):
            _say(message(line_of_plan))
    if line.compile_only:
        return 0
    matched = any(count for _, count in program.matches)
    if not matched and not d_options.flag(program.options, "zdefs"):
        raise TracingError("no probes matched", "a program needs a clause, or -Z")
    if d_options.flag(program.options, "destructive") and not quiet:
        _say(message("allowing destructive actions"))
    try:
        with _output(line) as output:
            return api.trace(
                program,
                line.targets,
                output=output,
                format=line.format,
                pictures=line.pictures,
                heatmap_interval=line.heatmap_interval,
                top=line.top,
                started=targets,
            )
    except OSError as error:
        if line.output is None:
            raise
        raise TracingError(f"failed to write '{line.output}': {error.strerror}") from None


def _pragmas(request: CompileRequest) -> dict[str, str]:
    """The options that the scripts set, as far as they can be told before they are parsed."""
    found: dict[str, str] = {}
    for source in request.sources:
        for line in _OPTION_PRAGMA.findall(source.text):
            for word in line.split():
                name, _, value = word.partition("=")
                if name in d_options.OPTIONS:
                    d_options.add(found, name, value)
    return found


@contextmanager
def _output(line: CommandLine) -> Iterator[BinaryIO | None]:
    """The file of -o, opened to append; None stands for standard output."""
    if line.output is None:
        yield None
        return
    try:
        file = open(line.output, "ab")  # noqa: SIM115  # closed below, its errors told apart
    except OSError as error:
        raise TracingError(
            f"failed to open output file '{line.output}': {error.strerror}"
        ) from None
    try:
        with file:
            yield file
    except OSError as error:  # what was still buffered when it was closed
        raise TracingError(f"failed to write '{line.output}': {error.strerror}") from None


def _request(line: CommandLine) -> CompileRequest:
    environment = d_options.from_environment(os.environ.items())
    pieces = _pieces(line, environment)
    options = line.options
    scripts = [piece.source.title for piece in pieces if piece.kind == "s"]
    return CompileRequest(
        pieces=pieces,
        options=options,
        environment_options=environment,
        # The arguments of -G are the objects that are to be linked.
        arguments=() if line.emit == "semaphores" else line.arguments,
        program_name=scripts[0] if scripts else program_name(),
        destructive=d_options.flag(options, "destructive"),
        zero_ok=d_options.flag(options, "zdefs"),
        has_target=bool(line.targets),
        emit=line.emit,
        disassemble=line.disassemble,
        library_dirs=(
            *user_libraries(),
            *d_options.texts(d_options.merge(environment, options), "libdir"),
        ),
    )


def _pieces(line: CommandLine, environment: Mapping[str, str]) -> tuple[Piece, ...]:
    """The programs with their texts; scripts are read, and preprocessed with -C."""
    pieces = []
    options = d_options.merge(environment, line.options)
    for kind, text in line.pieces:
        if kind == "s":
            from dscript.scripts import read_script

            pieces.append(Piece(kind, read_script(text, options)))
        else:
            pieces.append(Piece(kind, Source(text, text, is_command_line=True)))
    return tuple(pieces)


def _match_messages(pieces: Sequence[Piece], matches: Iterable[tuple[str, int]]) -> Iterable[str]:
    """`description 'syscall:::entry' matched 350 probes`, one for each piece."""
    for piece, (_, count) in zip(pieces, matches, strict=False):
        name = piece.source.title
        if piece.kind != "s":
            cut = min((at for c in "{/;<" if (at := name.find(c)) >= 0), default=len(name))
            name = name[:cut]
        plural = "" if count == 1 else "s"
        yield f"{_PIECE_NAMES[piece.kind]} '{name}' matched {count} probe{plural}"


def _write_emitted(line: CommandLine, program: CompiledProgram) -> None:
    """The stage asked for by --emit, to the file of -o or to standard output."""
    if line.emit in ("object", "semaphores"):
        data = program.object
    elif line.emit == "plan":
        from dscript.plan import plan_text

        data = plan_text(program).encode("utf-8", "surrogateescape")
    else:
        data = program.emitted.encode("utf-8", "surrogateescape")
    if line.output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with open(line.output, "wb") as file:
            file.write(data)
    except OSError as error:
        raise TracingError(f"failed to write '{line.output}': {error.strerror}") from None


def _print(text: str) -> int:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0


def _say(text: str) -> None:
    """One message on stderr; a closed one is nobody's fault."""
    progress.finish()
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return


def _open_standard_streams() -> None:
    """Descriptors 0 to 2 that were closed lead nowhere, rather than to files opened later."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def _silence_stdout() -> None:
    """Keep Python from complaining about a closed pipe when it flushes stdout at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)
