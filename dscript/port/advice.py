"""What a complaint of the compiler means for someone who brings a script of another system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dscript.errors import Span
from dscript.port import foreign
from dscript.port.foreign import Foreign
from dscript.port.programs import Program
from dscript.port.rewrite import Change, carried, idioms, moved
from dscript.port.survey import Problem, Survey
from dscript.port.verdict import Finding
from dscript.syntax import ast

# Tags of what no dtrace takes.
_BROKEN = re.compile(
    r"D_(?:SYNTAX|EMPTY|INT_|STR_|CHR_|PRAG|DECL_|MACRO_OFLOW|CPP|PDESC_INVAL|PROV_|LIB_|OP_LVAL)"
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_TYPO = re.compile(r"((?:tick|profile)-\d+)[ _-]?(seconds?|secs|minutes?|mins?|hertz|Hz|HZ)\b")
_UNITS = {"s": "s", "m": "m", "h": "hz"}
# Complaints about arguments, which follow from a probe that is not there.
_OF_ARGUMENTS = ("D_ARGS_NONE", "D_ARGS_IDX", "D_ARGS_TYPE", "D_ARGS_MULTI")


@dataclass(slots=True)
class Advice:
    """What is to be said of a program, and the changes that are right without a thought.

    `tolerated` says that what is wrong depends on programs that are not running, so that the
    compiler's word is not the last one.  `changes` go by the number of the program's text.
    """

    findings: list[Finding] = field(default_factory=list)
    changes: list[tuple[int, Change]] = field(default_factory=list)
    lines: list[tuple[int, int, str, str]] = field(default_factory=list)
    tolerated: bool = False


def advise(program: Program, found: Survey, file_text: str) -> Advice:
    """Look at each problem of a program, and for what means something else here."""
    advice = Advice()
    _remark(advice, program, file_text)
    zero_ok = "zdefs" in program.options
    lost: set[int] = set()
    for problem in found.problems:
        if problem.tag in _OF_ARGUMENTS and id(problem.item) in lost:
            continue
        if problem.tag == "D_PDESC_ZERO" and isinstance(problem.item, ast.Clause):
            lost.add(id(problem.item))
            _probe(advice, problem, zero_ok)
        else:
            _name(advice, problem)
    _rewrite(advice, found)
    return advice


def _remark(advice: Advice, program: Program, file_text: str) -> None:
    """Notes on what runs and may mean something else; each once for a line."""
    for text in program.texts:
        content = text.content
        code = _COMMENT.sub(lambda found: " " * len(found[0]), content.text)
        for remark in foreign.remarks():
            for match in remark.pattern.finditer(code):
                shown = "shown" if "shown" in remark.pattern.groupindex else 0
                line = file_text.count("\n", 0, content.near(match.start(shown))) + 1
                subject = " ".join(match[shown].split())
                advice.findings.append(Finding("note", line, subject, remark.text))


# ------------------------------------------------------------------------------- probes


def _probe(advice: Advice, problem: Problem, zero_ok: bool) -> None:
    """A description that matches nothing."""
    description = _description(problem)
    if description is None:
        advice.findings.append(_own_words(problem, "foreign"))
        return
    entry, of_user = lookup(description)
    subject = f"probe {problem.text}"
    if entry is not None and not of_user:
        advice.findings.append(_explained(problem, subject, entry))
    elif of_user:
        advice.tolerated = True
        what = entry.what if entry is not None else "the program it is of defines its probes"
        advice.findings.append(Finding("note", problem.line, subject, what))
    elif zero_ok:
        text = "is not here; option -Z passes over it"
        advice.findings.append(Finding("note", problem.line, subject, text))
        advice.tolerated = True
    else:
        advice.findings.append(_own_words(problem, "foreign", subject))
    typo = _TYPO.search(problem.text)
    if typo is not None and problem.place is not None:
        text = typo[1] + _UNITS[typo[2][0].lower()]
        start = problem.place[0] + typo.start()
        advice.lines.append((start, start + len(typo[0]), text, f"the unit is {text[-1]}"))


def _description(problem: Problem) -> ast.ProbeDescription | None:
    """The description a problem is about."""
    assert isinstance(problem.item, ast.Clause)
    for probe in problem.item.probes:
        source = probe.span.source
        text = getattr(source, "text", "")[probe.span.start : probe.span.end]
        if text == problem.text:
            return probe
    return None


def lookup(probe: ast.ProbeDescription) -> tuple[Foreign | None, bool]:
    """What is known of a probe that matches nothing here, and whether a program may have it."""
    provider = probe.provider
    base = re.sub(r"(?:\$\$?\w+|\d+|\*)$", "", provider)
    if base == "pid":
        library = foreign.names().find(f"library {probe.module}") if probe.module else None
        return library, library is None
    if provider in ("fbt", "kprobe", "kretprobe", ""):
        found = foreign.functions().find(probe.function) if probe.function else None
        module = f"module {probe.module}"
        return found or (foreign.names().find(module) if probe.module else None), False
    if provider == "syscall":
        return foreign.names().find(f"syscall {probe.function}"), False
    for name in (provider, base):
        known = foreign.probes().find(f"{name}:::{probe.name}")
        if known is not None:
            return known, False
    entry = foreign.providers().find(provider) or foreign.providers().find(base)
    if entry is not None:
        return entry, entry.of == "program"
    return None, base != provider


def _explained(problem: Problem, subject: str, entry: Foreign) -> Finding:
    return Finding("foreign", problem.line, subject, entry.sentence, entry.near, entry.example)


def _own_words(problem: Problem, kind: str, subject: str = "") -> Finding:
    """The compiler's message as it is."""
    text = problem.message if problem.hint is None else f"{problem.message}; {problem.hint}"
    return Finding(kind, problem.line, subject or problem.text, text)


# -------------------------------------------------------------------- names and types


def _name(advice: Advice, problem: Problem) -> None:
    """A type, a member, a variable or a function; or text that is no D."""
    if problem.tag == "D_INCLUDE":
        return  # judged without it
    entry = _known_name(problem)
    if entry is not None:
        advice.findings.append(_explained(problem, problem.text, entry))
        if entry.move is not None and entry.move.function and problem.place is not None:
            at = problem.text.find(entry.name)
            if at >= 0:
                start = problem.place[0] + at
                edit = (start, start + len(entry.name), entry.move.function, entry.what)
                advice.lines.append(edit)
        return
    broken = _BROKEN.match(problem.tag) is not None and "resolve type" not in problem.message
    advice.findings.append(_own_words(problem, "broken" if broken else "foreign"))


def _known_name(problem: Problem) -> Foreign | None:
    """The entry of the first name in the text, or in the message, that the data know."""
    structures, names = foreign.structures(), foreign.names()
    members = re.findall(r"(?:->|\.)\s*(\w+)", problem.text)
    for word in _WORD.findall(problem.text):
        found = names.find(f"`{word}") if f"`{word}" in problem.text else None
        found = found or structures.entries.get(word) or names.entries.get(word)
        if found is not None:
            return found
    for member in reversed(members):
        found = names.find(f"member {member}")
        if found is not None:
            return found
    for word in _WORD.findall(problem.message):
        found = structures.entries.get(word)
        if found is not None:
            return found
    return None


# ----------------------------------------------------------------------------- rewriting


def _rewrite(advice: Advice, found: Survey) -> None:
    """Changes of clauses that have a problem."""
    clauses: dict[int, tuple[int, ast.Clause]] = {}
    for problem in found.problems:
        if isinstance(problem.item, ast.Clause):
            clauses.setdefault(id(problem.item), (problem.index, problem.item))
    missing = {id(item): _foreign_probes(item, found) for _, item in clauses.values()}
    every = [item for tree in found.programs for item in tree.items if isinstance(item, ast.Clause)]
    variables = carried((item, missing.get(id(item), {})) for item in every)
    for index, item in clauses.values():
        source = found.sources[index]
        entries = missing[id(item)]
        changes = None
        if entries:
            changes = _renamed(item, entries) or moved(item, source, entries, variables)
        for change in changes if changes is not None else idioms(item, source):
            advice.changes.append((index, change))


def _foreign_probes(item: ast.Clause, found: Survey) -> dict[Span, Foreign]:
    """The descriptions of a clause that only another kernel has."""
    entries = {}
    for probe in item.probes:
        if any(other.item is item and other.text == _text(probe) for other in found.problems):
            entry, of_user = lookup(probe)
            if entry is not None and not of_user:
                entries[probe.span] = entry
    return entries


def _text(probe: ast.ProbeDescription) -> str:
    text: str = getattr(probe.span.source, "text", "")
    return text[probe.span.start : probe.span.end]


def _renamed(item: ast.Clause, found: Mapping[Span, Foreign]) -> list[Change]:
    """Probes of programs with the library, or the name, that they have on Linux."""
    changes = []
    for probe in item.probes:
        entry = found.get(probe.span)
        if entry is None or entry.move is None or not entry.move.function:
            continue
        text = _text(probe)
        if entry.name.startswith("library "):
            old = probe.module
            at = text.find(f":{old}:") + 1
        elif ":::" in entry.name:
            old = probe.name
            at = text.rfind(f":{old}") + 1
        else:
            continue
        if at:
            start = probe.span.start + at
            changes.append(Change(start, start + len(old), entry.move.function, entry.what))
    return changes
