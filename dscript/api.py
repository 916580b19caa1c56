"""Compile and run D programs from Python; the command line is built on this too.

    >>> import dscript
    >>> program = dscript.compile("BEGIN { trace(1); exit(0); }")
    >>> status = dscript.run(program)

`compile` raises `dscript.errors.Diagnostic` for a wrong D program, and `run` raises
`dscript.errors.TracingError` when the system refuses something.  Tracing needs root.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

from dscript import cache
from dscript import options as d_options
from dscript.compiler_child import Compilation
from dscript.errors import TracingError
from dscript.kernel import debugfiles
from dscript.program import CompiledProgram
from dscript.request import CompileRequest, Format, Picture, Piece, user_libraries
from dscript.source import Source

if TYPE_CHECKING:
    from dscript.output.text import TextPrinter
    from dscript.runtime.session import Rates
    from dscript.runtime.sink import View
    from dscript.runtime.target import Target
    from dscript.views.top import Screen

# Intervals of rates below this many seconds would do nothing but look.
_SHORTEST_INTERVAL = 0.001


def compile(
    text: str | None = None,
    *,
    file: str | os.PathLike[str] | None = None,
    options: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    destructive: bool = False,
    has_target: bool = False,
    use_cache: bool = True,
) -> CompiledProgram:
    """The compiled form of a D program, given as text or as a file.

    `options` are D options by name, "" for a flag.  `has_target` gives `$target` a value,
    which `run` takes from its first command or process.
    """
    if (text is None) == (file is None):
        raise TypeError("compile() takes either a text or a file")
    given: dict[str, str] = {}
    for name, value in (options or {}).items():
        d_options.add(given, name, value)
    if file is not None:
        from dscript.scripts import read_script

        source = read_script(os.fspath(file), given)
    else:
        source = Source("<string>", text or "")
    request = CompileRequest(
        pieces=(Piece("s", source),),
        options=given,
        environment_options=d_options.from_environment(os.environ.items()),
        arguments=tuple(arguments),
        program_name=source.title,
        destructive=destructive or d_options.flag(given, "destructive"),
        zero_ok=d_options.flag(given, "zdefs"),
        has_target=has_target,
        library_dirs=(*user_libraries(), *d_options.texts(given, "libdir")),
    )
    return obtain(request, use_cache=use_cache)


def run(
    program: CompiledProgram | str,
    *,
    commands: Sequence[str] = (),
    pids: Sequence[int] = (),
    output: BinaryIO | None = None,
    format: Format = "text",
    pictures: Sequence[Picture] = (),
    heatmap_interval: float = 1.0,
) -> int:
    """Trace until exit(), a signal, or the end of the commands and processes.

    A string is compiled first.  What the program prints goes to `output`, standard output
    where there is none, as `format` says ("json": docs/json.md).  `pictures` are drawn at the
    end; heat maps have a column for every `heatmap_interval` seconds.  Returns the value
    given to exit(), 0 without one.
    """
    if isinstance(program, str):
        program = compile(program, has_target=bool(commands or pids))
    return trace(
        program,
        (*commands, *pids),
        output=output,
        format=format,
        pictures=pictures,
        heatmap_interval=heatmap_interval,
    )


def obtain(request: CompileRequest, *, use_cache: bool = True) -> CompiledProgram:
    """The program of a request, from the cache or from the compiler.

    While the compiler works in its own process, this one imports what tracing needs.
    """
    cached = use_cache and cache.suits(request)
    name = cache.key(request) if cached else ""
    if cached and (found := cache.load(name)) is not None:
        return found
    compilation = Compilation(request)
    _prepare_runtime()
    program = compilation.result()
    if cached and not _probes_user_code(program):
        cache.store(name, program)
    return program


def _probes_user_code(program: CompiledProgram) -> bool:
    """Whether it holds places in files and processes, which change behind its back."""
    return any(a.in_user_code for a in program.attachments)


def trace(
    program: CompiledProgram,
    targets: Sequence[str | int] = (),
    *,
    output: BinaryIO | None = None,
    format: Format = "text",
    pictures: Sequence[Picture] = (),
    heatmap_interval: float = 1.0,
    top: bool = False,
    started: list[Target] | None = None,
) -> int:
    """Run a compiled program; see `run`.

    `targets` are commands and process IDs; `$target` is the first.  `started` are the same
    where they were started before (`start_targets`).  `top` shows the aggregations on the
    terminal.
    """
    from dscript.runtime.retention import Buffering
    from dscript.runtime.session import Session

    options = program.options
    debugfiles.use(options)
    screen = _screen(program, output, format) if top else None
    if started is None:
        started = start_targets(options, targets)
    try:
        out = screen.output if screen is not None and output is None else output
        err = screen.messages if screen is not None else None
        sink = _printer(format)(program, out, err=err, target=started[0].pid if started else 0)
        views: list[View] = []
        if pictures:
            from dscript.views.pictures import picture_views

            views += picture_views(pictures, sink, heatmap_interval)
        if screen is not None:
            screen.show(sink)
            views.insert(0, screen)
    except BaseException:
        for target in started:
            target.close()
        raise
    buffering = Buffering(
        d_options.text(options, "bufpolicy"),  # type: ignore[arg-type]
        d_options.size(options, "bufsize"),
        d_options.count(options, "cpu"),
    )
    session = Session(program, sink, started, _rates(options), buffering, views)

    def option_changed(name: str, value: str) -> None:
        session.change_rates(_rates(sink.options))
        if screen is not None:
            screen.set_interval(_switch_interval(sink.options))

    sink.option_changed = option_changed
    with screen or nullcontext():
        status = session.run()
    sink.close(status)
    return status


def _screen(program: CompiledProgram, output: BinaryIO | None, format: Format) -> Screen:
    """The live view of --top, which few runs want."""
    if format != "text" and output is None:
        raise TracingError(f"--top takes the terminal: give -o FILE for --format {format}")
    from dscript.views.top import Screen

    if not program.aggregations:
        raise TracingError("--top shows aggregations, and the program has none")
    return Screen(_switch_interval(program.options), sum(count for _, count in program.matches))


def _switch_interval(options: Mapping[str, str]) -> float:
    return d_options.period(options, "switchrate") / 1e9


def _printer(format: Format) -> type[TextPrinter]:
    """The sink of a format; those that few want are imported only then."""
    if format == "json":
        from dscript.output.jsonlines import JsonPrinter

        return JsonPrinter
    if format == "csv":
        from dscript.output.csvtable import CsvPrinter

        return CsvPrinter
    if format != "text":
        raise ValueError(f"no such format: {format}")
    from dscript.output.text import TextPrinter

    return TextPrinter


def _rates(options: Mapping[str, str]) -> Rates:
    from dscript.runtime.session import Rates

    def seconds(name: str) -> float:
        return max(d_options.period(options, name) / 1e9, _SHORTEST_INTERVAL)

    return Rates(
        status=seconds("statusrate"),
        aggregate=seconds("aggrate"),
        clean=seconds("cleanrate") if "cleanrate" in options else Rates().clean,
        switch=seconds("switchrate") if "switchrate" in options else None,
    )


def start_targets(options: Mapping[str, str], wanted: Sequence[str | int]) -> list[Target]:
    """Held commands, with the environment of options setenv and unsetenv, and processes."""
    if not wanted:
        return []
    from dscript.runtime.target import start_command, take_process

    for name in d_options.texts(options, "unsetenv"):
        os.environ.pop(name, None)
    for setting in d_options.texts(options, "setenv"):
        name, _, value = setting.partition("=")
        os.environ[name] = value
    targets: list[Target] = []
    try:
        evaltime = d_options.text(options, "evaltime")
        for one in wanted:
            taken = take_process(one) if isinstance(one, int) else start_command(one, evaltime)
            targets.append(taken)
    except BaseException:
        for target in targets:
            target.close()
        raise
    return targets


def _prepare_runtime() -> None:
    """Import what tracing will need; a failure shows when it is used."""
    try:
        import dscript.output.text
        import dscript.runtime.session  # noqa: F401
    except (ImportError, OSError):
        return
