"""The verdict on one file: survey, advice, edits tried until nothing is wrong or no more helps."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from dscript.errors import Diagnostic, DscriptError
from dscript.port.advice import Advice, advise
from dscript.port.programs import Program, programs_in
from dscript.port.rewrite import Change
from dscript.port.survey import Survey, compiles, survey
from dscript.port.verdict import Class, Edit, Finding, Verdict

# Each round may bring to light what the one before hid.
_ROUNDS = 12


def judge(path: str, text: str) -> Verdict:
    """What becomes of a file here.  `text` is its content, surrogateescape for odd bytes."""
    programs = programs_in(path, text)
    if not programs:
        return Verdict(path, Class.ERROR, 0, (Finding("broken", 0, "", "holds no D program"),))
    original = text
    first = _look(programs, path, text)
    text, headers = _without_headers(path, text, first)
    if headers:
        programs = programs_in(path, text)
        first = _look(programs, path, text)
    notes = [finding for _, advice in first for finding in advice.findings]
    notes += [Finding("note", 0, "", note) for found, _ in first for note in found.notes]
    aliases = [note for found, _ in first for note in found.aliases]
    if not headers and not any(finding.kind in ("foreign", "broken") for finding in notes):
        failed = _failed(programs, first, path)
        findings = [*_aliases(aliases), *notes, *failed]
        return Verdict(path, _class(findings), len(programs), _distinct(findings))
    ported, edits = _ported(path, text, first, programs)
    if ported is None:
        left_out = [Finding("note", f.line, f.subject, f.text) for f in headers]
        findings = [*_aliases(aliases), *left_out, *notes]
        return Verdict(path, _class(findings), len(programs), _distinct(findings))
    diff = "".join(
        difflib.unified_diff(
            original.splitlines(keepends=True),
            ported.splitlines(keepends=True),
            path,
            path,
        )
    )
    kept = [finding for finding in notes if finding.kind == "note"]
    findings = [*kept, *headers, *edits]
    return Verdict(path, Class.EDITS, len(programs), _distinct(findings), diff, ported)


def ported_name(path: str) -> str:
    """Where --write puts the edited script: `opens.d` becomes `opens.linux.d`."""
    head, dot, tail = path.rpartition(".")
    return f"{head}.linux.{tail}" if dot and "/" not in tail and head else f"{path}.linux"


def _look(programs: Sequence[Program], path: str, text: str) -> list[tuple[Survey, Advice]]:
    result = []
    for program in programs:
        found = survey(program, path, text)
        result.append((found, advise(program, found, text)))
    return result


def _without_headers(
    path: str, text: str, looked: list[tuple[Survey, Advice]]
) -> tuple[str, list[Finding]]:
    """The file without its includes of headers that are not here, which hide all else."""
    made: list[Finding] = []
    for _ in range(_ROUNDS):
        lines = {
            Edit(*problem.place, "", f"header {problem.text} is not here")
            for found, _ in looked
            for problem in found.problems
            if problem.tag == "D_INCLUDE" and problem.place is not None
        }
        if not lines:
            break
        text, findings = _applied(text, sorted(lines), "")
        made += findings
        looked = _look(programs_in(path, text), path, text)
    return text, made


def _failed(
    programs: Sequence[Program], looked: Sequence[tuple[Survey, Advice]], path: str
) -> list[Finding]:
    """What only compiling to the end brings to light."""
    findings = []
    for program, (_, advice) in zip(programs, looked, strict=True):
        if advice.tolerated and any("args" in text.content.text for text in program.texts):
            continue  # types of arguments come from programs that do not run
        wrong = compiles(program, path, zero_ok=advice.tolerated)
        if wrong is not None:
            findings.append(_fault(wrong))
    return findings


def _fault(wrong: DscriptError) -> Finding:
    line = 0
    if isinstance(wrong, Diagnostic) and wrong.span is not None:
        line = wrong.span.position.line
    return Finding(
        "foreign", line, "", wrong.message if not wrong.hint else f"{wrong.message}; {wrong.hint}"
    )


def _aliases(remarks: Sequence[str]) -> list[Finding]:
    return [Finding("alias", 0, "", remark) for remark in remarks]


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))


def _class(findings: Sequence[Finding]) -> Class:
    kinds = {finding.kind for finding in findings}
    if "foreign" in kinds:
        return Class.CANNOT
    if kinds & {"broken", "fault"}:
        return Class.ERROR
    return Class.ALIASES if "alias" in kinds else Class.UNCHANGED


# ---------------------------------------------------------------------------------- edits


def _ported(
    path: str, text: str, looked: list[tuple[Survey, Advice]], programs: list[Program]
) -> tuple[str | None, list[Finding]]:
    """The file with all that is mechanical rewritten, if it then compiles.

    With it come the edits and the aliases that are left.
    """
    findings: list[Finding] = []
    for _ in range(_ROUNDS):
        wrong = [f for _, advice in looked for f in advice.findings if f.kind != "note"]
        if not wrong:
            if _failed(programs, looked, path):
                return None, []
            left = [alias for found, _ in looked for alias in found.aliases]
            return text, [*_aliases(left), *findings]
        edits = _edits(looked, programs)
        if not edits:
            return None, []
        text, made = _applied(text, edits, programs[0].wrapped)
        findings += made
        programs = programs_in(path, text)
        if not programs:
            return None, []
        looked = _look(programs, path, text)
    return None, []


def _edits(looked: list[tuple[Survey, Advice]], programs: list[Program]) -> list[Edit]:
    """The edits of one round in the file, first ones first, none within another."""
    edits: list[Edit] = []
    for program, (found, advice) in zip(programs, looked, strict=True):
        edits += [Edit(*line) for line in advice.lines]
        for index, change in advice.changes:
            edit = _in_file(program, found, index, change)
            if edit is None:
                return []
            edits.append(edit)
    kept: list[Edit] = []
    for edit in sorted(set(edits)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


def _in_file(program: Program, found: Survey, index: int, change: Change) -> Edit | None:
    """A change of a program as an edit of the file; None where its text is not there as such."""
    content = program.texts[index].content
    source = found.sources[index]
    if source.text == content.text:
        place = content.place(change.start, change.end)
    else:  # through cpp: the text itself is looked for
        snippet = source.text[change.start : change.end]
        at = content.text.find(snippet)
        unique = at >= 0 and content.text.find(snippet, at + 1) < 0
        place = content.place(at, at + len(snippet)) if unique else None
    if place is None or (program.wrapped and "'" in change.text):
        return None
    return Edit(*place, change.text, change.why)


def _applied(text: str, edits: Sequence[Edit], wrapped: str) -> tuple[str, list[Finding]]:
    findings = []
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts.append(text[at : edit.start])
        new = re.sub(r"([$@\\])", r"\\\1", edit.text) if wrapped == "perl" else edit.text
        parts.append(new)
        at = edit.end
        line = text.count("\n", 0, edit.start) + 1
        old = " ".join(text[edit.start : edit.end].split())
        becomes = f"becomes {new}: {edit.why}" if new else f"is left out: {edit.why}"
        findings.append(Finding("edit", line, old, becomes))
    parts.append(text[at:])
    return "".join(parts), findings
