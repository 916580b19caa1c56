"""The compiler runs in a forked child: LLVM can end its process, the parent stays small.

The child is forked before anything heavy is imported, and sends one message back through
a pipe: the compiled program, or what is wrong with the D program.  A child that ends
without one was ended by LLVM, whose last words on stderr are then the message.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
from typing import NamedTuple, NoReturn

from dscript import progress
from dscript.errors import Diagnostic, DscriptError, Position, Span, TracingError
from dscript.program import CompiledProgram
from dscript.request import CompileRequest

# How often progress is shown while nothing is reported, in seconds.
_REPORT_INTERVAL = 0.1


class _QuotedLine(NamedTuple):
    """A `SourceLike` of the one line that a diagnostic shows."""

    title: str
    is_command_line: bool
    is_library: bool
    place: Position
    text: str

    def position(self, offset: int) -> Position:
        return self.place

    def line_text(self, offset: int) -> str:
        return self.text


class _Failure(NamedTuple):
    """A `DscriptError` on its way through the pipe; `width` is that of its span."""

    tag: str | None
    message: str
    hint: str | None
    line: _QuotedLine | None = None
    width: int = 0

    def error(self) -> DscriptError:
        if self.tag is None:
            return TracingError(self.message, self.hint)
        span = None if self.line is None else Span(self.line, 0, self.width)
        return Diagnostic(self.tag, self.message, span, self.hint)


class Compilation:
    """A compilation under way; the parent may do other work before it asks for the result."""

    def __init__(self, request: CompileRequest) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._pipe, write_end = os.pipe()
        self._words = os.memfd_create("dscript-compiler")  # its stderr
        # Where it tells how far it is; nobody reads it unless someone listens.
        self._reports, reports = os.pipe() if progress.heard() else (-1, -1)
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._pipe)
            _send_reports(reports)
            _child(request, write_end, self._words)
        os.close(write_end)
        if reports >= 0:
            os.close(reports)

    def result(self) -> CompiledProgram:
        """Wait for the program; raises what the compiler raised."""
        try:
            self._follow()
            with open(self._pipe, "rb") as pipe:
                data = pipe.read()
            _, status = os.waitpid(self._pid, 0)
            if status != 0 or not data:
                raise self._ended(status)
            message = pickle.loads(data)
        finally:
            os.close(self._words)
        if isinstance(message, _Failure):
            raise message.error()
        return CompiledProgram.from_bytes(message)

    def _follow(self) -> None:
        """Pass reports on until the result comes."""
        if self._reports < 0:
            return
        import select

        what, done, total = "compiling", "0", "0"
        try:
            while True:
                progress.report(what, int(done), int(total))
                ready, _, _ = select.select([self._pipe, self._reports], [], [], _REPORT_INTERVAL)
                if self._pipe in ready:
                    return
                if ready:
                    text = os.read(self._reports, 1 << 16).decode()
                    if not text:
                        return
                    what, done, total = text.splitlines()[-1].split("\t")
        finally:
            os.close(self._reports)
            progress.finish()

    def _ended(self, status: int) -> TracingError:
        """The child ended without a message."""
        os.lseek(self._words, 0, os.SEEK_SET)
        said = os.read(self._words, 1 << 16).decode("utf-8", "replace").strip()
        lines = [line for line in said.splitlines() if line.strip()]
        if lines:
            if "BPF stack limit" in lines[0]:
                return TracingError(*_too_large(lines[0]))
            return TracingError(f"the compiler failed: {lines[0]}", *lines[1:2])
        code = os.waitstatus_to_exitcode(status)
        how = f"exited with status {code}" if code >= 0 else f"was ended by signal {-code}"
        return TracingError(f"the compiler {how}")


def _too_large(said: str) -> tuple[str, str]:
    """`error: FILE:LINE:COLUMN: in function …`: a clause needs more stack than there is."""
    line = said.split(": in function")[0].split(":")[-2:-1]
    where = f"the clause at line {line[0]}" if line and line[0].isdecimal() else "a clause"
    return (
        f"{where} takes more than the 512 bytes of stack that BPF programs have",
        "divide it into several clauses",
    )


def compile_apart(request: CompileRequest) -> CompiledProgram:
    """Compile in a child process and wait for it."""
    return Compilation(request).result()


def internal_error(error: BaseException) -> TracingError:
    """A fault of dscript itself as one line; the traceback goes to a private file."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    summary = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    try:
        fd, path = tempfile.mkstemp(prefix="dscript-error-", suffix=".txt")
        with open(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        return TracingError(f"internal error: {summary}, please report it")
    return TracingError(f"internal error: {summary}, please report it; the details are in {path}")


def _send_reports(pipe: int) -> None:
    """In the child: reports go through a pipe, a line each (what, done, total)."""
    if pipe < 0:
        progress.listen(None)
        return
    os.set_blocking(pipe, False)

    def send(what: str, done: int, total: int) -> None:
        with contextlib.suppress(OSError):  # a full pipe, or nobody reads any more
            os.write(pipe, f"{what}\t{done}\t{total}\n".encode())

    progress.listen(send)


def _child(request: CompileRequest, pipe: int, words: int) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(words, 2)
        os.dup2(words, 1)
        gc.disable()  # the process ends before garbage matters
        message = _message(request)
        with open(pipe, "wb") as file:
            pickle.dump(message, file, protocol=5)
        status = 0
    except OSError:  # the parent is gone
        status = 1
    finally:
        os._exit(status)


def _message(request: CompileRequest) -> bytes | _Failure:
    """What to send: the program's bytes or the failure."""
    try:
        from dscript.pipeline import compile_program

        return compile_program(request).to_bytes()
    except Diagnostic as wrong:
        return _failure(wrong)
    except DscriptError as wrong:
        return _Failure(None, wrong.message, wrong.hint)
    except RecursionError:
        return _Failure("D_SYNTAX", "the program is nested too deeply", None)
    except MemoryError:
        return _Failure("D_NOMEM", "not enough memory to compile the program", None)
    except Exception as fault:
        return _Failure(None, internal_error(fault).message, None)


def _failure(wrong: Diagnostic) -> _Failure:
    span = wrong.span
    if span is None:
        return _Failure(wrong.tag, wrong.message, wrong.hint)
    source = span.source
    line = _QuotedLine(
        source.title,
        source.is_command_line,
        source.is_library,
        span.position,
        source.line_text(span.start),
    )
    return _Failure(wrong.tag, wrong.message, wrong.hint, line, span.end - span.start)
