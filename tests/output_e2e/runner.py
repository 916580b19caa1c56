"""Cases of the output tests: a command, what it must print to the character, and its status.

A file under `cases/` is one chapter:

    === name
    -q
    BEGIN { printf("%d\\n", 42); exit(3); }
    --- stdout
    42

    --- status 3

The first line holds command-line words ({folder} stands for a fresh folder), the program
follows and is run with -s.  `--- stdout`, `--- stderr` and `--- file NAME` begin the exact
text, one line a line; PID is any process; `·` stands for a blank that ends a line.
`--- stderr` left out means that nothing may be there.  In the text {script} is the path of
the program.  Cases run on CPU 0, so that the CPU column is known.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.command import dscript

FOLDER = Path(__file__).parent / "cases"


@dataclass(slots=True)
class Case:
    chapter: str
    name: str
    line: int
    words: list[str] = field(default_factory=list)
    program: str = ""
    stdout: str = ""
    stderr: str = ""
    files: dict[str, str] = field(default_factory=dict)
    status: int = 0

    @property
    def title(self) -> str:
        return f"{self.chapter}-{self.name.replace(' ', '_')}"


def read_cases() -> list[Case]:
    cases: list[Case] = []
    for path in sorted(FOLDER.glob("*.txt")):
        text = path.read_text()
        at = 0
        for part in text.split("=== ")[1:]:
            line = text.count("\n", 0, text.index("=== " + part, at)) + 1
            at = text.index("=== " + part, at)
            cases.append(_read(path.stem, line, part))
    return cases


def _read(chapter: str, line: int, text: str) -> Case:
    name, words, rest = text.split("\n", 2)
    program, *sections = rest.removesuffix("\n").split("\n--- ")
    case = Case(chapter, name.strip(), line, shlex.split(words), program.strip("\n") + "\n")
    for section in sections:
        head, *body = section.split("\n")
        kind, _, argument = head.partition(" ")
        if kind == "status":
            case.status = int(argument)
        elif kind == "file":
            case.files[argument] = _text(body)
        elif kind in ("stdout", "stderr"):
            setattr(case, kind, _text(body))
        else:
            raise AssertionError(f"{chapter} line {line}: unknown section {head}")
    return case


def _text(lines: list[str]) -> str:
    text = ""
    for line in lines:
        kept = line.rstrip("·")
        text += kept + " " * (len(line) - len(kept)) + "\n"
    return text


def run(words: list[str], program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program from a script in `folder`."""
    script = folder / "case.d"
    script.write_text(program.replace("{folder}", str(folder)))
    given = [word.replace("{folder}", str(folder)) for word in words]
    done = dscript(
        *("-x", "cpu=0", *given[: _split(given)], "-s", str(script), *_after(given)),
        environment={"TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    out, err = (text.decode(errors="surrogateescape") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def _split(words: list[str]) -> int:
    """Words after `--` are the arguments of the program."""
    return words.index("--") if "--" in words else len(words)


def _after(words: list[str]) -> list[str]:
    return words[_split(words) + 1 :]
