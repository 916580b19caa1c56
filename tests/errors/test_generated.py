"""Thousands of generated programs: no fault of ours, and the verifier takes what we emit.

DSCRIPT_GENERATED=10000 sets how many; the ordinary run has fewer.  A failure names the seed:
`generate.program(seed)` is the program.
"""

from __future__ import annotations

import os

import pytest

from tests.errors.apart import Outcome, outcomes
from tests.errors.generate import program

COUNT = int(os.environ.get("DSCRIPT_GENERATED", "200"))
_CHUNK = 50

# What may become of a program: it is wrong, or the kernel takes it.
_FINE = ("wrong", "loaded")


def _failures(first: int, count: int) -> list[tuple[int, Outcome]]:
    seeds = range(first, first + count)
    results = outcomes([program(seed) for seed in seeds], load=True)
    return [
        (seed, outcome)
        for seed, outcome in zip(seeds, results, strict=True)
        if outcome.fate not in _FINE
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="loading programs takes root")
@pytest.mark.parametrize("first", range(0, COUNT, _CHUNK))
def test_generated_programs(first: int) -> None:
    failures = _failures(first, min(_CHUNK, COUNT - first))
    assert not failures, "\n".join(
        f"seed {seed}: {outcome.fate} {outcome.text}" for seed, outcome in failures
    )


def test_many_of_them_are_valid() -> None:
    """Programs that are all wrong would prove nothing about the code for right ones."""
    careful = [seed for seed in range(100) if seed % 10 < 5]
    fates = [outcome.fate for outcome in outcomes([program(s) for s in careful], load=False)]
    assert fates.count("compiled") >= len(careful) // 2


def test_a_dying_child_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness itself: a program that ends the process is reported, the rest goes on."""
    from tests.errors import apart

    real = apart.compile_here

    def fatal(text: str, *, load: bool) -> Outcome:
        if text == "die":
            os.write(2, b"last words")
            os._exit(3)
        return real(text, load=load)

    monkeypatch.setattr(apart, "compile_here", fatal)
    good = "BEGIN { trace(1); }"
    first, second, third = outcomes([good, "die", good], load=False)
    assert (first.fate, second.fate, third.fate) == ("compiled", "died", "compiled")
    assert second.text == "status 3: last words"
