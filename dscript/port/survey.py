"""Checking a program to its end: everything the compiler has against it, and where.

Nothing is attached and nothing runs.  Kernel functions are taken to be probeable even where
this kernel refuses that, since the script will run on another one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from dscript.compiler_child import compile_apart
from dscript.errors import Diagnostic, DscriptError, Span
from dscript.kernel import features
from dscript.pipeline import prepare
from dscript.port.mapped import Mapped
from dscript.port.programs import Program, macro_arguments
from dscript.request import CompileRequest, Piece, user_libraries
from dscript.scripts import script_of
from dscript.source import Source
from dscript.syntax import ast

_WRONG_INCLUDE = re.compile(r"fatal error: (\S+): No such file")

# The end of what is said of a name that was replaced.
_OFF = "; -x compat=none turns this off"


@dataclass(slots=True)
class Problem:
    """One complaint of the compiler.

    `text` is what the caret stands under, `place` where that is in the file (offsets; None
    where it is not there as such), `line` the file's line.  `item` is the declaration or
    clause it is in; `index` the number of the program's text.
    """

    tag: str
    message: str
    hint: str | None
    text: str
    line: int
    place: tuple[int, int] | None
    item: ast.Item | None = None
    index: int = 0


@dataclass(slots=True)
class Survey:
    """A program as the compiler sees it.

    `aliases` are its remarks on names that stand for those of Linux, `notes` its others.
    """

    sources: list[Source] = field(default_factory=list)
    programs: list[ast.Program] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Place:
    """Where spans of a program's source stand in the file."""

    def __init__(self, file_text: str, content: Mapped, source: Source) -> None:
        self._file = file_text
        self._content = content
        self._source = source
        self._is_raw = source.text == content.text

    def line(self, span: Span) -> int:
        """The line of the file, from 1."""
        if self._is_raw:
            offset = self._content.near(span.start)
        else:
            offset = self._content.near(self._line_start(span) or 0)
        return self._file.count("\n", 0, offset) + 1

    def range(self, span: Span) -> tuple[int, int] | None:
        """Offsets in the file of the very text of a span; None where it is not there."""
        if self._is_raw:
            return self._content.place(span.start, span.end)
        start = self._line_start(span)
        if start is None:
            return None
        # The preprocessor moves what stands on a line; the text itself is found again.
        end = self._content.text.find("\n", start)
        line = self._content.text[start : end if end >= 0 else None]
        snippet = self._source.text[span.start : span.end]
        if not snippet or "\n" in snippet or line.count(snippet) != 1:
            return None
        at = start + line.index(snippet)
        return self._content.place(at, at + len(snippet))

    def _line_start(self, span: Span) -> int | None:
        """Where the line that a preprocessed span is of begins in the content."""
        position = span.position
        if position.file != self._source.title:
            return None
        at = 0
        for _ in range(position.line - 1):
            at = self._content.text.find("\n", at) + 1
            if at == 0:
                return None
        return at


def request_for(program: Program, path: str, *, zero_ok: bool) -> CompileRequest:
    """The compilation that a run would ask for.  Raises DscriptError where cpp fails."""
    options = {name: value for name, value in program.options.items() if name != "destructive"}
    # What a script may do is not in question here.
    pieces = []
    for text in program.texts:
        if text.kind == "s":
            data = text.content.text.encode("utf-8", "surrogateescape")
            source = script_of(data, path, options)
        else:
            content = text.content.text
            source = Source(content, content, is_command_line=True)
        pieces.append(Piece(text.kind, source))
    named = "$target" in program.source
    return CompileRequest(
        pieces=tuple(pieces),
        options={**options, "zdefs": ""} if zero_ok else options,
        arguments=macro_arguments(program),
        program_name=path,
        destructive=True,
        zero_ok=zero_ok,
        has_target=named or program.targeted,
        # Any process serves to see what a target's libraries may offer.
        target=os.getpid() if named else 0,
        library_dirs=user_libraries(),
    )


def survey(program: Program, path: str, file_text: str) -> Survey:
    """All that is wrong with a program."""
    result = Survey()
    try:
        request = request_for(program, path, zero_ok=False)
    except DscriptError as wrong:
        result.problems.append(_preprocessing(wrong, program, file_text))
        return result
    result.sources = [piece.source for piece in request.pieces]
    try:
        prepared = prepare(request)
    except Diagnostic as wrong:
        result.problems.append(_problem(wrong, None, program, result.sources, file_text))
        return result
    result.programs = prepared.programs
    checker = prepared.checker
    missed: set[str] = set()
    for index, tree in enumerate(prepared.programs):
        for item, error in checker.survey(tree):
            problem = _problem(error, item, program, result.sources, file_text, index)
            if problem.tag != "D_PDESC_ZERO":
                if problem.text.removeprefix("@") in missed or _follows(problem, missed):
                    continue
                missed |= assigned_in(item)
            result.problems.append(problem)
    said = dict.fromkeys((*checker.environment.remarks, *checker.notes))
    result.aliases = tuple(
        text.removesuffix(_OFF)
        for text in said
        if text in checker.environment.remarks or text.endswith(_OFF)
    )
    own = f"pid{os.getpid()}:"  # what is said of this process is nothing of the target
    result.notes = tuple(
        text for text in said if text.removesuffix(_OFF) not in result.aliases and own not in text
    )
    return result


def _follows(problem: Problem, missed: set[str]) -> bool:
    """Whether a name is unknown because the item that defines it is wrong."""
    if problem.tag not in ("D_VAR_UNDEF", "D_IDENT_UNDEF", "D_TYPE_ERR") and not (
        problem.tag.endswith("_AGGBAD")
    ):
        return False
    return bool(set(re.findall(r"[A-Za-z_]\w*", problem.text)) & missed)


def assigned_in(item: ast.Item) -> set[str]:
    """Names that an item declares or assigns."""
    names: set[str] = set()
    if isinstance(item, ast.Declaration | ast.Inline):
        names.add(item.name)
        spec = item.type.spec
        if isinstance(spec, ast.StructType | ast.EnumType) and spec.tag:
            names.add(spec.tag)
    if isinstance(item, ast.Clause):
        text = item.span.source
        if isinstance(text, Source):
            body = text.text[item.span.start : item.span.end]
            names |= set(re.findall(r"(\w+)\s*(?:\[[^]]*\]\s*)?(?:[-+|]?=(?!=)|\+\+|--)", body))
    return names


def compiles(program: Program, path: str, *, zero_ok: bool) -> DscriptError | None:
    """Compile to the end, in a process of its own; what went wrong, if anything."""
    try:
        compile_apart(request_for(program, path, zero_ok=zero_ok))
    except DscriptError as wrong:
        return wrong
    return None


def assume_capable_kernel() -> list[tuple[str, str]]:
    """Judge as for a kernel that allows all that D may want.

    Returns what this one does not allow: a text that scripts which want it hold, and a phrase.
    """
    lacking: list[tuple[str, str]] = []
    assumed: list[str] = []
    if not any(features.works(name) for name in ("fentry", "kprobe_multi", "kprobe")):
        lacking.append(("fbt:", "probes on kernel functions (fbt)"))
        assumed += ["fentry", "fexit", "kprobe"]
    if not features.helper("probe_write_user").works:
        lacking.append(("copyout", "copyout()"))
        assumed.append("helper probe_write_user")
    features.assume(*assumed)
    return lacking


def _preprocessing(wrong: DscriptError, program: Program, file_text: str) -> Problem:
    """A header that is not here, or another fault of cpp."""
    missing = _WRONG_INCLUDE.search(wrong.hint or "")
    if missing is None:
        return Problem("D_CPP", wrong.message, wrong.hint, "", 0, None)
    line = re.compile(
        rf"^[ \t]*#[ \t]*include[ \t]*[<\"]{re.escape(missing[1])}[>\"][^\n]*", re.MULTILINE
    )
    found = line.search(file_text)
    if found is None:
        return Problem("D_CPP", wrong.message, wrong.hint, missing[1], 0, None)
    number = file_text.count("\n", 0, found.start()) + 1
    return Problem("D_INCLUDE", wrong.message, wrong.hint, missing[1], number, found.span())


def _problem(
    wrong: Diagnostic,
    item: ast.Item | None,
    program: Program,
    sources: list[Source],
    file_text: str,
    index: int = 0,
) -> Problem:
    span = wrong.span
    if span is None:
        return Problem(wrong.tag, wrong.message, wrong.hint, "", 0, None, item, index)
    at = next((n for n, source in enumerate(sources) if source is span.source), None)
    if at is None:  # in a D library
        return Problem(wrong.tag, wrong.message, wrong.hint, "", 0, None, item, index)
    place = Place(file_text, program.texts[at].content, sources[at])
    text = sources[at].text[span.start : span.end]
    line, where = place.line(span), place.range(span)
    return Problem(wrong.tag, wrong.message, wrong.hint, text, line, where, item, at)
