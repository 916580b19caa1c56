"""The commands of README.md and docs/ that probe kernel functions."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.documents.blocks import commands
from tests.documents.running import IN_GUEST, prepare, run
from tests.vm.harness import check


@check("6.1")
def check_commands_of_the_documents(shared: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=shared))
    prepare(folder)
    found = [command for command in commands() if IN_GUEST.search(command.text)]
    assert found
    for command in found:
        status, _output, errors = run(command.text, folder, enough=10)
        assert status == 0 and "failed" not in errors, f"{command.name}: {status}: {errors}"
