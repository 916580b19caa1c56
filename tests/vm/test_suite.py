"""Which of the providers' tests run in the guest: each module does, or says why not."""

from __future__ import annotations

from pathlib import Path

from tests.vm import suite


def test_every_module_of_the_providers_is_accounted_for() -> None:
    folder = Path(__file__).resolve().parents[1] / "providers"
    assert {path.name for path in folder.glob("test_*.py")} == set(suite.MODULES) | set(
        suite.ELSEWHERE
    )
    assert not set(suite.MODULES) & set(suite.ELSEWHERE)
