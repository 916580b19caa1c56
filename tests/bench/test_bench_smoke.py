"""The benchmarks' harness works: short runs give sensible figures for both tools."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.bench import measure

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(shutil.which("bpftrace") is None, reason="bpftrace is not installed"),
]


@pytest.fixture(scope="module")
def bench() -> Iterator[measure.Bench]:
    with measure.bench(rounds=1) as b:
        yield b


def test_start_up_names_all_three_ways(bench: measure.Bench) -> None:
    runs = measure.start_up(bench)
    assert set(runs) == {"dscript cold", "dscript cached", "bpftrace"}
    assert runs["dscript cached"].seconds < runs["dscript cold"].seconds


def test_tracing_adds_to_a_system_call(bench: measure.Bench) -> None:
    costs = measure.event_cost(bench, windows=20, calls=2000)
    assert costs["dscript"] > costs["untraced"] > 0
    assert costs["bpftrace"] > costs["untraced"]


def test_lowest_rate_of_records_is_kept_up(bench: measure.Bench) -> None:
    rates = measure.record_rate(bench, milliseconds=100, steps=1)
    assert rates == {"dscript": 25_000, "bpftrace": 25_000}


def test_compiling_more_takes_longer(bench: measure.Bench) -> None:
    times = measure.compile_time(bench, sizes=(5, 200))
    assert times["dscript"][1] > times["dscript"][0]
    assert times["bpftrace"][1] > times["bpftrace"][0]


def test_no_record_is_lost_at_a_low_rate(bench: measure.Bench) -> None:
    lost = measure.lost_records(bench, rate=10_000, milliseconds=200)
    assert lost == dict.fromkeys(measure.TOOLS, (0, 2000))
