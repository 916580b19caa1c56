"""Language cases: D programs with what they print, as text files under `cases/`.

A file is one chapter.  A case starts with a line `=== name`, then come the program and its
expectations:

    === addition
    BEGIN { trace(1 + 2); exit(0); }
    --- stdout
    3

`--- stdout` and `--- stderr` begin the expected text (compared without blanks at line ends
and without outer newlines; stderr only if given).  `--- stderr has` begins lines that stderr
must contain, `--- tag TAG [LINE]` expects a refused program, `--- status N` an exit status,
`--- options …` gives command-line words before `-s`, `--- arguments …` after the script.

A program whose first line is `:do` is statements only: they run in BEGIN, and a BEGIN clause
after it exits.  One whose first line is `:values` is lines `expression => text`, each traced
in a clause of its own, between statements and declarations (lines without `=>`) that set
things up; a line that starts at the margin with `;` is a declaration outside clauses.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"


@dataclass(slots=True)
class Case:
    """One program and what running it must show.  `stdout` None: not looked at."""

    chapter: str
    name: str
    line: int
    program: str = ""
    stdout: str | None = None
    stderr: str | None = None
    stderr_has: list[str] = field(default_factory=list)
    tag: str = ""
    tag_line: int = 0
    status: int = 0
    options: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    # How many checks the case holds: lines of `:values`, else 1.
    size: int = 1

    @property
    def title(self) -> str:
        return f"{self.chapter}-{self.name.replace(' ', '_')}"


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases of all chapters, in order of file names."""
    cases: list[Case] = []
    for path in sorted(folder.glob("*.txt")):
        cases += _read_file(path)
    return cases


def _read_file(path: Path) -> list[Case]:
    cases: list[Case] = []
    lines: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("=== "):
            _finish(cases, lines)
            cases.append(Case(path.stem, line[4:].strip(), number))
            lines = []
        elif cases:
            lines.append(line)
    _finish(cases, lines)
    names = [case.title for case in cases]
    doubles = {name for name in names if names.count(name) > 1}
    assert not doubles, f"{path}: cases of one name: {doubles}"
    return cases


def _finish(cases: list[Case], lines: list[str]) -> None:
    if not cases:
        return
    case = cases[-1]
    program, sections = _sections(lines)
    for head, text in sections:
        _apply(case, head, text)
    first, _, rest = program.lstrip("\n").partition("\n")
    if first == ":do":
        case.program = f"BEGIN\n{{\n{rest}\n}}\nBEGIN {{ exit({case.status}); }}\n"
    elif first == ":values":
        case.program, case.stdout, case.size = _values(rest)
    else:
        case.program = program
    if case.tag:
        case.status = 1


def _sections(lines: list[str]) -> tuple[str, list[tuple[str, str]]]:
    program: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("--- "):
            sections.append((line[4:].strip(), []))
        elif sections:
            sections[-1][1].append(line)
        else:
            program.append(line)
    return "\n".join(program) + "\n", [(head, "\n".join(text)) for head, text in sections]


def _apply(case: Case, head: str, text: str) -> None:
    word, _, rest = head.partition(" ")
    match word, rest:
        case "stdout", "":
            case.stdout = text
        case "stderr", "":
            case.stderr = text
        case "stderr", "has":
            case.stderr_has = [line for line in text.splitlines() if line.strip()]
        case "status", _:
            case.status = int(rest)
        case "tag", _:
            tag, _, line = rest.partition(" ")
            case.tag, case.tag_line = tag, int(line or 0)
        case "options", _:
            case.options = shlex.split(rest)
        case "arguments", _:
            case.arguments = shlex.split(rest)
        case _:
            raise AssertionError(f"unknown section {head!r} of case {case.name}")


def _values(text: str) -> tuple[str, str, int]:
    clauses: list[str] = []
    expected: list[str] = []
    for line in text.splitlines():
        expression, arrow, value = line.rpartition("=>")
        if not line.strip():
            continue
        if arrow:
            number = len(expected) + 1
            clauses.append(
                f'BEGIN {{ trace("{number}: "); trace({expression.strip()}); trace("\\n"); }}'
            )
            expected.append(f"{number}: {value.strip()}")
        elif line.startswith(";"):
            clauses.append(line[1:].strip())
        else:
            clauses.append(f"BEGIN {{ {line.strip()} }}")
    clauses.append("BEGIN { exit(0); }")
    return "\n".join(clauses) + "\n", "\n".join(expected), len(expected)
