"""README.md and docs/: their commands run, their programs compile, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import DSCRIPT
from tests.documents.blocks import PAGES, ROOT, Block, Command, blocks, commands
from tests.documents.running import IN_GUEST, prepare, run

COMMANDS = [command for command in commands() if not IN_GUEST.search(command.text)]
PROGRAMS = [block for block in blocks() if block.language == "d"]
IDIOMS = ROOT / "docs/bpftrace.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("documents")
    prepare(made)
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_command(command: Command, folder: Path) -> None:
    status, _output, errors = run(command.text, folder)
    assert status == 0, errors
    assert "failed" not in errors and "Traceback" not in errors, errors


def compiles(program: str, path: Path) -> None:
    path.write_text(program)
    done = subprocess.run(
        [DSCRIPT, "-we", "-x", "empty", "-s", path, "-c", "true"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if IN_GUEST.search(program) and "cannot be probed on this kernel" in done.stderr:
        return  # its commands run in the guest; its syntax has been taken
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.name)
def test_program_compiles(block: Block, tmp_path: Path) -> None:
    compiles(block.text, tmp_path / "program.d")


def idioms() -> list[str]:
    """The D programs of the first table of bpftrace.md."""
    table = IDIOMS.read_text().partition("## Word by word")[0]
    cells = re.findall(r"^\| `[^`]+` \| `([^`]+)` \|$", table, re.MULTILINE)
    return [cell for cell in cells if "…" not in cell]


@pytest.mark.parametrize("program", idioms())
def test_idiom_compiles(program: str, tmp_path: Path) -> None:
    compiles(program, tmp_path / "idiom.d")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "#")):
            path = page.parent / target.partition("#")[0]
            assert path.exists(), f"{page}: {target}"


def test_the_site_builds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert (tmp_path / "site/tutorial/index.html").exists()
