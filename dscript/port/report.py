"""Verdicts as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from dscript.port.judge import ported_name
from dscript.port.verdict import Class, Finding, Verdict

_MOST = 20  # obstacles that a report lists
_ORDER = ("broken", "fault", "foreign", "edit", "alias", "note")


def text(verdict: Verdict, written: str = "") -> str:
    """One file's verdict, with the diff where edits are offered; `written`: the new file."""
    lines = [f"{verdict.path}: {verdict.title}{_counted(verdict)}"]
    lines += [f"  {_line(verdict, finding)}" for finding in _sorted(verdict)]
    if written:
        lines.append(f"  written to {written}")
    elif verdict.diff:
        lines.append(f"  --write makes {ported_name(verdict.path)}")
    if verdict.diff:
        lines += ["", verdict.diff.rstrip("\n")]
    return "\n".join(lines)


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many files are of each class."""
    counts = [(cls, sum(v.cls is cls for v in verdicts)) for cls in Class]
    parts = [f"{cls.title} {count}" for cls, count in counts if count]
    files = "1 file" if len(verdicts) == 1 else f"{len(verdicts)} files"
    return f"{files}: " + ", ".join(parts)


def markdown(verdicts: Sequence[Verdict], folder: str) -> str:
    """A report on a folder: counts, what is most in the way, then the files class by class."""
    parts = [f"# Porting {folder}\n", "| class | files |\n| --- | ---: |"]
    for cls in Class:
        parts.append(f"| {cls.title} | {sum(v.cls is cls for v in verdicts)} |")
    parts += _obstacles(verdicts)
    for cls in Class:
        members = [verdict for verdict in verdicts if verdict.cls is cls]
        if members:
            parts.append(f"\n## {cls.title[0].upper()}{cls.title[1:]}\n")
        for verdict in members:
            parts.append(_entry(verdict))
    return "\n".join(parts) + "\n"


def _obstacles(verdicts: Sequence[Verdict]) -> list[str]:
    """What stands in the way of most files."""
    files: Counter[Finding] = Counter()
    for verdict in verdicts:
        reasons = (finding for finding in verdict.of_kind("foreign") if finding.nearest)
        files.update({finding._replace(line=0, subject="") for finding in reasons})
    if not files:
        return []
    lines = ["\n## In the way of most\n", "| what | nearest here | files |", "| --- | --- | ---: |"]
    for finding, count in files.most_common(_MOST):
        near = ", ".join(f"`{name}`" for name in finding.nearest)
        lines.append(f"| {finding.text} | {near} | {count} |")
    return lines


def json_text(verdicts: Sequence[Verdict]) -> str:
    """One object a file and line."""
    return "\n".join(json.dumps(_object(verdict)) for verdict in verdicts)


def _object(verdict: Verdict) -> dict[str, object]:
    return {
        "path": _plain(verdict.path),
        "class": verdict.cls.name.lower(),
        "status": verdict.cls.status,
        "programs": verdict.programs,
        "findings": [
            {key: _plain(value) if isinstance(value, str) else value for key, value in entry}
            for entry in (finding._asdict().items() for finding in verdict.findings)
        ],
        "diff": _plain(verdict.diff),
    }


def _plain(value: str) -> str:
    """Text that every encoding has: bytes that were not UTF-8 are shown as such."""
    return value.encode("utf-8", "backslashreplace").decode()


def _entry(verdict: Verdict) -> str:
    name = verdict.path
    if not verdict.findings:
        return f"- `{name}`{_counted(verdict)}"
    lines = [f"- `{name}`{_counted(verdict)}"]
    lines += [f"  - {_line(verdict, finding, code='`')}" for finding in _sorted(verdict)]
    if verdict.diff:
        body = verdict.diff.rstrip("\n").splitlines()
        lines += ["", "  ```diff", *(f"  {line}" for line in body), "  ```"]
    return "\n".join(lines)


def _counted(verdict: Verdict) -> str:
    return f" ({verdict.programs} programs)" if verdict.programs > 1 else ""


def _sorted(verdict: Verdict) -> list[Finding]:
    return sorted(verdict.findings, key=lambda f: (_ORDER.index(f.kind), f.line))


def _line(verdict: Verdict, finding: Finding, code: str = "") -> str:
    where = f"{verdict.path}:{finding.line}: " if finding.line else ""
    subject = f"{code}{finding.subject}{code} " if finding.subject else ""
    said = f"{where}{subject}{finding.text}"
    if finding.kind == "note":
        said = f"note: {said}"
    if finding.nearest:
        near = ", ".join(f"{code}{name}{code}" for name in finding.nearest)
        said = f"{said}; nearest here: {near}"
    if finding.example:
        said = f"{said}; see examples/{finding.example}"
    return said
