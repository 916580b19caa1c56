"""Programs with every subroutine are accepted by this kernel's verifier at any strsize."""

from __future__ import annotations

import re

import pytest

from dscript.builtins.subroutines import SUBROUTINES
from tests.language.loading import PARTS, PROGRAMS, SIZES
from tests.language.running import dscript

# Needs a kernel that is not locked down: checks in the guest have them.
ELSEWHERE = {"copyout", "copyoutstr"}


def test_no_subroutine_is_missing() -> None:
    called = set(re.findall(r"\b(\w+)\(", " ".join(PARTS.values())))
    public = {name for name in SUBROUTINES if not name.startswith("__")}
    assert public - called == ELSEWHERE
    assert {part for name in PROGRAMS for part in name.split("+")} == set(PARTS)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_subroutines_load(name: str, size: int) -> None:
    done = dscript("-x", f"strsize={size}", "-x", "bufsize=4m", "-qn", PROGRAMS[name])
    assert done.returncode == 0 and not done.stderr, done.stderr
