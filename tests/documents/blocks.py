"""The code blocks of README.md and docs/: commands, programs, and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a command line of an indented block begins with; a bare name in the README's lists.
_PROMPT = re.compile(r"^    (?:# )?(dscript .*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `title` is the name under which a later command finds it."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    page: Path
    line: int
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match[1], match[2] or "", match[3]))
    return found


def commands() -> list[Command]:
    """Every command that a page shows: after `# ` in console blocks, and indented ones."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in _FENCE.finditer(text):
            if match[1] == "console":
                first = text.count("\n", 0, match.start()) + 2
                for number, line in enumerate(match[3].splitlines()):
                    if line.startswith("# "):
                        found.append(Command(page, first + number, line[2:]))
        unfenced = _FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
        for match in _PROMPT.finditer(unfenced):
            found.append(Command(page, unfenced.count("\n", 0, match.start()) + 1, match[1]))
    return found
