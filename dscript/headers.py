"""C headers of the system in preprocessed scripts: what D does not read is left out.

Inline functions are definitions, which D has none of; a script that includes a header with some
does not use them.
"""

from __future__ import annotations

import os
import re

# A marker of cpp; the flag 3 says that the file is the system's (GNU cpp manual, "Preprocessor
# Output").
_MARK = re.compile(r'^# \d+ "((?:[^"\\\n]|\\.)*)"((?: \d)*)[^\n]*$', re.MULTILINE)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|^#[^\n]*|[{};]', re.MULTILINE)


def stub_folder() -> str:
    """Headers of other systems that Linux lacks, to be looked for last."""
    from dscript.resources import directory

    return os.path.join(directory("stdlib"), "include")


def without_functions(text: str) -> str:
    """The text with function definitions of system headers blanked; lines stay where they are."""
    parts: list[str] = []
    at = 0
    system = False
    run: list[str] = []
    for mark in _MARK.finditer(text):
        run.append(text[at : mark.start()])
        now = "3" in mark[2].split()
        if now != system:
            parts.append(_blanked("".join(run)) if system else "".join(run))
            run, system = [], now
        run.append(mark[0])
        at = mark.end()
    run.append(text[at:])
    parts.append(_blanked("".join(run)) if system else "".join(run))
    return "".join(parts)


def _blanked(text: str) -> str:
    """A stretch of system headers without the functions that it defines.

    At file level a `{` behind a `)` begins a function's body; what it belongs to starts behind
    the last `;` or `}` of that level.
    """
    out: list[str] = []
    kept = start = depth = 0
    function = False
    for token in _TOKEN.finditer(text):
        char = token[0]
        if char == "{":
            if depth == 0:
                function = _before(text, token.start()).endswith(")")
            depth += 1
        elif char == "}":
            depth = max(depth - 1, 0)
            if depth == 0 and function:
                out.append(text[kept:start])
                out.append(_only_marks(text[start : token.end()]))
                kept = token.end()
                function = False
                start = kept
        elif char == ";" and depth == 0:
            start = token.end()
    out.append(text[kept:])
    return "".join(out)


def _before(text: str, at: int) -> str:
    """What stands before a place, blanks and markers of cpp left out."""
    end = at
    while True:
        stripped = text[:end].rstrip()
        line = stripped.rfind("\n") + 1
        if not stripped.startswith("#", line):
            return stripped[-1:]
        end = line


def _only_marks(text: str) -> str:
    """The line markers of a text, its line breaks, and nothing else."""
    return "\n".join(line if line.startswith("#") else "" for line in text.split("\n"))
