"""panic() ends a guest of its own: that boot must end in the kernel's panic."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.vm import guest

pytestmark = [pytest.mark.vm, pytest.mark.xdist_group("vm")]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = 'BEGIN { printf("last words\\n"); panic(); } tick-1s { printf("went on\\n"); exit(0); }'


def test_panic_ends_the_kernel(tmp_path: Path) -> None:
    missing = guest.missing_tools()
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    dscript = str(Path(sys.executable).with_name("dscript"))
    command = shlex.join([dscript, "-qwn", PROGRAM])
    with pytest.raises(guest.GuestError):
        guest.run(guest.prepare(), command, tmp_path, directory=ROOT, timeout=180)
    console = (tmp_path / "console").read_text(errors="replace")
    assert "Kernel panic - not syncing: sysrq triggered crash" in console
    assert "went on" not in (tmp_path / "stdout").read_text()
