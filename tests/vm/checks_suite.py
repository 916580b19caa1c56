"""Checks in the guest: the tests of tests/providers that can run there, a check a module."""

from __future__ import annotations

from pathlib import Path

from tests.vm import suite
from tests.vm.harness import register

for _module in suite.MODULES:

    def _check(shared: Path, module: str = _module) -> None:
        suite.run(module, shared)

    register(f"suite_{_module.removesuffix('.py').removeprefix('test_')}", _check, ("6.1",))
